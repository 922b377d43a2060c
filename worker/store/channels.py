"""Which channels and senders are paused, and why.

Every worker sees it, and a restart does not forget it. A channel has the provider's trouble; a
clinic's own sender may have trouble by itself, and then only that clinic's messages wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from worker.rules.breaker import pause_length
from worker.store.tables import CHANNEL_STATE

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from worker.rules.messages import Channel


@dataclass(frozen=True, slots=True)
class Pause:
    """A channel in trouble. After ``until`` one message at a time may try whether it is over."""

    until: datetime
    problem: str
    since: datetime


_TROUBLES = select(CHANNEL_STATE)


def pauses(db: Connection) -> dict[Channel, Pause]:
    """The channels in trouble."""
    return {channel: pause for (channel, sender), pause in troubles(db).items() if not sender}


def sender_pauses(db: Connection) -> dict[tuple[Channel, str], Pause]:
    """The clinics' own senders in trouble, by channel and sender."""
    return {key: pause for key, pause in troubles(db).items() if key[1]}


def troubles(db: Connection) -> dict[tuple[Channel, str], Pause]:
    """Everything that is in trouble, by channel and sender; a whole channel has no sender."""
    return {
        (row.channel, row.sender): Pause(row.paused_until, row.problem, row.problem_since)
        for row in db.execute(_TROUBLES)
    }


def pause(
    db: Connection, channel: Channel, problem: str, now: datetime, *, sender: str = ""
) -> bool:
    """Pause a channel or a sender, the longer its trouble lasts the longer.

    Returns:
        Whether that is news.
    """
    known = troubles(db).get((channel, sender))
    since = known.since if known else now
    changes = {"paused_until": now + pause_length(now - since), "problem": problem}
    if known is None:
        values = {"channel": channel, "sender": sender, "problem_since": now, **changes}
        db.execute(insert(CHANNEL_STATE).values(values))
    else:
        db.execute(update(CHANNEL_STATE).where(_is(channel, sender)).values(changes))
    return known is None or known.problem != problem


def note_try(db: Connection, channel: Channel, sender: str, until: datetime) -> None:
    """One message is trying a paused sender: the others wait on until then."""
    db.execute(update(CHANNEL_STATE).where(_is(channel, sender)).values(paused_until=until))


def try_now(db: Connection, now: datetime) -> None:
    """A paused channel may be tried at once, by one message."""
    db.execute(update(CHANNEL_STATE).values(paused_until=now))


def resume(db: Connection, channel: Channel, *, sender: str = "") -> bool:
    """The channel or the sender works; returns whether that is news."""
    return db.execute(delete(CHANNEL_STATE).where(_is(channel, sender))).rowcount > 0


def forget_senders(db: Connection, used: Collection[str]) -> None:
    """No clinic uses these senders any more, so their trouble is nobody's."""
    gone = (CHANNEL_STATE.c.sender != "") & CHANNEL_STATE.c.sender.not_in(used)
    db.execute(delete(CHANNEL_STATE).where(gone))


def _is(channel: Channel, sender: str) -> ColumnElement[bool]:
    return (CHANNEL_STATE.c.channel == channel) & (CHANNEL_STATE.c.sender == sender)
