"""Collect: what is believed to be gone, what is not, and clocks that disagree."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.jobs.looking import faults, left, one, overwrite, problems, statuses
from tests.support.world import CLINIC
from worker.errors import SourceError
from worker.jobs.alert import pressing
from worker.store.clinics import add_clinic
from worker.store.tables import SESSIONS, SOURCE_STATE

if TYPE_CHECKING:
    from tests.support.world import World


def add_many(world: World, clinic: str, count: int) -> None:
    """Sessions of as many patients of a clinic."""
    for number in range(count):
        key = f"{clinic}{number}"
        world.source.add(session_id=key, patient_id=f"P-{key}", clinic=clinic)


def withdrawn(world: World) -> list[str]:
    """The sessions that do not count any more."""
    wanted = select(SESSIONS.c.session_id).where(SESSIONS.c.withdrawn != "")
    with world.app.engine.begin() as db:
        return sorted(db.execute(wanted).scalars())


def alerts(world: World) -> list[str]:
    """What staff are told at once."""
    with world.app.engine.begin() as db:
        return [each.text for each in pressing(db, world.now)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"phone": "600 222 222"}, ["+34600222222"]),
        ({"completed_at": "2026-11-23 15:10"}, ["+34600123456"]),
        ({"completed_at": "2026-11-23 16:10"}, []),
        ({"status": "cancelled"}, []),
        (None, []),
    ],
    ids=["edited", "moved", "moved far", "cancelled", "deleted"],
)
def test_what_the_clinic_changes_counts_at_the_next_pass(
    world: World, change: dict[str, str] | None, told: list[str]
) -> None:
    """Fifteen seconds later, although ``updated_at`` shows nothing of it."""
    world.source.add()
    world.source.add(session_id="S2", patient_id="P2", phone=None, email=None)
    world.run()
    if change is None:
        world.source.remove("S1")
    else:
        world.source.change("S1", **change)
    world.wait(seconds=15)
    world.move_to("2026-11-23 15:30")
    assert [each.address for each in world.sms.sent] == told


def test_the_alarm_holds_until_a_sweep_finds_them_again(world: World) -> None:
    """Passes that read changes only do not end it, so staff are alerted after five minutes."""
    add_many(world, "glow", 10)
    world.run()
    overwrite(world, SOURCE_STATE, swept_rows=1_000_000)
    for number in range(9):
        world.source.remove(f"glow{number}")
    world.wait(minutes=11)
    overwrite(world, SOURCE_STATE, swept_rows=1_000_000)
    for _ in range(3):
        world.wait(minutes=2)
        assert "9 of 10 open sessions of glow are missing" in problems(world)
    assert any("9 of 10 open sessions of glow are missing" in each for each in alerts(world))
    assert withdrawn(world) == []


def test_one_clinics_broken_feed_leaves_the_others_alone(world: World) -> None:
    """What a small clinic loses inside a large view is not believed; what others delete is."""
    with world.app.engine.begin() as db:
        add_clinic(db, replace(CLINIC, key="sol"), world.now)
    add_many(world, "glow", 40)
    add_many(world, "sol", 7)
    world.run()
    for number in range(7):
        world.source.remove(f"sol{number}")
    world.source.remove("glow3")
    world.wait(seconds=15)
    assert withdrawn(world) == ["glow3"]
    told = problems(world)
    assert "7 of 7 open sessions of sol are missing from the clinic's view" in told
    assert "of glow" not in told


def test_many_clinics_that_lose_a_little_each_are_a_broken_view(world: World) -> None:
    """Each stays under five, all of them together do not: nothing is withdrawn."""
    keys = [f"c{number}" for number in range(5)]
    with world.app.engine.begin() as db:
        for key in keys:
            add_clinic(db, replace(CLINIC, key=key), world.now)
    for key in keys:
        add_many(world, key, 5)
    world.run()
    for key in keys:
        world.source.remove(f"{key}0")
        world.source.remove(f"{key}1")
    world.wait(seconds=15)
    assert withdrawn(world) == []
    assert "2 of 5 open sessions of c0, 2 of 5 open sessions of c1" in problems(world)


def test_an_empty_view_withdraws_nothing(world: World) -> None:
    """However few sessions there were: an empty answer is what a broken view gives."""
    world.source.add()
    world.run()
    world.source.remove("S1")
    world.wait(minutes=20)
    assert statuses(world)["home"] == "sent"
    assert "The clinic's view is empty; nothing was withdrawn" in problems(world)


def test_a_reading_that_breaks_half_way_withdraws_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not reached was not deleted."""
    add_many(world, "glow", 3)
    world.run()

    def breaks(*_: object) -> None:
        message = "completed_sessions cannot be read"
        raise SourceError(message)

    world.source.remove("glow0")
    with monkeypatch.context() as broken:
        broken.setattr("worker.sources.spool.Spool.fill", breaks)
        world.wait(seconds=15)
        assert withdrawn(world) == []
        assert "cannot be read" in problems(world)
    world.wait(seconds=15)
    assert withdrawn(world) == ["glow0"]


@pytest.mark.parametrize("hours", [-30, -3, 3, 30])
def test_clocks_that_disagree_do_no_harm(world: World, hours: int) -> None:
    """The clinic's database writes its own time into ``updated_at``, hours or a day off."""
    skew = timedelta(hours=hours)

    def clinics_clock() -> str:
        return (world.now + skew).replace(tzinfo=None).isoformat(" ", "seconds")

    world.source.add(updated_at=clinics_clock())
    world.source.add(session_id="S2", patient_id="P2", updated_at=clinics_clock())
    world.run()
    # A view so large that only what changed is read meanwhile.
    overwrite(world, SOURCE_STATE, swept_rows=1_000_000)
    world.wait(minutes=3)
    world.source.change("S1", status="cancelled", updated_at=clinics_clock())
    world.source.add(session_id="S3", patient_id="P3", updated_at=clinics_clock())
    world.wait(minutes=3)
    assert withdrawn(world) == ["S1"]
    assert len(world.messages("S3")) == 12


def test_someone_elses_id_reaches_staff(world: World) -> None:
    """The row is held, staff are alerted, and the stored patient gets nothing of the other's."""
    world.source.add()
    world.wait(minutes=15)
    stranger = {"first_name": "Eva", "phone": "600 999 888", "email": "eva@example.com"}
    world.source.change("S1", **stranger)
    world.move_to("2026-11-24 15:00")
    assert faults(world)["S1"][0] == "held"
    assert "aftercare source accept S1" in problems(world)
    assert any("the id of another patient's session" in each for each in alerts(world))
    assert len(left(world)) == 2
    assert one(world, "first-day").status != "sent"
