"""Which sessions are to be planned, and what they were planned with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from worker.rules.messages import WAITING
from worker.store.collected import replan_patients
from worker.store.tables import MESSAGES, SESSIONS, TO_FOLLOW_UP, TO_PLAN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


#: Patients at a time: each is two parameters, of which databases take so many.
_CHUNK = 500


def mark_outdated(db: Connection, treatment: str, version: str, now: datetime) -> None:
    """Open sessions that were planned with another version of the protocol are planned again.

    So are the other sessions of those patients, because one session's restrictions bear on all.
    """
    outdated = select(SESSIONS.c.clinic, SESSIONS.c.patient_id).where(
        SESSIONS.c.open_until >= now,
        SESSIONS.c.treatment == treatment,
        SESSIONS.c.plan_version != version,
        SESSIONS.c.before_go_live.is_(False),
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
        select(MESSAGES.c.id, SESSIONS.c.clinic, SESSIONS.c.patient_id)
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .where(TO_FOLLOW_UP)
        .limit(_CHUNK)
    )
    while rows := db.execute(failed).all():
        replan_patients(db, {(row.clinic, row.patient_id) for row in rows}, now)
        done = MESSAGES.c.id.in_([row.id for row in rows])
        db.execute(update(MESSAGES).where(done).values(follow_up=False))


def set_aside_before_go_live(db: Connection) -> list[int]:
    """Sessions from before go-live are recorded, and done with that.

    Returns:
        Messages of theirs that still wait, because go-live was put off.
    """
    early = SESSIONS.c.before_go_live.is_(True)
    waiting = (
        select(MESSAGES.c.id)
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .where(TO_PLAN, early, MESSAGES.c.status.in_(WAITING))
    )
    ids = list(db.execute(waiting).scalars())
    db.execute(update(SESSIONS).where(TO_PLAN, early).values(needs_plan=False))
    return ids


def sessions_to_plan(
    db: Connection, treatments: Collection[str], limit: int, *, after: str = ""
) -> list[str]:
    """Sessions to plan whose treatment has a usable protocol, by id, from ``after`` on."""
    wanted = (
        select(SESSIONS.c.session_id)
        .where(TO_PLAN, SESSIONS.c.treatment.in_(treatments), SESSIONS.c.session_id > after)
        .order_by(SESSIONS.c.session_id)
        .limit(limit)
        # What collect changes meanwhile waits, and marks the session once more afterwards.
        .with_for_update()
    )
    return list(db.execute(wanted).scalars())


def note_planned(db: Connection, plans: Sequence[Mapping[str, Any]]) -> None:
    """Sessions' plans are up to date: ``of_session``, ``plan_version``, ``open_until`` of each."""
    if plans:
        done = update(SESSIONS).where(SESSIONS.c.session_id == bindparam("of_session"))
        db.execute(done.values(needs_plan=False), plans)
