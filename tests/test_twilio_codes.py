"""Twilio's error codes and what each means for a message: the table in FACTS.md, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.twilio_behaviour import error
from tests.support.twilio_server import TwilioServer
from worker.channels.base import Envelope
from worker.channels.twilio import TwilioSender
from worker.providers import twilio_account
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import ChannelDown, Refused, TryAgain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.twilio_behaviour import Behaviour

#: 06:00 at Twilio's in San Francisco: eighteen hours until the daily caps are reset.
NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
UNTIL_RESET = timedelta(hours=18)
ENVELOPE = Envelope(Channel.SMS, "+34600123456", Words("Glow: hi Ana!"), "0" * 32)

#: Every row of the table in FACTS.md: what to do, and with which codes.
RETRY = (20429, 30001, 30017, 30022, 21611, 63018, 30410)
TOMORROW = (30023, 30027)
DEAD_NUMBER = (21211, 21614, 21635, 21217, 30005, 30006, 63024, 30004)
ACCOUNT_IS_WRONG = (
    *(20003, 21212, 21606, 21608, 21659, 21660, 21703, 21704, 21705),
    *(30002, 30024, 30032, 30033, 30034, 30035, 63007),
)
THIS_MESSAGE_ONLY = (21612, 21408, 21617, 21602, 21655, 21656, 30019, 30007, 63016)
UNLISTED = (21604, 30009, 99999)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    """Twilio on loopback."""
    with TwilioServer() as server:
        yield server


def outcome_of(server: TwilioServer, behaviour: Behaviour) -> object:
    server.script.append(behaviour)
    return TwilioSender(twilio_account(server.settings()), lambda: NOW).send(ENVELOPE)


@pytest.mark.parametrize("code", RETRY)
def test_a_passing_fault_is_tried_again(server: TwilioServer, code: int) -> None:
    """Twilio asks for patience: it was not sent, and is worth another attempt."""
    outcome = outcome_of(server, error(code, 429 if code == 20429 else 400))

    assert isinstance(outcome, TryAgain)
    assert outcome.not_before is None
    assert str(code) in outcome.why


def test_twilios_retry_after_is_honoured(server: TwilioServer) -> None:
    """Too many requests: no earlier than Twilio says, and the next fault does not inherit that."""
    server.script = [error(20429, 429, retry_after=7), error(20429, 429)]
    sender = TwilioSender(twilio_account(server.settings()), lambda: NOW)

    first, second = sender.send(ENVELOPE), sender.send(ENVELOPE)

    assert isinstance(first, TryAgain)
    assert isinstance(second, TryAgain)
    assert (first.not_before, second.not_before) == (timedelta(seconds=7), None)


@pytest.mark.parametrize("code", TOMORROW)
def test_a_daily_cap_waits_for_midnight_in_california(server: TwilioServer, code: int) -> None:
    """The cap is reset at 00:00 Pacific, so that is when it goes again."""
    outcome = outcome_of(server, error(code, 429))

    assert isinstance(outcome, TryAgain)
    assert outcome.not_before == UNTIL_RESET


@pytest.mark.parametrize(("expected_attempts", "code"), [(3, 30003), (2, 30008)])
def test_a_phone_that_is_off_gets_one_or_two_more_attempts(
    server: TwilioServer, expected_attempts: int, code: int
) -> None:
    """Out of reach: once or twice more, and not within minutes."""
    outcome = outcome_of(server, error(code))

    assert isinstance(outcome, TryAgain)
    assert outcome.most_attempts == expected_attempts
    assert outcome.not_before is not None
    assert outcome.not_before >= timedelta(minutes=30)


@pytest.mark.parametrize("code", DEAD_NUMBER)
def test_a_number_that_cannot_get_texts_is_suppressed(server: TwilioServer, code: int) -> None:
    """Never again to this number, and the reason is for staff to read."""
    outcome = outcome_of(server, error(code))

    assert isinstance(outcome, Refused)
    assert outcome.suppress
    assert outcome.suppress_after == 1
    assert not outcome.opted_out


def test_stop_at_twilio_is_an_opt_out(server: TwilioServer) -> None:
    """21610: the patient said STOP to this sender; that is a wish, not a dead number."""
    outcome = outcome_of(server, error(21610))

    assert isinstance(outcome, Refused)
    assert outcome.suppress
    assert outcome.opted_out


@pytest.mark.parametrize("code", ACCOUNT_IS_WRONG)
def test_account_trouble_stops_the_channel(server: TwilioServer, code: int) -> None:
    """Nothing is wrong with the message; the operator is told where to look."""
    outcome = outcome_of(server, error(code, 401 if code == 20003 else 400))

    assert isinstance(outcome, ChannelDown)
    assert str(code) in outcome.why
    assert "TWILIO_" in outcome.why


@pytest.mark.parametrize("code", [*THIS_MESSAGE_ONLY, *UNLISTED])
def test_a_refused_message_suppresses_nobody(server: TwilioServer, code: int) -> None:
    """Only this message fails: the number stays usable, also for codes that nobody knows yet."""
    outcome = outcome_of(server, error(code))

    assert isinstance(outcome, Refused)
    assert not outcome.suppress
    assert str(code) in outcome.why
