"""E-mail by SMTP. One connection carries many messages; TLS is always verified.

Reply codes: RFC 5321 section 4.2 and, for enhanced codes, RFC 3463 and
https://www.iana.org/assignments/smtp-enhanced-status-codes
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from email.utils import parseaddr
from functools import cached_property, lru_cache
from threading import Lock, local
from typing import TYPE_CHECKING

from worker.channels.accounts import LOOPBACK
from worker.channels.base import HELD_UP
from worker.channels.mail_codes import DEAD_ADDRESS, DOUBTFUL
from worker.channels.mime import ascii_address, build_email
from worker.rules.outcomes import Accepted, ChannelDown, Refused, TryAgain, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from worker.channels.accounts import MailServer
    from worker.channels.base import Envelope
    from worker.rules.outcomes import Outcome

#: Seconds to wait for the mail server; far below a message's lease.
TIMEOUT = 20
#: Stands at the beginning of a reply's line (RFC 2034); an IP address further on is none.
_ENHANCED = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})(?![.\d])", re.MULTILINE)

_OK = 250
_GO_AHEAD = 354
_CLOSING = 421
_MAILBOX_FULL = 552
_NO_SUCH_MAILBOX = 550
#: Replies below this are no refusals; where one is not expected, the conversation is out of step.
_REFUSALS = 400
_PERMANENT = 500


class _CannotConnectError(Exception):
    """There is no connection to send through; nothing left."""


class SmtpSender:
    """Sends e-mail through one server, with a connection for each thread.

    Args:
        server: Where to.
        mail_from: ``MAIL_FROM``.
        clock: For the Date header.
    """

    def __init__(self, server: MailServer, mail_from: str, clock: Callable[[], datetime]) -> None:
        self._server = server
        self._mail_from = mail_from
        self._clock = clock
        self._threads = local()
        self._open: set[smtplib.SMTP] = set()
        self._lock = Lock()

    def send(self, envelope: Envelope) -> Outcome:
        """Send one e-mail."""
        try:
            envelope = replace(envelope, address=ascii_address(envelope.address))
        except UnicodeError:
            return Refused("The address has letters that mail servers do not take before the @")
        mail = build_email(envelope, sender=self._mail_from, now=self._clock())
        try:
            connection, reused = self._connection()
            try:
                return self._transfer(connection, envelope, mail)
            except (smtplib.SMTPServerDisconnected, OSError):
                # Before the final dot: nothing left. A server may close an idle connection at any
                # time, so a reused one gets a second chance with a fresh one.
                self._drop(connection)
                if not reused:
                    return TryAgain("The mail server closed the connection")
            connection, _ = self._connection()
            return self._transfer(connection, envelope, mail)
        except _CannotConnectError as error:
            return ChannelDown(str(error))
        except (smtplib.SMTPServerDisconnected, OSError):
            self._drop(connection)
            return TryAgain("The mail server closed the connection")

    def check(self) -> str:
        """Connect and log in; returns what is wrong, or nothing."""
        try:
            self._connection()
        except _CannotConnectError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Say goodbye on every connection."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with suppress(OSError, smtplib.SMTPException):  # it may be gone already
                connection.quit()

    def _transfer(self, smtp: smtplib.SMTP, envelope: Envelope, mail: bytes) -> Outcome:
        """One message over an open connection.

        Raises:
            OSError, smtplib.SMTPServerDisconnected: Before the final dot, so nothing left.
        """
        # Not `smtp.mail` and `smtp.rcpt`: they take apart addresses that are known to be good, and
        # that costs as much as the rest of the conversation.
        code, text = smtp.docmd("MAIL", f"FROM:<{_address(envelope.sender or self._mail_from)}>")
        if code == _CLOSING:
            # It was going to hang up before it heard of this message.
            raise smtplib.SMTPServerDisconnected
        if code != _OK:
            return self._refused_sender(smtp, envelope, code, text)
        code, text = smtp.docmd("RCPT", f"TO:<{envelope.address}>")
        if code not in (_OK, 251):
            return self._refused_mail(smtp, code, text, at_recipient=True)
        code, text = smtp.docmd("DATA")
        if code != _GO_AHEAD:
            return self._refused_mail(smtp, code, text, at_recipient=False)
        # A line that is only a dot would end the message (RFC 5321 section 4.5.2).
        smtp.send(mail.replace(b"\r\n.", b"\r\n.."))
        if envelope.too_late:
            # Without the final dot the server forgets what it has read.
            self._drop(smtp)
            return HELD_UP
        return self._finish(smtp)

    def _finish(self, smtp: smtplib.SMTP) -> Outcome:
        """The final dot: from here on the server may have taken the message."""
        try:
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
        except (smtplib.SMTPServerDisconnected, OSError):
            self._drop(smtp)
            return Unknown("The mail server closed the connection before it confirmed")
        if code == _OK:
            return Accepted(None, "Accepted by the mail server")
        if code < _REFUSALS:
            self._drop(smtp)
            return Unknown("The mail server's confirmation could not be read")
        return self._refused_mail(smtp, code, text, at_recipient=False)

    def _refused_sender(
        self, smtp: smtplib.SMTP, envelope: Envelope, code: int, text: bytes
    ) -> Outcome:
        self._reset(smtp, code)
        if code < _PERMANENT:
            return TryAgain(_words("The mail server asks for patience", code, text))
        name = "the clinic's own sender (--mail-from)" if envelope.sender else "MAIL_FROM"
        why = _words(f"The mail server does not accept {name}", code, text)
        return ChannelDown(why, sender=envelope.sender)

    def _refused_mail(
        self, smtp: smtplib.SMTP, code: int, text: bytes, *, at_recipient: bool
    ) -> Outcome:
        self._reset(smtp, code)
        enhanced = _enhanced(text)
        if code < _PERMANENT or code == _MAILBOX_FULL or enhanced == "5.2.2":
            full = code == _MAILBOX_FULL or enhanced.endswith(".2.2")
            why = "The mailbox is full" if full else "The mail server asks for patience"
            return TryAgain(_words(why, code, text))
        if enhanced in DEAD_ADDRESS:
            why = _words("There is no such mailbox", code, text)
            return Refused(why, suppress=why)
        if at_recipient and code == _NO_SUCH_MAILBOX and not enhanced:
            why = _words("The mail server says there is no such mailbox", code, text)
            return Refused(why, suppress=why, suppress_for=DOUBTFUL, suppress_after=2)
        return Refused(_words("The mail server refuses the message", code, text))

    def _reset(self, smtp: smtplib.SMTP, code: int) -> None:
        if code == _CLOSING or code < _REFUSALS:
            # It hangs up, or its replies no longer belong to what was asked.
            self._drop(smtp)
            return
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop(smtp)

    def _connection(self) -> tuple[smtplib.SMTP, bool]:
        """This thread's connection, and whether it has been used before."""
        current = getattr(self._threads, "connection", None)
        if current is not None and current.sock is not None:
            return current, True
        fresh = self._connect()
        self._threads.connection = fresh
        with self._lock:
            self._open.add(fresh)
        return fresh, False

    def _drop(self, smtp: smtplib.SMTP) -> None:
        smtp.close()
        with self._lock:
            self._open.discard(smtp)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The machine's certificates; reading them takes longer than sending an e-mail."""
        return ssl.create_default_context()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = self._trust
        try:
            if server.implicit_tls:
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=TIMEOUT, context=context
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
                _start_tls(smtp, server, context)
            _send_at_once(smtp)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except smtplib.SMTPAuthenticationError as error:
            why = f"The mail server does not accept user or password ({error.smtp_code}): SMTP_URL"
            raise _CannotConnectError(why) from None
        except ssl.SSLError:
            why = "The mail server's certificate cannot be trusted; check the host in SMTP_URL"
            raise _CannotConnectError(why) from None
        except (smtplib.SMTPException, OSError) as error:
            why = f"The mail server cannot be reached ({type(error).__name__}); check SMTP_URL"
            raise _CannotConnectError(why) from None
        return smtp


@lru_cache(maxsize=256)
def _address(sender: str) -> str:
    """The address alone, without a name before it."""
    return parseaddr(sender)[1]


def _send_at_once(smtp: smtplib.SMTP) -> None:
    """Without this the final dot waits for the acknowledgement of the text: 40 ms a message."""
    if smtp.sock is not None:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _start_tls(smtp: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    """Encrypt, unless the server is this very machine and does not offer it."""
    smtp.ehlo_or_helo_if_needed()
    if smtp.has_extn("starttls"):
        smtp.starttls(context=context)
    elif server.host not in LOOPBACK:
        smtp.close()
        why = "The mail server offers no encryption (STARTTLS); use another port or smtps://"
        raise _CannotConnectError(why)


def _enhanced(text: bytes) -> str:
    found = _ENHANCED.search(text)
    return found[1].decode() if found else ""


def _words(why: str, code: int, text: bytes) -> str:
    """For staff: never the server's own words, which often repeat the address."""
    enhanced = _enhanced(text)
    return f"{why} ({code} {enhanced})" if enhanced else f"{why} ({code})"
