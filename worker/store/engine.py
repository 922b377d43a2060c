"""The worker's database, opened and used alike whether it is SQLite or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Insert, Table

#: How long a writer waits for another one, in milliseconds.
_BUSY_MS = 30_000


def open_engine(database_url: str) -> Engine:
    """The engine for the worker's own database, SQLite or PostgreSQL, by SQLAlchemy URL."""
    url = make_url(database_url)
    # Parameters are hidden: an error that is logged must not carry a patient's data.
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    # A server that is gone without a word must not hold a stage for hours.
    limits = "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
    arguments = {"connect_timeout": 10, "tcp_user_timeout": 30_000, "options": limits}
    return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 (SQLAlchemy's)
    # The driver's own transaction handling is switched off; `_begin_immediate` opens them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL, not NORMAL: with WAL, NORMAL may forget a committed "sending" mark at power loss.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once with "locked" when another
    # writer came between; taking the write lock at the start makes it wait its turn instead.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def reading(engine: Engine) -> Engine:
    """The same database for one consistent look, which never makes a writer wait."""
    return engine.execution_options(reading=True)


def insert_new(db: Connection, table: Table, values: Mapping[str, Any]) -> Insert:
    """A statement that stores a row unless that breaks a unique key."""
    dialect = sqlite if db.dialect.name == "sqlite" else postgresql
    new: Insert = dialect.insert(table).values(values).on_conflict_do_nothing()
    return new


@contextmanager
def planned_afresh(db: Connection) -> Iterator[None]:
    """Statements inside are planned for the tables as they are now, each time.

    PostgreSQL keeps the plan of a statement that it has seen a few times. One that was made while a
    table was empty reads all of it, until the table's statistics are renewed: of a first import,
    each thousand rows took three seconds. For batches only: it takes a fraction of a millisecond.
    """
    driver: Any = db.connection.driver_connection if db.dialect.name == "postgresql" else None
    if driver is None:
        yield
        return
    usual, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = usual


class Transactions(Protocol):
    """What a stage needs of an engine: transactions, one after the other."""

    def begin(self) -> AbstractContextManager[Connection]:
        """A transaction that is committed at the end, or rolled back by an exception."""


class Rehearsal:
    """Transactions that see one another's changes and are all undone at the end."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A savepoint in the place of a transaction."""
        with self._db.begin_nested():
            yield self._db


@contextmanager
def rehearsal(engine: Engine) -> Iterator[Rehearsal]:
    """Run stages for real and keep nothing: nobody else ever sees what they wrote."""
    with engine.connect() as db:
        everything = db.begin()
        try:
            yield Rehearsal(db)
        finally:
            everything.rollback()
