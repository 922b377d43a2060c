"""The hours in which a patient may be disturbed."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.rules.given import MADRID, case, moment
from worker.rules.timing import SendingHours


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        case("8:59:59, a second too early",
             "Europe/Madrid", "2026-11-23 08:59:59+01:00", "2026-11-23 09:00+01:00"),
        case("9:00 sharp is fine",
             "Europe/Madrid", "2026-11-23 09:00+01:00", None),
        case("19:59:59, the last second",
             "Europe/Madrid", "2026-11-23 19:59:59+01:00", None),
        case("20:00 sharp is too late",
             "Europe/Madrid", "2026-11-23 20:00+01:00", "2026-11-24 09:00+01:00"),
        case("midnight belongs to the morning that follows",
             "Europe/Madrid", "2026-11-24 00:00+01:00", "2026-11-24 09:00+01:00"),
        case("Saturday 23:00, clocks go back in the night",
             "Europe/Madrid", "2026-10-24 23:00+02:00", "2026-10-25 09:00+01:00"),
        case("Saturday 23:00, clocks go forward in the night",
             "Europe/Madrid", "2026-03-28 23:00+01:00", "2026-03-29 09:00+02:00"),
        case("New Year's Eve",
             "Europe/Madrid", "2026-12-31 23:59+01:00", "2027-01-01 09:00+01:00"),
        case("the evening before leap day",
             "Europe/Madrid", "2028-02-28 21:00+01:00", "2028-02-29 09:00+01:00"),
        case("noon in Madrid is 1 am in Honolulu",
             "Pacific/Honolulu", "2026-11-23 12:00+01:00", "2026-11-23 09:00-10:00"),
        case("noon in Madrid is 1 am on Kiritimati, of the next day",
             "Pacific/Kiritimati", "2026-11-23 12:00+01:00", "2026-11-24 09:00+14:00"),
        case("noon in Madrid is 6 am in New York",
             "America/New_York", "2026-11-23 12:00+01:00", "2026-11-23 09:00-05:00"),
        case("Lord Howe, clocks went back by half an hour at two",
             "Australia/Lord_Howe", "2026-04-05 08:59:59+10:30", "2026-04-05 09:00+10:30"),
    ],
)  # fmt: skip
def test_quiet_hours_end_at_nine_where_the_patient_is(
    zone: str, now: str, expected: str | None
) -> None:
    """From 20:00 until 9:00 on the patient's own clock, wherever the clinic is."""
    quiet_until = SendingHours().quiet_until(moment(now), ZoneInfo(zone))
    assert quiet_until == (None if expected is None else moment(expected))


def test_a_clinic_sets_its_own_hours() -> None:
    """8:30 to 21:00: what is quiet by default need not be here."""
    hours = SendingHours(time(8, 30), time(21))
    assert hours.quiet_until(moment("2026-11-23 20:59+01:00"), MADRID) is None
    quiet_until = hours.quiet_until(moment("2026-11-23 08:29+01:00"), MADRID)
    assert quiet_until == moment("2026-11-23 08:30+01:00")


@pytest.mark.parametrize(
    ("opens", "closes"),
    [(time(9), time(9)), (time(20), time(9))],
    ids=["never open", "open over midnight"],
)
def test_hours_that_close_before_they_open_are_refused(opens: time, closes: time) -> None:
    """A slip in the clinic's settings is told at once, with what stands there."""
    with pytest.raises(ValueError, match="must open before they close") as raised:
        SendingHours(opens, closes)
    hours = f"{opens:%H:%M}-{closes:%H:%M}"
    assert str(raised.value) == f"sending hours must open before they close, not {hours}"


def test_the_quiet_night_is_what_the_day_leaves() -> None:
    """Thirteen hours from 20:00 to 9:00."""
    assert SendingHours().quiet_night == timedelta(hours=13)
    assert SendingHours(time(8), time(21)).quiet_night == timedelta(hours=11)
