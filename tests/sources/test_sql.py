"""Reading completed sessions: the same promises over SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from tests.sources.native import NativeClinic, session_id
from tests.sources.reading import NOW
from tests.support.world import CLINIC
from worker.errors import SourceError
from worker.sources.connect import open_read_only
from worker.sources.row import Reading, read_row
from worker.sources.sql import SqlSource

if TYPE_CHECKING:
    from pathlib import Path

#: Tuesday 24 November 2026, noon.
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _ids(source: SqlSource, since: datetime | None = None) -> list[str]:
    return sorted(str(row["session_id"]) for chunk in source.read(since) for row in chunk)


def test_native_types_mean_the_same_everywhere(clinic: NativeClinic) -> None:
    """UUIDs, booleans, bits, dates and times of each database become the same facts."""
    clinic.add(1)
    (rows,) = SqlSource(clinic.url).read(None)
    found = read_row(rows[0], clinics={"glow": CLINIC}, treatments={"microneedling"}, now=NOW)
    assert isinstance(found, Reading)
    session, patient = found.session, found.patient
    assert (session_id(1), "1") == (session.session_id, patient.patient_id)
    assert datetime(2026, 11, 23, 14, tzinfo=UTC) == session.completed_at == found.as_of
    assert (patient.sms_consent, patient.email_consent) == (True, False)
    assert (session.session_number, session.sessions_planned, session.sessions_left) == (2, 4, 2)
    assert datetime(2026, 12, 20, 23, tzinfo=UTC) == session.next_session_at
    assert found.notes == ()


def test_an_empty_view_is_no_fault(clinic: NativeClinic) -> None:
    """A clinic that opens tomorrow has no sessions today."""
    assert _ids(SqlSource(clinic.url)) == []


def test_thousands_of_rows_come_in_chunks_each_once(clinic: NativeClinic) -> None:
    """A long history is read piece by piece, with nothing left out."""
    clinic.add(*range(1, 1501))
    sizes = [len(chunk) for chunk in SqlSource(clinic.url).read(None)]
    assert sizes == [1000, 500]
    assert [session_id(number) for number in range(1, 1501)] == _ids(SqlSource(clinic.url))


def test_only_what_changed_is_read(clinic: NativeClinic) -> None:
    """Once everything was read, a pass asks for what was written since a moment."""
    clinic.add(1, day=23)
    source = SqlSource(clinic.url)
    knows = [source.reads_changes]
    assert _ids(source, TUESDAY) == [session_id(1)]
    knows.append(source.reads_changes)
    assert knows == [False, True]
    clinic.add(2, day=25)
    assert _ids(source, TUESDAY) == [session_id(2)]
    assert _ids(source) == [session_id(1), session_id(2)]


def test_a_view_that_cannot_tell_is_read_whole(clinic: NativeClinic) -> None:
    """Without ``updated_at`` every pass reads everything."""
    clinic.run("DROP VIEW completed_sessions")
    clinic.make_view(incremental=False)
    clinic.add(1, day=23)
    source = SqlSource(clinic.url)
    for _ in range(2):
        assert _ids(source, TUESDAY) == [session_id(1)]
        assert not source.reads_changes


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bookings",
        "UPDATE bookings SET first_name = 'Eve'",
        "CREATE TABLE ours (id INTEGER)",
        "DROP VIEW completed_sessions",
    ],
)
def test_the_clinics_database_is_never_written_to(clinic: NativeClinic, statement: str) -> None:
    """The database itself refuses a write that comes through the source's engine."""
    clinic.add(1)
    engine = open_read_only(make_url(clinic.url))
    with pytest.raises(DBAPIError), engine.begin() as db:
        db.execute(text(statement))
    assert clinic.count() == 1
    assert _ids(SqlSource(clinic.url)) == [session_id(1)]


def test_missing_columns_are_named(clinic: NativeClinic) -> None:
    """A view that lacks columns says which, and what a view needs."""
    clinic.run("DROP VIEW completed_sessions")
    clinic.run("CREATE VIEW completed_sessions AS SELECT id AS session_id, phone FROM bookings")
    with pytest.raises(SourceError) as fault:
        _ids(SqlSource(clinic.url))
    assert str(fault.value) == (
        "completed_sessions has no column treatment, completed_at, patient_id, first_name, email, "
        "sms_consent, email_consent; add it to the view (NULL where the clinic has nothing). "
        "A view needs: session_id, treatment, completed_at, patient_id, first_name, phone, email, "
        "sms_consent, email_consent"
    )


def test_a_missing_view_is_named(clinic: NativeClinic) -> None:
    """Without the view the message says who makes it and where to read how."""
    clinic.run("DROP VIEW completed_sessions")
    with pytest.raises(SourceError) as fault:
        _ids(SqlSource(clinic.url))
    assert str(fault.value).startswith("completed_sessions cannot be read (")
    assert "administrator" in str(fault.value)
    assert "aftercare init" in str(fault.value)


def test_a_source_recovers_by_itself(clinic: NativeClinic) -> None:
    """The same source object reads on once the administrator has mended the view."""
    clinic.add(1)
    source = SqlSource(clinic.url)
    clinic.run("DROP VIEW completed_sessions")
    with pytest.raises(SourceError):
        _ids(source)
    clinic.make_view()
    assert _ids(source) == [session_id(1)]


# What stands between us and the database


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/clinic.db",
        "postgresql+psycopg://reader:s3cret@127.0.0.1:1/clinic",
        "mysql+pymysql://reader:s3cret@127.0.0.1:1/clinic",
        "mariadb+pymysql://reader:s3cret@127.0.0.1:3306/clinic",
    ],
)
def test_a_database_that_does_not_answer_is_told(url: str) -> None:
    """A server that is down, a file that is not there, a wrong password: named, without secrets."""
    with pytest.raises(SourceError) as fault:
        _ids(SqlSource(url))
    assert str(fault.value).startswith("SOURCE_URL: the clinic's database does not answer (")
    assert "s3cret" not in str(fault.value)


def test_a_mistyped_file_is_not_made(tmp_path: Path) -> None:
    """Reading a SQLite file that is not there leaves no empty one behind."""
    with pytest.raises(SourceError):
        _ids(SqlSource(f"sqlite:///{tmp_path}/clinic.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("mssql+pyodbc://reader:s3cret@10.0.0.5/clinic?driver=x", "pyodbc"),
        ("mssql://reader:s3cret@10.0.0.5/clinic", "pymssql"),
        ("sqlserver://reader:s3cret@10.0.0.5/clinic", "pymssql"),
        ("oracle://reader:s3cret@10.0.0.5/clinic", "oracledb"),
        ("mysql+mysqldb://reader:s3cret@10.0.0.5/clinic", "MySQLdb; mysqlclient"),
    ],
)
def test_a_missing_driver_is_named(url: str, driver: str) -> None:
    """A database that needs a driver of its own says which to install."""
    with pytest.raises(SourceError) as fault:
        _ids(SqlSource(url))
    module, _, package = driver.partition("; ")
    expected = f"SOURCE_URL needs the Python driver {module}; install it with: pip install "
    assert str(fault.value) == expected + (package or module)


@pytest.mark.parametrize("scheme", ["filemaker", "postgresql+nosuchdriver"])
def test_a_database_that_nobody_knows_is_told(scheme: str) -> None:
    """A URL that no dialect belongs to is a fault in words, without the password."""
    with pytest.raises(SourceError, match=f"no Python driver for {re.escape(scheme)}://") as fault:
        _ids(SqlSource(f"{scheme}://reader:s3cret@10.0.0.5/clinic"))
    assert "s3cret" not in str(fault.value)
