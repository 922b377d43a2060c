"""What is going to leave: messages that wait, and sessions something can still happen to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from worker.rules.messages import LEFT, WAITING, Status
from worker.store.tables import MESSAGES, PATIENTS, SESSIONS, TO_PLAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

_OWNER = and_(
    PATIENTS.c.clinic == SESSIONS.c.clinic, PATIENTS.c.patient_id == SESSIONS.c.patient_id
)


def coming(
    db: Connection, until: datetime, *, clinic: str = "", only: str = ""
) -> Sequence[RowMapping]:
    """Messages that wait and fall due before a moment, in the order of their times.

    Args:
        db: One consistent view of the store.
        until: Later ones are left out.
        clinic: Only this clinic's.
        only: Only of the patient or session with this id.
    """
    wanted = (
        select(
            MESSAGES.c.id,
            MESSAGES.c.session_id,
            SESSIONS.c.patient_id,
            SESSIONS.c.clinic,
            SESSIONS.c.treatment,
            PATIENTS.c.time_zone,
            MESSAGES.c.milestone,
            MESSAGES.c.channel,
            MESSAGES.c.kind,
            MESSAGES.c.status,
            MESSAGES.c.reason,
            MESSAGES.c.due_at,
            MESSAGES.c.next_at,
            MESSAGES.c.expires_at,
        )
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .join(PATIENTS, _OWNER)
        .where(MESSAGES.c.status.in_(WAITING), MESSAGES.c.next_at < until, *_of(clinic, only))
        .order_by(MESSAGES.c.next_at, MESSAGES.c.id)
    )
    return db.execute(wanted).mappings().all()


def unplanned(db: Connection) -> int:
    """How many sessions the next pass is going to plan."""
    waiting = select(func.count()).select_from(SESSIONS)
    return db.execute(waiting.where(TO_PLAN, SESSIONS.c.before_go_live.is_(False))).scalar_one()


def open_sessions(
    db: Connection, now: datetime, size: int, *, clinic: str = "", only: str = ""
) -> Iterator[list[str]]:
    """Sessions that something can still happen to, by id, in batches of ``size``."""
    last = ""
    while True:
        wanted = (
            select(SESSIONS.c.session_id)
            .where(
                SESSIONS.c.open_until >= now,
                SESSIONS.c.before_go_live.is_(False),
                SESSIONS.c.session_id > last,
                *_of(clinic, only),
            )
            .order_by(SESSIONS.c.session_id)
            .limit(size)
        )
        ids = list(db.execute(wanted).scalars())
        if ids:
            yield ids
        if len(ids) < size:
            return
        last = ids[-1]


def to_price(
    db: Connection, since: datetime, until: datetime, size: int, *, clinic: str = ""
) -> Iterator[Sequence[RowMapping]]:
    """Messages of a span of time that cost something, in batches: what left, and what waits."""
    waits = and_(MESSAGES.c.status.in_(WAITING), MESSAGES.c.due_at < until)
    # What the provider refused at once has no id there, and is not billed.
    billed = or_(
        MESSAGES.c.status.in_(LEFT),
        and_(MESSAGES.c.status == Status.FAILED, MESSAGES.c.provider_id.is_not(None)),
    )
    left = and_(billed, MESSAGES.c.claimed_at >= since, MESSAGES.c.claimed_at < until)
    last = 0
    while True:
        wanted = (
            select(
                MESSAGES.c.id,
                MESSAGES.c.session_id,
                SESSIONS.c.clinic,
                MESSAGES.c.milestone,
                MESSAGES.c.channel,
                MESSAGES.c.status,
                MESSAGES.c.due_at,
                MESSAGES.c.expires_at,
                MESSAGES.c.claimed_at,
                MESSAGES.c.language,
                MESSAGES.c.address,
                MESSAGES.c.body,
            )
            .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
            .where(MESSAGES.c.id > last, or_(waits, left), *_of(clinic, ""))
            .order_by(MESSAGES.c.id)
            .limit(size)
        )
        rows = db.execute(wanted).mappings().all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        last = rows[-1]["id"]


def _of(clinic: str, only: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if clinic:
        found.append(SESSIONS.c.clinic == clinic)
    if only:
        found.append(or_(SESSIONS.c.session_id == only, SESSIONS.c.patient_id == only))
    return found
