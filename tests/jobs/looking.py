"""Short questions to a world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from tests.support.stored import everything
from worker.jobs.report import health
from worker.rules.messages import Cause, Channel
from worker.store.collected import open_faults
from worker.store.tables import MESSAGE_EVENTS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Table

    from tests.support.world import World

#: The patients' addresses in GOOD_ROW; alerts to staff go elsewhere.
ANAS = frozenset({"+34600123456", "ana@example.com"})


def one(
    world: World, milestone: str, channel: Channel = Channel.SMS, *, session: str = "S1"
) -> Any:
    """The message of one milestone on one channel."""
    (found,) = world.messages(session, milestone=milestone, channel=channel)
    return found


def statuses(world: World, session: str = "S1", channel: Channel = Channel.SMS) -> dict[str, str]:
    """Where each milestone of a session stands on a channel, in the order of their times."""
    return {row.milestone: row.status.value for row in world.messages(session, channel=channel)}


def coming(world: World, session: str = "S1", channel: Channel = Channel.SMS) -> dict[str, str]:
    """The same, but for what is not meant for this session of the course."""
    return {row.milestone: row.status.value for row in meant(world, session, channel)}


def meant(world: World, session: str = "S1", channel: Channel = Channel.SMS) -> list[Any]:
    """A session's messages on a channel, but for what is not meant for this session."""
    rows = world.messages(session, channel=channel)
    return [row for row in rows if row.cause is not Cause.CONDITION]


def left(world: World, channel: Channel | None = None) -> list[str]:
    """What left to Ana, each as ``channel first line``."""
    return [
        f"{each.channel.value} {(each.words.subject or each.words.text).splitlines()[0]}"
        for each in world.sent
        if each.address in ANAS and channel in (None, each.channel)
    ]


def local(world: World, moment: datetime) -> str:
    """A moment as the clinic's clock shows it: ``Fri 27 Nov 10:00``."""
    return f"{moment.astimezone(world.zone):%a %d %b %H:%M}"


def happened(world: World, message_id: int) -> list[str]:
    """The names of what happened to a message, in order."""
    wanted = select(MESSAGE_EVENTS.c.event).where(MESSAGE_EVENTS.c.message_id == message_id)
    with world.app.engine.begin() as db:
        return list(db.execute(wanted.order_by(MESSAGE_EVENTS.c.id)).scalars())


def problems(world: World) -> str:
    """What ``status`` says needs a person."""
    with world.app.engine.begin() as db:
        return "\n".join(health(db, world.now, poll=world.settings.poll).problems)


def faults(world: World) -> dict[str, tuple[str, str]]:
    """The faulty rows that nobody has mended: fate and reason by key."""
    with world.app.engine.begin() as db:
        return {row["row_key"]: (row["fate"].value, row["reason"]) for row in open_faults(db)}


def store_of(world: World) -> dict[str, list[Any]]:
    """Every row, but the marks that say when a job last ran."""
    with world.app.engine.begin() as db:
        return everything(db, but=frozenset({"leases", "source_state"}))


def overwrite(world: World, table: Table, **columns: Any) -> None:
    """Change every row of a table behind the worker's back."""
    with world.app.engine.begin() as db:
        db.execute(update(table).values(columns))
