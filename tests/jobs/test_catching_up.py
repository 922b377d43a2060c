"""After a sleep: what is out of date does not stand in the way of what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.rules.messages import Cause, Channel, Status

if TYPE_CHECKING:
    from tests.support.world import World

#: More than a batch of any channel.
MANY = 40


def test_what_is_out_of_date_keeps_nothing_waiting(world: World) -> None:
    """A worker that slept for a day: forty stale e-mails do not stand before forty that are due."""
    for number in range(MANY):
        name, email = f"S{number}", f"patient{number}@example.com"
        world.source.add(session_id=name, patient_id=name, email=email, sms_consent="0")
    world.run()
    world.frozen.tick(timedelta(hours=24))

    world.run()

    rows = [row for number in range(MANY) for row in world.messages(f"S{number}")]
    home = [row for row in rows if row.milestone == "home" and row.channel is Channel.EMAIL]
    assert {(row.status, row.cause) for row in home} == {(Status.SKIPPED, Cause.TOO_LATE)}
    sent = {row.milestone for row in rows if row.status is Status.SENT}
    assert sent == {"first-day"}
    assert len(world.email.sent) == MANY
