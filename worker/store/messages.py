"""Messages and their events: every move goes through :func:`move`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from worker.rules.messages import LEFT, Cause, Channel, Kind, Reason, Status
from worker.rules.planning import ExistingMessage
from worker.store.cases import OWNERS
from worker.store.tables import (
    IS_PLANNED,
    IS_SENDING,
    IS_UNKNOWN,
    TO_ASK,
    MessageEventRow,
    MessageRow,
    SessionRow,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.messages import Transition
    from worker.rules.planning import PlannedMessage

#: Who moved a message when no person did.
WORKER = "worker"

# The plain tables, not the mapped classes: on this path SQLAlchemy's ORM would cost more than all
# else together. What is asked for each batch is put together once.
_MESSAGES, _EVENTS, _SESSIONS = map(table_of, (MessageRow, MessageEventRow, SessionRow))
_STANDS = (_MESSAGES.c.id, _MESSAGES.c.status, _MESSAGES.c.reason, _MESSAGES.c.attempt_id)
_LOCK = (
    select(*_STANDS).where(_MESSAGES.c.id.in_(bindparam("ids", expanding=True))).with_for_update()
)
_DUE = (
    select(
        *_STANDS,
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
#: Of messages that were stored this moment and have no event yet.
_FIRST_EVENTS = insert(_EVENTS).from_select(
    ["message_id", "at", "event", "to_status", "cause", "reason", "actor"],
    select(
        _MESSAGES.c.id,
        _MESSAGES.c.created_at,
        # What is not meant for its session was never planned to go.
        case((_MESSAGES.c.status == Status.SKIPPED, "skipped"), else_="planned"),
        _MESSAGES.c.status,
        _MESSAGES.c.cause,
        _MESSAGES.c.reason,
        literal(WORKER),
    ).where(
        _MESSAGES.c.session_id.in_(bindparam("ids", expanding=True)),
        _MESSAGES.c.created_at == bindparam("now"),
        ~exists().where(_EVENTS.c.message_id == _MESSAGES.c.id),
    ),
    include_defaults=False,
)
#: What is the same for all, and the due time's second use, stand in the statement: to hand them
#: over with each row took a third as long again.
_NEW = insert(_MESSAGES).values(
    due_at=bindparam("due"),
    next_at=bindparam("due"),
    attempts=literal_column("0"),
    stumbles=literal_column("0"),
    follow_up=false(),
)
_CHANGE = update(_MESSAGES).where(_MESSAGES.c.id == bindparam("of_id"))
#: What was just written to messages tells nearly all of their events, so the database copies it:
#: in half the time that it takes to hand it over row by row.
_MOVED = insert(_EVENTS).from_select(
    [
        "message_id", "at", "event", "from_status", "to_status", "cause", "reason", "attempt_id",
        "actor",
    ],
    select(
        _MESSAGES.c.id,
        bindparam("now", type_=_EVENTS.c.at.type),
        bindparam("event", type_=_EVENTS.c.event.type),
        bindparam("from_status", type_=_EVENTS.c.from_status.type),
        _MESSAGES.c.status,
        _MESSAGES.c.cause,
        _MESSAGES.c.reason,
        _MESSAGES.c.attempt_id,
        bindparam("actor", type_=_EVENTS.c.actor.type),
    )
    .where(_MESSAGES.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_MESSAGES.c.id),
    include_defaults=False,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Competitor:
    """A due message, as far as the patient's other due messages need to know."""

    message_id: int
    session_id: str
    kind: Kind


def add(db: Connection, wanted: Mapping[str, Sequence[PlannedMessage]], now: datetime) -> int:
    """Store newly planned messages, by session, with their first event; returns how many."""
    rows = [_new_row(owner, each, now) for owner, planned in wanted.items() for each in planned]
    if rows:
        db.execute(_NEW, rows)
        # Inside the database: to fetch the new numbers first would take as long as all the rest.
        db.execute(_FIRST_EVENTS, {"ids": list(wanted), "now": now})
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
        "due": message.due_at,
        "expires_at": message.expires_at,
        "ended_at": now if message.skip else None,
        "created_at": now,
    }


@dataclass(frozen=True, slots=True)
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
        updates.setdefault(frozenset(changes), []).append({**changes, "of_id": each.message_id})
        if (before["status"], before["reason"]) == (transition.to, transition.reason.text):
            continue  # it waits on for the same reason: nothing new to tell
        events.setdefault((transition.name, before["status"]), []).append(each.message_id)
    for rows in updates.values():
        db.execute(_CHANGE, rows)
    told = {"now": now, "actor": actor}
    for (event, from_status), ids in events.items():
        db.execute(_MOVED, {**told, "event": event, "from_status": from_status, "ids": ids})
    return moved


def existing(db: Connection, session_ids: Collection[str]) -> dict[str, list[ExistingMessage]]:
    """What is planned already, by session."""
    found: dict[str, list[ExistingMessage]] = {each: [] for each in session_ids}
    rows = db.execute(
        select(
            MessageRow.session_id,
            MessageRow.id,
            MessageRow.milestone,
            MessageRow.channel,
            MessageRow.status,
            MessageRow.cause,
            MessageRow.reason,
            MessageRow.due_at,
            MessageRow.expires_at,
            MessageRow.attempts,
        ).where(MessageRow.session_id.in_(session_ids))
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


#: What makes a message wait that may be otherwise once the session is planned anew.
_PASSING = (Cause.QUIET_HOURS, Cause.DAILY_LIMIT, Cause.FAULTY_ROW, Cause.JOINED, Cause.RESCHEDULED)


def look_again(db: Connection, session_ids: Collection[str]) -> None:
    """What sessions' messages wait for may have changed with their facts: the zone, the hours."""
    waiting = update(MessageRow).where(
        MessageRow.session_id.in_(session_ids), IS_PLANNED, MessageRow.cause.in_(_PASSING)
    )
    db.execute(waiting.values(next_at=MessageRow.due_at))


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


def note_stumbles(db: Connection, message_id: int, times: int) -> None:
    """How often a worker has died while it looked at this message."""
    db.execute(update(_MESSAGES).where(_MESSAGES.c.id == message_id).values(stumbles=times))


def wake(db: Connection, cause: Cause, now: datetime) -> None:
    """Messages that wait for this cause are looked at again now."""
    waiting = update(MessageRow).where(IS_PLANNED, MessageRow.cause == cause)
    db.execute(waiting.values(next_at=now))


def lock_expired(db: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages whose worker never came back: still ``sending``, their lease over."""
    expired = (
        select(MessageRow.__table__)
        .where(IS_SENDING, MessageRow.lease_until <= now)
        .order_by(MessageRow.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.execute(expired).mappings().all()


def unsettled(db: Connection, channel: Channel, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages that may have left and that it is time to ask about."""
    found = (
        select(MessageRow.__table__)
        .where(IS_UNKNOWN, MessageRow.channel == channel, MessageRow.next_at <= now)
        .order_by(MessageRow.next_at)
        .limit(limit)
    )
    return db.execute(found).mappings().all()


def times_lost(db: Connection, message_id: int) -> int:
    """How often it was unknown whether this message left."""
    lost = select(func.count()).where(
        MessageEventRow.message_id == message_id, MessageEventRow.event == "lost"
    )
    return db.execute(lost).scalar_one()


def claimed_ids(db: Connection, provider_ids: Collection[str]) -> set[str]:
    """Which of the provider's ids belong to a message of ours already."""
    ours = select(MessageRow.provider_id).where(MessageRow.provider_id.in_(provider_ids))
    return {each for each in db.execute(ours).scalars() if each is not None}


def to_ask(db: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages that the provider took and that it is time to ask about."""
    found = (
        select(MessageRow.__table__)
        .where(TO_ASK, MessageRow.ask_at <= now)
        .order_by(MessageRow.ask_at)
        .limit(limit)
    )
    return db.execute(found).mappings().all()


def ask_at(db: Connection, message_id: int, moment: datetime | None) -> None:
    """Ask about a message then, or never again. One that has ended meanwhile stays ended."""
    asked = update(MessageRow).where(MessageRow.id == message_id, TO_ASK)
    db.execute(asked.values(ask_at=moment))


def e_mail_by_ref(db: Connection, message_ref: str) -> RowMapping | None:
    """The e-mail with this Message-ID."""
    wanted = select(MessageRow.__table__).where(MessageRow.message_ref == message_ref)
    return db.execute(wanted).mappings().first()


def latest_e_mail_to(db: Connection, address: str, since: datetime) -> RowMapping | None:
    """The last e-mail that left to an address since a moment."""
    wanted = (
        select(MessageRow.__table__)
        .where(
            MessageRow.channel == Channel.EMAIL,
            func.lower(MessageRow.address) == address.lower(),
            MessageRow.sent_at >= since,
        )
        .order_by(MessageRow.sent_at.desc())
        .limit(1)
    )
    return db.execute(wanted).mappings().first()
