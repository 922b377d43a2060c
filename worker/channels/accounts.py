"""What it takes to reach the providers, as settings name it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

#: https://www.twilio.com/docs/glossary/what-is-a-sid
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
#: Hosts that are this very machine: what goes there needs no encryption.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_IMAP_PORTS = {"imaps": 993, "imap": 143}


def is_service(sender: str) -> bool:
    """Whether a sender of texts is a messaging service's id, not a number."""
    return _SERVICE.fullmatch(sender) is not None


@dataclass(frozen=True, slots=True)
class Account:
    """A Twilio account, as the ``TWILIO_`` settings name it."""

    account_sid: str
    #: The account's own SID with its token, or an API key with its secret.
    key_sid: str
    key_secret: str = field(repr=False)
    #: Who texts: a messaging service, or else a number.
    messaging_service_sid: str = ""
    from_: str = ""
    #: A regional edge or a test server; Twilio's own when empty.
    api_url: str = ""
    #: Where Twilio can reach us, for receipts; empty when it cannot.
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail goes, from ``SMTP_URL``."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    #: TLS from the first byte (``smtps://``) instead of STARTTLS.
    implicit_tls: bool

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Read ``smtp://user:pass@host:587`` or ``smtps://…``.

        Raises:
            ValueError: Without the URL, which may hold a password.
        """
        message = "must be like smtp://user:password@host:587 or smtps://user:password@host"
        parts, port = _parts(url, ("smtp", "smtps"), message)
        tls = parts.scheme == "smtps"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname or "", port or (465 if tls else 587), user, password, tls)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where undeliverable e-mails come back to, from ``BOUNCE_URL``."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Mailbox:
        """Read ``imaps://user:pass@host/INBOX``.

        Raises:
            ValueError: Without the URL, which may hold a password.
        """
        message = "must be like imaps://user:password@host/INBOX"
        parts, port = _parts(url, tuple(_IMAP_PORTS), message)
        host, user, password = parts.hostname or "", parts.username or "", parts.password or ""
        if not user:
            raise ValueError(message)
        if parts.scheme == "imap" and host not in LOOPBACK:
            message = "must begin with imaps://: without encryption the password would be readable"
            raise ValueError(message)
        folder = unquote(parts.path.strip("/")) or "INBOX"
        user, password = unquote(user), unquote(password)
        if not (folder + user + password).isascii() or re.search(r"[\r\n]", folder + user):
            message = "may only hold plain letters, digits and signs (no accents)"
            raise ValueError(message)
        port = port or _IMAP_PORTS[parts.scheme]
        return cls(host, port, user, password, folder, parts.scheme == "imaps")


def _parts(url: str, schemes: tuple[str, ...], message: str) -> tuple[SplitResult, int | None]:
    """A URL with one of these schemes and a host, and its port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(message) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(message)
    return parts, port


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers of one worker; a channel without one is not set up.

    Args:
        sms: The Twilio account.
        email: The mail server.
        mail_from: ``MAIL_FROM``.
        connections: To Twilio, as many as there are threads to send from.
    """

    sms: Account | None
    email: MailServer | None
    mail_from: str
    connections: int
