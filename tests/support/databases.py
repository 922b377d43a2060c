"""Real databases for tests: found on localhost, or the test says how to get them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from worker.store.engine import open_engine
from worker.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRES = os.environ.get(
    "AFTERCARE_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
MARIADB = os.environ.get("AFTERCARE_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")


def missing(what: str, how: str) -> None:
    """A part that the tests need is not there: skip on a user's machine, fail under CI."""
    reason = f"{what} is not there: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def fresh_database(server: str, *, setting: str) -> Iterator[str]:
    """The URL of an empty database on a server; dropped afterwards."""
    url = make_url(server)
    name = f"aftercare_{uuid4().hex[:12]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as db:
            db.execute(text(f"CREATE DATABASE {name}"))
            if url.get_backend_name() == "postgresql":
                # Tests kill processes, never the power: to wait for the disk proves nothing.
                db.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO off"))
    except OperationalError:
        admin.dispose()
        missing(f"A server at {url.host}:{url.port}", f"start one, or name it in {setting}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if url.get_backend_name() == "postgresql" else ""
        with admin.connect() as db:
            db.execute(text(f"DROP DATABASE {name}{force}"))
        admin.dispose()


def fresh_postgres() -> Iterator[str]:
    """An empty PostgreSQL database, as a fixture yields it."""
    with fresh_database(POSTGRES, setting="AFTERCARE_TEST_POSTGRES") as url:
        yield url


# Migrating takes longer than most tests, so each process of a test run migrates one database of
# each kind. On SQLite its tests get copies, on PostgreSQL the same one, emptied in between: making
# and dropping a database takes longer than most tests as well. A test that changes the schema takes
# an empty database instead.

_EMPTY = """
DO $$ DECLARE each text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;  -- in any order, whoever refers to whom
    FOR each IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP EXECUTE format('DELETE FROM %I', each); END LOOP;
    PERFORM setval(seqrelid, 1, false) FROM pg_sequence;
END $$
"""


@cache
def _migrated_sqlite() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="aftercare-"))
    atexit.register(shutil.rmtree, folder)
    _migrate(f"sqlite:///{folder}/migrated.db")
    return folder / "migrated.db"


@cache
def _migrated_postgres() -> str:
    database = fresh_database(POSTGRES, setting="AFTERCARE_TEST_POSTGRES")
    url = database.__enter__()
    atexit.register(database.__exit__, None, None, None)
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


def migrated_sqlite(folder: Path) -> str:
    """The worker's own database on SQLite, migrated and empty."""
    shutil.copy(_migrated_sqlite(), folder / "aftercare.db")
    return f"sqlite:///{folder}/aftercare.db"


def migrated_postgres() -> Iterator[str]:
    """The worker's own database on PostgreSQL, migrated and empty, as a fixture yields it."""
    url = _migrated_postgres()
    try:
        yield url
    finally:
        engine = create_engine(url)
        with engine.begin() as db:
            db.execute(text(_EMPTY))
        engine.dispose()


def fresh_mariadb() -> Iterator[str]:
    """An empty MariaDB database, as a fixture yields it."""
    with fresh_database(MARIADB, setting="AFTERCARE_TEST_MARIADB") as url:
        yield url
