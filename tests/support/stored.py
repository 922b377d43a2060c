"""Rows in the worker's own database, for tests that begin in the middle of a session's life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from tests.support.world import CLINIC, MADRID
from worker.rules.facts import Patient, Session
from worker.rules.messages import Channel, Kind
from worker.rules.planning import PlannedMessage
from worker.store import messages
from worker.store.arrivals import Arrival, save, save_patients
from worker.store.clinics import add_clinic, all_clinics
from worker.store.tables import MESSAGE_EVENTS, MESSAGES, METADATA, SESSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Monday 23 November 2026, 15:00 in Madrid.
MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)

PATIENT = Patient(
    clinic=CLINIC.key,
    patient_id="P1",
    first_name="Ana",
    phone="+34600123456",
    email="ana@example.com",
    language="en",
    zone=MADRID,
    sms_consent=True,
    email_consent=True,
    marketing_consent=True,
)


def store_session(
    db: Connection, session_id: str = "S1", *, patient: Patient = PATIENT, at: datetime = MONDAY
) -> None:
    """A session that ended at ``at``, with its patient and clinic."""
    if not all_clinics(db):
        add_clinic(db, replace(CLINIC), at)
    known = select(SESSIONS.c.session_id).where(SESSIONS.c.session_id == session_id)
    if db.execute(known).first() is not None:
        save_patients(db, [(patient, at)])
        return
    session = Session(session_id, "microneedling", at, session_number=1, sessions_planned=3)
    arrival = Arrival(session, patient, fingerprint="", as_of=at)
    save(db, [arrival], (), source="sql", go_live_at=at - timedelta(days=1), now=at)


def store_message(
    db: Connection,
    session_id: str = "S1",
    *,
    milestone: str = "home",
    channel: Channel = Channel.SMS,
    due_at: datetime = MONDAY,
    **columns: Any,
) -> int:
    """A planned message of a stored session, then ``columns`` as given; returns its number."""
    expires_at = due_at + timedelta(hours=6)
    planned = PlannedMessage(milestone, channel, Kind.ADVICE, due_at, expires_at)
    messages.add(db, {session_id: [planned]}, due_at)
    wanted = select(MESSAGES.c.id).where(
        MESSAGES.c.session_id == session_id,
        MESSAGES.c.milestone == milestone,
        MESSAGES.c.channel == channel,
    )
    message_id = db.execute(wanted).scalar_one()
    if columns:
        db.execute(update(MESSAGES).where(MESSAGES.c.id == message_id).values(columns))
    return message_id


def message(db: Connection, message_id: int) -> Any:
    """A message's row."""
    return db.execute(select(MESSAGES).where(MESSAGES.c.id == message_id)).one()


def events(db: Connection, message_id: int) -> list[Any]:
    """What happened to a message, in order."""
    rows = select(MESSAGE_EVENTS).where(MESSAGE_EVENTS.c.message_id == message_id)
    return list(db.execute(rows.order_by(MESSAGE_EVENTS.c.id)))


def everything(db: Connection, *, but: frozenset[str] = frozenset()) -> dict[str, list[Any]]:
    """Every row of every table, to show that something changed nothing."""
    return {
        table.name: sorted(db.execute(select(table)).all(), key=repr)
        for table in METADATA.sorted_tables
        if table.name not in but
    }
