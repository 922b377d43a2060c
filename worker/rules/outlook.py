"""What patients are going to hear, and how that would change with another protocol.

Pure like planning itself: the store's messages and a plan go in, what would really come goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.rules.messages import WAITING, Status
from worker.rules.planning import replan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.rules.messages import Channel, Kind
    from worker.rules.planning import ExistingMessage, PlannedMessage

#: What ended without leaving stands in no newer message's way.
_NOTHING_LEFT = frozenset({Status.SKIPPED, Status.FAILED})

#: A milestone on a channel.
Key = tuple[str, "Channel"]


@dataclass(frozen=True, slots=True)
class Coming:
    """A message that is going to leave, as things stand."""

    milestone: str
    channel: Channel
    kind: Kind
    due_at: datetime
    expires_at: datetime


class Effect(StrEnum):
    """What an edit does to a message that waits."""

    #: It leaves at another time, or stays useful for longer or shorter.
    MOVES = "moves"
    #: It would leave, and does not now.
    APPEARS = "appears"
    #: It would not leave any more.
    VANISHES = "vanishes"
    #: It says something else.
    READS_DIFFERENTLY = "reads differently"
    #: It has no words: its template has a fault.
    BREAKS = "breaks"


def outlook(
    wanted: Sequence[PlannedMessage], existing: Sequence[ExistingMessage], now: datetime
) -> dict[Key, Coming]:
    """What is going to leave once ``wanted`` is planned.

    Args:
        wanted: The plan of a session.
        existing: What the store holds of it.
        now: The present moment.
    """
    todo = replan(wanted, existing, now)
    moved = {message_id: transition.to for message_id, transition in todo.move}
    states = {(each.milestone, each.channel): moved.get(each.id, each.status) for each in existing}
    for added in todo.add:
        states[added.milestone, added.channel] = Status.SKIPPED if added.skip else Status.PLANNED
    times = {(each.milestone, each.channel): each.due_at for each in existing}
    coming = {}
    for want in wanted:
        key = want.milestone, want.channel
        if states[key] in WAITING:
            coming[key] = Coming(*key, want.kind, want.due_at, want.expires_at)
            times[key] = want.due_at
    reached = [
        (channel, times[milestone, channel])
        for (milestone, channel), state in states.items()
        if state not in _NOTHING_LEFT and times[milestone, channel] <= now
    ]
    return {key: each for key, each in coming.items() if _still_leaves(each, reached, now)}


def _still_leaves(it: Coming, reached: Sequence[tuple[Channel, datetime]], now: datetime) -> bool:
    """Not when its window is over, nor when a newer one of its session is due; see the gate."""
    if it.due_at > now:
        return True
    newer = any(channel is it.channel and due_at > it.due_at for channel, due_at in reached)
    return it.expires_at > now and not newer
