"""Send: everything is decided again at the moment of sending."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.jobs.looking import happened, left, local, one, overwrite, statuses
from tests.support.world import CLINIC
from worker.jobs.lanes import Lane
from worker.jobs.send import Dispatch
from worker.rules.messages import Channel, Status
from worker.store.addresses import suppress
from worker.store.kinds import SuppressionKind
from worker.store.tables import PATIENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

THANKS = "sms Glow Skin Clinic: thank you for coming, Ana!"
HI = "sms Glow Skin Clinic: hi Ana!"


# Who is not to hear


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"sms_consent": False}, "The patient has not consented to text messages"),
        ({"blocked": "The patient died"}, "The patient died"),
        ({"phone": None}, "Not reachable: no phone number on record"),
    ],
)
def test_what_changed_after_planning_counts_when_it_is_time(
    world: World, facts: dict[str, Any], reason: str
) -> None:
    """A consent withdrawn, a patient blocked, a number gone: skipped at the last moment."""
    world.source.add()
    world.run()
    overwrite(world, PATIENTS, **facts)
    world.wait(minutes=15)
    home = one(world, "home")
    assert (home.status, home.reason) == (Status.SKIPPED, reason)
    assert left(world, Channel.SMS) == []


@pytest.mark.parametrize(("channel", "other"), [("sms", "email"), ("email", "sms")])
def test_a_withdrawn_consent_stops_its_channel_only(world: World, channel: str, other: str) -> None:
    """The clinic's system takes one consent back: that channel ends, the other goes on."""
    world.source.add()
    world.wait(minutes=15)
    world.source.change("S1", **{f"{channel}_consent": "0"})
    world.move_to("2026-11-24 15:00")
    noun = Channel(channel).noun
    stopped = one(world, "first-day", Channel(channel))
    assert (stopped.status, stopped.reason) == (
        Status.SKIPPED,
        f"The patient has not consented to {noun}s",
    )
    assert one(world, "first-day", Channel(other)).status is Status.SENT


def test_an_invitation_needs_a_consent_of_its_own(world: World) -> None:
    """Without marketing consent all the care goes out, and nothing asks to book."""
    world.source.add(marketing_consent="0")
    for day in ("11-23 15:15", "11-24 15:00", "11-27 10:00", "12-08 10:00", "12-22 10:00"):
        world.move_to(f"2026-{day}")
    assert len(left(world, Channel.SMS)) == len(left(world, Channel.EMAIL)) == 4
    assert "marketing" in one(world, "next-session").reason


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (SuppressionKind.OPTED_OUT, "The patient said stop to text messages"),
        (SuppressionKind.UNREACHABLE, "The number is not in service"),
    ],
)
def test_a_suppressed_address_gets_nothing(
    world: World, kind: SuppressionKind, reason: str
) -> None:
    """Stop is stop, for every patient of that number, and a dead number is not called again."""
    world.source.add(session_id="S1", patient_id="P1")
    world.source.add(session_id="S2", patient_id="P2", email="eva@example.com")
    world.run()
    why = "The number is not in service"
    with world.app.engine.begin() as db:
        suppress(db, Channel.SMS, "+34600123456", kind, reason=why, actor="provider", now=world.now)
    world.wait(minutes=15)
    assert {one(world, "home", session=each).reason for each in ("S1", "S2")} == {reason}
    assert len(world.email.sent) == 2
    assert world.sms.sent == []


# When


@pytest.mark.parametrize(
    ("zone", "told", "arrives"),
    [
        ("Europe/Madrid", None, "2026-11-24 15:00"),
        ("America/New_York", None, "2026-11-24 15:00"),
        ("America/Los_Angeles", "09:00", "2026-11-24 18:00"),
        ("Pacific/Honolulu", "09:00", "2026-11-24 20:00"),
        ("Pacific/Kiritimati", "09:00", "2026-11-24 20:00"),
        ("Asia/Tokyo", "09:00", "2026-11-25 01:00"),
        ("Asia/Kathmandu", None, "2026-11-24 15:00"),
        ("Asia/Dhaka", "09:00", "2026-11-25 04:00"),
    ],
)
def test_the_night_is_the_patients_own(
    world: World, zone: str, told: str | None, arrives: str
) -> None:
    """The first-day message of Tuesday 15:00 in Madrid waits for nine where the patient is."""
    world.source.add(time_zone=zone)
    world.wait(minutes=15)
    assert left(world, Channel.SMS) == [THANKS]
    if told:
        world.move_to("2026-11-24 15:00")
        waiting = one(world, "first-day")
        assert waiting.status is Status.PLANNED
        assert waiting.reason == f"Quiet hours for the patient until {told} their time"
        assert arrives == f"{waiting.next_at.astimezone(world.zone):%Y-%m-%d %H:%M}"
    world.move_to(arrives)
    assert left(world, Channel.SMS) == [THANKS, HI]


def test_nothing_leaves_a_minute_early(world: World) -> None:
    """One minute before its time a message is planned, at its time it goes."""
    world.source.add()
    world.move_to("2026-11-23 15:14")
    assert left(world) == []
    world.move_to("2026-11-23 15:15")
    assert left(world) == [THANKS, "email Your notes for the next few days"]
    world.run()
    assert len(left(world)) == 2


_NIGHT = "Quiet hours for the patient until 09:00 their time; after that it would no longer be true"


@pytest.mark.parametrize(
    ("next_pass", "status", "reason"),
    [
        ("2026-11-23 20:20", "sent", "Accepted by the provider"),
        ("2026-11-23 21:14", "sent", "Accepted by the provider"),
        ("2026-11-23 21:15", "skipped", _NIGHT),
        ("2026-11-24 02:15", "skipped", "Too late: by now the message would no longer be true"),
    ],
)
def test_home_goes_out_at_night_only_while_they_are_leaving(
    world: World, next_pass: str, status: str, reason: str
) -> None:
    """A session that ended at 20:00: an hour of grace, then the night, then it is too late."""
    world.source.add(completed_at="2026-11-23 20:00")
    world.run()
    world.move_to(next_pass)
    home = one(world, "home")
    assert (status, reason) == (home.status, home.reason)


def test_a_patient_gets_so_many_a_day_and_the_rest_tomorrow(
    new_world: Callable[..., World],
) -> None:
    """With a limit of one, Tuesday's second message comes on Wednesday at nine."""
    world = new_world(clinic=replace(CLINIC, daily_limit=1))
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", completed_at="2026-11-24 12:00")
    for moment in ("11-23 15:15", "11-24 12:15", "11-24 15:00"):
        world.move_to(f"2026-{moment}")
    waiting = one(world, "first-day")
    assert waiting.status is Status.PLANNED
    assert waiting.reason.startswith("The patient already got 1 ")
    assert local(world, waiting.next_at) == "Wed 25 Nov 00:00"
    world.move_to("2026-11-25 00:00")
    assert "Quiet hours" in one(world, "first-day").reason
    world.move_to("2026-11-25 09:00")
    assert statuses(world)["first-day"] == "sent"
    assert happened(world, waiting.id) == ["planned", "waits", "waits", "claimed", "accepted"]


# What is still true


def test_after_five_days_of_silence_only_the_newest_goes(world: World) -> None:
    """An outage from Monday to Saturday: one message, and two reasons why not the others."""
    world.source.add()
    world.run()
    world.move_to("2026-11-28 15:00")
    expected = ["skipped", "skipped", "sent", "planned", "planned", "skipped"]
    assert expected == list(statuses(world).values())
    assert left(world, Channel.SMS) == [HI]
    for milestone in ("home", "first-day"):
        reason = "Too late: by now the message would no longer be true"
        assert one(world, milestone).reason == reason


def test_of_two_that_are_still_true_the_newer_one_goes(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """With a first-day message that stays true for five days, Saturday still brings one text."""
    protocol = own_templates / "microneedling" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace('"36 hours"', '"5 days"'), encoding="utf-8")
    world = new_world(templates=own_templates)
    world.source.add()
    world.run()
    world.move_to("2026-11-28 15:00")
    reason = "A newer message of the same session (active-again) is due as well"
    for channel in Channel:
        assert one(world, "first-day", channel).reason == reason
        assert len(left(world, channel)) == 1


def test_what_falls_due_while_a_pass_ends_leaves_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine o'clock strikes between the last claim and the look for one that goes alone."""
    for number in range(6):
        ids = {"session_id": f"S{number}", "patient_id": f"P{number}"}
        world.source.add(**ids, phone=f"60012345{number}", email=f"p{number}@example.com")
    world.run()
    begun: list[int] = []
    begin, try_one = Lane.begin, Dispatch.try_one

    def counted(lane: Lane, claimed: Any, answers: Any) -> None:
        begun.extend([len(claimed)] if claimed else [])
        begin(lane, claimed, answers)

    def late(dispatch: Dispatch, lane: Lane) -> bool:
        if not begun:
            world.frozen.tick(timedelta(minutes=15))
        return try_one(dispatch, lane)

    monkeypatch.setattr(Lane, "begin", counted)
    monkeypatch.setattr(Dispatch, "try_one", late)
    world.run()
    assert len(world.sent) == 12
    assert begun == [1, 5, 6]
