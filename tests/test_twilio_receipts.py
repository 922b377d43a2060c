"""Twilio's words for what became of a message, as receipts."""

from __future__ import annotations

import pytest

from tests.rules.given import case
from worker.channels.twilio import read_receipt
from worker.rules.outcomes import Delivered, Undelivered, Underway
from worker.store.kinds import SuppressionKind

DEAD, STOPPED = SuppressionKind.UNREACHABLE, SuppressionKind.OPTED_OUT


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        (Underway, "queued"),
        (Underway, "accepted"),
        (Underway, "scheduled"),
        (Underway, "sending"),
        (Underway, "sent"),
        (Delivered, "delivered"),
        (Delivered, "read"),
        (Undelivered, "undelivered"),
        (Undelivered, "failed"),
        (Undelivered, "canceled"),
        (Underway, "partially_delivered"),
        (Underway, "a word that Twilio has yet to invent"),
        (Underway, ""),
    ],
)
def test_every_status_that_twilio_has(expected: type, status: str) -> None:
    """Final words are final; any other, known or not, only says that Twilio has the message."""
    for code in (None, 0, 30008, 99999):
        assert expected is type(read_receipt(status, code))


@pytest.mark.parametrize("status", ["undelivered", "failed"])
@pytest.mark.parametrize(
    ("expected", "code"),
    [
        case("the number does not exist", DEAD, 30005),
        case("a landline", DEAD, 30006),
        case("the carrier blocks us", DEAD, 30004),
        case("the patient said stop", STOPPED, 21610),
        case("the phone is switched off", None, 30003),
        case("the carrier gave no reason", None, 30008),
        case("the text was filtered", None, 30007),
        case("our account is suspended", None, 30002),
        case("our sender is not registered", None, 30034),
        case("a code that nobody knows", None, 99999),
        case("no code at all", None, None),
    ],
)
def test_what_it_says_about_the_number(
    expected: SuppressionKind | None, code: int | None, status: str
) -> None:
    """Only a dead number or a stop suppresses, and the reason is in words with Twilio's code."""
    receipt = read_receipt(status, code)

    assert isinstance(receipt, Undelivered)
    assert (expected is not None) == bool(receipt.suppress)
    assert (expected is STOPPED) == receipt.opted_out
    assert str(code or status) in receipt.why
