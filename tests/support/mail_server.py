"""A mail server on loopback (aiosmtpd) that keeps what it gets, and misbehaves as told.

``server.script`` is a queue: each mail transaction takes the next :class:`Manner` from it, and is
served normally once the queue is empty. What was taken in is in ``server.received``, whatever the
client was told.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import trustme

from tests.support.mail_smtp import Listener

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from tests.support.mail_smtp import Connection


@dataclass(frozen=True, slots=True)
class Manner:
    """How to serve one transaction; a reply that is empty is the normal one."""

    at_mail: str = ""
    at_rcpt: str = ""
    #: Instead of "250 OK" after the final dot.
    at_end: str = ""
    #: The final dot arrived, and instead of a reply the connection is closed.
    drops_after_data: bool = False
    #: The same, with the message taken in.
    accepts_and_drops: bool = False
    #: Seconds before the reply to the final dot.
    delay: float = 0


NORMAL = Manner()


@dataclass(frozen=True)
class ReceivedMail:
    """A message that the server took in."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes
    #: Which connection it came over, from 1.
    connection: int = 0
    encrypted: bool = False
    logged_in: bool = False

    @cached_property
    def mail(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.raw, policy=policy.default)

    @cached_property
    def text(self) -> str:
        """The text part."""
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        """The HTML part."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.mail.get_body((kind,))
        assert part is not None, f"there is no {kind} part"
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class MailServer:
    """See the module. Use it as a context manager.

    Attributes:
        user: With a user, a login is required.
        starttls: Offer STARTTLS, with a certificate of ``ca``.
        implicit_tls: TLS from the first byte, with a certificate of ``ca``.
        smtputf8: Whether addresses may have letters beyond ASCII.
        port: Where to listen; 0 finds a free one.
        received: The messages taken in, oldest first.
        connections: How many connections clients made.
    """

    user: str = ""
    password: str = ""
    starttls: bool = False
    implicit_tls: bool = False
    smtputf8: bool = True
    port: int = 0
    script: list[Manner] = field(default_factory=list)
    received: list[ReceivedMail] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._open: set[Connection] = set()
        bound = socket.create_server(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        self._listener = Listener(self, bound)
        self._listener.start()
        self.connections = 0  # the controller itself tries one
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, for everybody; once is enough."""
        if not self._listener.loop.is_closed():
            self.hang_up()
            self._listener.stop()

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
        """What SMTP_URL gets."""
        login = f"{self.user}:{self.password}@" if self.user else ""
        return f"{'smtps' if self.implicit_tls else 'smtp'}://{login}127.0.0.1:{self.port}"

    def to(self, address: str) -> list[ReceivedMail]:
        """What was taken in for an address."""
        return [each for each in self.received if address in each.rcpt_to]

    def hang_up(self, farewell: str = "") -> None:
        """Close every connection, as servers do with idle ones; some say a last word first."""
        closing = asyncio.run_coroutine_threadsafe(self._hang_up(farewell), self._listener.loop)
        closing.result(timeout=10)

    async def _hang_up(self, farewell: str) -> None:
        closing = [each.close(farewell) for each in list(self._open)]
        await asyncio.gather(*closing)

    def opened(self, connection: Connection) -> int:
        """A client connected; returns the connection's number."""
        self._open.add(connection)
        self.connections += 1
        return self.connections

    def closed(self, connection: Connection) -> None:
        """A connection is over."""
        self._open.discard(connection)

    def next_manner(self) -> Manner:
        """How to serve the next transaction."""
        return self.script.pop(0) if self.script else NORMAL

    def take_in(self, envelope: Any, **how: Any) -> None:
        """Keep a message."""
        raw, recipients = envelope.original_content, tuple(envelope.rcpt_tos)
        self.received.append(ReceivedMail(envelope.mail_from, recipients, raw, **how))

    def context(self) -> ssl.SSLContext:
        """What the server proves itself with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context

    def admits(self, user: bytes, password: bytes) -> bool:
        """Whether a login is right."""
        return (user.decode(), password.decode()) == (self.user, self.password)
