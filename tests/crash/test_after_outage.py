"""The worker was off for hours or weeks: only what is still true goes out, and not all at once."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from freezegun import freeze_time

from tests.conftest import MONDAY_AFTERNOON
from tests.crash.harness import harness
from tests.crash.many import add_due
from tests.support.world import World
from worker.resources import TEMPLATES
from worker.rules.messages import Cause, Channel, Status

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7


@pytest.mark.parametrize(
    ("ended", "back", "goes"),
    [
        pytest.param("2026-11-24 09:30", "2026-11-24 15:30", "home", id="six hours, by day"),
        pytest.param("2026-11-23 15:00", "2026-11-23 21:00", "", id="six hours, into the night"),
        pytest.param("2026-11-23 15:00", "2026-11-28 15:00", "active-again", id="five days"),
        pytest.param("2026-11-23 15:00", "2026-12-04 15:00", "", id="eleven days"),
        pytest.param("2026-11-23 15:00", "2026-12-13 15:00", "exfoliate-again", id="twenty days"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["planned before", "found afterwards"])
def test_only_what_is_still_true(
    world: World, ended: str, back: str, goes: str, *, known: bool
) -> None:
    """The milestone whose window is open goes on both channels; older ones say why they don't."""
    world.source.add(completed_at=f"{ended}:00", updated_at=f"{ended}:00")
    if known:
        world.move_to(ended)
        assert world.sent == []
    world.move_to(back)
    assert milestones(world, Status.SENT) == ({goes} if goes else set())
    assert len(world.sent) == (2 if goes else 0)
    for row in world.messages():
        if row.milestone == "course-complete":
            assert row.cause is Cause.CONDITION, "not after the first of three"
        elif row.status is Status.SKIPPED:
            assert row.due_at <= world.now
            assert row.cause is Cause.TOO_LATE
            assert row.reason
        elif row.status is Status.PLANNED:
            assert row.due_at > world.now


def test_only_the_newest_of_what_is_still_true(tmp_path: Path, migrated_url: str) -> None:
    """Two milestones of a session would still be true: the older one gives way to the newer."""
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    protocol = templates / "microneedling" / "protocol.toml"
    longer = protocol.read_text("utf-8").replace('useful_for = "36 hours"', 'useful_for = "7 days"')
    protocol.write_text(longer, "utf-8")
    with freeze_time(MONDAY_AFTERNOON) as frozen:
        world = World(tmp_path, migrated_url, frozen, templates=templates)
        world.source.add(completed_at="2026-11-23 15:00:00")
        world.move_to("2026-11-28 15:00")
        older = world.messages(milestone="first-day")
        assert milestones(world, Status.SENT) == {"active-again"}
        assert {row.cause for row in older} == {Cause.SUPERSEDED}
        assert all("active-again" in row.reason for row in older)
        world.close()


def test_quiet_hours_are_kept(world: World) -> None:
    """Back at three in the morning, it waits for nine, and says so meanwhile."""
    world.source.add(completed_at="2026-11-23 15:00:00")
    world.move_to("2026-12-13 03:00")
    waiting = world.messages(milestone="exfoliate-again")
    assert world.sent == []
    assert {row.cause for row in waiting} == {Cause.QUIET_HOURS}
    world.move_to("2026-12-13 08:59")
    assert world.sent == []
    world.move_to("2026-12-13 09:00")
    assert milestones(world, Status.SENT) == {"exfoliate-again"}
    assert len(world.sent) == len(Channel)


def test_many_are_spread_by_the_rate(tmp_path: Path, database_url: str) -> None:
    """Sixty SMS fell due two hours ago; at twenty a second they take three seconds."""
    began: list[float] = []
    with harness(tmp_path, database_url, SEED, AFTERCARE_SMS_PER_SECOND="20") as clinic:
        clinic.twilio.on_arrival = lambda _: began.append(time.monotonic())
        add_due(clinic.engine, 60, due_at=datetime.now(UTC) - timedelta(hours=2))
        clinic.sessions = 60
        clinic.settle()
        clinic.assert_each_once()
    began.sort()
    assert began[-1] - began[0] > 0.85 * 59 / 20
    # A busy machine may deliver late what began on time, so a second holds a few more.
    assert max(sum(start <= each < start + 1 for each in began) for start in began) <= 30


def milestones(world: World, status: Status) -> set[str]:
    """The milestones of the session that stand in a status."""
    return {row.milestone for row in world.messages(status=status)}
