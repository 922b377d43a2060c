"""When things fall due: spans, wall times and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, time
from zoneinfo import ZoneInfo

import pytest

from tests.rules.given import case, moment
from worker.rules.timing import (
    Span,
    Unit,
    at_wall_time,
    due_time,
    next_wall_time,
    start_of_next_day,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15 minutes", Span(15, Unit.MINUTES)),
        ("1 minute", Span(1, Unit.MINUTES)),
        ("24 hours", Span(24, Unit.HOURS)),
        ("1 hour", Span(1, Unit.HOURS)),
        ("3 days", Span(3, Unit.DAYS)),
        ("1 day", Span(1, Unit.DAYS)),
        ("4 weeks", Span(4, Unit.WEEKS)),
        ("  3   Days ", Span(3, Unit.DAYS)),
        ("3days", Span(3, Unit.DAYS)),
        ("0 hours", Span(0, Unit.HOURS)),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, expected: Span) -> None:
    """Singular or plural, any case, any spacing."""
    assert Span.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "3", "days", "three days", "-1 days", "1.5 hours", "3 months", "3 days 2 h", "10000 days"],
)
def test_what_is_no_length_of_time_says_how_to_write_one(text: str) -> None:
    """The fault quotes what stands there and shows two examples."""
    with pytest.raises(ValueError, match="is not a length of time") as raised:
        Span.parse(text)
    expected = f'"{text}" is not a length of time; write it like "15 minutes" or "3 days"'
    assert str(raised.value) == expected


@pytest.mark.parametrize("text", ["1 minute", "15 minutes", "1 hour", "3 days", "1 day", "4 weeks"])
def test_a_span_is_shown_as_it_is_written(text: str) -> None:
    """So that a fault can quote the protocol."""
    assert str(Span.parse(text)) == text


@pytest.mark.parametrize(
    ("zone", "start", "span", "expected"),
    [
        case("Saturday 18:40, clocks go forward in the night: 24 hours end at 19:40",
             "Europe/Madrid", "2026-03-28 18:40+01:00", "24 hours", "2026-03-29 19:40+02:00"),
        case("Saturday 18:40, clocks go forward in the night: a day ends at 18:40",
             "Europe/Madrid", "2026-03-28 18:40+01:00", "1 day", "2026-03-29 18:40+02:00"),
        case("Saturday 18:40, clocks go back in the night: 24 hours end at 17:40",
             "Europe/Madrid", "2026-10-24 18:40+02:00", "24 hours", "2026-10-25 17:40+01:00"),
        case("Saturday 18:40, clocks go back in the night: a day ends at 18:40",
             "Europe/Madrid", "2026-10-24 18:40+02:00", "1 day", "2026-10-25 18:40+01:00"),
        case("Friday 18:40, clocks go back on Sunday",
             "Europe/Madrid", "2026-10-23 18:40+02:00", "3 days", "2026-10-26 18:40+01:00"),
        case("Friday 18:40 in New York, clocks go forward on Sunday",
             "America/New_York", "2026-03-06 18:40-05:00", "3 days", "2026-03-09 18:40-04:00"),
        case("Friday 18:40 in New York, clocks go back on Sunday: 72 hours",
             "America/New_York", "2026-10-30 18:40-04:00", "72 hours", "2026-11-02 17:40-05:00"),
        case("Saturday on Lord Howe, clocks go forward by half an hour",
             "Australia/Lord_Howe", "2026-10-03 18:40+10:30", "1 day", "2026-10-04 18:40+11:00"),
        case("Saturday on Lord Howe, clocks go back by half an hour: 24 hours",
             "Australia/Lord_Howe", "2026-04-04 18:40+11:00", "24 hours", "2026-04-05 18:10+10:30"),
        case("three days end at 02:30, which never comes: at 03:30",
             "Europe/Madrid", "2026-03-26 02:30+01:00", "3 days", "2026-03-29 03:30+02:00"),
        case("three days end at 02:30, which comes twice: the second time",
             "Europe/Madrid", "2026-10-22 02:30+02:00", "3 days", "2026-10-25 02:30+01:00"),
        case("three days end on leap day",
             "Europe/Madrid", "2028-02-26 10:00+01:00", "3 days", "2028-02-29 10:00+01:00"),
        case("a week from leap day",
             "Europe/Madrid", "2028-02-29 10:00+01:00", "1 week", "2028-03-07 10:00+01:00"),
        case("ten to midnight, over new year",
             "Europe/Madrid", "2026-12-30 23:50+01:00", "3 days", "2027-01-02 23:50+01:00"),
        case("ten to midnight, a quarter of an hour",
             "Europe/Madrid", "2026-11-23 23:50+01:00", "15 minutes", "2026-11-24 00:05+01:00"),
        case("Thursday in Samoa, and Friday was skipped: a day ends on Saturday",
             "Pacific/Apia", "2011-12-29 10:00-10:00", "1 day", "2011-12-31 10:00+14:00"),
        case("Thursday in Samoa, and Friday was skipped: so do two days",
             "Pacific/Apia", "2011-12-29 10:00-10:00", "2 days", "2011-12-31 10:00+14:00"),
        case("Thursday in Samoa, and Friday was skipped: so do 24 hours",
             "Pacific/Apia", "2011-12-29 10:00-10:00", "24 hours", "2011-12-31 10:00+14:00"),
    ],
)  # fmt: skip
def test_hours_elapse_and_days_follow_the_calendar(
    zone: str, start: str, span: str, expected: str
) -> None:
    """A day later is the same time on the patient's clock, 24 hours later need not be."""
    assert Span.parse(span).after(moment(start), ZoneInfo(zone)) == moment(expected)


@pytest.mark.parametrize(
    ("zone", "now", "wall", "expected"),
    [
        case("a minute to ten: today",
             "Europe/Madrid", "2026-11-23 09:59+01:00", "10:00", "2026-11-23 10:00+01:00"),
        case("ten sharp: now",
             "Europe/Madrid", "2026-11-23 10:00+01:00", "10:00", "2026-11-23 10:00+01:00"),
        case("a second past ten: tomorrow",
             "Europe/Madrid", "2026-11-23 10:00:01+01:00", "10:00", "2026-11-24 10:00+01:00"),
        case("New Year's Eve",
             "Europe/Madrid", "2026-12-31 18:40+01:00", "10:00", "2027-01-01 10:00+01:00"),
        case("the evening before leap day",
             "Europe/Madrid", "2028-02-28 18:40+01:00", "10:00", "2028-02-29 10:00+01:00"),
        case("02:30 comes twice: the second time",
             "Europe/Madrid", "2026-10-25 02:15+02:00", "02:30", "2026-10-25 02:30+01:00"),
        case("between the two 02:30s: the second is still to come",
             "Europe/Madrid", "2026-10-25 02:45+02:00", "02:30", "2026-10-25 02:30+01:00"),
        case("02:30 never comes: as much later as clocks went forward",
             "Europe/Madrid", "2026-03-29 01:45+01:00", "02:30", "2026-03-29 03:30+02:00"),
        case("02:15 never comes on Lord Howe: half an hour later",
             "Australia/Lord_Howe", "2026-10-04 01:00+10:30", "02:15", "2026-10-04 02:45+11:00"),
        case("Monday 23:50 in Honolulu",
             "Pacific/Honolulu", "2026-11-23 23:50-10:00", "10:00", "2026-11-24 10:00-10:00"),
        case("Monday 23:50 on Kiritimati, a day ahead",
             "Pacific/Kiritimati", "2026-11-23 23:50+14:00", "10:00", "2026-11-24 10:00+14:00"),
        case("Thursday afternoon in Samoa, and Friday was skipped",
             "Pacific/Apia", "2011-12-29 15:00-10:00", "10:00", "2011-12-31 10:00+14:00"),
    ],
)  # fmt: skip
def test_the_next_ten_o_clock_is_the_patients(
    zone: str, now: str, wall: str, expected: str
) -> None:
    """The first such time at or after a moment, on the clock on the patient's wall."""
    found = next_wall_time(moment(now), time.fromisoformat(wall), ZoneInfo(zone))
    assert found == moment(expected)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        case("Madrid, never: clocks go forward",
             "Europe/Madrid", "2026-03-29", "02:30", "2026-03-29 03:30+02:00"),
        case("Madrid, twice: clocks go back",
             "Europe/Madrid", "2026-10-25", "02:30", "2026-10-25 02:30+01:00"),
        case("New York, never: clocks go forward",
             "America/New_York", "2026-03-08", "02:30", "2026-03-08 03:30-04:00"),
        case("New York, twice: clocks go back",
             "America/New_York", "2026-11-01", "01:30", "2026-11-01 01:30-05:00"),
        case("Lord Howe, twice: clocks go back by half an hour",
             "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05 01:45+10:30"),
        case("Samoa, a whole day that never was",
             "Pacific/Apia", "2011-12-30", "10:00", "2011-12-31 10:00+14:00"),
    ],
)  # fmt: skip
def test_a_wall_time_that_comes_twice_or_never_is_read_late(
    zone: str, day: str, wall: str, expected: str
) -> None:
    """Waiting a little longer is never wrong, being early is."""
    found = at_wall_time(date.fromisoformat(day), time.fromisoformat(wall), ZoneInfo(zone))
    assert found == moment(expected)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "ended", "after", "expected"),
    [
        case("Friday 18:40, clocks go back on Sunday: Tuesday",
             "Europe/Madrid", "2026-10-23 18:40+02:00", "3 days", "2026-10-27 10:00+01:00"),
        case("Friday 9:30, clocks go forward on Sunday: Monday",
             "Europe/Madrid", "2026-03-27 09:30+01:00", "3 days", "2026-03-30 10:00+02:00"),
        case("Friday 9:30, clocks go forward on Sunday: 72 hours are past ten on Monday",
             "Europe/Madrid", "2026-03-27 09:30+01:00", "72 hours", "2026-03-31 10:00+02:00"),
        case("Friday ten sharp in New York, clocks go back on Sunday: Monday ten sharp",
             "America/New_York", "2026-10-30 10:00-04:00", "3 days", "2026-11-02 10:00-05:00"),
        case("fourteen days end on leap day in the evening: the first of March",
             "Europe/Madrid", "2028-02-15 18:40+01:00", "14 days", "2028-03-01 10:00+01:00"),
        case("Honolulu, three days to New Year's Eve: New Year's Day",
             "Pacific/Honolulu", "2026-12-28 18:40-10:00", "3 days", "2027-01-01 10:00-10:00"),
        case("Kiritimati, a day earlier than in Honolulu",
             "Pacific/Kiritimati", "2026-12-28 18:40+14:00", "3 days", "2027-01-01 10:00+14:00"),
    ],
)  # fmt: skip
def test_a_milestone_falls_due_at_its_time_of_day(
    zone: str, ended: str, after: str, expected: str
) -> None:
    """First the span passes, then the first ten o'clock comes."""
    due_at = due_time(moment(ended), Span.parse(after), time(10), ZoneInfo(zone))
    assert due_at == moment(expected)


def test_a_milestone_without_a_time_of_day_falls_due_when_its_span_ends() -> None:
    """The message that goes out while they leave does so at ten to midnight, too."""
    ended = moment("2026-11-23 23:50+01:00")
    due_at = due_time(ended, Span.parse("15 minutes"), None, ZoneInfo("Europe/Madrid"))
    assert due_at == moment("2026-11-24 00:05+01:00")


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        case("Monday afternoon",
             "Europe/Madrid", "2026-11-23 15:00+01:00", "2026-11-24 00:00+01:00"),
        case("midnight itself belongs to the day it begins",
             "Europe/Madrid", "2026-11-23 00:00+01:00", "2026-11-24 00:00+01:00"),
        case("the day of 25 hours",
             "Europe/Madrid", "2026-10-25 00:30+02:00", "2026-10-26 00:00+01:00"),
        case("Beirut, where clocks go forward at midnight: the day begins at 1:00",
             "Asia/Beirut", "2026-03-28 22:00+02:00", "2026-03-29 01:00+03:00"),
        case("Havana, where midnight comes twice: the second",
             "America/Havana", "2026-10-31 22:00-04:00", "2026-11-01 00:00-05:00"),
    ],
)  # fmt: skip
def test_a_day_ends_at_the_patients_midnight(zone: str, now: str, expected: str) -> None:
    """Midnight is the patient's, on days of 23 and 25 hours too."""
    assert start_of_next_day(moment(now), ZoneInfo(zone)) == moment(expected)


@pytest.mark.parametrize(
    ("span", "other", "expected"),
    [
        ("3 days", "3 days", True),
        ("4 days", "3 days", True),
        ("2 days", "3 days", False),
        ("2 weeks", "14 days", True),
        ("13 days", "2 weeks", False),
        ("90 minutes", "1 hour", True),
        ("72 hours", "3 days", False),  # clocks go back: three days last 73 hours
        ("73 hours", "3 days", True),
        ("3 days", "72 hours", False),  # clocks go forward: three days last 71 hours
        ("3 days", "71 hours", True),
    ],
)
def test_one_span_never_ends_before_another(span: str, other: str, *, expected: bool) -> None:
    """Whatever the clocks do between: days and hours are told apart."""
    assert Span.parse(span).never_before(Span.parse(other)) == expected
