"""Dates and times as patients read them: in their language, and never a moment too early."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.rules.given import case
from tests.support.world import MADRID
from worker.content.language import clock, day, locale_for, moment

ENGLISH = locale_for("en", "US")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MADRID)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        case("on the minute", "2026-11-26 15:00", "Thursday 26 November, 3:00 PM"),
        case("a minute has begun", "2026-11-26 15:00:01", "Thursday 26 November, 3:01 PM"),
        case("the last whole minute", "2026-11-26 23:59", "Thursday 26 November, 11:59 PM"),
        case("the last minute has begun", "2026-11-26 23:59:30", "Friday 27 November"),
        case("midnight", "2026-11-27 00:00", "Friday 27 November"),
    ],
)
def test_no_time_is_told_early(when: str, expected: str) -> None:
    """Seconds round up, and the day goes with them: 23:59:30 is not "Thursday, 12:00 AM"."""
    told = moment(at(when), ENGLISH)
    assert told == expected
    assert told.startswith(day(at(when), ENGLISH))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("es", "jueves 26 de noviembre, 15:00"),
        ("fr", "jeudi 26 novembre, 15:00"),
        ("de", "Donnerstag, 26. November, 15:00"),
        ("pt", "quinta-feira, 26 de novembro, 15:00"),
        ("pl", "czwartek, 26 listopada, 15:00"),
        ("ja", "11月26日(木曜日), 15:00"),
    ],
)
def test_a_new_language_needs_no_code(language: str, expected: str) -> None:
    """Whole words in the language's own order, by Babel; nothing is cut to "jeu. 26 nov."."""
    assert moment(at("2026-11-26 15:00"), locale_for(language, "ES")) == expected


def test_the_clock_is_the_countrys() -> None:
    """Twelve hours in the United States, in Spanish too."""
    assert clock(at("2026-11-26 15:00"), locale_for("es", "US")) == "3:00 pm"
