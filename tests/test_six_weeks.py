"""One patient's six weeks, walked hour by hour, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.messages import Channel, Status

if TYPE_CHECKING:
    from tests.support.world import World


def test_five_milestones_each_once_each_in_its_window(world: World) -> None:
    """Six weeks, hour by hour: exactly the five milestones on each channel, on time, once."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00:00")
    arrived: dict[tuple[str, Channel], list[str]] = {}
    for _ in range(24 * 42):
        before = {row.id for row in world.messages(status=Status.SENT)}
        world.wait(hours=1)
        for row in world.messages(status=Status.SENT):
            if row.id not in before:
                moment = world.now.strftime("%a %d %b %H:%M")
                arrived.setdefault((row.milestone, row.channel), []).append(moment)
    expected = {
        "home": ["Mon 23 Nov 16:00"],
        "first-day": ["Tue 24 Nov 15:00"],
        "active-again": ["Fri 27 Nov 10:00"],
        "exfoliate-again": ["Tue 08 Dec 10:00"],
        "next-session": ["Tue 22 Dec 10:00"],
    }
    assert arrived == {
        (name, channel): times for name, times in expected.items() for channel in Channel
    }
    assert len(world.sms.sent) == len(world.email.sent) == 5


def test_the_last_session_of_a_course_ends_with_thanks(world: World) -> None:
    """Care as ever, and four weeks on a word of thanks where others are asked to book."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00", session_number="3")
    for moment in ("11-23 15:15", "11-24 15:00", "11-27 10:00", "12-08 10:00", "12-22 10:00"):
        world.move_to(f"2026-{moment}")
    assert len(world.sms.sent) == len(world.email.sent) == 5
    assert world.email.sent[-1].words.subject == "Your course is complete"
    assert "Your course of 3 sessions is complete." in world.email.sent[-1].words.text
    [silent] = world.messages(milestone="next-session", channel=Channel.SMS)
    assert silent.reason == "Not for this session: this was session 3 of 3"
