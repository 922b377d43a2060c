"""A channel's calls to its provider: the threads that make them, and their pace."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from worker.channels.base import HELD_UP
from worker.rules.outcomes import NotTried, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from threading import Event

    from worker.channels.base import Envelope, Sender
    from worker.channels.crew import Crew
    from worker.rules.outcomes import Outcome

    #: Takes an attempt's id and what came of it; called from any thread.
    Tell = Callable[[str, Outcome], None]
    Report = Callable[[Envelope, Exception], None]

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


class Calls:
    """Makes a channel's calls.

    Args:
        sender: The channel.
        pace: How fast calls may begin.
        crew: The threads that make them.
        stop: When set, what has not begun does not begin.
        report: Takes an envelope and the exception that should not have come of it.
    """

    def __init__(self, sender: Sender, pace: Pace, crew: Crew, stop: Event, report: Report) -> None:
        self.sender = sender
        self._pace = pace
        self._crew = crew
        self._stop = stop
        self._report = report
        self._rests = False

    def begin(self, envelopes: Iterable[Envelope], tell: Tell) -> None:
        """Hand these to the provider, each as its turn comes; ``tell`` hears of each once."""
        for each in envelopes:
            self._crew.submit(self._deliver, each, tell)

    def rest(self, *, rests: bool) -> None:
        """While the channel rests, what is next in line does not begin."""
        self._rests = rests

    def close(self) -> None:
        """Let what is under way finish, and let go of connections."""
        self._crew.shutdown()
        self.sender.close()

    def _deliver(self, envelope: Envelope, tell: Tell) -> None:
        tell(envelope.attempt_id, self._call(envelope))

    def _call(self, envelope: Envelope) -> Outcome:
        if self._stop.is_set():
            return _STOPPED
        self._pace.wait()
        if self._rests:
            return _RESTS
        if envelope.too_late:
            return HELD_UP
        try:
            return self.sender.send(envelope)
        except Exception as error:  # noqa: BLE001 (reported)
            self._report(envelope, error)
            return Unknown(f"The worker stumbled while sending ({type(error).__name__})")
