"""The store of messages: moves, their events, and claims that never meet."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from tests.support.stored import MONDAY, events, message, store_message, store_session
from worker.rules.messages import Cause, Channel, Kind, Reason, Status, Transition
from worker.rules.planning import PlannedMessage
from worker.store import messages, outgoing
from worker.store.engine import open_engine
from worker.store.schema import migrate
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

LATER = MONDAY + timedelta(hours=1)
WHY = Reason(Cause.STAFF, "Because the test says so")

#: Every move there is.
MOVES = [
    Transition.rescheduled(Status.PLANNED, LATER, LATER, WHY),
    Transition.rescheduled(Status.HELD, LATER, LATER, WHY),
    Transition.revived(LATER, LATER, WHY),
    Transition.skipped(WHY, at=LATER),
    Transition.held(WHY),
    Transition.approved(LATER, WHY),
    Transition.waits(LATER, WHY),
    Transition.claimed({"attempt_id": "mine", "attempts": 1, "lease_until": LATER}),
    Transition.accepted("SM1", WHY, at=LATER),
    Transition.postponed(LATER, WHY, attempts=1),
    Transition.failed(WHY, at=LATER),
    Transition.lost(WHY, look_at=LATER),
    Transition.looks_again(LATER, WHY),
    Transition.unclear(WHY),
    Transition.delivered(WHY, at=LATER),
]
_each_move = pytest.mark.parametrize("move", MOVES, ids=lambda move: f"{move.name}-{move.to}")


def _stored(engine: Engine, **columns: Any) -> int:
    with engine.begin() as db:
        store_session(db)
        return store_message(db, **columns)


@_each_move
def test_a_move_from_where_it_may_leave_is_made_and_told(engine: Engine, move: Transition) -> None:
    """Status, cause, reason and the move's columns are written, and one event with the reason."""
    message_id = _stored(engine)
    for status in sorted(move.leaves):
        with engine.begin() as db:
            db.execute(update(MESSAGES).values(status=status, reason="before", attempt_id="mine"))
            before = len(events(db, message_id))
            assert messages.move(db, message_id, move, LATER, actor="Marta")
            row, last = message(db, message_id), events(db, message_id)[-1]
            assert before + 1 == len(events(db, message_id))
        expected = {
            **move.sets,
            "status": move.to,
            "cause": move.reason.cause,
            "reason": move.reason.text,
        }
        assert expected == {name: getattr(row, name) for name in expected}
        told = (last.at, last.event, last.from_status, last.to_status, last.reason, last.actor)
        assert told == (LATER, move.name, status, move.to, move.reason.text, "Marta")
        assert last.attempt_id == "mine"


@_each_move
def test_a_move_from_anywhere_else_changes_nothing(engine: Engine, move: Transition) -> None:
    """A late or repeated move is refused: the row stays to the letter and no event is written."""
    message_id = _stored(engine)
    for status in sorted(set(Status) - move.leaves):
        with engine.begin() as db:
            db.execute(update(MESSAGES).values(status=status))
            before = message(db, message_id), events(db, message_id)
            assert not messages.move(db, message_id, move, LATER)
            assert before == (message(db, message_id), events(db, message_id))


def test_a_foreign_attempt_changes_nothing(engine: Engine) -> None:
    """A worker that lost its message to another one's attempt cannot record its outcome."""
    mine = {"status": Status.SENDING, "attempt_id": "mine", "lease_until": LATER}
    message_id = _stored(engine, **mine)
    accepted = Transition.accepted("SM1", WHY, at=LATER)
    with engine.begin() as db:
        before = message(db, message_id), events(db, message_id)
        assert not messages.move(db, message_id, accepted, LATER, attempt_id="another")
        assert before == (message(db, message_id), events(db, message_id))
        assert messages.move(db, message_id, accepted, LATER, attempt_id="mine")
        assert message(db, message_id).status is Status.SENT


def test_no_message_no_move(engine: Engine) -> None:
    """A number that no message has is refused."""
    with engine.begin() as db:
        assert not messages.move(db, 12345, Transition.held(WHY), LATER)


def test_waiting_on_for_the_same_reason_is_told_once(engine: Engine) -> None:
    """A night of looking again and again does not fill the history; another reason is news."""
    message_id = _stored(engine)
    hours = [LATER + timedelta(hours=number) for number in range(3)]
    with engine.begin() as db:
        for until in hours:
            messages.move(db, message_id, Transition.waits(until, WHY), MONDAY)
        assert [each.event for each in events(db, message_id)] == ["planned", "waits"]
        assert message(db, message_id).next_at == hours[-1]
        other = Reason(Cause.DAILY_LIMIT, "Another reason")
        messages.move(db, message_id, Transition.waits(LATER, other), MONDAY)
        assert [each.event for each in events(db, message_id)] == ["planned", "waits", "waits"]


def test_a_milestone_cannot_be_planned_twice(engine: Engine) -> None:
    """The same session, milestone and channel a second time is refused by the database itself."""
    _stored(engine, milestone="home", channel=Channel.SMS)
    with engine.begin() as db:
        store_message(db, milestone="home", channel=Channel.EMAIL)
        store_message(db, milestone="first-day", channel=Channel.SMS)
    with pytest.raises(IntegrityError), engine.begin() as db:
        store_message(db, milestone="home", channel=Channel.SMS)


def test_planned_messages_get_their_own_first_event(engine: Engine) -> None:
    """Of many stored at once, each has one event, with its own status and reason."""
    skip = Reason(Cause.NO_CONSENT, "The patient has not consented to e-mails")
    plan = [
        PlannedMessage(
            f"step-{n}", channel, Kind.ADVICE, LATER, LATER, skip if channel == "email" else None
        )
        for n in range(20)
        for channel in Channel
    ]
    with engine.begin() as db:
        store_session(db)
        assert messages.add(db, {"S1": plan}, MONDAY) == 40
        rows = db.execute(select(MESSAGES)).all()
        for row in rows:
            (first,) = events(db, row.id)
            assert (first.event, first.from_status, first.at) == (row.status, None, MONDAY)
            assert (first.to_status, first.reason) == (row.status, row.reason)
            assert (row.status is Status.SKIPPED) == (row.channel is Channel.EMAIL)
            assert row.ended_at == (MONDAY if row.status is Status.SKIPPED else None)


def test_what_is_due_is_found_oldest_first_and_decided_newest_first(engine: Engine) -> None:
    """Nothing before its time, nothing of the other channel, no more than asked for."""
    due = {
        name: MONDAY + timedelta(hours=hour)
        for name, hour in {"home": 0, "first-day": 1, "active-again": 2, "later": 9}.items()
    }
    with engine.begin() as db:
        store_session(db)
        for name, moment in due.items():
            store_message(db, milestone=name, due_at=moment)
        store_message(db, milestone="home", channel=Channel.EMAIL)

        def found(now: datetime, limit: int, *, expired: bool = False) -> list[str]:
            rows = outgoing.lock_due(db, Channel.SMS, now, limit, expired=expired)
            return [row["milestone"] for row in rows]

        assert found(due["active-again"], 9) == ["active-again", "first-day", "home"]
        assert found(due["active-again"], 2) == ["first-day", "home"]
        assert found(MONDAY - timedelta(seconds=1), 9) == []
        assert found(MONDAY + timedelta(hours=7), 9, expired=True) == ["first-day", "home"]


# Several workers on one PostgreSQL


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    """A migrated PostgreSQL database with thirty due messages."""
    engine = open_engine(postgres_url)
    migrate(engine)
    with engine.begin() as db:
        store_session(db)
        for number in range(30):
            store_message(db, milestone=f"step-{number}")
    yield engine
    engine.dispose()


def test_two_claims_at_once_never_meet(postgres: Engine) -> None:
    """While one worker looks at messages, another passes over them at once and takes others."""
    with postgres.begin() as one, postgres.begin() as other:
        first = {row["id"] for row in outgoing.lock_due(one, Channel.SMS, LATER, 10)}
        second = {row["id"] for row in outgoing.lock_due(other, Channel.SMS, LATER, 10)}
        assert len(first) == len(second) == 10
        assert not first & second
        rest = {row["id"] for row in outgoing.lock_due(other, Channel.SMS, LATER, 30)}
        assert not first & rest
    with postgres.begin() as db:
        assert len(outgoing.lock_due(db, Channel.SMS, LATER, 99)) == 30


def test_four_workers_claim_every_message_once(postgres: Engine) -> None:
    """However their transactions fall, each message is claimed by exactly one worker."""
    taken: list[int] = []

    def work(name: str) -> None:
        while True:
            with postgres.begin() as db:
                rows = outgoing.lock_due(db, Channel.SMS, LATER, 2)
                mine = [
                    row["id"]
                    for row in rows
                    if messages.move(db, row["id"], Transition.claimed({"worker": name}), LATER)
                ]
            taken.extend(mine)
            if not rows:
                return

    threads = [Thread(target=work, args=[f"w{number}"]) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    with postgres.begin() as db:
        everyone = db.execute(select(MESSAGES.c.id)).scalars().all()
    assert sorted(everyone) == sorted(taken)
