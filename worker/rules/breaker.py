"""When a provider counts as down: a run of failures, or too many of the latest calls."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.rules.outcomes import ChannelDown, NotTried, TryAgain, Unknown

if TYPE_CHECKING:
    from worker.rules.outcomes import Outcome

IN_A_ROW = 5
LATEST = 20
#: First and longest rest before one message may try the channel again.
FIRST_PAUSE = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(minutes=10)


def is_failure(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the provider; a refusal is an answer like any other."""
    return isinstance(outcome, TryAgain | Unknown | ChannelDown)


@dataclass(slots=True)
class Breaker:
    """Watches the outcomes of one channel's calls."""

    _latest: deque[bool] = field(default_factory=lambda: deque(maxlen=LATEST))

    def trips(self, outcome: Outcome) -> bool:
        """Take note of an outcome; returns whether the channel is to be paused now.

        Account trouble pauses at once. Otherwise it takes five failures in a row or half of the
        last twenty calls: one patient's full mailbox says nothing about the server. A refusal
        counts as an answer, because the provider is well enough to give one.
        """
        if isinstance(outcome, NotTried):
            return False
        self._latest.append(is_failure(outcome))
        if isinstance(outcome, ChannelDown) or self._is_down():
            self._latest.clear()
            return True
        return False

    def _is_down(self) -> bool:
        row = list(self._latest)[-IN_A_ROW:]
        half = LATEST // 2
        return (len(row) == IN_A_ROW and all(row)) or (
            len(self._latest) == LATEST and sum(self._latest) >= half
        )


def pause_length(in_trouble_for: timedelta) -> timedelta:
    """How long a channel rests: a minute at first, longer as the trouble lasts."""
    return min(max(FIRST_PAUSE, in_trouble_for / 10), LONGEST_PAUSE)
