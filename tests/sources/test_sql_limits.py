"""A clinic's database that is slow, large or broken half-way: how little it is troubled."""

from __future__ import annotations

import sqlite3
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tests.support.clinic_database import GOOD_ROW
from worker.errors import SourceError
from worker.sources import spool
from worker.sources.connect import open_read_only, source_url
from worker.sources.row import REQUIRED
from worker.sources.sql import SqlSource

_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"
#: A row for each number; every column that must be there, as text.
_ROWS = "SELECT " + ", ".join(
    f"i AS {name}" if name == "session_id" else f"'{GOOD_ROW[name]}' AS {name}" for name in REQUIRED
)


@pytest.fixture
def ready_url(source_url: str) -> str:
    """A database of each kind that is there, without a table."""
    if source_url.startswith("sqlite"):
        Path(make_url(source_url).database or "").touch()
    return source_url


def many(most: int) -> str:
    """A query that yields so many rows on every database, without a table."""
    return f"{_NUMBERS.format(most=most)} {_ROWS} FROM n"


def deep(url: str, most: int) -> str:
    """:func:`many`, where MariaDB has to be allowed to count that far."""
    if make_url(url).get_backend_name() != "mysql":
        return many(most)
    return f"{_ROWS.replace('i AS', 'seq AS')} FROM seq_1_to_{most}"


def endless(url: str) -> str:
    """A query that takes longer than any patience."""
    if make_url(url).get_backend_name() == "mysql":
        return f"{_ROWS.replace('i AS', 'count(*) AS')} FROM seq_1_to_1000000 a, seq_1_to_1000000 b"
    return f"{_NUMBERS.format(most=10**12)} {_ROWS.replace('i AS', 'max(i) AS')} FROM n"


def test_a_query_that_takes_too_long_is_stopped_by_the_database(ready_url: str) -> None:
    """The clinic's own work does not suffer for long, and the operator reads what to do."""
    with pytest.raises(SourceError) as fault:
        list(SqlSource(ready_url, endless(ready_url), seconds=1).read(None))
    told = "SOURCE_QUERY takes longer than 1 seconds to read; make it quicker with an index"
    assert str(fault.value).startswith(told)


def test_memory_does_not_grow_with_the_view(
    ready_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten times the rows, and what is held in memory at once hardly more."""
    monkeypatch.setattr(spool, "_IN_MEMORY", 50_000)

    def peak(rows: int) -> int:
        tracemalloc.start()
        chunks = SqlSource(ready_url, deep(ready_url, rows)).read(None)
        assert sum(len(chunk) for chunk in chunks) == rows
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    small, large = peak(1_500), peak(15_000)
    assert large < small + 300_000


def test_a_view_that_breaks_half_way_yields_nothing(ready_url: str) -> None:
    """A fault in row 2,500 is a fault of the whole reading, not the end of the list."""
    kind = make_url(ready_url).get_backend_name()
    fault = {
        "sqlite": "CASE WHEN i = 2500 THEN abs(-9223372036854775808) ELSE i END",
        "postgresql": "i / CASE WHEN i = 2500 THEN 0 ELSE 1 END",
        "mysql": "CASE WHEN seq = 2500 THEN (SELECT 1 UNION SELECT 2) ELSE seq END",
    }[kind]
    query = deep(ready_url, 3000)
    query = query.replace("seq AS" if kind == "mysql" else "i AS", f"{fault} AS")
    chunks = SqlSource(ready_url, query).read(None)
    with pytest.raises(SourceError, match="SOURCE_QUERY cannot be read"):
        next(chunks)


def test_while_rows_are_taken_in_the_clinic_can_write(tmp_path: Path) -> None:
    """Even in SQLite, where a query that stays open would keep the clinic from saving."""
    file = tmp_path / "clinic.db"
    clinic = sqlite3.connect(file, timeout=0.1, isolation_level=None)
    clinic.execute("CREATE TABLE notes (what TEXT)")
    chunks = SqlSource(f"sqlite:///{file}", many(5000)).read(None)
    next(chunks)
    clinic.execute("INSERT INTO notes VALUES ('saved')")
    assert len(list(chunks)) == 4
    clinic.close()


def test_a_letter_in_an_old_encoding_spoils_its_own_row_only(tmp_path: Path) -> None:
    """SQLite keeps any bytes as text; a name in Latin-1 reads with a mark where the letter was."""
    file = tmp_path / "clinic.db"
    clinic = sqlite3.connect(file)
    clinic.execute(f"CREATE TABLE completed_sessions AS {many(2)}")
    clinic.execute("UPDATE completed_sessions SET first_name = CAST(x'5A6FEB' AS TEXT)")
    clinic.commit()
    clinic.close()
    (rows,) = SqlSource(f"sqlite:///{file}").read(None)
    assert [row["first_name"] for row in rows] == ["Zo\ufffd", "Zo\ufffd"]


def test_nothing_stays_open(ready_url: str) -> None:
    """Between two passes the clinic's database has no connection of ours."""
    engine = open_read_only(make_url(ready_url))
    with engine.connect() as db:
        db.execute(text("SELECT 1"))
    assert engine.pool.status() == "NullPool"


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2"),
        ("mysql://h/d", "mysql+pymysql"),
        ("mariadb://h/d", "mariadb+pymysql"),
        ("mssql://h/d", "mssql+pymssql"),
        ("sqlserver://h/d", "mssql+pymssql"),
        ("oracle://h/d", "oracle+oracledb"),
        ("sqlite:///d.db", "sqlite"),
    ],
)
def test_a_url_as_people_write_it_gets_its_driver(written: str, driver: str) -> None:
    """The usual driver where none is named; a driver that is named stays."""
    assert source_url(f"  {written} ").drivername == driver
