"""Lanes: how much of a channel may be under way, and what is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from worker.rules.breaker import Breaker
from worker.rules.outcomes import Accepted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from queue import SimpleQueue

    from worker.channels.base import Envelope, Sender
    from worker.channels.calls import Tell
    from worker.jobs.claim import Claimed
    from worker.rules.messages import Channel
    from worker.rules.outcomes import Outcome

#: A call takes this long at most as a rule: how many threads keep a channel's pace.
_USUAL_CALL = timedelta(seconds=2)
#: Threads of a channel, whatever its pace.
_FEWEST = 4
#: However few threads: about half as many messages share a transaction, whose own cost is that of
#: ten. With 32 in line a text took 0.2 ms more of the worker's time, with 128 it would save 0.1.
_LINE = 64
#: Calls under way before the provider has answered one.
_FIRST = 8


class Line(Protocol):
    """Who makes a channel's calls: threads of this process, or another process."""

    sender: Sender

    def begin(self, envelopes: Sequence[Envelope], tell: Tell) -> None:
        """Hand these to the provider, each as its turn comes; ``tell`` hears of each once."""
        ...

    def rest(self, *, rests: bool) -> None:
        """While the channel rests, what is next in line does not begin."""
        ...

    def close(self) -> None:
        """Let what is under way finish, and let go of connections."""
        ...


def width(per_second: float, *, threads: int, lease: timedelta) -> tuple[int, int]:
    """How many threads a pace keeps busy, and how many messages may be claimed at once.

    No more than can begin within their lease.
    """
    threads = min(threads, max(_FEWEST, int(per_second * _USUAL_CALL.total_seconds())))
    most = max(1, int(per_second * lease.total_seconds() / 4))
    return threads, min(max(2 * threads, _LINE), most)


@dataclass(slots=True)
class Lane:
    """A channel, and what is under way on it."""

    channel: Channel
    calls: Line
    #: How many messages may be claimed at once, under way or next in line: what a crash can leave
    #: unknown. More than the threads, so that none of them waits for the database.
    capacity: int
    under_way: int = 0
    #: How many may be under way by now: few at first, one more with each that went well, so that a
    #: provider that is down is not met by all at once.
    window: int = 0
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self.window = min(_FIRST, self.capacity)

    def note(self, outcome: Outcome) -> bool:
        """Take note of an outcome; returns whether the channel is to be paused now."""
        if isinstance(outcome, Accepted):
            self.window = min(self.window + 1, self.capacity)
        if not self.breaker.trips(outcome):
            return False
        self.window = min(_FIRST, self.capacity)
        return True

    def begin(self, claimed: Sequence[Claimed], answers: SimpleQueue[Answer]) -> None:
        """Have the provider called; what comes of it goes to ``answers``."""
        if not claimed:
            return
        self.under_way += len(claimed)
        by_attempt = {each.envelope.attempt_id: each for each in claimed}

        def tell(attempt_id: str, outcome: Outcome) -> None:
            answers.put(Answer(self, by_attempt[attempt_id], outcome))

        self.calls.begin([each.envelope for each in claimed], tell)


class Answer(NamedTuple):
    """What came of a call."""

    lane: Lane
    claimed: Claimed
    outcome: Outcome
