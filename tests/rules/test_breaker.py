"""When a provider counts as down, and for how long it is left in peace."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.rules.given import case
from worker.rules.breaker import Breaker, pause_length
from worker.rules.outcomes import (
    Accepted,
    ChannelDown,
    NotTried,
    Outcome,
    Refused,
    TryAgain,
    Unknown,
)

LETTERS: dict[str, Outcome] = {
    "a": Accepted("SM1"),
    "r": Refused("this is not a working phone number"),
    "t": TryAgain("Twilio asks for patience"),
    "u": Unknown("The connection broke before an answer came"),
    "n": NotTried("The worker was held up before it could send"),
    "D": ChannelDown("Twilio does not accept our key"),
}


def trips(story: str) -> list[int]:
    """At which calls of a story, counted from 1, the channel is paused."""
    breaker = Breaker()
    told = [breaker.trips(LETTERS[letter]) for letter in story]
    return [number for number, tripped in enumerate(told, start=1) if tripped]


@pytest.mark.parametrize(
    ("expected", "story"),
    [
        case("four failures are bad luck", [], "tttt"),
        case("the fifth in a row is not", [5], "ttttt"),
        case("the same for calls that nobody answers", [5], "uuuuu"),
        case("whatever kinds of failure they are", [5], "tutut"),
        case("a success in between begins the count again", [], "ttttatttt"),
        case("five in a row after any number of successes", [35], "a" * 30 + "ttttt"),
        case("after a pause five more are needed", [5, 10], "tttttttttt"),
        case("a success after a pause, then five", [5, 11], "tttttattttt"),
    ],
)
def test_five_failures_in_a_row(expected: list[int], story: str) -> None:
    """Five calls in a row that came to nothing pause the channel, four do not."""
    assert expected == trips(story)


@pytest.mark.parametrize(
    ("expected", "story"),
    [
        case("every other call fails", [20], "at" * 10),
        case("whichever comes first", [20], "ta" * 10),
        case("nine of twenty are not half", [], "at" * 9 + "aa"),
        case("nine of any twenty, for as long as one likes", [], ("at" * 9 + "aa") * 5),
        case("ten of nineteen: it takes twenty to know", [], "ta" * 9 + "t"),
        case("three of four, the fourth good", [20], "ttta" * 5),
        case("the first failures are long ago", [], "tttt" + "a" * 11 + "tttta"),
        case("half of the latest, after a long good time", [54], "a" * 41 + "ttta" * 4),
        case("after a pause it takes twenty more", [20, 40], "at" * 20),
    ],
)
def test_half_of_the_latest_twenty(expected: list[int], story: str) -> None:
    """A provider that fails every other time is down too; fewer failures are not its fault."""
    assert expected == trips(story)


@pytest.mark.parametrize(
    ("expected", "story"),
    [
        case("at the first call", [1], "D"),
        case("among nothing but successes", [31], "a" * 30 + "D"),
        case("each time", [1, 2, 3], "DDD"),
        case("and what was before is forgotten", [5], "ttttDtttt"),
    ],
)
def test_account_trouble_pauses_at_once(expected: list[int], story: str) -> None:
    """A wrong key is wrong for every message, so no second one is spent on it."""
    assert expected == trips(story)


@pytest.mark.parametrize("story", ["a" * 100, "r" * 100, "ra" * 50, "rrrrtrrrru" * 10])
def test_answers_are_health(story: str) -> None:
    """A hundred wrong numbers say nothing against the provider: it answered each time."""
    assert trips(story) == []


@pytest.mark.parametrize(
    ("expected", "story"),
    [
        case("it does not excuse the provider", [6], "ttttnt"),
        case("however often it comes", [14], "tttt" + "n" * 9 + "t"),
        case("nor does it stand against it", [], "n" * 100),
        case("nor does it count among the twenty", [22], "atn" * 2 + "at" * 8),
    ],
)
def test_a_call_that_never_began_says_nothing(expected: list[int], story: str) -> None:
    """The worker was held up: that is no news about the provider, neither good nor bad."""
    assert expected == trips(story)


@pytest.mark.parametrize(
    ("expected", "in_trouble_for"),
    [
        case("at first", timedelta(seconds=60), timedelta()),
        case("after five minutes", timedelta(seconds=60), timedelta(minutes=5)),
        case("after ten minutes", timedelta(seconds=60), timedelta(minutes=10)),
        case("after half an hour", timedelta(minutes=3), timedelta(minutes=30)),
        case("after an hour", timedelta(minutes=6), timedelta(hours=1)),
        case("after an hour and forty minutes", timedelta(minutes=10), timedelta(minutes=100)),
        case("after a night", timedelta(minutes=10), timedelta(hours=12)),
        case("after a holiday", timedelta(minutes=10), timedelta(days=14)),
        case("when the clock was set back", timedelta(seconds=60), timedelta(hours=-1)),
    ],
)
def test_the_longer_the_trouble_the_longer_the_rest(
    expected: timedelta, in_trouble_for: timedelta
) -> None:
    """A minute at first, a tenth of the trouble after that, ten minutes at most."""
    assert expected == pause_length(in_trouble_for)
