"""Completed sessions from a CSV file, whatever spreadsheet program wrote it.

The file is read twice, both times as a stream. The first reading learns what one line alone cannot
tell: the letters, the separator, the order of day and month, and which session ids stand there
more than once. The second hands out the lines.
"""

from __future__ import annotations

import csv
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from worker.errors import SourceError
from worker.sources.cells import DATES, Evidence, Order, read_cell
from worker.sources.columns import find_columns, known_columns
from worker.sources.encoding import NAMES, detect_encoding
from worker.sources.values import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from worker.sources.row import Row

_CHUNK = 1_000
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LONGEST_CELL = 100_000
#: What a report of rejected lines adds; when that is imported again, it is not part of the file.
REPORT_COLUMNS = ("line", "column", "reason")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file; one with line breaks in a cell counts from where it begins."""

    number: int
    #: As they stand in the file.
    cells: Sequence[str]
    #: By column of the contract.
    row: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file that can be read; made by :func:`open_csv`.

    Args:
        path: Where it is.
        encoding: The codec that reads it.
        separator: What stands between cells.
        heads: Its first line.
        columns: Where each column of the contract stands.
        order: How its dates are written, as far as that is known.
        shown_by: The line that shows that order; 0 when none did.
        twice: Ids of sessions that stand on several lines with different values.
    """

    path: Path
    encoding: str
    separator: str
    heads: Sequence[str]
    columns: Mapping[str, int]
    order: Order | None = None
    shown_by: int = 0
    twice: Mapping[str, int] = field(default_factory=dict)
    #: The clinic of lines that name none; empty when they have to.
    clinic: str = ""
    kind: str = field(default="csv", init=False)
    #: A file knows nothing of what changed, and nothing of what it leaves out.
    reads_changes: bool = field(default=False, init=False)
    takes_since: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """What the operator calls it."""
        return self.path.name

    def read(self, since: datetime | None = None) -> Iterator[Sequence[Row]]:  # noqa: ARG002
        """Every line's row, in chunks: the contract of a source.

        Raises:
            SourceError: When the file changed since it was opened, or cannot be read.
        """
        for chunk in self.chunks():
            yield [line.row for line in chunk]

    @property
    def described(self) -> str:
        """How it is read, for a person to check."""
        parts = [NAMES[self.encoding], f"separated by {_SEPARATORS[self.separator]}"]
        if self.order is not None:
            shown = f", as line {self.shown_by} shows" if self.shown_by else ""
            parts.append(f"dates {self.order}{shown}")
        return "; ".join(parts)

    def lines(self) -> Iterator[Line]:
        """Every line with something in it.

        Raises:
            SourceError: When the file changed since it was opened, or cannot be read.
        """
        with _reading(self.path, self.encoding) as file:
            reader = _records(file, self.path, self.separator)
            next(reader, None)
            for number, cells in reader:
                yield Line(number, cells, self._row(number, cells))

    def chunks(self) -> Iterator[Sequence[Line]]:
        """The lines, some at a time."""
        lines = self.lines()
        while chunk := list(islice(lines, _CHUNK)):
            yield chunk

    def clash(self, line: Line) -> str:
        """Why a line's session id cannot be used, if it stands on another line too."""
        session_id = line.row["session_id"]
        if session_id in self.twice and isinstance(session_id, Unreadable):
            return f"session_id {session_id.why}"
        return ""

    def _row(self, number: int, cells: Sequence[str]) -> Mapping[str, str]:
        row = {
            name: read_cell(name, cells[place] if place < len(cells) else "", self.order)
            for name, place in self.columns.items()
        }
        first = self.twice.get(row["session_id"])
        if first is not None:
            where = f"on line {first}" if first != number else "further down"
            why = f"stands {where} as well, with other values; keep one of the lines"
            row["session_id"] = Unreadable(row["session_id"], why)
        if self.clinic:
            named = row.get("clinic") or self.clinic
            why = f"is not {self.clinic}, whose sessions these are (--clinic)"
            row["clinic"] = named if named == self.clinic else Unreadable(named, why)
        return row


def open_csv(path: Path, order: Order | None = None, clinic: str = "") -> CsvFile:
    """Look through a file and learn how to read it.

    Args:
        path: Where it is.
        order: How its dates are written, if the operator says so.
        clinic: Whose sessions these are, if the operator says so.

    Raises:
        SourceError: When it cannot be used at all; one sentence says why and what to do.
    """
    try:
        encoding = detect_encoding(path)
        return replace(_look_through(path, encoding, order), clinic=clinic)
    except FileNotFoundError:
        message = f"There is no file {path}"
        raise SourceError(message) from None
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise SourceError(message) from None


def _look_through(path: Path, encoding: str, order: Order | None) -> CsvFile:
    with _reading(path, encoding) as file:
        separator = _find_separator(file)
    with _reading(path, encoding) as file:
        reader = _records(file, path, separator)
        _, heads = next(reader, (0, []))
        file_so_far = CsvFile(path, encoding, separator, heads, find_columns(heads, path.name))
        found = _Findings()
        for number, cells in reader:
            found.look(file_so_far, number, cells)
    shown_by = 0 if order else found.evidence.day_first_at or found.evidence.month_first_at
    order = order or found.evidence.order
    return CsvFile(
        path,
        encoding,
        separator,
        heads,
        file_so_far.columns,
        order,
        shown_by if order else 0,
        found.twice,
    )


@dataclass(slots=True)
class _Findings:
    """What the first reading learns."""

    evidence: Evidence = field(default_factory=Evidence)
    #: By session id: a digest of its line and where that stands.
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    twice: dict[str, int] = field(default_factory=dict)

    def look(self, file: CsvFile, number: int, cells: Sequence[str]) -> None:
        """Take note of a line."""
        known = [cells[place] if place < len(cells) else "" for place in file.columns.values()]
        row = dict(zip(file.columns, known, strict=True))
        for name in DATES & row.keys():
            self.evidence.look(row[name], number)
        session_id = read_cell("session_id", row["session_id"], None)
        digest = hash(tuple(each.strip() for each in known))
        before, line = self.seen.setdefault(session_id, (digest, number))
        if session_id and before != digest:
            self.twice[session_id] = line


@contextmanager
def _reading(path: Path, encoding: str) -> Iterator[TextIO]:
    """The file as text. Line breaks stay as they are: they may be part of a cell."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeError:
        message = f"{path.name} breaks off or is damaged; export it again"
        raise SourceError(message) from None


def _find_separator(file: TextIO) -> str:
    """What stands between cells: what Excel's ``sep=`` line says, or what yields most columns."""
    first = file.readline().rstrip("\r\n")
    if told := _told_separator(first):
        return told
    file.seek(0)
    start = file.read(_LONGEST_CELL)
    found = {each: known_columns(_first_record(start.lstrip("\r\n"), each)) for each in _SEPARATORS}
    return max(found, key=lambda each: found[each])


def _told_separator(line: str) -> str:
    """The separator that a first line ``sep=;`` names; empty when it is no such line."""
    plain = line.strip(' "').lower() if not line.endswith("\t") else line.lower()
    told = plain.removeprefix("sep=") if plain.startswith("sep=") else ""
    return told if told in _SEPARATORS else ""


def _first_record(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(text.splitlines(keepends=True), delimiter=separator), [])
    except csv.Error:
        return []


def _records(file: TextIO, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the line it begins on; blank ones are left out."""
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(file, delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            if number == 1 and _told_separator(separator.join(cells)):
                continue
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error:
        message = (
            f"{path.name} cannot be read from line {begins} on: a quotation mark there is opened "
            "and not closed, or text follows a closed one; mend that line"
        )
        raise SourceError(message) from None
