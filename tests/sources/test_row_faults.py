"""The row contract, fault by fault: what is refused or used in part, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sources.reading import BOSTON, PERSONAL, bad, good, read
from tests.support.clinic_database import GOOD_ROW
from tests.support.world import CLINIC
from worker.sources.row import REQUIRED, Reading

# What is refused


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_column_is_named(column: str) -> None:
    """A row without a required column says which."""
    raw = {name: value for name, value in {**GOOD_ROW, **PERSONAL}.items() if name != column}
    assert bad(raw) == f"{column} is missing"


@pytest.mark.parametrize(
    ("column", "given", "why"),
    [
        ("session_id", None, "session_id is empty"),
        ("session_id", "  ", "session_id is empty"),
        ("patient_id", "", "patient_id is empty"),
        ("treatment", None, "treatment is empty"),
        ("completed_at", None, "completed_at is empty"),
        ("completed_at", "", "completed_at is empty"),
        ("sms_consent", None, "sms_consent is empty; it must say yes or no"),
        ("email_consent", "", "email_consent is empty; it must say yes or no"),
        ("sms_consent", "maybe", "sms_consent is neither yes nor no"),
        ("email_consent", 2, "email_consent is neither yes nor no"),
        ("marketing_consent", "?", "marketing_consent is neither yes nor no"),
        (
            "completed_at",
            "2026-11-23",
            "completed_at has no time of day; write it like 2026-11-23 15:30",
        ),
        (
            "completed_at",
            "23/11/2026 15:00",
            "completed_at is not a date and time; write it like 2026-11-23 15:30",
        ),
        (
            "completed_at",
            "2026-02-29 15:00",
            "completed_at is not a date and time; write it like 2026-11-23 15:30",
        ),
        (
            "next_session_at",
            "next Monday",
            "next_session_at is not a date and time; write it like 2026-11-23 15:30",
        ),
        ("session_number", "two", "session_number is not a number from 1"),
        ("sessions_planned", 0, "sessions_planned is not a number from 1"),
        (
            "treatment",
            "peeling",
            'treatment "peeling" has no folder in templates; there are: microneedling',
        ),
        (
            "time_zone",
            "Spain",
            'time_zone "Spain" is not a time zone; write it like "Europe/Madrid"',
        ),
        (
            "clinic",
            "sol",
            'clinic "sol" is not set up; run: aftercare clinic add sol',
        ),
        (
            "completed_at",
            "2026-11-24 16:00:01",
            "completed_at is in the future; a session counts once it has ended",
        ),
        ("completed_at", "0001-01-01 00:00+01:00", "a date lies too far from today to be one"),
        ("next_session_at", "9999-12-31 23:59-10:00", "a date lies too far from today to be one"),
    ],
)
def test_a_fault_is_told_in_a_sentence(column: str, given: object, why: str) -> None:
    """Each fault names its column and what to write, and nothing about the person."""
    assert bad({**GOOD_ROW, **PERSONAL, column: given}) == why
    assert not any(value in why for value in PERSONAL.values())


def test_every_fault_of_a_row_is_told_at_once() -> None:
    """Staff mend a row once, not once per fault."""
    why = bad({**GOOD_ROW, "patient_id": "", "sms_consent": "", "session_number": "x"})
    assert why == (
        "patient_id is empty; sms_consent is empty; it must say yes or no; "
        "session_number is not a number from 1"
    )


def test_a_clock_that_runs_ahead_by_less_than_a_day_is_forgiven() -> None:
    """A session that ends a little later than now is taken."""
    assert good(completed_at="2026-11-24 15:59").session.session_id == "S1"


@pytest.mark.parametrize(
    ("clinics", "named", "why"),
    [
        ((), None, "clinic is empty, and 0 clinics are set up; name one in each row"),
        ((CLINIC, BOSTON), None, "clinic is empty, and 2 clinics are set up; name one in each row"),
        (
            (CLINIC, BOSTON),
            "Hub",
            'clinic "Hub" is not set up; run: aftercare clinic add Hub',
        ),
    ],
)
def test_whose_session_it_is_must_be_clear(clinics: Any, named: str | None, why: str) -> None:
    """With several clinics each row names its own."""
    by_key = {each.key: each for each in clinics}
    assert bad({**GOOD_ROW, "clinic": named}, clinics=by_key) == why


def test_a_row_names_its_clinic() -> None:
    """Of two clinics the named one lends its zone and country."""
    found = read({**GOOD_ROW, "clinic": "hub"}, clinics={"glow": CLINIC, "hub": BOSTON})
    assert isinstance(found, Reading)
    assert (found.patient.clinic, found.patient.zone) == ("hub", BOSTON.zone)
    assert found.session.completed_at == datetime(2026, 11, 23, 20, tzinfo=UTC)


# What is used in part


@pytest.mark.parametrize(
    ("column", "nonsense", "note"),
    [
        (
            "phone",
            "ask her sister",
            (
                "phone: this is not a phone number; write it with its country code, "
                "like +34 600 123 456"
            ),
        ),
        ("phone", "600 98", "phone: this phone number has too few or too many digits for ES"),
        (
            "phone",
            "999 999 999",
            "phone: this is a placeholder, not a phone number; ask the patient for theirs",
        ),
        (
            "email",
            "zephyrine at home",
            "email: this is not an e-mail address; write it like name@example.com",
        ),
        (
            "language",
            "Klingon",
            (
                'language: "Klingon" is not a language code; write it like "en" or "es"; '
                "the clinic's own is used"
            ),
        ),
    ],
)
def test_the_usable_part_of_a_row_is_used(column: str, nonsense: str, note: str) -> None:
    """A nonsense phone number does not keep the e-mail back; staff are told which part is bad."""
    found = good(**{**PERSONAL, column: nonsense})
    assert (note,) == found.notes
    assert getattr(found.patient, column) == {"language": CLINIC.language}.get(column)


@pytest.mark.parametrize("column", ["phone", "email"])
@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_having_no_phone_or_mail_is_no_fault(column: str, nothing: object) -> None:
    """Not everyone has both; an empty one is nobody's mistake."""
    found = good(**{column: nothing})
    assert (found.notes, getattr(found.patient, column)) == ((), None)


def test_a_name_of_endless_length_is_refused() -> None:
    """Whatever filled the column, it is no first name."""
    assert bad({**GOOD_ROW, "first_name": "Z" * 201}).startswith("first_name cannot be used")


@pytest.mark.parametrize("value", PERSONAL.values(), ids=PERSONAL)
@pytest.mark.parametrize("column", ["completed_at", "sms_consent", "session_number"])
def test_columns_in_the_wrong_order_give_nobody_away(column: str, value: str) -> None:
    """A view whose columns slipped puts a person where a time should be; the reason does not."""
    assert value not in bad({**GOOD_ROW, column: value})


@pytest.mark.parametrize("column", ["clinic", "treatment", "time_zone", "language", "status"])
def test_a_slipped_column_of_words_gives_nobody_away(column: str) -> None:
    """The same where a key or a zone should be."""
    found = read({**GOOD_ROW, column: PERSONAL["email"]})
    why = "; ".join(found.notes) if isinstance(found, Reading) else found.why
    assert PERSONAL["email"] not in why
