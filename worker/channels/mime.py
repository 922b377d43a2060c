"""An e-mail as it goes over the wire."""

from __future__ import annotations

import html
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from worker.channels.base import Envelope


class _Policy(policy.EmailPolicy):
    """Seven bits, lines as long as mail programs expect, and one header that is never folded.

    The default policy encodes a long List-Unsubscribe address (RFC 2047), and one-click
    unsubscribing no longer works.
    """

    def fold(self, name: str, value: Any) -> str:  # noqa: ANN401 (the library's signature)
        """The header as lines."""
        if name.lower() == "list-unsubscribe":
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 (the library's signature)
        """The header as bytes."""
        return self.fold(name, value).encode("ascii", "surrogateescape")


POLICY = _Policy(linesep="\r\n", cte_type="7bit", raise_on_defect=False)


#: The calendar is for taking over, not an invitation to answer (RFC 5546).
_PUBLISHED = {"method": "PUBLISH"}


def ascii_address(address: str) -> str:
    """An address whose domain is in ASCII, as every mail server takes it (RFC 5890).

    Raises:
        UnicodeError: When there are other letters before the ``@``.
    """
    local, _, domain = address.rpartition("@")
    local.encode("ascii")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def new_message_ref(sender: str) -> str:
    """A new Message-ID, in the sender's domain."""
    domain = parseaddr(sender)[1].partition("@")[2]
    return make_msgid(domain=domain or "aftercare.invalid")


def build_email(envelope: Envelope, *, sender: str, now: datetime) -> EmailMessage:
    """The message with its headers: text first, HTML as the better alternative.

    Args:
        envelope: What to send.
        sender: ``MAIL_FROM``, for an envelope without a sender of its own. The name before the
            address is the one that the clinic's own sender has, or else the clinic's.
        now: For the Date header.
    """
    words = envelope.words
    name, address = parseaddr(envelope.sender or sender)
    shown = (envelope.sender and name) or envelope.from_name or name
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(shown, addr_spec=address)
    mail["To"] = Address(addr_spec=envelope.address)
    mail["Subject"] = words.subject or ""
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = envelope.message_ref
    if envelope.reply_to:
        mail["Reply-To"] = Address(addr_spec=envelope.reply_to)
    if envelope.unsubscribe_url:
        # RFC 8058: mail programs show a button that posts to this address.
        mail["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    # RFC 3834: answering machines keep quiet.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(words.text)
    mail.add_alternative(words.html or f"<pre>{html.escape(words.text)}</pre>", subtype="html")
    if words.calendar:
        mail.add_attachment(
            words.calendar, subtype="calendar", filename="calendar.ics", params=_PUBLISHED
        )
    if words.language:
        # Last, because headers of this family move into the first part when parts are added.
        mail["Content-Language"] = words.language
    return mail
