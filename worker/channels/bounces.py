"""Undeliverable e-mails: what a mail server's report (DSN) says, in our words.

The report's form: RFC 3464, https://www.rfc-editor.org/rfc/rfc3464; its codes: RFC 3463. Every
mail server words the part for people as it likes, so only the part for machines is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import TYPE_CHECKING

from worker.channels.mail_codes import DEAD_ADDRESS, DOUBTFUL
from worker.rules.outcomes import Undelivered

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_PARTS = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
)
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b(?!\.)")
_BASIC = re.compile(r"\b([245]\d\d)\b")
#: Says only that it failed; the server's own answer may say more.
_VAGUE = frozenset({"", "5.0.0", "5.0", "5"})


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient that an e-mail did not reach, for good."""

    #: Message-IDs in what came back, ours among them unless a server on the way made a new one.
    message_refs: tuple[str, ...]
    #: The address as we wrote it, then as it was tried; forwarding makes them differ.
    recipients: tuple[str, ...]
    receipt: Undelivered


def read_bounces(raw: bytes) -> list[Bounce]:
    """The recipients that a report gives up on.

    Delays ("we keep trying") and good news are nothing to act on.
    """
    # The old policy takes any header that a server can come up with.
    report = message_from_bytes(raw)
    refs = tuple(dict.fromkeys(_message_refs(report)))
    return [
        Bounce(refs, _recipients(fields), _receipt(fields))
        for fields in _recipient_fields(report)
        if _word(fields, "Action").lower() == "failed"
    ]


def _recipient_fields(report: Message) -> Iterator[Message]:
    """The fields about each recipient; the block about the whole message comes first."""
    for part in report.walk():
        if part.get_content_type() in _STATUS_PARTS:
            yield from (block for block in _blocks(part) if block["Action"])


def _blocks(part: Message) -> Iterator[Message]:
    """The library knows one of the two kinds; it takes the other for an e-mail with a body."""
    content = part.get_payload()
    for each in content if isinstance(content, list) else [content]:
        body = each.get_payload() if isinstance(each, Message) else each
        if isinstance(each, Message):
            yield each
        if isinstance(body, str):
            yield from (message_from_string(text) for text in _BLANK_LINE.split(body))


def _message_refs(report: Message) -> Iterator[str]:
    """The Message-IDs of what came back: the whole e-mail, or its headers."""
    for part in report.walk():
        if part.get_content_type() not in _RETURNED_PARTS:
            continue
        content = part.get_payload()
        if isinstance(content, list):
            returned = content[0] if content else None
        else:
            decoded = part.get_payload(decode=True)
            returned = message_from_bytes(decoded.lstrip() if isinstance(decoded, bytes) else b"")
        if isinstance(returned, Message) and (ref := _word(returned, "Message-ID")):
            yield ref


def _recipients(fields: Message) -> tuple[str, ...]:
    """``rfc822; ana@example.com`` without its kind."""
    named = (_word(fields, name) for name in ("Original-Recipient", "Final-Recipient"))
    plain = [each.partition(";")[2].strip().strip("<>").lower() for each in named]
    return tuple(dict.fromkeys(each for each in plain if "@" in each))


def _receipt(fields: Message) -> Undelivered:
    """Why, from its codes alone: a server's own words often repeat the address."""
    status = _word(fields, "Status").split(" ")[0]
    diagnosis = _word(fields, "Diagnostic-Code").partition(";")[2]
    if status in _VAGUE and (better := _ENHANCED.search(diagnosis)):
        status = better[1]
    if status in DEAD_ADDRESS:
        why = f"There is no such mailbox ({status})"
        return Undelivered(why, suppress=why)
    basic = _BASIC.search(diagnosis)
    if status in _VAGUE and basic and basic[1] == "550":
        # As with a bare 550 while sending: one may be about this e-mail, two are not.
        why = "The mail server says there is no such mailbox (550)"
        return Undelivered(why, suppress=why, suppress_for=DOUBTFUL, suppress_after=2)
    if status.endswith(".2.2"):
        return Undelivered(f"The mailbox is full ({status})")
    return Undelivered(f"The mail server gave it back ({status or 'no reason'})")


def _word(fields: Message, name: str) -> str:
    """A field on one line; empty when it is missing."""
    return " ".join(str(fields.get(name, "")).split())
