"""The contract of a source: something that yields rows of completed sessions.

``tests/sources/contract.py`` is the suite that every source passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from worker.sources.row import Row


class Source(Protocol):
    """Where completed sessions come from."""

    @property
    def kind(self) -> str:
        """``sql``, ``csv`` or ``http``: only a sweep of the same kind may withdraw a session."""

    @property
    def name(self) -> str:
        """What the operator calls it; every complaint begins with this or with its setting."""

    @property
    def reads_changes(self) -> bool:
        """Whether a pass can ask for what changed only."""

    @property
    def takes_since(self) -> bool:
        """Whether even a full reading is bounded by ``since``."""

    def read(self, since: datetime | None) -> Iterator[Sequence[Row]]:
        """Rows in chunks: all of them, or at least those that may have changed since a moment.

        Nothing is yielded before all of it could be read, so a fault half-way takes no effect.

        Raises:
            SourceError: When it cannot be read; says what to do and quotes no patient.
        """
