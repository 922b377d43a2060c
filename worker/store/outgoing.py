"""What is due to leave, and what the gate asks about its session and its patient."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import (
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    tuple_,
)

from worker.rules.messages import LEFT, Cause, Channel, Kind, Status
from worker.store.lists import one_of
from worker.store.messages import STANDS
from worker.store.tables import IS_PLANNED, MESSAGES, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.store.cases import Case

#: A patient: clinic and patient id.
Owner = tuple[str, str]

_DUE = (
    select(
        *STANDS,
        *(
            MESSAGES.c[name]
            for name in (
                "session_id", "milestone", "channel", "kind", "cause", "due_at", "expires_at",
                "attempts", "message_ref", "calendar", "stumbles",
            )
        ),
    )
    .where(
        IS_PLANNED,
        MESSAGES.c.next_at <= bindparam("now"),
        MESSAGES.c.channel == bindparam("channel"),
    )
    .order_by(MESSAGES.c.next_at, MESSAGES.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)  # fmt: skip
_TIME_HAS_COME = and_(
    MESSAGES.c.due_at <= bindparam("now"),
    MESSAGES.c.status.not_in((Status.SKIPPED, Status.FAILED)),
    # What staff hold does not go out, so it replaces no older one.
    MESSAGES.c.cause != Cause.CLINICAL_HOLD,
)
_HAS_LEFT = and_(MESSAGES.c.claimed_at >= bindparam("since"), MESSAGES.c.status.in_(LEFT))
#: What came before, in one look at the sessions' messages.
_BEFORE = select(
    MESSAGES.c.session_id,
    MESSAGES.c.milestone,
    case((_TIME_HAS_COME, MESSAGES.c.due_at)).label("reached_at"),
    case((_HAS_LEFT, MESSAGES.c.claimed_at)).label("left_at"),
).where(
    one_of(MESSAGES.c.session_id, "ids"),
    MESSAGES.c.channel == bindparam("channel"),
    or_(_TIME_HAS_COME, _HAS_LEFT),
)
_FAILED_TEXTS = select(MESSAGES.c.session_id, MESSAGES.c.milestone).where(
    one_of(MESSAGES.c.session_id, "ids"),
    MESSAGES.c.channel == Channel.SMS,
    or_(
        MESSAGES.c.status == Status.FAILED,
        and_(MESSAGES.c.status == Status.SKIPPED, MESSAGES.c.cause == Cause.SUPPRESSED),
    ),
)
#: What may have left before, or have taken a worker down, goes alone.
_WITH_OTHERS = _DUE.where(MESSAGES.c.cause != Cause.UNKNOWN)
_EXPIRED = _DUE.where(MESSAGES.c.expires_at <= bindparam("now"))


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


def before(
    db: Connection, cases: Mapping[str, Case], channel: Channel, now: datetime, since: datetime
) -> tuple[dict[str, dict[str, datetime]], defaultdict[Owner, list[datetime]]]:
    """What has been on a channel.

    Returns:
        By session of these cases: the milestones whose time has come and that are not skipped,
        with that time. By patient: when their messages left, or may have, since ``since``.
    """
    owners = {
        session.session_id: (case.patient.clinic, case.patient.patient_id)
        for case in cases.values()
        for session in case.sessions
    }
    reached: dict[str, dict[str, datetime]] = {each: {} for each in cases}
    departures: defaultdict[Owner, list[datetime]] = defaultdict(list)
    asked = {"ids": list(owners), "channel": channel, "now": now, "since": since}
    for session_id, milestone, reached_at, left_at in db.execute(_BEFORE, asked):
        if reached_at is not None and session_id in reached:
            reached[session_id][milestone] = reached_at
        if left_at is not None:
            departures[owners[session_id]].append(left_at)
    return reached, departures


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
    owner = tuple_(SESSIONS.c.clinic, SESSIONS.c.patient_id)
    rows = db.execute(
        select(
            SESSIONS.c.clinic,
            SESSIONS.c.patient_id,
            MESSAGES.c.id,
            MESSAGES.c.session_id,
            MESSAGES.c.kind,
        )
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .where(
            IS_PLANNED,
            owner.in_(list(patients)),
            MESSAGES.c.channel == channel,
            MESSAGES.c.next_at <= now,
            MESSAGES.c.expires_at > now,
        )
    )
    for row in rows:
        found[row.clinic, row.patient_id].append(Competitor(row.id, row.session_id, row.kind))
    return found


def refusals(db: Connection, channel: Channel, address: str) -> int:
    """How many messages to an address its provider refused, at once or by a later receipt."""
    later = (MESSAGES.c.status == Status.FAILED) & (MESSAGES.c.cause == Cause.RECEIPT)
    refused = select(func.count()).where(
        MESSAGES.c.channel == channel,
        MESSAGES.c.address == address,
        (MESSAGES.c.cause == Cause.REFUSED) | later,
    )
    return db.execute(refused).scalar_one()
