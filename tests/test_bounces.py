"""What a mail server's report says: read from its part for machines, whoever wrote it."""

from __future__ import annotations

import pytest

from tests.rules.given import case
from tests.support.reports import BARE, LETTER, READ_RECEIPT, SHAPES, report
from worker.channels.bounces import Bounce, read_bounces
from worker.rules.outcomes import Undelivered

GONE = Undelivered("There is no such mailbox (5.1.1)", suppress="There is no such mailbox (5.1.1)")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mailbox_that_does_not_exist(shape: str) -> None:
    """Our Message-ID, the recipient and the reason, in every server's own shape."""
    found = read_bounces(report(shape))
    assert found == [Bounce(("<1@glow.example.com>",), ("ana@example.com",), GONE)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("suppresses", "status", "diagnostic"),
    [
        case("no such user", 1, "5.1.1", "550 5.1.1 no such user"),
        case("Exchange's", 1, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        case("no such domain", 1, "5.1.2", "550 5.1.2 unknown host"),
        case("moved", 1, "5.1.6", "550 5.1.6 gone"),
        case("vague, the answer says more", 1, "5.0.0", "550-5.1.1 The email account"),
        case("vague, bare 550", 2, "5.0.0", "550 who is that"),
        case("bare 550, blocked", 0, "5.7.1", "550 blocked"),
        case("spam", 0, "5.7.1", "554 5.7.1 message refused as spam"),
        case("policy", 0, "5.7.509", "550 5.7.509 access denied, sending domain"),
        case("mailbox full", 0, "5.2.2", "552 5.2.2 over quota"),
        case("gave up trying", 0, "4.4.7", "421 4.4.7 connection timed out"),
        case("gave up trying, Exchange", 0, "5.4.7", "550 5.4.7 message expired"),
        case("too large", 0, "5.3.4", "552 5.3.4 message too big"),
        case("vague, 554", 0, "5.0.0", "554 no"),
        case("nothing at all", 0, "", ""),
    ],
)
def test_only_a_dead_address_is_suppressed(
    suppresses: int, status: str, diagnostic: str, shape: str
) -> None:
    """The sender's side, a full mailbox or this one e-mail say nothing about the address."""
    (found,) = read_bounces(report(shape, status=status, diagnostic=diagnostic))
    assert bool(found.receipt.suppress) is bool(suppresses)
    assert found.receipt.suppress_after == max(suppresses, 1)
    assert found.receipt.why
    assert "@" not in found.receipt.why


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", ""])
def test_news_that_is_not_bad_is_nothing_to_act_on(action: str) -> None:
    """The server keeps trying, or it even arrived."""
    assert read_bounces(report(action=action, status="4.4.1")) == []


@pytest.mark.parametrize("other", [LETTER, BARE, READ_RECEIPT, b"", b"\xff\xfe\x00", b"\r\n\r\n"])
def test_what_is_no_report_says_nothing(other: bytes) -> None:
    """People's letters, read receipts, rubbish."""
    assert read_bounces(other) == []


def test_a_report_that_is_cut_off_still_says_what_matters() -> None:
    """Only the first part of a report is fetched; the e-mail behind it may be long."""
    raw = report()
    (found,) = read_bounces(raw[: raw.index(b"Hi Ana")])
    assert found.message_refs == ("<1@glow.example.com>",)
    (found,) = read_bounces(
        raw[: raw.index(b"--4F1A.1795/mx.glow.example.com\r\nContent-Description: Undelivered")]
    )
    assert (found.message_refs, found.recipients) == ((), ("ana@example.com",))


def test_several_recipients_are_told_apart() -> None:
    """One report may give up on one recipient and keep trying another."""
    block = (
        b"Final-Recipient: rfc822; bea@example.com\r\nAction: delayed\r\nStatus: 4.2.0\r\n\r\n"
        b"Final-Recipient: rfc822; cleo@example.com\r\nAction: Failed\r\nStatus: 5.2.2\r\n\r\n"
    )
    raw = report().replace(b"Final-Recipient", block + b"Final-Recipient", 1)
    found = [(each.recipients[0], bool(each.receipt.suppress)) for each in read_bounces(raw)]
    assert found == [("cleo@example.com", False), ("ana@example.com", True)]


def test_forwarding_keeps_the_address_that_we_wrote() -> None:
    """The address that failed is the forwarder's; ours is the original one."""
    raw = report().replace(
        b"Final-Recipient: rfc822; ana@example.com", b"Final-Recipient: rfc822; A.New@Elsewhere.org"
    )
    (found,) = read_bounces(raw)
    assert found.recipients == ("ana@example.com", "a.new@elsewhere.org")


def test_the_internationalised_form_is_read() -> None:
    """RFC 6533: the same fields in parts of other names, for addresses with accents."""
    raw = (
        report("exchange", recipient="josé@example.com")
        .replace(b"message/delivery-status", b"message/global-delivery-status")
        .replace(b"rfc822;jos", b"utf-8;jos")
        .replace(b"text/rfc822-headers", b"message/global-headers")
    )
    (found,) = read_bounces(raw)
    assert found.receipt == GONE
    assert found.message_refs == ("<1@glow.example.com>",)
