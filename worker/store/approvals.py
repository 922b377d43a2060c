"""Who signed off which version of a treatment's messages, and what waits for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, or_, select

from worker.rules.messages import Cause
from worker.store.tables import APPROVALS, IS_HELD, MESSAGES, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


@dataclass(frozen=True, slots=True)
class Approval:
    """One signature."""

    treatment: str
    version: str
    approved_by: str
    approved_at: datetime
    note: str


def add(db: Connection, approval: Approval, contents: Mapping[str, str]) -> None:
    """Record a signature with a copy of the files that it is for."""
    db.execute(
        insert(APPROVALS).values(
            treatment=approval.treatment,
            version=approval.version,
            approved_by=approval.approved_by,
            approved_at=approval.approved_at,
            note=approval.note,
            contents=dict(contents),
        )
    )


def history(db: Connection) -> list[Approval]:
    """Every signature, the oldest first."""
    return [Approval(*row) for row in db.execute(_SIGNED.order_by(APPROVALS.c.id))]


def latest(db: Connection) -> dict[str, Approval]:
    """The last signature for each treatment: only the last version that was signed off counts."""
    newest = select(func.max(APPROVALS.c.id)).group_by(APPROVALS.c.treatment)
    rows = db.execute(_SIGNED.where(APPROVALS.c.id.in_(newest)))
    return {row.treatment: Approval(*row) for row in rows}


def of_versions(db: Connection, treatment: str) -> dict[str, Approval]:
    """The first signature for each version of a treatment that has one."""
    signed = _SIGNED.where(APPROVALS.c.treatment == treatment).order_by(APPROVALS.c.id.desc())
    return {row.version: Approval(*row) for row in db.execute(signed)}


def contents(db: Connection, treatment: str) -> dict[str, str]:
    """The files of a treatment as they were last signed off; none when they never were."""
    kept = select(APPROVALS.c.contents).where(APPROVALS.c.treatment == treatment)
    found = db.execute(kept.order_by(APPROVALS.c.id.desc()).limit(1)).scalar()
    return found or {}


def lock_waiting(
    db: Connection, treatments: Collection[str], now: datetime, limit: int
) -> Sequence[RowMapping]:
    """Messages that are held for a signature and can be decided, locked until the end.

    Those of ``treatments``, which are signed off now, and those whose truth window is over.
    """
    waiting = (
        select(MESSAGES.c.id, MESSAGES.c.due_at, MESSAGES.c.expires_at, SESSIONS.c.treatment)
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .where(
            IS_HELD,
            MESSAGES.c.cause == Cause.UNAPPROVED,
            or_(MESSAGES.c.expires_at <= now, SESSIONS.c.treatment.in_(treatments)),
        )
        .order_by(MESSAGES.c.expires_at)
        .limit(limit)
        .with_for_update(of=MESSAGES, skip_locked=True)
    )
    return db.execute(waiting).mappings().all()


_SIGNED = select(
    APPROVALS.c.treatment,
    APPROVALS.c.version,
    APPROVALS.c.approved_by,
    APPROVALS.c.approved_at,
    APPROVALS.c.note,
)
