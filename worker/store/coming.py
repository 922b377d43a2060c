"""What is going to leave: messages that wait, and sessions something can still happen to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from worker.rules.messages import LEFT, WAITING, Status
from worker.store.tables import TO_PLAN, MessageRow, PatientRow, SessionRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

_OWNER = and_(
    PatientRow.clinic == SessionRow.clinic, PatientRow.patient_id == SessionRow.patient_id
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
            MessageRow.id,
            MessageRow.session_id,
            SessionRow.patient_id,
            SessionRow.clinic,
            SessionRow.treatment,
            PatientRow.time_zone,
            MessageRow.milestone,
            MessageRow.channel,
            MessageRow.kind,
            MessageRow.status,
            MessageRow.reason,
            MessageRow.due_at,
            MessageRow.next_at,
            MessageRow.expires_at,
        )
        .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
        .join(PatientRow, _OWNER)
        .where(MessageRow.status.in_(WAITING), MessageRow.next_at < until, *_of(clinic, only))
        .order_by(MessageRow.next_at, MessageRow.id)
    )
    return db.execute(wanted).mappings().all()


def unplanned(db: Connection) -> int:
    """How many sessions the next pass is going to plan."""
    waiting = select(func.count()).select_from(SessionRow)
    return db.execute(waiting.where(TO_PLAN, SessionRow.before_go_live.is_(False))).scalar_one()


def open_sessions(
    db: Connection, now: datetime, size: int, *, clinic: str = "", only: str = ""
) -> Iterator[list[str]]:
    """Sessions that something can still happen to, by id, in batches of ``size``."""
    last = ""
    while True:
        wanted = (
            select(SessionRow.session_id)
            .where(
                SessionRow.open_until >= now,
                SessionRow.before_go_live.is_(False),
                SessionRow.session_id > last,
                *_of(clinic, only),
            )
            .order_by(SessionRow.session_id)
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
    waits = and_(MessageRow.status.in_(WAITING), MessageRow.due_at < until)
    # What the provider refused at once has no id there, and is not billed.
    billed = or_(
        MessageRow.status.in_(LEFT),
        and_(MessageRow.status == Status.FAILED, MessageRow.provider_id.is_not(None)),
    )
    left = and_(billed, MessageRow.claimed_at >= since, MessageRow.claimed_at < until)
    last = 0
    while True:
        wanted = (
            select(
                MessageRow.id,
                MessageRow.session_id,
                SessionRow.clinic,
                MessageRow.milestone,
                MessageRow.channel,
                MessageRow.status,
                MessageRow.due_at,
                MessageRow.expires_at,
                MessageRow.claimed_at,
                MessageRow.language,
                MessageRow.address,
                MessageRow.body,
            )
            .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
            .where(MessageRow.id > last, or_(waits, left), *_of(clinic, ""))
            .order_by(MessageRow.id)
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
        found.append(SessionRow.clinic == clinic)
    if only:
        found.append(or_(SessionRow.session_id == only, SessionRow.patient_id == only))
    return found
