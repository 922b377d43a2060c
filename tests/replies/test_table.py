"""Real-looking replies and what they must do.

The tables tell the principles. ``further/`` has one reply a line, in both languages, written
without a look at the lists to see whether the principles hold; where they did not, the lists
learnt. Each file can be given to ``aftercare classify`` as its standard input.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replies import table_en, table_es
from tests.replies.books import BOOKS
from tests.replies.table import Group, cases
from worker.rules.replies import Meaning, classify

FURTHER = Path(__file__).with_name("further")


def further(name: str) -> list[str]:
    """The replies in a file of ``further/``."""
    lines = (FURTHER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("group", "reply"), cases(table_en.TABLE) + cases(table_es.TABLE))
def test_a_reply_does_what_the_table_says(group: Group, reply: str) -> None:
    """The meaning; for red flags also whether it is an emergency and whether it stops too."""
    reading = classify(reply, BOOKS)

    assert reading.meaning is group.meaning, f"{group.principle}: {reading}"
    if group.meaning is Meaning.RED_FLAG:
        assert (reading.emergency, reading.also_stop) == (group.emergency, group.also_stop)


@pytest.mark.parametrize("reply", further("stop"))
def test_a_stop_in_other_words_is_not_missed(reply: str) -> None:
    """However it is said."""
    assert classify(reply, BOOKS).stops


@pytest.mark.parametrize("reply", further("red_flag"))
def test_a_red_flag_in_other_words_is_not_missed(reply: str) -> None:
    """However it is said."""
    assert classify(reply, BOOKS).meaning is Meaning.RED_FLAG


@pytest.mark.parametrize("reply", further("emergency"))
def test_an_emergency_in_other_words_is_not_missed(reply: str) -> None:
    """However it is said."""
    assert classify(reply, BOOKS).emergency


@pytest.mark.parametrize("reply", further("staff"))
def test_what_asks_for_nothing_is_left_to_staff(reply: str) -> None:
    """Symptoms that are denied or over, harmless words, appointments, questions about the care."""
    assert classify(reply, BOOKS).meaning is Meaning.STAFF


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        (True, "STOP"), (True, " stop "), (True, "Unsubscribe"), (True, "HELP"), (True, "yes"),
        (False, "Stop. Thank you"), (False, "opt out"), (False, "ALTO"), (False, "hello"),
    ],
)  # fmt: skip
def test_a_bare_keyword_is_told_apart(expected: bool, reply: str) -> None:  # noqa: FBT001
    """The provider answers a keyword itself; a second confirmation would be one too many."""
    assert classify(reply, BOOKS).keyword is expected


@pytest.mark.parametrize(
    ("matched", "reply"),
    [
        ("opt out", "I would like to optout of this."),
        ("pus", "no fever but PUSSS"),
        ("cant breathe", "It is bleeding and I can't breathe"),
        ("stop thank you", "Stop. Thank you"),
        ("", "See you on Friday"),
    ],
)
def test_a_reading_names_the_words_that_decided(matched: str, reply: str) -> None:
    """So that staff and clinicians see why, and the gravest symptom first."""
    assert classify(reply, BOOKS).matched == matched


def test_without_any_list_the_provider_s_own_words_still_count() -> None:
    """A clinic cannot lose them by editing a file."""
    assert classify("Cancel!", []).meaning is Meaning.STOP
    assert classify("unstop", []).meaning is Meaning.START
    assert classify("info", []).meaning is Meaning.HELP
    assert classify("anything else", []).meaning is Meaning.STAFF
