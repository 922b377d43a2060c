"""A spool: rows are taken off the clinic's database as fast as it gives them, then handed out.

The clinic's own software never waits for us: a query that stays open while we write keeps locks (in
SQLite it even keeps the clinic from saving). Most readings fit into memory; a first import goes to
a temporary file that has no name and is gone with the process.
"""

from __future__ import annotations

import pickle
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Up to so many bytes stay in memory.
_IN_MEMORY = 8_000_000


class Spool:
    """Holds chunks of rows; a context manager that forgets them at the end."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._chunks = 0

    def fill(self, chunks: Iterable[Sequence[tuple[Any, ...]]]) -> None:
        """Take everything in."""
        for chunk in chunks:
            pickle.dump(list(chunk), self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._chunks += 1
        self._file.seek(0)

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Hand everything out again, once."""
        for _ in range(self._chunks):
            yield pickle.load(self._file)  # noqa: S301 (our own bytes of a moment ago)

    def close(self) -> None:
        """Forget it."""
        self._file.close()
