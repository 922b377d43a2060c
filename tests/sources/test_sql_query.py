"""SOURCE_QUERY: a query of the administrator's own instead of the view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.sources.native import session_id
from worker.errors import SourceError
from worker.sources.sql import SqlSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sources.native import NativeClinic

#: Tuesday 24 November 2026, noon.
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: Without the view's ``updated_at``; a query has no need of it.
QUERY = """
-- Sessions of the last weeks, as our booking system keeps them.
SELECT id AS session_id, 'microneedling' AS treatment, ended AS completed_at,
       customer AS patient_id, first_name, phone, email,
       sms AS sms_consent, mail AS email_consent, changed AS updated_at
FROM bookings
"""


def _ids(rows: Iterable[Iterable[object]]) -> list[str]:
    return sorted(str(row["session_id"]) for chunk in rows for row in chunk)  # type: ignore[index]


@pytest.fixture
def busy(clinic: NativeClinic) -> NativeClinic:
    """A clinic with sessions on Monday 23, Tuesday 24 and Wednesday 25 November, 15:00."""
    clinic.run("DROP VIEW completed_sessions")
    for number, day in ((1, 23), (2, 24), (3, 25)):
        clinic.add(number, day=day)
    return clinic


@pytest.mark.parametrize(
    "ending",
    ["", ";", " ;\n", "WHERE email LIKE '%@example.com'", "WHERE first_name <> '12:30 %s :-)'"],
)
def test_a_query_without_since_is_read_whole(busy: NativeClinic, ending: str) -> None:
    """Every pass reads everything; percent signs, colons and semicolons are only themselves."""
    source = SqlSource(busy.url, QUERY + ending)
    assert not source.takes_since
    expected = [session_id(number) for number in (1, 2, 3)]
    assert expected == _ids(source.read(None)) == _ids(source.read(TUESDAY))


def test_a_query_with_since_is_asked_for_changes(busy: NativeClinic) -> None:
    """``:since`` is the moment that a pass starts from; without one, everything there ever was."""
    source = SqlSource(busy.url, f"{QUERY} WHERE changed >= :since;")
    assert source.takes_since
    everything = [session_id(number) for number in (1, 2, 3)]
    assert everything == _ids(source.read(None))
    # Times of a clinic's own zone are a few hours off; callers leave a margin of more than a day.
    assert everything[1:] == _ids(source.read(datetime(2026, 11, 24, 0, tzinfo=UTC)))
    assert _ids(source.read(datetime(2026, 12, 1, tzinfo=UTC))) == []


def test_since_can_be_used_twice_and_beside_casts(busy: NativeClinic) -> None:
    """The parameter may stand in several places, and PostgreSQL's ``::`` is no parameter."""
    cast = "::text" if busy.engine.dialect.name == "postgresql" else ""
    condition = f"WHERE first_name{cast} = 'Ana' AND (changed >= :since OR ended >= :since)"
    source = SqlSource(busy.url, QUERY + condition)
    assert source.takes_since
    assert len(_ids(source.read(datetime(2026, 11, 25, tzinfo=UTC)))) == 1


def test_missing_columns_of_a_query_are_named(busy: NativeClinic) -> None:
    """A query that forgets a column says which, and that it is the query's."""
    source = SqlSource(busy.url, QUERY.replace("first_name, phone,", ""))
    with pytest.raises(SourceError, match=r"^SOURCE_QUERY has no column first_name, phone; add it"):
        _ids(source.read(None))


_MISTAKES = {
    "a table that is not there": "SELECT * FROM appointments",
    "a column that is not there": "SELECT nosuch FROM bookings",
    "a word that is mistyped": "SELEC * FROM bookings",
    "nothing but a comment": "-- to be written",
}


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_a_mistake_in_a_query_is_the_querys(busy: NativeClinic, mistake: str) -> None:
    """The operator is sent to SOURCE_QUERY, not to a server that answers well."""
    query = _MISTAKES[mistake]
    with pytest.raises(SourceError) as fault:
        _ids(SqlSource(busy.url, query).read(None))
    assert str(fault.value).startswith("SOURCE_QUERY cannot be read (")


def test_an_empty_query_file_is_not_the_view(busy: NativeClinic) -> None:
    """A file that was saved empty is a fault of the file, not a wish to read the view."""
    with pytest.raises(SourceError, match="SOURCE_QUERY"):
        _ids(SqlSource(busy.url, "").read(None))
