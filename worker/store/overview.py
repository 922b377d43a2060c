"""The whole picture: how many messages stand where, and what needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from worker.rules.messages import Cause, Channel, Status
from worker.store.kinds import Decision
from worker.store.tables import (
    IS_HELD,
    IS_ON_HOLD,
    IS_PLANNED,
    IS_SENDING,
    IS_SENT,
    IS_UNKNOWN,
    MESSAGE_EVENTS,
    MESSAGES,
    PATIENT_EVENTS,
    PATIENTS,
    SESSIONS,
    TO_PLAN,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def count_by_status(db: Connection, since: datetime) -> dict[Status, int]:
    """How many messages stand in each status.

    What still waits counts however old it is; what left or ended, only since a moment: the worker
    itself looks at every pass, and history would take a second for each two million messages.
    """
    count = select(func.count()).select_from(MESSAGES)
    waiting = {
        Status.PLANNED: count.where(IS_PLANNED),
        Status.HELD: count.where(IS_HELD),
        Status.SENDING: count.where(IS_SENDING),
        Status.UNKNOWN: count.where(IS_UNKNOWN),
        Status.SENT: count.where(IS_SENT, MESSAGES.c.sent_at >= since),
    }
    ended = select(MESSAGES.c.status, func.count()).where(MESSAGES.c.ended_at >= since)
    counts = {status: db.execute(each).scalar_one() for status, each in waiting.items()}
    # A message that ended has none of the statuses above.
    rows = db.execute(ended.group_by(MESSAGES.c.status))
    counts |= {status: number for status, number in rows}  # noqa: C416 (typed rows)
    return {status: counts.get(status, 0) for status in Status}


def undecided(db: Connection) -> int:
    """How many messages wait for a person, other than through a clinical hold on their patient."""
    held = select(func.count()).select_from(MESSAGES).where(IS_HELD)
    return db.execute(held.where(MESSAGES.c.cause != Cause.CLINICAL_HOLD)).scalar_one()


def clinical_holds(db: Connection) -> Sequence[RowMapping]:
    """Patients whose permissions and invitations wait for staff, with why and since when."""
    since = (
        select(func.max(PATIENT_EVENTS.c.at))
        .where(
            PATIENT_EVENTS.c.clinic == PATIENTS.c.clinic,
            PATIENT_EVENTS.c.patient_id == PATIENTS.c.patient_id,
            PATIENT_EVENTS.c.event == Decision.HELD,
        )
        .scalar_subquery()
    )
    found = (
        select(PATIENTS.c.clinic, PATIENTS.c.patient_id, PATIENTS.c.clinical_hold)
        .add_columns(since.label("since"))
        .where(IS_ON_HOLD)
        .order_by(PATIENTS.c.clinic, PATIENTS.c.patient_id)
    )
    return db.execute(found).mappings().all()


def held_by_clinic(db: Connection) -> dict[str, int]:
    """How many messages of each clinic wait for a person."""
    rows = db.execute(
        select(SESSIONS.c.clinic, func.count())
        .join(MESSAGES, MESSAGES.c.session_id == SESSIONS.c.session_id)
        .where(IS_HELD, MESSAGES.c.cause != Cause.CLINICAL_HOLD)
        .group_by(SESSIONS.c.clinic)
    )
    return {clinic: count for clinic, count in rows}  # noqa: C416 (typed rows)


def next_due(db: Connection) -> datetime | None:
    """When the next message falls due or is looked at again."""
    first = select(func.min(MESSAGES.c.next_at)).where(IS_PLANNED)
    found = [db.execute(first.where(MESSAGES.c.channel == each)).scalar() for each in Channel]
    return min((each for each in found if each is not None), default=None)


def latest_failures(db: Connection, since: datetime) -> int:
    """How many messages failed for good since a moment."""
    failed = select(func.count()).where(
        MESSAGES.c.status == Status.FAILED, MESSAGES.c.ended_at >= since
    )
    return db.execute(failed).scalar_one()


def unplanned(db: Connection, before: datetime) -> int:
    """Sessions that were collected before a moment and still have no plan."""
    waiting = select(func.count()).select_from(SESSIONS)
    waiting = waiting.where(TO_PLAN, SESSIONS.c.collected_at < before)
    return db.execute(waiting).scalar_one()


def overdue(db: Connection, before: datetime) -> int:
    """Messages whose time was over before a moment and that still have no final state."""
    stuck = select(func.count()).select_from(MESSAGES)
    # Naming every channel lets the index answer, which has them one after the other.
    late = stuck.where(IS_PLANNED, MESSAGES.c.channel.in_(Channel), MESSAGES.c.next_at < before)
    leased = stuck.where(IS_SENDING, MESSAGES.c.lease_until < before)
    unknown = stuck.where(IS_UNKNOWN, MESSAGES.c.next_at < before)
    return sum(db.execute(each).scalar_one() for each in (late, leased, unknown))


def find_sessions(db: Connection, key: str, *, patients_only: bool = False) -> Sequence[RowMapping]:
    """Sessions by what staff know: a session's id, a patient's id, or a message's number.

    The same text may be several of these: then all of them are found, unless only patients are
    asked for.
    """
    found = (
        select(
            SESSIONS,
            PATIENTS.c.first_name,
            PATIENTS.c.time_zone,
            PATIENTS.c.blocked,
            PATIENTS.c.clinical_hold,
        )
        .join(
            PATIENTS,
            (PATIENTS.c.clinic == SESSIONS.c.clinic)
            & (PATIENTS.c.patient_id == SESSIONS.c.patient_id),
        )
        .order_by(SESSIONS.c.completed_at, SESSIONS.c.session_id)
    )
    wanted = SESSIONS.c.patient_id == key
    if not patients_only:
        wanted |= SESSIONS.c.session_id == key
    rows = db.execute(found.where(wanted)).mappings().all()
    if rows or patients_only or not (key.isdigit() and len(key) < _LONGEST_NUMBER):
        return rows
    of_message = select(MESSAGES.c.session_id).where(MESSAGES.c.id == int(key))
    return db.execute(found.where(SESSIONS.c.session_id.in_(of_message))).mappings().all()


#: Longer digits are no message's number, and too long for the database.
_LONGEST_NUMBER = 10


def find_patients(db: Connection, patient_id: str) -> Sequence[RowMapping]:
    """The patients with this id: each clinic may have one."""
    found = select(PATIENTS).where(PATIENTS.c.patient_id == patient_id)
    return db.execute(found.order_by(PATIENTS.c.clinic)).mappings().all()


def messages_of(db: Connection, session_id: str) -> Sequence[RowMapping]:
    """A session's messages in the order of their due times."""
    rows = select(MESSAGES).where(MESSAGES.c.session_id == session_id)
    return db.execute(rows.order_by(MESSAGES.c.due_at, MESSAGES.c.id)).mappings().all()


def events_of(db: Connection, message_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """What happened to messages, each in order."""
    found: dict[int, list[dict[str, Any]]] = {each: [] for each in message_ids}
    rows = select(MESSAGE_EVENTS).where(MESSAGE_EVENTS.c.message_id.in_(message_ids))
    for row in db.execute(rows.order_by(MESSAGE_EVENTS.c.id)).mappings():
        found[row["message_id"]].append({str(key): value for key, value in row.items()})
    return found
