"""What a channel's answer means for the message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.rules.given import case, moment
from worker.rules.messages import Cause, Reason, Status, Transition
from worker.rules.outcomes import (
    MOST_ATTEMPTS,
    Accepted,
    ChannelDown,
    NotTried,
    Outcome,
    Refused,
    TryAgain,
    Unknown,
    retry_pause,
    settle,
)

NOW = moment("2026-11-23 15:00+01:00")
IN_A_MINUTE = NOW + timedelta(minutes=1)
IN_TWO_MINUTES = NOW + timedelta(minutes=2)
TONIGHT = moment("2026-11-23 21:15+01:00")


def settled(outcome: Outcome, **changes: Any) -> Transition:
    """The move after a first attempt, with hours to go and no jitter."""
    facts: dict[str, Any] = {
        "attempts": 1,
        "expires_at": TONIGHT,
        "paused_until": IN_A_MINUTE,
        "look_at": IN_TWO_MINUTES,
        "now": NOW,
        "jitter": 0.0,
    }
    return settle(outcome, **(facts | changes))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        case("the provider has it", Accepted("SM1"),
             Transition.accepted("SM1", Reason(Cause.ACCEPTED, "Accepted by the provider"),
                                 at=NOW)),
        case("the provider has it and gives no id", Accepted(None, "Put in the outbox"),
             Transition.accepted(None, Reason(Cause.ACCEPTED, "Put in the outbox"), at=NOW)),
        case("the provider will not take it", Refused("Not a mobile number", suppress="landline"),
             Transition.failed(Reason(Cause.REFUSED, "Not a mobile number"), at=NOW)),
        case("nobody knows", Unknown("The connection broke off"),
             Transition.lost(Reason(Cause.UNKNOWN, "The connection broke off"),
                             look_at=IN_TWO_MINUTES)),
        case("a passing fault", TryAgain("The provider is busy"),
             Transition.postponed(NOW + timedelta(seconds=30),
                                  Reason(Cause.TRY_AGAIN, "The provider is busy"), attempts=1)),
        case("the channel is down", ChannelDown("The password is wrong"),
             Transition.postponed(IN_A_MINUTE,
                                  Reason(Cause.CHANNEL_DOWN, "The password is wrong"),
                                  attempts=0)),
        case("the call never began", NotTried("The worker is stopping"),
             Transition.postponed(NOW, Reason(Cause.TRY_AGAIN, "The worker is stopping"),
                                  attempts=0)),
    ],
)  # fmt: skip
def test_every_outcome_has_one_meaning(outcome: Outcome, expected: Transition) -> None:
    """The provider's own words are the reason; where nobody knows, nothing is sent again yet."""
    assert settled(outcome) == expected


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 960), (7, 1920), (8, 3600), (100, 3600)],
)
def test_pauses_double_from_half_a_minute_to_an_hour(attempts: int, seconds: int) -> None:
    """Chance adds up to a quarter, so that what failed together comes back apart."""
    assert retry_pause(attempts, 0.0) == timedelta(seconds=seconds)
    assert retry_pause(attempts, 1.0) == timedelta(seconds=seconds * 1.25)
    assert retry_pause(attempts, 0.5) == timedelta(seconds=seconds * 1.125)


@pytest.mark.parametrize(
    ("not_before", "seconds"),
    [
        (None, 30),
        (timedelta(seconds=10), 30),  # less patience than we have anyway
        (timedelta(minutes=5), 300),
    ],
)
def test_a_provider_that_asks_for_patience_gets_it(
    not_before: timedelta | None, seconds: int
) -> None:
    """Retry-After counts when it is longer than our own pause."""
    transition = settled(TryAgain("Busy", not_before))
    assert transition.sets["next_at"] == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("expires_in", "expected"),
    [
        case("a second after the next attempt", timedelta(seconds=31), Status.PLANNED),
        case("with the next attempt", timedelta(seconds=30), Status.FAILED),
        case("before the next attempt", timedelta(seconds=29), Status.FAILED),
    ],
)
def test_no_attempt_is_planned_past_the_truth_window(
    expires_in: timedelta, expected: Status
) -> None:
    """The window ends, and there is no use in waiting for it."""
    transition = settled(TryAgain("The provider is busy"), expires_at=NOW + expires_in)
    assert transition.to == expected
    if expected is Status.FAILED:
        text = "No attempt left before it is out of date: The provider is busy"
        assert transition.reason == Reason(Cause.GAVE_UP, text)


def test_a_provider_that_asks_for_too_much_patience_loses_the_message() -> None:
    """Come back tomorrow, about a message for tonight."""
    transition = settled(TryAgain("The daily cap is reached", timedelta(hours=12)))
    assert (transition.to, transition.reason.cause) == (Status.FAILED, Cause.GAVE_UP)


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        case("one before the last", TryAgain("Busy"), MOST_ATTEMPTS - 1, Status.PLANNED),
        case("the last", TryAgain("Busy"), MOST_ATTEMPTS, Status.FAILED),
        case("a fault worth two, the first", TryAgain("Busy", most_attempts=2), 1, Status.PLANNED),
        case("a fault worth two, the second", TryAgain("Busy", most_attempts=2), 2, Status.FAILED),
        case("a fault worth one", TryAgain("Busy", most_attempts=1), 1, Status.FAILED),
    ],
)
def test_it_gives_up_after_the_last_attempt(
    outcome: Outcome, attempts: int, expected: Status
) -> None:
    """Twelve attempts, or as few as the fault is worth; then a person looks."""
    transition = settled(outcome, attempts=attempts, expires_at=NOW + timedelta(days=4))
    assert transition.to == expected
    if expected is Status.FAILED:
        expected_reason = Reason(Cause.GAVE_UP, f"Gave up after {attempts} attempts: Busy")
        assert transition.reason == expected_reason


@pytest.mark.parametrize("attempts", [1, MOST_ATTEMPTS, 100])
def test_a_channel_that_is_down_costs_no_attempt(attempts: int) -> None:
    """It is not the message's fault, however often it happens."""
    transition = settled(ChannelDown("The password is wrong"), attempts=attempts)
    assert transition.to is Status.PLANNED
    assert transition.sets["attempts"] == attempts - 1
    assert transition.sets["next_at"] == IN_A_MINUTE


@pytest.mark.parametrize(
    "outcome",
    [
        Accepted("SM1"),
        TryAgain("Busy"),
        Refused("No"),
        ChannelDown("Down"),
        Unknown("Broken"),
        NotTried("Stopping"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_outcome_moves_a_message_that_is_being_sent(outcome: Outcome) -> None:
    """No answer of a channel leaves a message in ``sending``."""
    transition = settled(outcome)
    assert Status.SENDING in transition.leaves
    assert transition.to is not Status.SENDING
    assert transition.sets.get("lease_until", "missing") is None
