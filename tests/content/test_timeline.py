"""The timeline: whole days as columns, bars that end when a restriction does, and today."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.content.samples import (
    GLOW,
    MONDAY,
    SITUATIONS,
    TREATMENT,
    Situation,
    ended,
    render,
    template_path,
)
from tests.support.stored import PATIENT
from tests.support.world import MADRID
from worker.content.context import message_context
from worker.content.layout import read_layout
from worker.content.library import Library
from worker.content.timeline import timetable
from worker.errors import TemplateError
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.rules.planning import restriction_ends

if TYPE_CHECKING:
    from pathlib import Path

    from worker.content.timeline import Timetable
    from worker.rules.facts import Session

NAMES = ("exercise", "sun", "exfoliation")


#: As the fixture `library`, for what is worked out outside of a test.
SHIPPED = Library(TEMPLATES)


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=MADRID)


def drawn(now: str, *sessions: Session, language: str = "en", **ends: str) -> Timetable:
    """The timeline of a patient at a Madrid time."""
    library = SHIPPED
    found = restriction_ends(sessions, library.protocols, MADRID)
    found |= {name: at(end) for name, end in ends.items()}
    context = message_context(
        GLOW, PATIENT, sessions[0], ends=found, due_at=at(now), language=language
    )
    return timetable(context, read_layout(TEMPLATES / "layout", language), NAMES)


def test_a_bar_waits_until_its_restriction_ends() -> None:
    """Monday 15:00: fifteen columns; three days end in the fourth, after 15 of its 24 hours."""
    found = drawn("2026-11-23 15:15", MONDAY)
    assert [each.number for each in found.days] == list(range(15))
    third = (3 + 15 / 24) / 15 * 100
    assert [each.wait for each in found.rows] == pytest.approx(
        [third, third, (14 + 15 / 24) / 15 * 100], abs=0.01
    )
    assert all(each.wait + each.free == pytest.approx(100, abs=0.02) for each in found.rows)
    assert [each.allowed for each in found.rows] == [False, False, False]


@pytest.mark.parametrize(
    ("today", "told", "now"),
    [
        (0, "Today is day 0, the day of your visit.", "2026-11-23 23:59"),
        (1, "Today is day 1.", "2026-11-24 00:00"),
        (4, "Today is day 4.", "2026-11-27 10:00"),
        (14, "Today is day 14.", "2026-12-07 15:00"),
    ],
)
def test_today_is_the_calendar_day(today: int, told: str, now: str) -> None:
    """One column is marked and numbered: days change at midnight where the patient lives."""
    found = drawn(now, MONDAY)
    assert [each.number for each in found.days if each.today] == [today]
    assert [each.label for each in found.days if each.today] == [str(today)]
    assert told == found.today


def test_after_the_last_day_no_column_is_today() -> None:
    """Four weeks later the picture is over."""
    assert not any(each.today for each in drawn("2026-12-21 10:00", MONDAY).days)


@pytest.mark.parametrize(
    ("allowed", "now"),
    [
        ([False, False, False], "2026-11-26 14:59"),
        ([True, True, False], "2026-11-26 15:00"),
        ([True, True, True], "2026-12-07 15:00"),
    ],
)
def test_allowed_is_said_from_the_very_moment(allowed: list[bool], now: str) -> None:
    """Not a minute before."""
    found = drawn(now, MONDAY)
    assert allowed == [each.allowed for each in found.rows]
    says = [each.says for each in found.rows]
    assert ["not until" in says[0], "stay out" in says[1], "not until" in says[2]] == [
        not each for each in allowed
    ]


def test_a_later_session_makes_it_longer() -> None:
    """Back after ten days: the picture goes on until that session's last restriction ends."""
    found = drawn("2026-11-23 15:15", MONDAY, ended("2026-12-03 12:00"))
    assert found.days[-1].number == 24
    assert [each.label for each in found.days if each.label] == ["0", "7", "14", "21"]


@pytest.mark.parametrize(
    ("labels", "now"),
    [
        (["1", "7", "14", "21"], "2026-11-24 10:00"),
        (["0", "7", "15", "21"], "2026-12-08 10:00"),
        (["0", "7", "14", "21", "24"], "2026-12-17 09:00"),
    ],
)
def test_a_long_timeline_numbers_the_weeks_and_today(labels: list[str], now: str) -> None:
    """Two digits take three narrow columns, with their own in the middle, and every day has one."""
    found = drawn(now, MONDAY, ended("2026-12-03 12:00"))
    assert [each.label for each in found.days if each.label] == labels
    assert sum(each.span for each in found.days) == 25


def test_what_ends_at_midnight_touches_no_further_day() -> None:
    """A bar that ends with day 14 needs no column for day 15."""
    found = drawn("2026-11-23 15:15", MONDAY, exfoliation="2026-12-08 00:00")
    assert found.days[-1].number == 14
    assert (found.rows[2].wait, found.rows[2].free) == (100, 0)


def test_clocks_that_change_do_not_shift_a_bar() -> None:
    """Days are the calendar's: 18:40 stays 18:40 on the day after clocks go back."""
    found = drawn("2026-10-24 19:00", ended("2026-10-24 18:40"))
    part = (18 * 60 + 40) / (24 * 60)
    assert found.rows[0].wait == pytest.approx((3 + part) / 15 * 100, abs=0.01)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("milestone", ["home", "first-day", "active-again"])
def test_the_text_part_says_what_the_picture_shows(
    library: Library, milestone: str, language: str
) -> None:
    """Each row's words stand in both parts, so nobody needs to see a bar."""
    words = render(library, milestone, Channel.EMAIL, language)
    lines = [line for line in words.text.splitlines() if line.startswith("- ")]
    layout = read_layout(TEMPLATES / "layout", language)
    for name in NAMES:
        (line,) = [each for each in lines if each.startswith(f"- {layout.restriction(name).name}:")]
        title, _, says = line.removeprefix("- ").removesuffix(".").partition(": ")
        assert f">{title}:</strong> {says}.</td>" in (words.html or "")


def test_the_day_is_that_of_sending() -> None:
    """A message that waited for the morning marks the morning's day."""
    library = SHIPPED
    ends = restriction_ends([MONDAY], library.protocols, MADRID)
    template = library.find(TREATMENT, "first-day", Channel.EMAIL, wanted="en", fallback="en")
    context = message_context(
        GLOW,
        PATIENT,
        MONDAY,
        ends=ends,
        due_at=MONDAY.completed_at + timedelta(hours=24),
        now=at("2026-11-25 09:00"),
        language="en",
    )
    assert "Today is day 2." in template.render(context).text


def test_pictures_may_be_blocked(library: Library) -> None:
    """The timeline has none, and the clinic's logo has its name to stand in for it."""
    logo = replace(GLOW, logo_url="https://glow.example.com/logo.png", name="Glow & Co")
    html = render(library, "home", Channel.EMAIL, "en").html or ""
    assert "<img" not in html
    words = render(library, "home", Channel.EMAIL, "en", situation=Situation(MONDAY, clinic=logo))
    html = words.html or ""
    assert html.count("<img") == 1
    assert 'src="https://glow.example.com/logo.png" alt="Glow &amp; Co"' in html


# Faults


def rewrite(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "layout" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("told", "old", "new"),
    [
        ("en.toml: not valid TOML", "[timeline]", "[timeline"),
        ("en.toml: timeline.today: is missing", "today =", "# today ="),
        ("en.toml: restrictions.sun.name: must not be empty", 'name = "Sun"', 'name = ""'),
        ("en.toml: restrictions.sun.nam: unknown key", 'name = "Sun"', 'name = "Sun"\nnam = "x"'),
        ("en.toml: restrictions.sun.allowed: unexpected", '"only with SPF 30+"', '"{{ end | "'),
    ],
)
def test_a_fault_in_the_words_is_told(folder: Path, told: str, old: str, new: str) -> None:
    """With its file and key; texts go on, and so do e-mails in other languages."""
    rewrite(folder, "en.toml", old, new)
    library = Library(folder)
    assert {each.split("/")[2] for each in library.problems} == {"en"}
    for problem in library.problems.values():
        assert f"templates/layout/{told}" in problem
    assert render(library, "home", Channel.SMS, "en").text
    assert render(library, "home", Channel.EMAIL, "es").html


def test_a_restriction_without_words_is_told(folder: Path) -> None:
    """A new restriction in a protocol needs words in every language, and is told which."""
    protocol = folder / TREATMENT / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace("[restrictions]", '[restrictions]\nmakeup = "1 day"'))
    library = Library(folder)
    with pytest.raises(TemplateError) as raised:
        render(library, "first-day", Channel.EMAIL, "en")
    assert (
        "templates/layout/en.toml has no words for the restriction makeup; "
        "add [restrictions.makeup] with name, wait, allowed and again" in str(raised.value)
    )


def test_the_timeline_stands_on_a_line_of_its_own(folder: Path) -> None:
    """In the middle of a sentence there is no such value."""
    path = template_path(folder, "first-day", Channel.EMAIL, "en")
    path.write_text("# Hi\n\nLook: {{ timeline }}", encoding="utf-8")
    with pytest.raises(TemplateError, match="'timeline' is undefined"):
        render(Library(folder), "first-day", Channel.EMAIL, "en", situation=SITUATIONS["in Boston"])
