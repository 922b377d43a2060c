"""A store with as much in it as a case needs, written in bulk.

One clinic in Madrid, one session for each patient, completed a day before :data:`NOW`. What falls
due at :data:`NOW` is the milestone of the next day: advice that may go to everybody.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, insert, text, update

from worker.rules.contacts import read_zone
from worker.rules.facts import Clinic, Patient, Session
from worker.rules.messages import Cause, Channel, Kind, Status
from worker.store.clinics import add_clinic
from worker.store.tables import MESSAGES, PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

#: Monday 23 November 2026, 11:00 in Madrid: nobody's night.
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
CLINIC = Clinic(
    key="glow",
    name="Glow Skin Clinic",
    zone=read_zone("Europe/Madrid"),
    country="ES",
    language="en",
    phone="+34910123456",
    email="desk@glow.example.com",
)
_BATCH = 5_000
#: Rows that the database makes by itself in one transaction.
_CHUNK = 500_000
_NAMES = ("Ana", "Marta", "Zoe", "Pablo", "Irene", "Hugo", "Nora", "Leo")


def clock() -> Callable[[], datetime]:
    """A clock that begins at :data:`NOW` and goes as fast as the real one."""
    began = time.monotonic()
    return lambda: NOW + timedelta(seconds=time.monotonic() - began)


def facts(number: int) -> tuple[Patient, Session]:
    """A patient and the session, as the worker would read them from the store."""
    patient, session = _patient(number), _session(number)
    for name in ("clinical_hold", "as_of", "erased_at"):
        del patient[name]
    patient["zone"] = read_zone(patient.pop("time_zone"))
    kept = ("session_id", "treatment", "completed_at", "session_number", "sessions_planned")
    return Patient(**patient), Session(**{name: session[name] for name in kept})


def fill(engine: Engine, *, patients: int, channel: Channel, due: int = 0) -> None:
    """Write patients, a session for each, and for the first ``due`` a message that is due."""
    with engine.begin() as db:
        add_clinic(db, CLINIC, NOW)
    for batch in _batches(patients):
        with engine.begin() as db:
            db.execute(insert(PATIENTS), [_patient(each) for each in batch])
            db.execute(insert(SESSIONS), [_session(each) for each in batch])
    for batch in _batches(due):
        with engine.begin() as db:
            db.execute(insert(MESSAGES), [_due(each, channel) for each in batch])


def fill_more(engine: Engine, *, patients: int, count: int, finished: bool) -> None:
    """Write ``count`` messages that are planned for later, or were delivered; in the database."""
    # History is what is older than the month that `status` counts.
    moment = NOW + (timedelta(days=-60) if finished else timedelta(days=13))
    at = moment.strftime("%Y-%m-%d %H:%M:%S.000000")
    status, cause = (Status.SENT, Cause.ACCEPTED) if finished else (Status.PLANNED, Cause.PROTOCOL)
    name = "past" if finished else "later"
    postgres = engine.dialect.name == "postgresql"
    at = f"{at}+00" if postgres else at
    done = f"TIMESTAMPTZ '{at}'" if postgres else f"'{at}'"
    then = done if finished else "NULL"
    attempt = "'a' || n" if finished else "NULL"
    # An engine without ours' checks and limits: a foreign key would be looked up for each row.
    loader = create_engine(engine.url)
    for start in range(0, count, _CHUNK):
        end = min(start + _CHUNK, count) - 1
        numbers = (
            f"SELECT n FROM generate_series({start}, {end}) AS numbers (n)"
            if postgres
            else f"WITH RECURSIVE numbers (n) AS (SELECT {start} UNION ALL "
            f"SELECT n + 1 FROM numbers WHERE n < {end}) SELECT n FROM numbers"
        )
        with loader.begin() as db:
            if postgres:
                db.execute(text("SET LOCAL session_replication_role = replica"))
            db.execute(
                text(
                    "INSERT INTO messages (session_id, milestone, channel, kind, status, cause, "
                    "reason, due_at, expires_at, next_at, attempts, stumbles, "
                    "attempt_id, provider_id, "
                    "claimed_at, sent_at, created_at, follow_up) "
                    f"SELECT 'S' || (n % {patients}), '{name}-' || (n / {patients}), 'sms', "
                    f"'advice', '{status}', '{cause}', 'As the protocol says', "
                    f"{done}, {done}, {done}, {int(finished)}, 0, {attempt}, {attempt}, "
                    f"{then}, {then}, {done}, FALSE FROM ({numbers}) AS each_number"
                )
            )
    loader.dispose()


def mark_to_plan(engine: Engine) -> None:
    """Every session has yet to be planned."""
    with engine.begin() as db:
        db.execute(update(SESSIONS).values(needs_plan=True))


def _patient(number: int) -> dict[str, Any]:
    return {
        "clinic": CLINIC.key,
        "patient_id": f"P{number}",
        "first_name": _NAMES[number % len(_NAMES)],
        "phone": f"+346{number:08d}",
        "phone_problem": "",
        "email": f"patient{number}@example.com",
        "email_problem": "",
        "language": ("en", "es")[number % 2],
        "time_zone": CLINIC.zone.key,
        "sms_consent": True,
        "email_consent": True,
        "marketing_consent": True,
        "blocked": "",
        "clinical_hold": "",
        "sms_stopped": "",
        "email_stopped": "",
        "invitations_stopped": "",
        "as_of": NOW,
        "erased_at": None,
    }


def _session(number: int) -> dict[str, Any]:
    return {
        "session_id": f"S{number}",
        "clinic": CLINIC.key,
        "patient_id": f"P{number}",
        "source": "sql",
        "treatment": "microneedling",
        # Sessions end at all times of day, and what is worked out for one does not hold for all.
        "completed_at": NOW - timedelta(days=1, minutes=5, seconds=number % 7_200),
        "session_number": 1,
        "sessions_planned": 3,
        "next_session_at": None,
        "withdrawn": "",
        "fault": "",
        "before_go_live": False,
        "fingerprint": "",
        "needs_plan": False,
        "plan_version": "",
        "open_until": NOW + timedelta(days=60),
        "collected_at": NOW,
    }


def _due(number: int, channel: Channel) -> dict[str, Any]:
    due_at = NOW - timedelta(minutes=5)
    return {
        "session_id": f"S{number}",
        "milestone": "first-day",
        "channel": channel,
        "kind": Kind.ADVICE,
        "status": Status.PLANNED,
        "cause": Cause.PROTOCOL,
        "reason": "Planned by the protocol",
        "due_at": due_at,
        "expires_at": due_at + timedelta(days=2),
        "next_at": due_at,
        "attempts": 0,
        "created_at": NOW - timedelta(days=1),
    }


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, _BATCH):
        yield range(start, min(start + _BATCH, count))
