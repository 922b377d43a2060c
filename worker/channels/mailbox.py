"""A mailbox that undeliverable e-mails come back to, read by IMAP. TLS is always verified.

Nothing is ever deleted, and only reports that have been read are marked: the mailbox may be one
that people read as well. https://www.rfc-editor.org/rfc/rfc3501
"""

from __future__ import annotations

import imaplib
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import TYPE_CHECKING

from worker.errors import MailboxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from worker.channels.accounts import Mailbox

#: Seconds to wait for the server.
TIMEOUT = 20
#: Our mark on a report that has been read, where the server takes marks of one's own.
KEYWORD = "AftercareRead"
#: A report holds what matters in its first kilobytes; what follows is the e-mail itself.
_BYTES = 200_000
#: How many headers are asked for in one command, and how many reports are read in one pass.
_BATCH = 200
_MOST = 100
_UID = re.compile(rb"\bUID (\d+)")


@dataclass(slots=True)
class BounceMailbox:
    """Reads the reports in a mailbox.

    ``_passed_over`` are the messages, by UID, that are no reports: asked about once, not at every
    pass.
    """

    mailbox: Mailbox
    _passed_over: set[bytes] = field(default_factory=set)
    _validity: bytes = b""

    def check(self) -> str:
        """Log in and open the folder; returns what is wrong, or nothing."""
        try:
            with self.open():
                return ""
        except MailboxError as error:
            return str(error)

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A session with the server.

        Raises:
            MailboxError: When the mailbox cannot be read; names ``BOUNCE_URL``, never its value.
        """
        try:
            imap = self._connect()
            try:
                yield self._select(imap)
            finally:
                _leave(imap)
        except ssl.SSLError:
            why = "the mail server's certificate cannot be trusted; check the host"
            raise MailboxError(_told(why)) from None
        except (imaplib.IMAP4.error, OSError) as error:
            why = f"the mailbox for undeliverable e-mails cannot be read ({type(error).__name__})"
            raise MailboxError(_told(why)) from None

    def _connect(self) -> imaplib.IMAP4:
        box = self.mailbox
        if not box.tls:
            return imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT)
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=TIMEOUT)

    def _select(self, imap: imaplib.IMAP4) -> Session:
        box = self.mailbox
        try:
            imap.login(box.user, box.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            why = "the mail server does not accept user or password"
            raise MailboxError(_told(why)) from None
        folder = box.folder.replace("\\", "\\\\").replace('"', '\\"')
        if imap.select(f'"{folder}"')[0] != "OK":
            why = "the mail server has no such folder"
            raise MailboxError(_told(why))
        (validity,) = imap.response("UIDVALIDITY")[1] or [b""]
        if validity != self._validity:
            # The server numbers its messages anew: what we remember means other ones.
            self._validity = validity or b""
            self._passed_over.clear()
        allowed = b" ".join(each or b"" for each in imap.response("PERMANENTFLAGS")[1])
        return Session(imap, self._passed_over, own_marks=rb"\*" in allowed)


@dataclass(frozen=True, slots=True)
class Session:
    """An open folder."""

    imap: imaplib.IMAP4
    passed_over: set[bytes]
    #: Whether the server keeps marks of one's own; else a report that people opened first is lost
    #: to us.
    own_marks: bool

    def reports(self, since: datetime) -> Iterator[tuple[bytes, bytes]]:
        """Reports that came since a day and that have not been read: UID and message."""
        fresh = f"UNKEYWORD {KEYWORD}" if self.own_marks else "UNSEEN"
        day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        found = self._ask("SEARCH", f"{fresh} UNDELETED SINCE {day}")
        listed = b" ".join(each for each in found if isinstance(each, bytes)).split()
        uids = [each for each in listed if each not in self.passed_over]
        read = 0
        for start in range(0, len(uids), _BATCH):
            for uid in self._those_that_are_reports(uids[start : start + _BATCH]):
                if read == _MOST:
                    return
                read += 1
                yield uid, self._fetch(uid)

    def mark(self, uid: bytes) -> None:
        """This report has been read."""
        marks = rf"(\Seen {KEYWORD})" if self.own_marks else r"(\Seen)"
        self._ask("STORE", uid.decode(), "+FLAGS.SILENT", marks)

    def _those_that_are_reports(self, uids: Sequence[bytes]) -> list[bytes]:
        """By their headers alone: other people's letters are not read."""
        wanted = "(BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])"
        heads = dict(_parts(self._ask("FETCH", b",".join(uids).decode(), wanted)))
        reports = [uid for uid in uids if _is_report(heads.get(uid, b""))]
        self.passed_over.update(set(heads) - set(reports))
        return reports

    def _fetch(self, uid: bytes) -> bytes:
        # PEEK leaves it unread until it has been taken in.
        parts = _parts(self._ask("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{_BYTES}>)"))
        return next((content for _, content in parts), b"")

    def _ask(self, *words: str) -> list[bytes | tuple[bytes, bytes]]:
        answer, found = self.imap.uid(*words)
        if answer != "OK":
            raise imaplib.IMAP4.error(words[0])
        return found


#: IMAP's own, whatever language the machine speaks.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _parts(found: Sequence[bytes | tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """UID and content of each message in a FETCH's answer.

    Servers may write the UID before the content or behind it, where imaplib makes it an entry of
    its own.
    """
    for place, each in enumerate(found):
        if not isinstance(each, tuple):
            continue
        after = found[place + 1] if place + 1 < len(found) else b""
        uid = _UID.search(each[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
        if uid:
            yield uid[1], each[1]


def _is_report(head: bytes) -> bool:
    return message_from_bytes(head).get_content_type() == "multipart/report"


def _leave(imap: imaplib.IMAP4) -> None:
    try:
        imap.logout()
    except (imaplib.IMAP4.error, OSError):
        imap.shutdown()  # it hung up first


def _told(why: str) -> str:
    return f"BOUNCE_URL: {why}"
