"""Collect: every session once, whatever happens to the clinic's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.jobs.looking import left, local, one, overwrite, problems, statuses, store_of
from tests.support.stored import everything
from worker.rules.messages import Cause, Channel, Status
from worker.store.tables import PATIENTS, SESSIONS, SOURCE_STATE

if TYPE_CHECKING:
    from tests.support.world import World

MILESTONES = [
    "home",
    "first-day",
    "active-again",
    "exfoliate-again",
    "next-session",
    "course-complete",
]


def test_reading_again_writes_nothing(world: World) -> None:
    """A second pass over unchanged rows leaves every row of every table as it was."""
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", patient_id="P2", phone="nonsense")
    world.source.add(session_id="S3", patient_id="P3", sms_consent="perhaps")
    world.source.add(session_id="S4", patient_id="P4", status="cancelled")
    world.run()
    before = store_of(world)
    assert len(before["messages"]) == 24
    assert len(before["rejected_rows"]) == 2
    world.run()
    assert before == store_of(world)


def test_a_sweep_over_unchanged_rows_writes_nothing(world: World) -> None:
    """Not even the pass that reads everything, hours later."""
    world.source.add(session_id="S1")
    world.wait(minutes=20)
    world.wait(minutes=10)  # here nobody can be asked what became of the text, which is noted once
    before = store_of(world)
    for _ in range(3):
        world.wait(hours=1)
    assert before == store_of(world)


@pytest.mark.parametrize(
    ("changes", "home", "active_again"),
    [
        ({"completed_at": "2026-11-23 15:05"}, "Mon 23 Nov 15:20", "Fri 27 Nov 10:00"),
        ({"completed_at": "2026-11-24 09:00"}, "Tue 24 Nov 09:15", "Fri 27 Nov 10:00"),
        ({"completed_at": "2026-11-24 12:00"}, "Tue 24 Nov 12:15", "Sat 28 Nov 10:00"),
        ({"time_zone": "America/New_York"}, "Mon 23 Nov 15:15", "Thu 26 Nov 16:00"),
    ],
)
def test_an_edited_row_is_planned_again_at_once(
    world: World, changes: dict[str, str], home: str, active_again: str
) -> None:
    """The session's times follow the clinic's row at the next pass."""
    world.source.add()
    world.run()
    world.source.change("S1", **changes)
    world.run()
    assert home == local(world, one(world, "home").due_at)
    assert active_again == local(world, one(world, "active-again").due_at)


def test_a_patient_who_changes_language_hears_the_next_message_in_it(world: World) -> None:
    """Languages, names and consents are those of the moment of sending."""
    world.source.add(language="en")
    world.wait(minutes=15)
    world.source.change("S1", language="es", first_name="Anita")
    world.move_to("2026-11-24 15:00")
    assert left(world, Channel.SMS) == [
        "sms Glow Skin Clinic: thank you for coming, Ana!",
        "sms Glow Skin Clinic: hola, Anita.",
    ]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("cancelled", "The clinic's system marks the session as “cancelled”"),
        ("no-show", "The clinic's system marks the session as “no-show”"),
        (None, "The session was deleted in the clinic's system"),
    ],
    ids=["cancelled", "no-show", "deleted"],
)
def test_a_withdrawn_session_sends_nothing_more(
    world: World, status: str | None, reason: str
) -> None:
    """Cancelled or deleted afterwards: what waits is skipped and says why; what left stays."""
    world.source.add()
    world.source.add(session_id="S2", patient_id="P2", phone=None, email=None)
    world.wait(minutes=20)
    if status is None:
        world.source.remove("S1")
    else:
        world.source.change("S1", status=status)
    world.wait(minutes=20)
    assert statuses(world) == dict(zip(MILESTONES, ["sent"] + 5 * ["skipped"], strict=True))
    waiting = [
        each
        for each in world.messages(status=Status.SKIPPED)
        if each.milestone != "course-complete"
    ]
    assert {(each.cause, each.reason) for each in waiting} == {(Cause.WITHDRAWN, reason)}


def test_a_session_that_comes_back_counts_again(world: World) -> None:
    """A cancellation that was a mistake: what still has time is planned again, nothing twice."""
    world.source.add()
    world.wait(minutes=20)
    world.source.change("S1", status="cancelled")
    world.wait(minutes=1)
    world.source.change("S1", status="completed")
    world.wait(minutes=1)
    assert statuses(world) == dict(
        zip(MILESTONES, ["sent"] + 4 * ["planned"] + ["skipped"], strict=True)
    )
    assert len(left(world, Channel.SMS)) == 1


@pytest.mark.parametrize(
    ("sessions", "gone", "withdrawn"),
    [
        (4, 3, True),
        (3, 3, False),
        (10, 5, True),
        (10, 6, False),
        (6, 6, False),
        (40, 8, True),
        (40, 9, False),
    ],
)
def test_a_view_that_loses_too_much_is_not_believed(
    world: World,
    sessions: int,
    gone: int,
    withdrawn: bool,  # noqa: FBT001 (a table's column)
) -> None:
    """More than five and a fifth vanish: nothing is withdrawn, and staff hear of it."""
    for number in range(sessions):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.run()
    for number in range(gone):
        world.source.remove(f"S{number}")
    world.wait(minutes=11)
    with world.app.engine.begin() as db:
        rows = db.execute(select(SESSIONS.c.withdrawn)).scalars().all()
    assert sum(bool(each) for each in rows) == (gone if withdrawn else 0)
    told = f"{gone} of {sessions} open sessions of glow are missing from the clinic's view"
    told = "The clinic's view is empty" if gone == sessions else told
    assert (told in problems(world)) is not withdrawn


def test_a_view_that_is_mended_is_believed_again(world: World) -> None:
    """Once the rows are back the alarm ends by itself, and every message is still there."""
    for number in range(8):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.run()
    for number in range(8):
        world.source.remove(f"S{number}")
    world.wait(minutes=11)
    assert "The clinic's view is empty; nothing was withdrawn" in problems(world)
    for number in range(8):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.wait(minutes=11)
    assert problems(world) == ""
    assert statuses(world, "S0")["first-day"] == "planned"


def test_a_source_that_is_down_stops_nothing_else(world: World) -> None:
    """What is planned goes out on time; the fault is told; the next pass catches up."""
    world.source.add()
    world.run()
    world.source.table.drop(world.source.engine)
    world.wait(minutes=20)
    assert statuses(world)["home"] == "sent"
    assert "completed_sessions cannot be read" in problems(world)
    world.source.table.create(world.source.engine)
    world.source.add()
    world.source.add(session_id="S2", patient_id="P2")
    world.wait(minutes=1)
    assert problems(world) == ""
    assert statuses(world, "S2")["home"] == "sent"


def test_an_older_row_never_overwrites_a_newer_patient(world: World) -> None:
    """An old session that turns up late does not bring an old phone number back."""
    world.source.add(session_id="S2", phone="600 222 222", updated_at="2026-11-23 15:00")
    world.run()
    world.source.add(session_id="S1", phone="600 111 111", updated_at="2026-11-23 14:00")
    world.run()
    with world.app.engine.begin() as db:
        assert db.execute(select(PATIENTS.c.phone)).scalar_one() == "+34600222222"
        assert len(everything(db)["sessions"]) == 2


def test_a_late_commit_is_found(world: World) -> None:
    """A row that became visible a day after its own time is read by the next pass all the same."""
    world.source.add(session_id="S1", updated_at="2026-11-23 15:00")
    world.run()
    world.wait(minutes=1)
    late = "2026-11-22 13:30"
    world.source.add(session_id="S2", patient_id="P2", completed_at=late, updated_at=late)
    world.wait(minutes=1)
    with world.app.engine.begin() as db:
        assert db.execute(select(SESSIONS.c.session_id)).scalars().all() == ["S1", "S2"]


def test_a_row_without_any_trace_of_time_is_found_by_the_sweep(world: World) -> None:
    """A change that ``updated_at`` does not show is noticed at the next pass, as a deletion is."""
    world.source.add(updated_at="2026-11-23 15:00")
    world.run()
    world.source.add(session_id="S2", patient_id="P2", updated_at="2026-11-01 09:00")
    world.wait(seconds=15)
    assert len(world.messages("S2")) == 12


@pytest.mark.parametrize(
    ("rows", "found_after", "not_after"),
    [(15_000, 15, None), (100_000, 100, 99), (1_000_000, 600, 599)],
)
def test_a_large_view_is_swept_less_often(
    world: World, rows: int, found_after: int, not_after: int | None
) -> None:
    """One row in a thousand seconds' worth: never longer than ten minutes, never a heavy load."""
    for number in range(3):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.run()
    overwrite(world, SOURCE_STATE, swept_rows=rows)
    world.source.remove("S0")
    if not_after:
        world.wait(seconds=not_after)
        assert statuses(world, "S0")["first-day"] == "planned"
    world.wait(seconds=found_after - (not_after or 0))
    assert statuses(world, "S0")["first-day"] == "skipped"
