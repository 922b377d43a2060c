"""A patient's messages that have not left, as decisions about the patient move them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, tuple_, update

from worker.rules.messages import WAITING, Cause, Kind, Reason, Status, Transition
from worker.store import messages
from worker.store.tables import IS_HELD, MESSAGES, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.messages import Channel
    from worker.store.patient_events import PatientKey

#: What waits while a clinical hold is on; advice goes on.
_HELD_KINDS = (Kind.PERMISSION, Kind.INVITATION)


def skip(
    db: Connection,
    patients: Collection[PatientKey],
    reason: Reason,
    *,
    actor: str,
    now: datetime,
    channel: Channel | None = None,
    kinds: Collection[Kind] = (),
) -> None:
    """They will not be sent, as far as they are of a channel and kind."""
    skipped = Transition.skipped(reason, at=now)
    for row in _messages(db, patients, WAITING, channel=channel, kinds=kinds):
        messages.move(db, row["id"], skipped, now, actor=actor)


def hold(db: Connection, patient: PatientKey, reason: Reason, *, actor: str, now: datetime) -> None:
    """What lifts a restriction, and invitations, wait for staff."""
    held = Transition.held(reason)
    for row in _messages(db, [patient], (Status.PLANNED,), kinds=_HELD_KINDS):
        messages.move(db, row["id"], held, now, actor=actor)


def release(
    db: Connection, patient: PatientKey, reason: Reason, *, actor: str, now: datetime
) -> None:
    """What a clinical hold kept back waits for its time again; the gate decides again."""
    for row in _messages(db, [patient], (Status.HELD,)):
        if row["cause"] is Cause.CLINICAL_HOLD:
            again = Transition.released(row["due_at"], reason)
            messages.move(db, row["id"], again, now, actor=actor)


def end_held(db: Connection, now: datetime) -> int:
    """What staff held for longer than it is true is not sent any more; returns how many."""
    over = select(MESSAGES.c.id, MESSAGES.c.reason).where(
        IS_HELD, MESSAGES.c.cause == Cause.CLINICAL_HOLD, MESSAGES.c.expires_at <= now
    )
    rows = db.execute(over).all()
    for row in rows:
        reason = Reason(Cause.TOO_LATE, f"Too late: it was held until now. {row.reason}")
        messages.move(db, row.id, Transition.skipped(reason, at=now), now)
    return len(rows)


def revive(
    db: Connection,
    patients: Collection[PatientKey],
    cause: Cause,
    text: str,
    *,
    actor: str,
    now: datetime,
    channel: Channel | None = None,
) -> None:
    """What was skipped for this cause, never left and is still true waits again."""
    reason = Reason(Cause.PROTOCOL, text)
    for row in _messages(db, patients, (Status.SKIPPED,), channel=channel):
        if row["cause"] is cause and row["attempts"] == 0 and row["expires_at"] > now:
            again = Transition.revived(row["due_at"], row["expires_at"], reason)
            messages.move(db, row["id"], again, now, actor=actor)
    plan_again(db, patients, now)


def plan_again(db: Connection, patients: Collection[PatientKey], now: datetime) -> None:
    """Their plans may have changed meanwhile."""
    owner = tuple_(SESSIONS.c.clinic, SESSIONS.c.patient_id)
    theirs = owner.in_(list(patients)) & (SESSIONS.c.open_until >= now)
    db.execute(update(SESSIONS).where(theirs).values(needs_plan=True))


def _messages(
    db: Connection,
    patients: Collection[PatientKey],
    statuses: Iterable[Status],
    *,
    channel: Channel | None = None,
    kinds: Collection[Kind] = (),
) -> Sequence[RowMapping]:
    """Messages of these patients in these statuses, as far as they are of a channel and kind."""
    owner = tuple_(SESSIONS.c.clinic, SESSIONS.c.patient_id)
    found = (
        select(MESSAGES)
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .where(owner.in_(list(patients)), MESSAGES.c.status.in_(list(statuses)))
        .order_by(MESSAGES.c.id)
    )
    if channel is not None:
        found = found.where(MESSAGES.c.channel == channel)
    if kinds:
        found = found.where(MESSAGES.c.kind.in_(kinds))
    return db.execute(found).mappings().all()
