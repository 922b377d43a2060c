"""For how long the wall clock can be believed.

Everything is planned by the wall clock, and the wall clock can be set: by a person, by a machine
that wakes up, by a time synchronisation that comes late. The monotonic clock cannot. Where the two
part, spans that began before are wrong, and a lease may seem over although its call just began.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Time synchronisation nudges a clock by less than this.
_NUDGE = timedelta(seconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)


class Steadiness:
    """Notices when the wall clock was set.

    Args:
        clock: The wall clock.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._offset = self._distance()
        self._untold = timedelta()
        self._jumped_at: float | None = None

    def jumped(self) -> timedelta:
        """By how much the clock was set since this was last asked; zero when it was not."""
        with self._lock:
            self._look()
            moved, self._untold = self._untold, timedelta()
        return moved

    def steady_for(self) -> timedelta:
        """For how long the clock was not set, as far as this process has seen."""
        with self._lock:
            self._look()
            if self._jumped_at is None:
                return timedelta.max
            return timedelta(seconds=time.monotonic() - self._jumped_at)

    def _look(self) -> None:
        moved = self._distance() - self._offset
        if abs(moved) > _NUDGE:
            self._offset += moved
            self._untold += moved
            self._jumped_at = time.monotonic()

    def _distance(self) -> timedelta:
        """How far the wall clock is ahead of the monotonic one."""
        return self._clock() - _EPOCH - timedelta(seconds=time.monotonic())
