"""A small IMAP server on loopback (RFC 3501): one account, its folders, real sockets, TLS if asked.

It keeps what clients mark in ``messages``, and misbehaves as told.
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import cached_property
from typing import TYPE_CHECKING, Self

import trustme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_WORDS = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\([^)]*\))|(\S+)')
_PARTIAL = re.compile(rb"<(\d+)\.(\d+)>")


@dataclass(slots=True)
class Stored:
    """A message in the folder."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class ImapServer:
    """See the module. Use it as a context manager.

    Attributes:
        tls: TLS from the first byte, with a certificate of ``ca``.
        own_marks: Whether clients may set marks of their own.
        uid_first: Whether the UID stands before the content or behind it, as servers differ.
        validity: UIDVALIDITY: another number means that UIDs begin anew.
        messages: What is in the folder.
        commands: What clients asked, without their passwords.
        hangs_up_at: The command at which the connection is closed.
    """

    user: str = "bounces@glow.example.com"
    password: str = "pass/w:rd"
    folder: str = "INBOX"
    tls: bool = False
    own_marks: bool = True
    uid_first: bool = True
    validity: int = 7
    messages: list[Stored] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    hangs_up_at: str = ""

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @cached_property
    def ca(self) -> trustme.CA:
        """Who signed the server's certificate."""
        return trustme.CA()

    def trust_file(self, folder: Path) -> Path:
        """A file with the authority's certificate, for ``SSL_CERT_FILE``."""
        path = folder / "authority.pem"
        self.ca.cert_pem.write_to_path(path)
        return path

    @property
    def url(self) -> str:
        """What BOUNCE_URL gets."""
        scheme = "imaps" if self.tls else "imap"
        login = "bounces%40glow.example.com:pass%2Fw%3Ard"
        return f"{scheme}://{login}@127.0.0.1:{self._server.server_address[1]}/{self.folder}"

    def add(self, raw: bytes, *flags: str) -> Stored:
        """A message comes in."""
        stored = Stored(max((each.uid for each in self.messages), default=40) + 3, raw, set(flags))
        self.messages.append(stored)
        return stored

    def asked(self, word: str) -> list[str]:
        """The commands that hold a word."""
        return [each for each in self.commands if word in each]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, imap: ImapServer) -> None:
        self.imap = imap
        self.context: ssl.SSLContext | None = None
        if imap.tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            imap.ca.issue_cert("127.0.0.1", "localhost").configure_cert(self.context)
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.imap = self.server.imap
        self.logged_in = False
        self.wfile.write(b"* OK ready\r\n")
        handlers: dict[str, Callable[[list[bytes]], str]] = {
            "CAPABILITY": self.capability,
            "LOGIN": self.login,
            "SELECT": self.select,
            "UID": self.uid,
            "LOGOUT": self.logout,
        }
        with suppress(ConnectionError, socket.timeout):
            for line in self.rfile:
                tag, name, *words = _words(line)
                command = name.decode().upper()
                shown = b" ".join(words).decode() if command != "LOGIN" else "..."
                self.imap.commands.append(f"{command} {shown}".strip())
                if command == self.imap.hangs_up_at or shown.startswith(
                    self.imap.hangs_up_at or "nothing"
                ):
                    return
                handler = handlers.get(command)
                answer = handler(words) if handler else "BAD unknown command"
                self.say(f"{tag.decode()} {answer}")
                if command == "LOGOUT":
                    return

    def say(self, line: str | bytes) -> None:
        self.wfile.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def capability(self, _words: list[bytes]) -> str:
        self.say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def login(self, words: list[bytes]) -> str:
        given = [each.decode() for each in words]
        self.logged_in = given == [self.imap.user, self.imap.password]
        # Real servers repeat the name.
        return "OK welcome" if self.logged_in else f"NO no such login: {given[0]}"

    def select(self, words: list[bytes]) -> str:
        if not self.logged_in:
            return "BAD log in first"
        if words[0].decode() != self.imap.folder:
            return f"NO there is no folder {words[0].decode()}"
        self.say(f"* {len(self.imap.messages)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.imap.validity}] valid")
        own = r" \*" if self.imap.own_marks else ""
        self.say(rf"* OK [PERMANENTFLAGS (\Seen \Flagged \Deleted{own})] allowed")
        return "OK [READ-WRITE] selected"

    def logout(self, _words: list[bytes]) -> str:
        self.say("* BYE see you")
        return "OK done"

    def uid(self, words: list[bytes]) -> str:
        action, *rest = [each.decode() for each in words]
        return {"SEARCH": self.search, "FETCH": self.fetch, "STORE": self.store}[action](rest)

    def search(self, words: list[str]) -> str:
        found = list(self.imap.messages)
        remaining = iter(words[0].split() if len(words) == 1 else words)
        for word in remaining:
            if word == "UNKEYWORD":
                mark = next(remaining)
                found = [each for each in found if mark not in each.flags]
            elif word == "UNSEEN":
                found = [each for each in found if "\\Seen" not in each.flags]
            elif word == "SINCE":
                assert re.fullmatch(r"\d{1,2}-[A-Z][a-z]{2}-\d{4}", next(remaining))
            elif word != "UNDELETED":
                return f"BAD unknown search key {word}"
        self.say("* SEARCH " + " ".join(str(each.uid) for each in found))
        return "OK done"

    def fetch(self, words: list[str]) -> str:
        wanted = " ".join(words[1:])
        if "PEEK" not in wanted:
            for each in self._named(words[0]):
                each.flags.add("\\Seen")
        for number, each in enumerate(self._named(words[0]), 1):
            label, content = self._content(each, wanted)
            before, after = (
                (f"UID {each.uid} ", "") if self.imap.uid_first else ("", f" UID {each.uid}")
            )
            self.say(f"* {number} FETCH ({before}{label} {{{len(content)}}}")
            self.wfile.write(content)
            self.say(f"{after})")
        return "OK done"

    def _content(self, stored: Stored, wanted: str) -> tuple[str, bytes]:
        if "HEADER.FIELDS" in wanted:
            kind = message_from_bytes(stored.raw)["Content-Type"]
            head = f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
            return "BODY[HEADER.FIELDS (CONTENT-TYPE)]", head.encode()
        partial = _PARTIAL.search(wanted.encode())
        if partial is None:
            return "BODY[]", stored.raw
        start, size = int(partial[1]), int(partial[2])
        return f"BODY[]<{start}>", stored.raw[start : start + size]

    def store(self, words: list[str]) -> str:
        flags = words[2].strip("()").split()
        if not self.imap.own_marks and any(not each.startswith("\\") for each in flags):
            return "NO no marks of your own"
        for each in self._named(words[0]):
            each.flags.update(flags)
        return "OK done"

    def _named(self, uids: str) -> Iterator[Stored]:
        wanted = {int(each) for each in uids.split(",")}
        return (each for each in list(self.imap.messages) if each.uid in wanted)


def _words(line: bytes) -> list[bytes]:
    """A command's words; one in quotes without them."""
    found = _WORDS.findall(line.strip())
    return [re.sub(rb"\\(.)", rb"\1", quoted) or group or plain for quoted, group, plain in found]
