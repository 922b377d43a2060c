"""The row contract: what a row of ``completed_sessions`` means, and what is wrong with it.

A row is judged in two steps. Its shape (ids, times, consents) is pydantic's; its meaning (which
clinic, whose phone, which treatment) needs the clinics that are set up. Reasons are written for
the front desk and never repeat a name, a number or an address.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import RowMapping

from worker.rules.contacts import (
    country_of_phone,
    read_email,
    read_language,
    read_phone,
    read_zone,
    zones_of_phone,
)
from worker.rules.facts import Clinic, Patient, Session
from worker.rules.timing import at_wall_time
from worker.sources.values import (
    read_count,
    read_day_or_time,
    read_flag,
    read_flag_or_no,
    read_id,
    read_text,
    read_time,
    read_time_or_none,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from zoneinfo import ZoneInfo

#: A row as a driver or a file gives it, by column name.
Row = Mapping[str, Any] | RowMapping

REQUIRED = (
    "session_id",
    "treatment",
    "completed_at",
    "patient_id",
    "first_name",
    "phone",
    "email",
    "sms_consent",
    "email_consent",
)
OPTIONAL = (
    "clinic",
    "marketing_consent",
    "language",
    "time_zone",
    "session_number",
    "sessions_planned",
    "next_session_at",
    "status",
    "updated_at",
)
COLUMNS = REQUIRED + OPTIONAL

#: The columns without which nobody knows what a session restricts, and stand-ins for the others.
_WHAT_HAPPENED = ("session_id", "clinic", "treatment", "completed_at", "patient_id")
_NOBODY = {"first_name": "", "phone": "", "email": "", "sms_consent": False, "email_consent": False}

#: A clock that runs ahead is a nuisance; a session a day ahead is a mistake.
_FUTURE = timedelta(days=1)
#: What a key, a zone or a status looks like; a patient's name, number or address mostly does not.
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_/+ -]{0,39}")


@dataclass(frozen=True, slots=True)
class Reading:
    """A row that can be used."""

    clinic: Clinic
    session: Session
    patient: Patient
    #: How old the facts are: ``updated_at``, or when the session ended.
    as_of: datetime
    #: Parts that could not be used, for staff.
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A row whose ``status`` says that the session does not count."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cannot be used; nothing is sent for it until it is mended."""

    why: str


def row_key(raw: Row) -> str:
    """What to call a row: its session id, or a digest when it has none."""
    session_id = raw.get("session_id")
    text = "" if session_id is None else str(session_id).replace("\0", "").strip()
    return text or f"row-{fingerprint(raw)[:10]}"


def fingerprint(raw: Row) -> str:
    """A digest that changes when any column of the contract does."""
    values = repr(list(map(raw.get, COLUMNS)))
    return hashlib.blake2b(values.encode(), digest_size=12).hexdigest()


def read_row(
    raw: Row,
    *,
    clinics: Mapping[str, Clinic],
    treatments: Collection[str],
    now: datetime,
) -> Reading | Withdrawal | Rejection:
    """Judge one row of the source.

    Args:
        raw: The row as the driver gave it, by column name.
        clinics: The clinics that are set up, by key.
        treatments: The treatments that have a protocol.
        now: A session may not have ended later than this (a day's grace for odd clocks).
    """
    status = str(raw.get("status") or "completed").strip()
    if status.lower() != "completed":
        shown = f"“{status}”" if _KEY.fullmatch(status) else "something else than completed"
        return Withdrawal(f"The clinic's system marks the session as {shown}")
    try:
        row = _Row.model_validate({name: raw[name] for name in COLUMNS if name in raw})
        return _understand(row, clinics, treatments, now)
    except ValidationError as error:
        return Rejection("; ".join(_faults(error)))
    except _MeaningError as error:
        return Rejection(str(error))
    except OverflowError:
        return Rejection("a date lies too far from today to be one")


def what_happened(
    raw: Row, *, clinics: Mapping[str, Clinic], treatments: Collection[str], now: datetime
) -> Reading | None:
    """What a rejected row still tells: that a patient was treated, with what, and when.

    That is enough to know what the patient must wait with. Its ``patient`` is only an id. None
    when not even that much can be read.
    """
    bare = {name: raw[name] for name in _WHAT_HAPPENED if name in raw}
    found = read_row(bare | _NOBODY, clinics=clinics, treatments=treatments, now=now)
    return found if isinstance(found, Reading) else None


class _MeaningError(Exception):
    """The row's shape is right, its meaning is not."""


class _Row(BaseModel):
    """The shape of a row; defaults are for columns that a view may leave out."""

    model_config = ConfigDict(frozen=True)

    session_id: Annotated[str, BeforeValidator(read_id)]
    treatment: Annotated[str, BeforeValidator(read_id)]
    completed_at: Annotated[datetime, BeforeValidator(read_time)]
    patient_id: Annotated[str, BeforeValidator(read_id)]
    first_name: Annotated[str, BeforeValidator(read_text), Field(max_length=200)]
    phone: Annotated[str, BeforeValidator(read_text)]
    email: Annotated[str, BeforeValidator(read_text)]
    sms_consent: Annotated[bool, BeforeValidator(read_flag)]
    email_consent: Annotated[bool, BeforeValidator(read_flag)]
    clinic: Annotated[str, BeforeValidator(read_text)] = ""
    marketing_consent: Annotated[bool, BeforeValidator(read_flag_or_no)] = False
    language: Annotated[str, BeforeValidator(read_text)] = ""
    time_zone: Annotated[str, BeforeValidator(read_text)] = ""
    session_number: Annotated[int | None, BeforeValidator(read_count)] = None
    sessions_planned: Annotated[int | None, BeforeValidator(read_count)] = None
    next_session_at: Annotated[datetime | None, BeforeValidator(read_day_or_time)] = None
    updated_at: Annotated[datetime | None, BeforeValidator(read_time_or_none)] = None


def _faults(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        column = fault["loc"][0]
        if fault["type"] == "missing":
            yield f"{column} is missing"
        elif fault["type"] == "value_error":
            yield f"{column} {fault['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{column} cannot be used ({fault['msg'].lower()})"


def _understand(
    row: _Row, clinics: Mapping[str, Clinic], treatments: Collection[str], now: datetime
) -> Reading:
    clinic = _clinic_of(row, clinics)
    if row.treatment not in treatments:
        known = ", ".join(sorted(treatments)) or "none"
        named = _named("treatment", row.treatment)
        message = f"{named} has no folder in templates; there are: {known}"
        raise _MeaningError(message)
    completed_at = _moment(row.completed_at, clinic.zone)
    if completed_at > now + _FUTURE:
        message = "completed_at is in the future; a session counts once it has ended"
        raise _MeaningError(message)
    notes: list[str] = []
    language = _or_note(read_language, row.language, "language", notes) or clinic.language
    phone, phone_problem = _contact(row.phone, lambda text: read_phone(text, clinic.country))
    email, email_problem = _contact(row.email, read_email)
    notes += [f"phone: {phone_problem}"] if phone_problem else []
    notes += [f"email: {email_problem}"] if email_problem else []
    patient = Patient(
        clinic=clinic.key,
        patient_id=row.patient_id,
        first_name=row.first_name,
        phone=phone,
        phone_problem=phone_problem,
        email=email,
        email_problem=email_problem,
        language=language,
        zone=_zone_of(row, clinic, phone, notes),
        sms_consent=row.sms_consent,
        email_consent=row.email_consent,
        marketing_consent=row.marketing_consent,
    )
    session = Session(
        session_id=row.session_id,
        treatment=row.treatment,
        completed_at=completed_at,
        session_number=row.session_number,
        sessions_planned=row.sessions_planned,
        next_session_at=row.next_session_at and _moment(row.next_session_at, clinic.zone),
    )
    as_of = completed_at if row.updated_at is None else _moment(row.updated_at, clinic.zone)
    # A clock that ran ahead must not make every later row look older.
    return Reading(clinic, session, patient, min(as_of, now), tuple(notes))


def _named(column: str, key: str) -> str:
    """The column with its value, unless that may be a patient's: then the column alone."""
    return f'{column} "{key}"' if _KEY.fullmatch(key) else column


def _clinic_of(row: _Row, clinics: Mapping[str, Clinic]) -> Clinic:
    if not row.clinic and len(clinics) == 1:
        return next(iter(clinics.values()))
    if not row.clinic:
        message = f"clinic is empty, and {len(clinics)} clinics are set up; name one in each row"
        raise _MeaningError(message)
    if row.clinic not in clinics:
        named = row.clinic if _KEY.fullmatch(row.clinic) else "KEY"
        message = f"{_named('clinic', row.clinic)} is not set up; run: aftercare clinic add {named}"
        raise _MeaningError(message)
    return clinics[row.clinic]


def _zone_of(row: _Row, clinic: Clinic, phone: str | None, notes: list[str]) -> ZoneInfo:
    """The patient's zone. A wrong one could mean a text at 3 am, so it is not guessed lightly.

    The row's own word counts, then the clinic's: patients live where it is. Only a clinic that
    says otherwise (``--zone-from-phone``) has it read from a phone of another country, when that
    names one place.
    """
    if not row.time_zone:
        zones = _zones_abroad(phone, clinic) if phone and clinic.zone_from_phone else ()
        if len(zones) > 1:
            several = "it is empty, and the phone's country has several; the clinic's own is used"
            notes.append(f"time_zone: {several}")
        return zones[0] if len(zones) == 1 else clinic.zone
    try:
        return read_zone(row.time_zone)
    except ValueError:
        named = _named("time_zone", row.time_zone)
        message = f'{named} is not a time zone; write it like "Europe/Madrid"'
        raise _MeaningError(message) from None


def _zones_abroad(phone: str, clinic: Clinic) -> tuple[ZoneInfo, ...]:
    # Within a country people keep their number when they move, so an area code says little.
    return () if country_of_phone(phone) == clinic.country else zones_of_phone(phone)


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    """A value without a zone is clinic-local time."""
    if value.tzinfo is None:
        return at_wall_time(value.date(), value.time(), zone)
    return value.astimezone(UTC)


def _or_note(read: Callable[[str], str], text: str, column: str, notes: list[str]) -> str | None:
    try:
        return read(text) if text else None
    except ValueError as error:
        shown = str(error) if _KEY.fullmatch(text) else "its value cannot be used"
        notes.append(f"{column}: {shown}; the clinic's own is used")
        return None


def _contact(text: str, read: Callable[[str], str]) -> tuple[str | None, str]:
    """The address and, when it cannot be used, why. The other channel goes on without it."""
    if not text:
        return None, ""
    try:
        return read(text), ""
    except ValueError as error:
        return None, str(error)
