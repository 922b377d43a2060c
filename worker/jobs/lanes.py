"""Lanes: a channel's threads, its pace and what is under way on it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import structlog

from worker.channels.base import HELD_UP
from worker.rules.breaker import Breaker
from worker.rules.outcomes import Accepted, NotTried, Unknown

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from queue import SimpleQueue
    from threading import Event

    from worker.channels.base import Sender
    from worker.jobs.claim import Claimed
    from worker.rules.messages import Channel
    from worker.rules.outcomes import Outcome

log = structlog.get_logger()

#: A call takes this long at most as a rule: how many threads keep a channel's pace.
_USUAL_CALL = timedelta(seconds=2)
#: Threads of a channel, whatever its pace.
_FEWEST = 4
#: However few threads: about half as many messages share a transaction, whose own cost is that of
#: ten. With 32 in line a text took 0.2 ms more of the worker's time, with 128 it would save 0.1.
_LINE = 64
#: Calls under way before the provider has answered one.
_FIRST = 8
_STOPPED = NotTried("The worker was told to stop before it could send")
_RESTS = NotTried("The channel was paused before this could be sent")


class Pace:
    """Spreads calls evenly, so that many messages due at once do not leave in one burst."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._gap = 1 / per_second
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        """Sleep until the next call may begin."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)


@dataclass(slots=True)
class Lane:
    """A channel with its threads and its pace."""

    channel: Channel
    sender: Sender
    pace: Pace
    pool: Executor
    #: How many messages may be claimed at once, under way or next in line: what a crash can leave
    #: unknown. More than the threads, so that none of them waits for the database.
    capacity: int
    under_way: int = 0
    #: How many may be under way by now: few at first, one more with each that went well, so that a
    #: provider that is down is not met by all at once.
    window: int = 0
    #: Set while the channel is paused: what is next in line does not begin.
    rests: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    @classmethod
    def open(
        cls, channel: Channel, sender: Sender, pace: Pace, *, threads: int, lease: timedelta
    ) -> Lane:
        """A lane no wider than its pace: what is claimed must be able to begin within its lease."""
        threads = min(threads, max(_FEWEST, int(pace.per_second * _USUAL_CALL.total_seconds())))
        most = max(1, int(pace.per_second * lease.total_seconds() / 4))
        pool = ThreadPoolExecutor(threads, channel)
        return cls(channel, sender, pace, pool, min(max(2 * threads, _LINE), most))

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

    def begin(self, claimed: Claimed, answers: SimpleQueue[Answer], stop: Event) -> None:
        """Call the provider in a thread; what comes of it goes to ``answers``."""
        self.under_way += 1
        self.pool.submit(self._deliver, claimed, answers, stop)

    def _deliver(self, claimed: Claimed, answers: SimpleQueue[Answer], stop: Event) -> None:
        answers.put(Answer(self, claimed, self._call(claimed, stop)))

    def _call(self, claimed: Claimed, stop: Event) -> Outcome:
        if stop.is_set():
            return _STOPPED
        self.pace.wait()
        if self.rests:
            return _RESTS
        if claimed.envelope.too_late:
            return HELD_UP
        try:
            return self.sender.send(claimed.envelope)
        except Exception as error:
            log.exception("channel.bug", channel=self.channel, message_id=claimed.message_id)
            return Unknown(f"The worker stumbled while sending ({type(error).__name__})")


class Answer(NamedTuple):
    """What came of a call."""

    lane: Lane
    claimed: Claimed
    outcome: Outcome
