"""Reading completed sessions from the clinic's database, by SQLAlchemy URL, read-only."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from worker.errors import SourceError
from worker.sources.connect import STATEMENT_SECONDS, open_read_only, source_url
from worker.sources.row import REQUIRED
from worker.sources.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, CursorResult, Engine, TextClause

VIEW = "completed_sessions"
_CHUNK = 1_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: How databases and drivers say that a statement took too long.
_TOO_SLOW = (
    "statement timeout",
    "max_statement_time",
    "maximum statement execution",
    "interrupted",
)


class SqlSource:
    """The clinic's view, or a query of the administrator's own.

    Args:
        url: Any SQLAlchemy URL.
        query: SQL to use instead of the view; may have the parameter ``:since``.
        seconds: How long one statement may take.
    """

    kind = "sql"

    def __init__(
        self, url: str, query: str | None = None, *, seconds: int = STATEMENT_SECONDS
    ) -> None:
        self._url = source_url(url)
        self._engine: Engine | None = None
        self._query = query
        self._seconds = seconds
        #: Learnt while reading: whether ``updated_at`` can be compared with a moment, and how.
        self._style: type[str | datetime] | None = None
        self._aware = True

    @property
    def name(self) -> str:
        """What the settings call it."""
        return VIEW if self._query is None else "SOURCE_QUERY"

    @property
    def reads_changes(self) -> bool:
        """Whether a pass can ask for what changed only; known once everything was read once."""
        return self._style is not None

    @property
    def takes_since(self) -> bool:
        """Whether even a full reading is bounded by ``:since`` of the query."""
        return self._query is not None and "since" in text(self._query).compile().params

    def read(self, since: datetime | None) -> Iterator[Sequence[dict[str, Any]]]:
        """Rows in chunks: all of them, or those that may have changed since a moment.

        Nothing is handed out before everything was read and the database is let go.

        Raises:
            SourceError: When the database cannot be read or a column is missing; says what to do.
        """
        with closing(Spool()) as spool:
            names = self._fill(spool, self._bound(since))
            for chunk in spool.chunks():
                rows = [dict(zip(names, values, strict=True)) for values in chunk]
                self._learn(rows)
                yield rows

    def sample(self, most: int) -> tuple[list[str], list[dict[str, Any]]]:
        """The columns that there are, needed or not, and the first rows.

        Raises:
            SourceError: When the database cannot be read; says what to do.
        """
        statement = self._bound(None)
        with self.connected() as db, _streamed(db, statement) as result:
            names = [name.lower() for name in result.keys()]  # noqa: SIM118 (not a mapping)
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchmany(most)]
        return names, rows

    def check(self) -> None:
        """Whether it can be read at all.

        Raises:
            SourceError: When it cannot, or a column is missing; says what to do.
        """
        names, _ = self.sample(1)
        self._check_columns(names)

    def _fill(self, spool: Spool, statement: TextClause) -> list[str]:
        with self.connected() as db, _streamed(db, statement) as result:
            names = [name.lower() for name in result.keys()]  # noqa: SIM118 (not a mapping)
            self._check_columns(names)
            spool.fill([tuple(row) for row in chunk] for chunk in result.partitions(_CHUNK))
        return names

    def _bound(self, since: datetime | None) -> TextClause:
        if self._query is not None and not self._query.strip():
            message = "SOURCE_QUERY cannot be read (the file is empty); write the query into it"
            raise SourceError(message)
        statement = self._statement(since)
        if "since" not in statement.compile().params:
            return statement
        return statement.bindparams(since=self._as_stored(since or _LONG_AGO))

    def _statement(self, since: datetime | None) -> TextClause:
        if self._query is not None:
            return text(self._query)
        # VIEW is a constant of ours, not input.
        everything = f"SELECT * FROM {VIEW}"  # noqa: S608
        if since is None or not self.reads_changes:
            return text(everything)
        return text(f"{everything} WHERE updated_at >= :since")

    def _learn(self, chunk: Sequence[dict[str, Any]]) -> None:
        """Notice how the source keeps ``updated_at``: text must be ISO to compare rightly."""
        values = (row.get("updated_at") for row in chunk)
        value = next((each for each in values if each is not None), None)
        if isinstance(value, datetime):
            self._style, self._aware = datetime, value.tzinfo is not None
        elif isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-":
            self._style = str

    def _as_stored(self, moment: datetime) -> datetime | str:
        """``moment`` as the source keeps times.

        Zones are ignored: callers leave a margin of more than a day, so that no zone, and neither
        a blank nor a ``T`` in a text, makes a difference.
        """
        style = self._style or (str if self._url.get_backend_name() == "sqlite" else datetime)
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        if style is str:
            return naive.isoformat(" ", "seconds")
        zoned = self._aware and self._url.get_backend_name() == "postgresql"
        return moment if zoned else naive

    def _check_columns(self, present: list[str]) -> None:
        missing = [name for name in REQUIRED if name not in present]
        if missing:
            names = ", ".join(missing)
            message = (
                f"{self.name} has no column {names}; add it to the view (NULL where the clinic "
                f"has nothing). A view needs: {', '.join(REQUIRED)}"
            )
            raise SourceError(message)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """The clinic's database, for one reading; what goes wrong is told in words.

        Raises:
            SourceError: When it does not answer, or what is done with it fails.
        """
        with self._explained(connecting=True):
            db = self._open().connect()
        with db, self._explained():
            yield db

    @contextmanager
    def _explained(self, *, connecting: bool = False) -> Iterator[None]:
        """Turn what a driver says into what an operator can do."""
        try:
            yield
        except DBAPIError as error:
            if connecting or error.connection_invalidated:
                said = _first_line(error)
                message = f"SOURCE_URL: the clinic's database does not answer ({said})"
                raise SourceError(message) from None
            raise self._explain(error) from None
        except SQLAlchemyError as error:
            # Other texts may quote a row's values, so only the kind of fault is told.
            message = f"{self.name} cannot be read ({type(error).__name__})"
            raise SourceError(message) from None
        except RuntimeError as error:
            # PyMySQL, for a password that it needs another package to send.
            if "cryptography" not in str(error):
                raise
            message = "SOURCE_URL: this server's passwords need one more: pip install cryptography"
            raise SourceError(message) from None

    def _explain(self, error: DBAPIError) -> SourceError:
        said = _first_line(error)
        if any(each in said.lower() for each in _TOO_SLOW):
            return SourceError(
                f"{self.name} takes longer than {self._seconds} seconds to read; make it "
                "quicker with an index, or let it show only the last three months"
            )
        if not isinstance(error, (OperationalError, InterfaceError, ProgrammingError)):
            # A value that cannot be converted may be quoted: only the kind of fault is told.
            said = type(error.orig).__name__
        return SourceError(
            f"{self.name} cannot be read ({said}); the clinic's administrator makes "
            "this view, and aftercare init proposes one"
        )

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = open_read_only(self._url, self._seconds)
        return self._engine


def _streamed(db: Connection, statement: TextClause) -> CursorResult[Any]:
    """Run it; rows come from the server as they are asked for, where the driver can do that."""
    options = db.execution_options(stream_results=True, yield_per=_CHUNK)
    return options.execute(statement)


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
