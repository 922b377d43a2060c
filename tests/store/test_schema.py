"""The migrations and the models are one schema, on each database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Engine,
    Enum,
    Integer,
    Text,
    Time,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from tests.support.stored import MONDAY, store_message, store_session
from worker.rules.messages import Channel, Kind, Status
from worker.store.engine import open_engine
from worker.store.kinds import RowFate, SuppressionKind
from worker.store.moments import UtcDateTime
from worker.store.packed import PackedText
from worker.store.schema import _config, is_current, migrate
from worker.store.tables import LEASES, MESSAGES, METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import StrEnum

    from alembic.config import Config

_CHECKOUT = Path(__file__).parents[2]
_BOOKKEEPING = "alembic_version"


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    """A database with nothing in it, of each kind."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_migrations_and_models_make_the_same_schema(empty: Engine) -> None:
    """Migrating from nothing gives what the models describe, to the last constraint and index."""
    METADATA.create_all(empty)
    from_models = _describe(empty)
    METADATA.drop_all(empty)
    migrate(empty)
    from_migrations = _describe(empty)
    assert from_models.keys() == from_migrations.keys()
    for part, described in from_models.items():
        assert described == from_migrations[part], part


def test_every_column_keeps_what_it_is_given() -> None:
    """No text with a length, no moment without a zone, no enum by its members' names."""
    kinds = {type(column.type) for table in METADATA.sorted_tables for column in table.c}
    assert kinds <= {Integer, Boolean, Text, Time, JSON, Enum, UtcDateTime, PackedText}
    enums = [c.type for t in METADATA.sorted_tables for c in t.c if isinstance(c.type, Enum)]
    assert all(each.enums == [one.value for one in each.enum_class or ()] for each in enums)


def test_alembic_finds_nothing_to_migrate(engine: Engine) -> None:
    """Alembic's own comparison of models and database agrees."""
    with engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), METADATA) == []


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("messages", "status", Status),
        ("messages", "channel", Channel),
        ("messages", "kind", Kind),
        ("replies", "channel", Channel),
        ("channel_state", "channel", Channel),
        ("suppressions", "channel", Channel),
        ("suppressions", "kind", SuppressionKind),
        ("rejected_rows", "fate", RowFate),
    ],
)
def test_the_database_knows_every_enum_value_and_no_other(
    engine: Engine, table: str, column: str, values: type[StrEnum]
) -> None:
    """A CHECK lists exactly the values that the code has, so neither can drift from the other."""
    name = f"ck_{table}_{values.__name__.lower()}"
    checks = {
        each["name"]: each["sqltext"] for each in inspect(engine).get_check_constraints(table)
    }
    assert column in checks[name]
    quoted = checks[name].split("'")[1::2]
    assert sorted(values) == sorted(quoted)


def test_migrating_twice_is_harmless(engine: Engine) -> None:
    """A second ``aftercare migrate`` changes neither the schema nor a row."""
    before = _describe(engine)
    with engine.begin() as db:
        lease = {"name": "send", "holder": "w1", "problem": ""}
        moments = {"expires_at": MONDAY, "started_at": MONDAY}
        db.execute(insert(LEASES).values({**lease, **moments}))
    migrate(engine)
    assert before == _describe(engine)
    with engine.begin() as db:
        assert db.execute(text("SELECT holder FROM leases")).scalars().all() == ["w1"]


def test_downgrading_leaves_nothing(empty: Engine) -> None:
    """The way back is whole: after it only Alembic's own empty table is left."""
    migrate(empty)
    _downgrade(empty)
    assert inspect(empty).get_table_names() == [_BOOKKEEPING]
    assert _leftovers(empty) == []
    with empty.begin() as db:
        assert db.execute(text(f"SELECT * FROM {_BOOKKEEPING}")).all() == []


def test_there_and_back_and_there_again(empty: Engine) -> None:
    """A downgrade can be migrated up again to the very same schema."""
    migrate(empty)
    before = _describe(empty)
    _downgrade(empty)
    migrate(empty)
    assert before == _describe(empty)


def test_is_current_tells_whether_migrations_are_missing(empty: Engine) -> None:
    """Not in an empty database, yes once migrated, not after the way back."""
    assert not is_current(empty)
    migrate(empty)
    assert is_current(empty)
    _downgrade(empty)
    assert not is_current(empty)


def test_pages_of_before_can_be_read_and_go_back_as_they_were(empty: Engine) -> None:
    """What was stored plainly reads the same after the migration, and after its undoing."""
    page = "xé <p>Hola, señora</p>"
    migrate(empty)
    with empty.begin() as db:
        store_session(db)
        plain, packed = (store_message(db, milestone=name) for name in ("m1", "m2"))
    _alembic(empty, command.downgrade, "0002")
    with empty.begin() as db:
        words = {"page": page, "id": plain}
        db.execute(text("UPDATE messages SET html = :page WHERE id = :id"), words)
    migrate(empty)
    of_row = select(MESSAGES.c.html).order_by(MESSAGES.c.id)
    with empty.begin() as db:
        db.execute(update(MESSAGES).where(MESSAGES.c.id == packed).values(html=page))
        assert db.execute(of_row).scalars().all() == [page, page]
    _alembic(empty, command.downgrade, "0002")
    with empty.begin() as db:
        stored = db.execute(text("SELECT html FROM messages ORDER BY id")).scalars().all()
    assert stored == [page, page]


def test_a_failed_migration_leaves_nothing_half_done(empty: Engine) -> None:
    """A migration that stumbles over a table of somebody else's takes back what it did."""
    with empty.begin() as db:
        db.execute(text("CREATE TABLE messages (id INTEGER)"))
    with pytest.raises(DBAPIError):
        migrate(empty)
    assert not is_current(empty)
    assert set(inspect(empty).get_table_names()) <= {"messages", _BOOKKEEPING}


def test_the_alembic_command_works_from_the_checkout(empty: Engine, database_url: str) -> None:
    """``alembic upgrade head`` and ``alembic check`` read [tool.alembic] and DATABASE_URL."""
    for words in (["upgrade", "head"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *words],
            cwd=_CHECKOUT,
            env={**os.environ, "DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    assert is_current(empty)


def _downgrade(engine: Engine) -> None:
    _alembic(engine, command.downgrade, "base")


def _alembic(engine: Engine, run: Callable[[Config, str], None], revision: str) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        run(config, revision)


def _describe(engine: Engine) -> dict[str, Any]:
    """Every table but Alembic's, by SQLAlchemy's reflection and the database's own catalog."""
    found = inspect(engine)
    tables = sorted(set(found.get_table_names()) - {_BOOKKEEPING})
    described: dict[str, Any] = {"tables": tables, "catalog": _catalog(engine)}
    for table in tables:
        described[f"{table}: columns"] = [
            (
                each["name"],
                each["type"].compile(engine.dialect),
                each["nullable"],
                each["default"],
            )
            for each in found.get_columns(table)
        ]
        described[f"{table}: key"] = found.get_pk_constraint(table)
        for kind, parts in (
            ("foreign keys", found.get_foreign_keys(table)),
            ("unique", found.get_unique_constraints(table)),
            ("checks", found.get_check_constraints(table)),
            ("indexes", found.get_indexes(table)),
        ):
            described[f"{table}: {kind}"] = sorted(_in_words(each) for each in parts)
    return described


def _in_words(part: Any) -> str:
    """A constraint or index as text; a partial index's condition is an object without equality."""
    if isinstance(part, dict):
        return str({key: _in_words(value) for key, value in sorted(part.items())})
    return str(part)


_CATALOG = {
    "sqlite": [
        """SELECT tbl_name, name, sql FROM sqlite_master
        WHERE type = 'index' AND tbl_name <> 'alembic_version'"""
    ],
    "postgresql": [
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text <> 'alembic_version'""",
        """SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'""",
    ],
}


def _catalog(engine: Engine) -> list[tuple[Any, ...]]:
    """Constraints and indexes as the database itself spells them, partial conditions included."""
    queries = _CATALOG[engine.dialect.name]
    with engine.begin() as db:
        return sorted(
            tuple(" ".join((value or "").split()) for value in row)
            for query in queries
            for row in db.execute(text(query))
        )


def _leftovers(engine: Engine) -> list[str]:
    """Whatever the database still holds beside Alembic's table: indexes, sequences, types."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE tbl_name <> 'alembic_version'"
    else:
        query = (
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relname NOT LIKE 'alembic_version%'"
        )
    with engine.begin() as db:
        return list(db.execute(text(query)).scalars())
