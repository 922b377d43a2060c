"""The contract suite over CSV files, as the West, the East and an old Mac write them."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.contract import SourceContract
from tests.sources.reading import NOW
from worker.jobs.file_import import import_file
from worker.sources.csv import open_csv

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.sources.contract import Kept
    from worker.jobs.intake import Tally
    from worker.sources.base import Source
    from worker.sources.csv import CsvFile


class KeptFile:
    """A CSV file that is written anew each time."""

    def __init__(self, path: Path, encoding: str, separator: str) -> None:
        self.path, self.encoding, self.separator = path, encoding, separator
        self.heads: list[str] = []

    def keep(self, *rows: dict[str, Any]) -> None:
        """Replace everything by these rows; without any, the heads stay."""
        self.heads = list(rows[0]) if rows else self.heads
        with self.path.open("w", encoding=self.encoding, newline="") as file:
            writer = csv.DictWriter(file, self.heads, delimiter=self.separator)
            writer.writeheader()
            writer.writerows(rows)

    def source(self) -> CsvFile:
        """A new look at the file."""
        return open_csv(self.path)


class TestCsv(SourceContract):
    """A file, imported."""

    @pytest.fixture(params=[("utf-8", ","), ("utf-16", "\t")], ids=["utf-8", "unicode-text"])
    def kept(self, request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
        """A file as Excel's "CSV UTF-8" and its "Unicode text"."""
        return KeptFile(tmp_path / "sessions.csv", *request.param)

    @staticmethod
    def collect(engine: Engine, source: Source, *, later: timedelta = timedelta(0)) -> Tally:
        """One import, at NOW or later."""
        return import_file(
            engine,
            source,  # type: ignore[arg-type] # it is what `kept` opened
            treatments={"microneedling"},
            go_live=NOW - timedelta(days=1),
            clock=lambda: NOW + later,
            keep=10,
        ).tally
