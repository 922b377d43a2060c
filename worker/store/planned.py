"""Which sessions are to be planned, and what they were planned with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from worker.rules.messages import WAITING
from worker.store.collected import replan_patients
from worker.store.tables import TO_FOLLOW_UP, TO_PLAN, MessageRow, SessionRow, table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


_SESSIONS = table_of(SessionRow)
#: Patients at a time: each is two parameters, of which databases take so many.
_CHUNK = 500


def mark_outdated(db: Connection, treatment: str, version: str, now: datetime) -> None:
    """Open sessions that were planned with another version of the protocol are planned again.

    So are the other sessions of those patients, because one session's restrictions bear on all.
    """
    outdated = select(SessionRow.clinic, SessionRow.patient_id).where(
        SessionRow.open_until >= now,
        SessionRow.treatment == treatment,
        SessionRow.plan_version != version,
        SessionRow.before_go_live.is_(False),
    )
    patients = [(row.clinic, row.patient_id) for row in db.execute(outdated.distinct())]
    for start in range(0, len(patients), _CHUNK):
        replan_patients(db, patients[start : start + _CHUNK], now)


def follow_up(db: Connection, now: datetime) -> None:
    """Where a message failed for good, all that its patient still has coming is planned again.

    Its session's plan may have something that goes in its place, and another session of its day
    may have to speak for itself after all.
    """
    failed = (
        select(MessageRow.id, SessionRow.clinic, SessionRow.patient_id)
        .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
        .where(TO_FOLLOW_UP)
        .limit(_CHUNK)
    )
    while rows := db.execute(failed).all():
        replan_patients(db, {(row.clinic, row.patient_id) for row in rows}, now)
        done = MessageRow.id.in_([row.id for row in rows])
        db.execute(update(MessageRow).where(done).values(follow_up=False))


def set_aside_before_go_live(db: Connection) -> list[int]:
    """Sessions from before go-live are recorded, and done with that.

    Returns:
        Messages of theirs that still wait, because go-live was put off.
    """
    early = SessionRow.before_go_live.is_(True)
    waiting = (
        select(MessageRow.id)
        .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
        .where(TO_PLAN, early, MessageRow.status.in_(WAITING))
    )
    ids = list(db.execute(waiting).scalars())
    db.execute(update(SessionRow).where(TO_PLAN, early).values(needs_plan=False))
    return ids


def sessions_to_plan(
    db: Connection, treatments: Collection[str], limit: int, *, after: str = ""
) -> list[str]:
    """Sessions to plan whose treatment has a usable protocol, by id, from ``after`` on."""
    wanted = (
        select(SessionRow.session_id)
        .where(TO_PLAN, SessionRow.treatment.in_(treatments), SessionRow.session_id > after)
        .order_by(SessionRow.session_id)
        .limit(limit)
        # What collect changes meanwhile waits, and marks the session once more afterwards.
        .with_for_update()
    )
    return list(db.execute(wanted).scalars())


def note_planned(db: Connection, plans: Sequence[Mapping[str, Any]]) -> None:
    """Sessions' plans are up to date: ``of_session``, ``plan_version``, ``open_until`` of each."""
    if plans:
        done = update(_SESSIONS).where(_SESSIONS.c.session_id == bindparam("of_session"))
        db.execute(done.values(needs_plan=False), plans)
