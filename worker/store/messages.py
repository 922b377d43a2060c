"""Messages and their events: every move goes through :func:`move`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    update,
)

from worker.rules.messages import Cause, Channel, Reason, Status
from worker.rules.planning import ExistingMessage
from worker.rules.values import value
from worker.store.bulk import OF_ID, add_all, change_each
from worker.store.lists import one_of
from worker.store.tables import IS_PLANNED, MESSAGE_EVENTS, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.messages import Transition
    from worker.rules.planning import PlannedMessage

#: Who moved a message when no person did.
WORKER = "worker"

# What is asked for each batch is put together once.
#: What a move must know of a message.
STANDS = (MESSAGES.c.id, MESSAGES.c.status, MESSAGES.c.reason, MESSAGES.c.attempt_id)
_LOCK = select(*STANDS).where(one_of(MESSAGES.c.id, "ids")).with_for_update()
_NEWEST = select(func.coalesce(func.max(MESSAGES.c.id), 0))
#: Of messages that were stored this moment, after the newest that there was.
_FIRST_EVENTS = insert(MESSAGE_EVENTS).from_select(
    ["message_id", "at", "event", "to_status", "cause", "reason", "actor"],
    select(
        MESSAGES.c.id,
        MESSAGES.c.created_at,
        # What is not meant for its session was never planned to go.
        case((MESSAGES.c.status == Status.SKIPPED, "skipped"), else_="planned"),
        MESSAGES.c.status,
        MESSAGES.c.cause,
        MESSAGES.c.reason,
        literal(WORKER),
    ).where(
        MESSAGES.c.id > bindparam("newest"),
        # Should two workers plan at once, each has a moment of its own.
        MESSAGES.c.created_at == bindparam("now"),
    ),
    include_defaults=False,
)
#: What was just written to messages tells nearly all of their events, so the database copies it:
#: in half the time that it takes to hand it over row by row.
_MOVED = insert(MESSAGE_EVENTS).from_select(
    [
        "message_id", "at", "event", "from_status", "to_status", "cause", "reason", "attempt_id",
        "actor",
    ],
    select(
        MESSAGES.c.id,
        bindparam("now", type_=MESSAGE_EVENTS.c.at.type),
        bindparam("event", type_=MESSAGE_EVENTS.c.event.type),
        bindparam("from_status", type_=MESSAGE_EVENTS.c.from_status.type),
        MESSAGES.c.status,
        MESSAGES.c.cause,
        MESSAGES.c.reason,
        MESSAGES.c.attempt_id,
        bindparam("actor", type_=MESSAGE_EVENTS.c.actor.type),
    )
    .where(one_of(MESSAGES.c.id, "ids"))
    .order_by(MESSAGES.c.id),
    include_defaults=False,
)  # fmt: skip


def add(db: Connection, wanted: Mapping[str, Sequence[PlannedMessage]], now: datetime) -> int:
    """Store newly planned messages, by session, with their first event; returns how many."""
    rows = [_new_row(owner, each, now) for owner, planned in wanted.items() for each in planned]
    if rows:
        newest = db.execute(_NEWEST).scalar_one()
        # Channel by channel, as the index of what is due has them: anywhere in it, a row takes a
        # third longer.
        rows.sort(key=lambda row: (row["channel"] is not Channel.SMS, row["due_at"]))
        add_all(db, MESSAGES, rows)
        # Inside the database: to fetch the new numbers first would take as long as all the rest.
        db.execute(_FIRST_EVENTS, {"newest": newest, "now": now})
    return len(rows)


def _new_row(session_id: str, message: PlannedMessage, now: datetime) -> dict[str, Any]:
    reason = message.skip or message.why
    return {
        "session_id": session_id,
        "milestone": message.milestone,
        "channel": message.channel,
        "kind": message.kind,
        "status": Status.SKIPPED if message.skip else Status.PLANNED,
        "cause": reason.cause,
        "reason": reason.text,
        "due_at": message.due_at,
        "next_at": message.due_at,
        "expires_at": message.expires_at,
        "ended_at": now if message.skip else None,
        "created_at": now,
        "attempts": 0,
        "stumbles": 0,
        "follow_up": False,
    }


@value
class Move:
    """A transition that a message is to make."""

    message_id: int
    transition: Transition
    #: When given, the move counts only if this attempt is still the message's own: a worker that
    #: lost its lease changes nothing.
    attempt_id: str | None = None


def move(
    db: Connection,
    message_id: int,
    transition: Transition,
    now: datetime,
    *,
    attempt_id: str | None = None,
    actor: str = WORKER,
) -> bool:
    """One move; see :func:`move_all`."""
    (moved,) = move_all(db, [Move(message_id, transition, attempt_id)], now, actor=actor)
    return moved


def move_all(
    db: Connection,
    moves: Sequence[Move],
    now: datetime,
    *,
    actor: str = WORKER,
    locked: Iterable[RowMapping] | None = None,
) -> list[bool]:
    """Apply transitions and write their events, each message at most once.

    Args:
        db: An open transaction.
        moves: The moves, with their reasons.
        now: When they happen.
        actor: Who moves the messages.
        locked: The messages, where this transaction has locked and read them by
            :func:`lock_due`; by default that is done here.

    Returns:
        For each move, whether its message stood where the transition may leave from.
    """
    if locked is None:
        locked = db.execute(_LOCK, {"ids": [each.message_id for each in moves]}).mappings()
    stand = {row["id"]: row for row in locked}
    updates: dict[frozenset[str], list[dict[str, Any]]] = {}
    #: The messages by what happened to them and where they stood.
    events: dict[tuple[str, Status], list[int]] = {}
    moved = []
    for each in moves:
        before, transition = stand.get(each.message_id), each.transition
        if (
            before is None
            or before["status"] not in transition.leaves
            or each.attempt_id not in (None, before["attempt_id"])
        ):
            moved.append(False)
            continue
        moved.append(True)
        changes = {
            **transition.sets,
            "status": transition.to,
            "cause": transition.reason.cause,
            "reason": transition.reason.text,
        }
        # Rows that write the same columns go to the database together.
        updates.setdefault(frozenset(changes), []).append({**changes, OF_ID: each.message_id})
        if (before["status"], before["reason"]) == (transition.to, transition.reason.text):
            continue  # it waits on for the same reason: nothing new to tell
        events.setdefault((transition.name, before["status"]), []).append(each.message_id)
    for rows in updates.values():
        change_each(db, MESSAGES, rows)
    told = {"now": now, "actor": actor}
    for (event, from_status), ids in events.items():
        db.execute(_MOVED, {**told, "event": event, "from_status": from_status, "ids": ids})
    return moved


def existing(db: Connection, session_ids: Collection[str]) -> dict[str, list[ExistingMessage]]:
    """What is planned already, by session."""
    found: dict[str, list[ExistingMessage]] = {each: [] for each in session_ids}
    rows = db.execute(
        select(
            MESSAGES.c.session_id,
            MESSAGES.c.id,
            MESSAGES.c.milestone,
            MESSAGES.c.channel,
            MESSAGES.c.status,
            MESSAGES.c.cause,
            MESSAGES.c.reason,
            MESSAGES.c.due_at,
            MESSAGES.c.expires_at,
            MESSAGES.c.attempts,
        ).where(MESSAGES.c.session_id.in_(session_ids))
    )
    for row in rows:
        found[row.session_id].append(
            ExistingMessage(
                id=row.id,
                milestone=row.milestone,
                channel=row.channel,
                status=row.status,
                reason=Reason(row.cause, row.reason),
                due_at=row.due_at,
                expires_at=row.expires_at,
                attempts=row.attempts,
            )
        )
    return found


#: What makes a message wait that may be otherwise once the session is planned anew.
_PASSING = (Cause.QUIET_HOURS, Cause.DAILY_LIMIT, Cause.FAULTY_ROW, Cause.JOINED, Cause.RESCHEDULED)


def look_again(db: Connection, session_ids: Collection[str]) -> None:
    """What sessions' messages wait for may have changed with their facts: the zone, the hours."""
    waiting = update(MESSAGES).where(
        MESSAGES.c.session_id.in_(session_ids), IS_PLANNED, MESSAGES.c.cause.in_(_PASSING)
    )
    db.execute(waiting.values(next_at=MESSAGES.c.due_at))


def note_stumbles(db: Connection, message_id: int, times: int) -> None:
    """How often a worker has died while it looked at this message."""
    db.execute(update(MESSAGES).where(MESSAGES.c.id == message_id).values(stumbles=times))


def wake(db: Connection, cause: Cause, now: datetime) -> None:
    """Messages that wait for this cause are looked at again now."""
    waiting = update(MESSAGES).where(IS_PLANNED, MESSAGES.c.cause == cause)
    db.execute(waiting.values(next_at=now))
