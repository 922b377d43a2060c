"""The report of lines that need mending: a file to mend and import again."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

from worker.sources.csv import REPORT_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from worker.sources.csv import CsvFile, Line


class MendingFile:
    """Written as the lines come: the original cells, then line, column and reason.

    It has the separator of the file it is about and the mark that Excel knows UTF-8 by, so that the
    same program opens it rightly. Nothing is written, and an older report stays, until there is a
    line to report. It names patients, so only its owner may read it.
    """

    def __init__(self, path: Path, about: CsvFile) -> None:
        self.path = path
        self.lines = 0
        self._about = about
        self._file: TextIO | None = None
        own = {head.strip().lower() for head in about.heads} >= set(REPORT_COLUMNS)
        #: A report that is imported again does not carry its own columns twice.
        self._places = [
            place
            for place, head in enumerate(about.heads)
            if not (own and head.strip().lower() in REPORT_COLUMNS)
        ]

    def add(self, line: Line, column: str, reason: str) -> None:
        """Write a line down."""
        if self._file is None:
            self._file = self._open()
            self._write([self._about.heads[place] for place in self._places] + [*REPORT_COLUMNS])
        cells = [line.cells[place] if place < len(line.cells) else "" for place in self._places]
        self._write([*cells, str(line.number), column, reason])
        self.lines += 1

    def close(self) -> None:
        """Everything is written."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> TextIO:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(handle, "w", encoding="utf-8-sig", newline="")

    def _write(self, cells: list[str]) -> None:
        if self._file is not None:
            csv.writer(self._file, delimiter=self._about.separator).writerow(cells)
