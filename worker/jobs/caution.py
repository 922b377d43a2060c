"""Caution: what a worker does first when one before it died while sending.

What took it down is among what is due. If it did so again with others beside it, they would all
come under suspicion; so the first messages are taken one at a time, and each is marked before
anybody looks at it. One that takes the worker down again and again is set aside; the rest go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from worker.rules.messages import Cause, Reason, Transition
from worker.store import leases, messages, outgoing

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.jobs.send import Dispatch
    from worker.rules.messages import Channel

log = structlog.get_logger()

#: With the crash that made the worker careful, the third.
_MOST_STUMBLES = 2


@dataclass(slots=True)
class Caution:
    """See the module.

    Args:
        abandoned: The leases of workers that never gave them back.
        left: How many messages are to be taken one at a time: as many as could be under way.
    """

    abandoned: frozenset[str]
    left: int

    def go_first(self, dispatch: Dispatch) -> int:
        """Send what is due, one message at a time; returns how many calls were made."""
        calls = 0
        for channel, lane in dispatch.lanes.items():
            while self.left > 0 and not dispatch.stop.is_set():
                now = dispatch.clock()
                with dispatch.engine.begin() as db:
                    message_id = _mark(db, channel, now)
                if message_id is None:
                    break
                tried = dispatch.try_one(lane)
                with dispatch.engine.begin() as db:
                    messages.note_stumbles(db, message_id, 0)
                if not tried:
                    break  # the channel is paused
                self.left -= 1
                calls += dispatch.finish_call()
        if self.abandoned and not dispatch.stop.is_set():
            with dispatch.engine.begin() as db:
                leases.forget(db, self.abandoned, dispatch.clock())
            self.abandoned, self.left = frozenset(), 0
        return calls


def _mark(db: Connection, channel: Channel, now: datetime) -> int | None:
    """Mark the message that is next; one that was marked too often is held."""
    while rows := outgoing.lock_due(db, channel, now, 1, alone=True):
        (row,) = rows
        if row["stumbles"] < _MOST_STUMBLES:
            messages.note_stumbles(db, row["id"], row["stumbles"] + 1)
            return int(row["id"])
        text = "The worker stopped three times over this message; a person decides"
        messages.move(db, row["id"], Transition.held(Reason(Cause.STAFF, text)), now)
        log.error("message.set_aside", message_id=row["id"])
    return None
