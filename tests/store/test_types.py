"""Moments, SQLite's settings and the indexes that keep finding work cheap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import DateTime, Engine, event, insert, select, text
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import IntegrityError, StatementError

from tests.support.stored import MONDAY, store_message, store_session
from worker.rules.messages import Cause, Channel, Kind, Status
from worker.store import departed, outgoing, overview
from worker.store.engine import open_engine, planned_afresh, reading
from worker.store.moments import UtcDateTime
from worker.store.tables import LEASES, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection


def _lease(expires_at: datetime, name: str = "send") -> dict[str, Any]:
    moments = {"expires_at": expires_at, "started_at": MONDAY, "finished_at": None}
    return {"name": name, "holder": "w1", "problem": "", **moments}


@pytest.mark.parametrize(
    ("stored", "utc"),
    [
        ("2026-11-23T15:00:00+00:00", "2026-11-23T15:00:00+00:00"),
        ("2026-11-23T15:00:00.123456+01:00", "2026-11-23T14:00:00.123456+00:00"),
        ("2026-11-24T05:00:00+14:00", "2026-11-23T15:00:00+00:00"),
        ("2026-11-23T05:00:00-10:00", "2026-11-23T15:00:00+00:00"),
        ("2028-02-29T23:59:59+05:45", "2028-02-29T18:14:59+00:00"),
    ],
)
def test_a_moment_comes_back_in_utc(engine: Engine, stored: str, utc: str) -> None:
    """Whatever zone a moment is given in, the same moment comes back, aware and in UTC."""
    with engine.begin() as db:
        db.execute(insert(LEASES).values(_lease(datetime.fromisoformat(stored))))
    with engine.begin() as db:
        found = db.execute(select(LEASES.c.expires_at)).scalar_one()
    assert datetime.fromisoformat(utc) == found
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T02:30:00 again", "2026-10-25T01:30:00+00:00"),
        ("2027-03-28T03:30:00", "2027-03-28T01:30:00+00:00"),
    ],
)
def test_clock_changes_do_not_blur_a_moment(engine: Engine, local: str, utc: str) -> None:
    """Half past two comes twice when clocks go back in Madrid: each is kept as the one it is."""
    clock, _, again = local.partition(" ")
    moment = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo("Europe/Madrid"))
    with engine.begin() as db:
        db.execute(insert(LEASES).values(_lease(moment.replace(fold=1 if again else 0))))
        assert datetime.fromisoformat(utc) == db.execute(select(LEASES.c.expires_at)).scalar_one()


def test_no_moment_stays_no_moment(engine: Engine) -> None:
    """An empty column is read as None."""
    with engine.begin() as db:
        db.execute(insert(LEASES).values(_lease(MONDAY)))
        assert db.execute(select(LEASES.c.finished_at)).scalar_one() is None


def test_a_naive_moment_is_refused(engine: Engine) -> None:
    """A time without a zone could be any moment, so neither storing nor comparing takes it."""
    naive = MONDAY.replace(tzinfo=None)
    with engine.begin() as db:
        with pytest.raises(StatementError, match="a moment needs a time zone"):
            db.execute(insert(LEASES).values(_lease(naive)))
        with pytest.raises(StatementError, match="a moment needs a time zone"):
            db.execute(select(LEASES.c.name).where(LEASES.c.expires_at < naive))


def test_moments_of_different_zones_compare_as_moments(engine: Engine) -> None:
    """Five in the morning in Kiritimati is before four in the afternoon UTC the day before."""
    kiritimati = datetime(2026, 11, 24, 5, tzinfo=ZoneInfo("Pacific/Kiritimati"))
    with engine.begin() as db:
        db.execute(insert(LEASES).values(_lease(MONDAY + timedelta(hours=1))))
        db.execute(insert(LEASES).values(_lease(MONDAY + timedelta(hours=2), "collect")))
        due = select(LEASES.c.name).where(LEASES.c.expires_at <= kiritimati)
        assert db.execute(due).scalars().all() == ["send"]


def test_a_message_needs_its_session(engine: Engine) -> None:
    """Foreign keys hold on both databases."""
    with pytest.raises(IntegrityError), engine.begin() as db:
        store_message(db, "no such session")


# SQLite


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """A SQLite database with one table of its own."""
    engine = open_engine(f"sqlite:///{tmp_path}/aftercare.db")
    with engine.begin() as db:
        db.execute(text("CREATE TABLE notes (word TEXT)"))
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)],
)
def test_every_sqlite_connection_is_safe(sqlite: Engine, pragma: str, value: object) -> None:
    """Each connection has WAL, synchronous FULL, foreign keys and a patient busy timeout."""
    with reading(sqlite).connect() as first, reading(sqlite).connect() as second:
        for db in (first, second):
            assert value == db.execute(text(f"PRAGMA {pragma}")).scalar_one()


def test_a_second_writer_waits_its_turn(sqlite: Engine) -> None:
    """A transaction takes the write lock at its start, and the next one begins when it ends."""
    inside = Event()

    def write_second() -> None:
        with sqlite.begin() as db:
            inside.set()
            db.execute(text("INSERT INTO notes VALUES ('second')"))

    second = Thread(target=write_second)
    with sqlite.begin() as db:
        second.start()
        assert not inside.wait(0.3)
        db.execute(text("INSERT INTO notes VALUES ('first')"))
    assert inside.wait(10)
    second.join(10)
    with sqlite.begin() as db:
        assert db.execute(text("SELECT word FROM notes")).scalars().all() == ["first", "second"]


def test_reading_first_and_writing_later_never_fails(sqlite: Engine) -> None:
    """Two transactions that both look and then write do not fail with "database is locked"."""

    def look_and_write() -> None:
        for _ in range(20):
            with sqlite.begin() as db:
                count = db.execute(text("SELECT count(*) FROM notes")).scalar_one()
                db.execute(text("INSERT INTO notes VALUES (:word)"), {"word": str(count)})

    threads = [Thread(target=look_and_write) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    with sqlite.begin() as db:
        words = db.execute(text("SELECT word FROM notes")).scalars().all()
    assert [str(number) for number in range(60)] == words


def test_a_look_never_waits_for_a_writer(sqlite: Engine) -> None:
    """``reading`` sees the last committed state at once, while somebody writes."""
    with sqlite.begin() as writer:
        writer.execute(text("INSERT INTO notes VALUES ('not yet')"))
        with reading(sqlite).begin() as db:
            assert db.execute(text("SELECT word FROM notes")).scalars().all() == []


# Indexes

_HISTORY = 4_000

#: Nothing of the history below is this young.
_LATELY = MONDAY + timedelta(days=1)

_SEARCHES = [
    ("ix_messages_due", lambda db: outgoing.lock_due(db, Channel.SMS, MONDAY, 16)),
    ("ix_messages_due", overview.next_due),
    ("ix_messages_leased", lambda db: departed.lock_expired(db, MONDAY, 16)),
    ("ix_messages_unsettled", lambda db: departed.unsettled(db, Channel.SMS, MONDAY, 16)),
    ("ix_messages_ended", lambda db: overview.count_by_status(db, _LATELY)),
    ("ix_messages_ended", lambda db: overview.latest_failures(db, _LATELY)),
    ("ix_messages_provider_id", lambda db: departed.claimed_ids(db, ["SM1", "SM2"])),
    ("ix_messages_message_ref", lambda db: departed.e_mail_by_ref(db, "<1@example.com>")),
]


@pytest.mark.parametrize(
    ("index", "search"),
    _SEARCHES,
    ids=[f"{number} {name}" for number, (name, _) in enumerate(_SEARCHES)],
)
def test_finding_work_uses_its_partial_index(
    engine: Engine, index: str, search: Callable[[Connection], object]
) -> None:
    """With thousands of final messages, what is due is found by an index that has none of them."""
    with engine.begin() as db:
        store_session(db)
        store_message(db)
        db.execute(insert(MESSAGES), [_final(number) for number in range(_HISTORY)])
        db.execute(text("ANALYZE"))
    with engine.begin() as db:
        plan = _explain(db, search)
    assert index in plan
    assert "SCAN messages" not in plan
    assert "Seq Scan" not in plan


def test_what_falls_due_at_the_same_moment_is_not_sorted_for_each_batch(engine: Engine) -> None:
    """Thousands at nine o'clock: the index has them in their order, channel by channel."""
    with engine.begin() as db:
        store_session(db)
        for channel in Channel:
            due: dict[str, Any] = {"status": Status.PLANNED, "ended_at": None, "channel": channel}
            due |= {"due_at": MONDAY, "next_at": MONDAY}
            db.execute(insert(MESSAGES), [_final(each) | due for each in range(_HISTORY)])
        db.execute(text("ANALYZE"))
    with engine.begin() as db:
        plan = _explain(db, lambda db: outgoing.lock_due(db, Channel.SMS, MONDAY, 16))
    assert "ix_messages_due" in plan
    assert "sort" not in plan.lower()
    assert "TEMP B-TREE" not in plan


def _final(number: int) -> dict[str, Any]:
    moment = MONDAY - timedelta(minutes=number)
    moments = dict.fromkeys(("due_at", "expires_at", "next_at", "created_at", "ended_at"), moment)
    return {
        "session_id": "S1",
        "milestone": f"old-{number}",
        "channel": Channel.SMS,
        "kind": Kind.ADVICE,
        "status": Status.DELIVERED,
        "cause": Cause.RECEIPT,
        "reason": "Delivered",
        "attempts": 1,
        **moments,
    }


def _explain(db: Connection, search: Callable[[Connection], object]) -> str:
    """How the database would run the very statement that ``search`` sends."""
    sent: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        sent.append((call[2], call[3]))

    event.listen(db, "before_cursor_execute", note)
    search(db)
    event.remove(db, "before_cursor_execute", note)
    statement, parameters = sent[-1]
    explain = "EXPLAIN QUERY PLAN" if db.dialect.name == "sqlite" else "EXPLAIN"
    rows = db.exec_driver_sql(f"{explain} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in rows)


def test_a_moment_stands_in_sqlite_as_sqlalchemy_itself_writes_it() -> None:
    """To the letter, from any zone: what other versions wrote stays comparable as text."""
    ours, theirs = (
        each.dialect_impl(dialect()).bind_processor(dialect())
        for each in (UtcDateTime(), DateTime())
    )
    assert ours is not None
    assert theirs is not None
    for moment in (MONDAY, MONDAY.replace(microsecond=7).astimezone(ZoneInfo("Europe/Madrid"))):
        assert theirs(moment.astimezone(UTC).replace(tzinfo=None)) == ours(moment)


def test_batches_are_planned_for_the_tables_as_they_are(engine: Engine) -> None:
    """PostgreSQL keeps no plan of a batch, made when a table was empty; elsewhere it may."""
    kept = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%milestone%'")
    search = select(MESSAGES.c.id).where(MESSAGES.c.milestone == "home")

    def plans_kept(db: Connection) -> int:
        for _ in range(10):
            db.execute(search).all()
        return int(db.execute(kept).scalar_one()) if engine.dialect.name == "postgresql" else 0

    with engine.connect() as db:
        with db.begin(), planned_afresh(db):
            assert plans_kept(db) == 0
        with db.begin():
            assert plans_kept(db) == (engine.dialect.name == "postgresql")
