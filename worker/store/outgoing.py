"""What is due to leave, and what the gate asks about its session and its patient."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import (
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

from worker.rules.messages import LEFT, Cause, Channel, Kind, Status
from worker.store.cases import OWNERS
from worker.store.messages import STANDS
from worker.store.tables import (
    IS_PLANNED,
    MessageRow,
    SessionRow,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


_MESSAGES, _SESSIONS = map(table_of, (MessageRow, SessionRow))
_DUE = (
    select(
        *STANDS,
        *(
            _MESSAGES.c[name]
            for name in (
                "session_id", "milestone", "channel", "kind", "cause", "due_at", "expires_at",
                "attempts", "message_ref", "calendar", "stumbles",
            )
        ),
    )
    .where(
        IS_PLANNED,
        _MESSAGES.c.next_at <= bindparam("now"),
        _MESSAGES.c.channel == bindparam("channel"),
    )
    .order_by(_MESSAGES.c.next_at, _MESSAGES.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)  # fmt: skip
_REACHED = select(_MESSAGES.c.session_id, _MESSAGES.c.milestone, _MESSAGES.c.due_at).where(
    _MESSAGES.c.session_id.in_(bindparam("ids", expanding=True)),
    _MESSAGES.c.channel == bindparam("channel"),
    _MESSAGES.c.due_at <= bindparam("now"),
    _MESSAGES.c.status.not_in((Status.SKIPPED, Status.FAILED)),
    # What staff hold does not go out, so it replaces no older one.
    _MESSAGES.c.cause != Cause.CLINICAL_HOLD,
)
_DEPARTURES = (
    select(_SESSIONS.c.clinic, _SESSIONS.c.patient_id, _MESSAGES.c.claimed_at)
    .join_from(_MESSAGES, _SESSIONS, _SESSIONS.c.session_id == _MESSAGES.c.session_id)
    .where(
        tuple_(_SESSIONS.c.clinic, _SESSIONS.c.patient_id).in_(OWNERS),
        _MESSAGES.c.channel == bindparam("channel"),
        _MESSAGES.c.claimed_at >= bindparam("since"),
        _MESSAGES.c.status.in_(LEFT),
    )
)
_FAILED_TEXTS = select(_MESSAGES.c.session_id, _MESSAGES.c.milestone).where(
    _MESSAGES.c.session_id.in_(bindparam("ids", expanding=True)),
    _MESSAGES.c.channel == Channel.SMS,
    or_(
        _MESSAGES.c.status == Status.FAILED,
        and_(_MESSAGES.c.status == Status.SKIPPED, _MESSAGES.c.cause == Cause.SUPPRESSED),
    ),
)
#: What may have left before, or have taken a worker down, goes alone.
_WITH_OTHERS = _DUE.where(_MESSAGES.c.cause != Cause.UNKNOWN)
_EXPIRED = _DUE.where(_MESSAGES.c.expires_at <= bindparam("now"))


@dataclass(frozen=True, slots=True)
class Competitor:
    """A due message, as far as the patient's other due messages need to know."""

    message_id: int
    session_id: str
    kind: Kind


def lock_due(
    db: Connection,
    channel: Channel,
    now: datetime,
    limit: int,
    *,
    expired: bool = False,
    alone: bool = False,
) -> Sequence[RowMapping]:
    """Due messages of a channel, or only those past their truth window, locked until the end.

    On PostgreSQL, messages that another worker is looking at are passed over (SKIP LOCKED); on
    SQLite the transaction itself keeps others out. The newest come first, so that a session's
    newest milestone is decided before its older ones.
    """
    due = _EXPIRED if expired else _DUE if alone else _WITH_OTHERS
    asked = {"channel": channel, "now": now, "most": limit}
    rows = db.execute(due, asked).mappings().all()
    return sorted(rows, key=lambda row: (row["due_at"], row["id"]), reverse=True)


def reached(
    db: Connection, session_ids: Collection[str], channel: Channel, now: datetime
) -> dict[str, dict[str, datetime]]:
    """By session: the milestones whose time has come and that are not skipped, with that time."""
    found: dict[str, dict[str, datetime]] = {each: {} for each in session_ids}
    rows = db.execute(_REACHED, {"ids": list(session_ids), "channel": channel, "now": now})
    for session_id, milestone, due_at in rows:
        found[session_id][milestone] = due_at
    return found


def failed_texts(db: Connection, session_ids: Collection[str]) -> set[tuple[str, str]]:
    """The text messages that failed for good: session and milestone."""
    rows = db.execute(_FAILED_TEXTS, {"ids": list(session_ids)})
    return {(row.session_id, row.milestone) for row in rows}


def competitors(
    db: Connection, patients: Collection[tuple[str, str]], channel: Channel, now: datetime
) -> dict[tuple[str, str], list[Competitor]]:
    """By patient (clinic, patient id): the messages that are due and still true."""
    found: dict[tuple[str, str], list[Competitor]] = {each: [] for each in patients}
    if not patients:
        return found
    owner = tuple_(SessionRow.clinic, SessionRow.patient_id)
    rows = db.execute(
        select(
            SessionRow.clinic,
            SessionRow.patient_id,
            MessageRow.id,
            MessageRow.session_id,
            MessageRow.kind,
        )
        .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
        .where(
            IS_PLANNED,
            owner.in_(list(patients)),
            MessageRow.channel == channel,
            MessageRow.next_at <= now,
            MessageRow.expires_at > now,
        )
    )
    for row in rows:
        found[row.clinic, row.patient_id].append(Competitor(row.id, row.session_id, row.kind))
    return found


def refusals(db: Connection, channel: Channel, address: str) -> int:
    """How many messages to an address its provider refused, at once or by a later receipt."""
    later = (MessageRow.status == Status.FAILED) & (MessageRow.cause == Cause.RECEIPT)
    refused = select(func.count()).where(
        MessageRow.channel == channel,
        MessageRow.address == address,
        (MessageRow.cause == Cause.REFUSED) | later,
    )
    return db.execute(refused).scalar_one()


def departures(
    db: Connection, session_ids: Collection[str], channel: Channel, since: datetime
) -> defaultdict[tuple[str, str], list[datetime]]:
    """By patient (clinic, patient id) of these sessions: when their messages left, or may have."""
    found = defaultdict(list)
    rows = db.execute(_DEPARTURES, {"ids": list(session_ids), "channel": channel, "since": since})
    for clinic, patient_id, claimed_at in rows:
        found[clinic, patient_id].append(claimed_at)
    return found
