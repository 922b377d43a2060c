"""The row contract, value by value: what is understood, and what a row is called."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from tests.sources.reading import BOSTON, good, read
from tests.support.clinic_database import GOOD_ROW
from tests.support.world import CLINIC
from worker.sources.row import (
    COLUMNS,
    OPTIONAL,
    REQUIRED,
    Reading,
    Withdrawal,
    fingerprint,
    row_key,
)

# What is understood


@pytest.mark.parametrize(
    "yes", [1, True, "1", "t", "true", "TRUE", "Yes", " y ", "on", "si", "Sí", b"\x01", Decimal(1)]
)
def test_a_yes_in_every_shape(yes: object) -> None:
    """Booleans of every driver, bits and words in two languages mean consent."""
    found = good(sms_consent=yes, email_consent=yes, marketing_consent=yes).patient
    assert (found.sms_consent, found.email_consent, found.marketing_consent) == (True, True, True)


@pytest.mark.parametrize("no", [0, False, "0", "f", "False", "NO", "n", "off", b"\x00", Decimal(0)])
def test_a_no_in_every_shape(no: object) -> None:
    """Whatever says no means no."""
    found = good(sms_consent=no, email_consent=no, marketing_consent=no).patient
    assert (
        found.sms_consent,
        found.email_consent,
        found.marketing_consent,
    ) == (False, False, False)


@pytest.mark.parametrize(
    ("human", "written", "utc"),
    [
        ("a text, clinic-local", "2026-11-23 15:00:00", "2026-11-23 14:00"),
        ("without seconds", "2026-11-23 15:00", "2026-11-23 14:00"),
        ("with a T", "2026-11-23T15:00:00", "2026-11-23 14:00"),
        ("with a Z", "2026-11-23T14:00:00Z", "2026-11-23 14:00"),
        ("with an offset", "2026-11-23 09:00:00-05:00", "2026-11-23 14:00"),
        ("with milliseconds", "2026-11-23 15:00:00.000", "2026-11-23 14:00"),
        ("a driver's naive time", datetime(2026, 11, 23, 15), "2026-11-23 14:00"),  # noqa: DTZ001
        ("a driver's aware time", datetime(2026, 11, 23, 14, tzinfo=UTC), "2026-11-23 14:00"),
        (
            "a driver's time in Honolulu",
            datetime(2026, 11, 23, 4, tzinfo=timezone(timedelta(hours=-10))),
            "2026-11-23 14:00",
        ),
        ("a summer evening", "2026-07-01 20:00", "2026-07-01 18:00"),
        ("Sunday 02:30, clocks go back: the later one", "2026-10-25 02:30", "2026-10-25 01:30"),
        ("Sunday 02:30, clocks go forward: the later one", "2026-03-29 02:30", "2026-03-29 01:30"),
        ("a leap day at 23:50", "2024-02-29 23:50", "2024-02-29 22:50"),
    ],
)
def test_when_a_session_ended(human: str, written: object, utc: str) -> None:
    """A time without a zone is the clinic's; one that clocks show twice counts as the later."""
    found = good(completed_at=written).session.completed_at
    assert datetime.fromisoformat(utc).replace(tzinfo=UTC) == found, human
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (4711, "4711"),
        ("  A-12 ", "A-12"),
        (UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"), "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        (Decimal(12), "12"),
        ("0012", "0012"),
        (0, "0"),
    ],
)
def test_ids_are_kept_as_the_clinic_writes_them(given: object, read: str) -> None:
    """Numbers, UUIDs and texts become the text that staff know."""
    found = good(session_id=given, patient_id=given)
    assert (read, read) == (found.session.session_id, found.patient.patient_id)


@pytest.mark.parametrize(
    ("column", "given", "read"),
    [
        ("session_number", "2", 2),
        ("session_number", Decimal(3), 3),
        ("session_number", None, None),
        ("sessions_planned", "", None),
        ("next_session_at", None, None),
        ("next_session_at", "", None),
        ("next_session_at", "2026-12-21", datetime(2026, 12, 20, 23, tzinfo=UTC)),
        ("next_session_at", date(2026, 12, 21), datetime(2026, 12, 20, 23, tzinfo=UTC)),
        ("next_session_at", "2026-12-21 16:30", datetime(2026, 12, 21, 15, 30, tzinfo=UTC)),
    ],
)
def test_the_course(column: str, given: object, read: object) -> None:
    """Numbers in any shape; a day without a time is enough for the next session."""
    assert getattr(good(**{column: given}).session, column) == read


def test_optional_columns_may_be_left_out() -> None:
    """With the required columns alone the clinic's language and zone hold, and no marketing."""
    found = read({name: GOOD_ROW[name] for name in REQUIRED})
    assert isinstance(found, Reading)
    patient = found.patient
    assert (patient.language, patient.zone) == (CLINIC.language, CLINIC.zone)
    assert not patient.marketing_consent
    assert found.as_of == found.session.completed_at


@pytest.mark.parametrize("column", OPTIONAL)
def test_optional_columns_may_be_empty(column: str) -> None:
    """NULL and an empty text mean the default, as if the column were not there."""
    left_out = read({name: value for name, value in GOOD_ROW.items() if name != column})
    assert left_out == good(**{column: None}) == good(**{column: ""})


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        ("es", "Atlantic/Canary", ("es", "Atlantic/Canary")),
        ("ES", "America/New_York", ("es", "America/New_York")),
        ("es-MX", "UTC", ("es", "UTC")),
        ("en_US", None, ("en", "Europe/Madrid")),
    ],
)
def test_a_patient_of_their_own_kind(
    language: str, zone: str | None, expected: tuple[str, str]
) -> None:
    """Language and zone of the row win over the clinic's."""
    patient = good(language=language, time_zone=zone).patient
    assert expected == (patient.language, patient.zone.key)


@pytest.mark.parametrize("country", ["ES", "US"])
def test_a_phone_number_is_read_with_the_clinics_country(country: str) -> None:
    """The same ten digits are a number in Boston and none in Madrid."""
    clinic = {"ES": CLINIC, "US": BOSTON}[country]
    found = read({**GOOD_ROW, "phone": "(617) 555-0123"}, clinics={clinic.key: clinic})
    assert isinstance(found, Reading)
    assert found.patient.phone == {"ES": None, "US": "+16175550123"}[country]


# What withdraws


@pytest.mark.parametrize("status", ["cancelled", "No-show", " REFUNDED ", "booked"])
def test_any_other_status_withdraws(status: str) -> None:
    """Only a completed session counts; the reason quotes the clinic's own word."""
    why = f"The clinic's system marks the session as “{status.strip()}”"
    assert Withdrawal(why) == read({**GOOD_ROW, "status": status})


@pytest.mark.parametrize("status", ["completed", "Completed", " COMPLETED ", "", None])
def test_completed_or_nothing_counts(status: str | None) -> None:
    """A view without a status, or with an empty one, lists completed sessions only."""
    assert good(status=status)


def test_a_withdrawn_row_may_be_bad_otherwise() -> None:
    """A cancelled session withdraws even when its other columns cannot be read."""
    raw = {**dict.fromkeys(COLUMNS), "session_id": "S1", "status": "cancelled"}
    assert isinstance(read(raw), Withdrawal)


# What a row is called and how a change shows


def test_a_row_without_an_id_is_called_by_its_content() -> None:
    """Two such rows are told apart, and the same one is the same tomorrow."""
    ana, eva = ({**GOOD_ROW, "session_id": None, "first_name": name} for name in ("Ana", "Eva"))
    assert row_key(ana) == row_key(dict(ana))
    assert row_key(ana) != row_key(eva)
    assert row_key({**GOOD_ROW, "session_id": 7}) == "7"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_in_any_column_shows(column: str) -> None:
    """Nothing of the contract can change unnoticed; a column of the clinic's own may."""
    before = fingerprint(GOOD_ROW)
    assert before != fingerprint({**GOOD_ROW, column: "something else"})
    assert before == fingerprint({**GOOD_ROW, "notes_of_the_clinic": "x"})
