"""The contract suite over every database, in the types that people make tables of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
)

from tests.sources.contract import SourceContract
from tests.support.databases import fresh_mariadb, fresh_postgres
from worker.sources.sql import SqlSource
from worker.sources.values import read_day_or_time, read_flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.types import TypeEngine

#: Columns that a booking system does not keep as text, and how to make their values of texts.
_TYPES: dict[str, tuple[TypeEngine[Any], Callable[[Any], Any]]] = {
    "completed_at": (DateTime(), read_day_or_time),
    "updated_at": (DateTime(), read_day_or_time),
    "next_session_at": (DateTime(), read_day_or_time),
    "email_consent": (Boolean(), read_flag),
    "marketing_consent": (Boolean(), read_flag),
    "session_number": (BigInteger(), int),
}


class KeptTable:
    """A table in the place of the view."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_engine(url)
        self._table: Table | None = None

    def keep(self, *rows: dict[str, Any]) -> None:
        """Replace everything by these rows."""
        if rows or self._table is None:
            self._make_table(list(rows[0]) if rows else ["session_id"])
        assert self._table is not None
        with self._engine.begin() as db:
            db.execute(self._table.delete())
            if rows:
                values = [{key: _native(key, each[key]) for key in each} for each in rows]
                db.execute(insert(self._table), values)

    def source(self) -> SqlSource:
        """A new source on the table."""
        return SqlSource(self._url)

    def drop(self) -> None:
        """Leave nothing behind."""
        if self._table is not None:
            self._table.drop(self._engine)
        self._engine.dispose()

    def _make_table(self, columns: list[str]) -> None:
        if self._table is not None:
            self._table.drop(self._engine)
        made = [
            Column(each, _TYPES[each][0] if each in _TYPES else String(100)) for each in columns
        ]
        self._table = Table("completed_sessions", MetaData(), *made)
        self._table.create(self._engine)


def _native(name: str, value: Any) -> Any:
    return value if value is None or name not in _TYPES else _TYPES[name][1](value)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def _url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('clinic')}/clinic's own.db"
    else:
        yield from fresh_postgres() if request.param == "postgresql" else fresh_mariadb()


class TestSql(SourceContract):
    """SQLite, PostgreSQL and MariaDB."""

    @pytest.fixture
    def kept(self, _url: str) -> Iterator[KeptTable]:
        """A table of each database."""
        kept = KeptTable(_url)
        yield kept
        kept.drop()
