"""A channel that keeps what it is given: for tests, here and in projects that build on this one."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from worker.rules.outcomes import Accepted

if TYPE_CHECKING:
    from worker.channels.base import Envelope
    from worker.rules.outcomes import Outcome


class MemorySender:
    """Accepts everything, or answers with the outcomes it was told to, in order.

    Attributes:
        sent: The envelopes it accepted.
        answers: Outcomes to give first; after them everything is accepted.
    """

    def __init__(self, *answers: Outcome) -> None:
        self.sent: list[Envelope] = []
        self.answers = list(answers)
        self._lock = Lock()

    def send(self, envelope: Envelope) -> Outcome:
        """Answer as told, else accept."""
        with self._lock:
            outcome = self.answers.pop(0) if self.answers else None
            if outcome is None or isinstance(outcome, Accepted):
                self.sent.append(envelope)
            return outcome or Accepted(f"memory-{len(self.sent)}")

    def close(self) -> None:
        """Nothing to let go of."""
