"""Send: templates that break, sessions that overlap, a protocol that is edited meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import happened, left, local, one, problems, statuses
from worker.rules.messages import Cause, Channel, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

HI = "sms Glow Skin Clinic: hi Ana!"


# Templates


_BREAKAGES = {
    "a name that there is not": "{{ clinic.name }}: {{ nonsense }}",
    "a tag that never ends": "{{ clinic.name }}: {% if first_name %}",
    "a filter that there is not": "{{ clinic.name | shout }}",
    "a division by nothing": "{{ 1 / 0 }}",
    "no file at all": None,
    "a date that may be missing": "{{ next_session_at | moment }}",
}


@pytest.mark.parametrize("breakage", _BREAKAGES)
def test_a_broken_template_waits_and_goes_out_when_mended(
    new_world: Callable[..., World],
    own_templates: Path,
    breakage: str,
) -> None:
    """It names the file, keeps nothing else from going, and costs the patient only the delay."""
    world = new_world(templates=own_templates)
    world.source.add()
    world.wait(minutes=15)
    template = own_templates / "microneedling" / "en" / "first-day.sms.txt"
    words, broken = template.read_text(encoding="utf-8"), _BREAKAGES[breakage]
    if broken is None:
        template.unlink()
    else:
        template.write_text(broken, encoding="utf-8")
    world.move_to("2026-11-24 15:00")
    waiting = one(world, "first-day")
    assert (waiting.status, waiting.cause, waiting.attempts) == ("planned", "template", 0)
    assert "templates/microneedling/en/first-day.sms.txt" in waiting.reason
    assert one(world, "first-day", Channel.EMAIL).status is Status.SENT
    template.write_text(words, encoding="utf-8")
    world.wait(minutes=6)
    assert one(world, "first-day").status is Status.SENT
    assert left(world, Channel.SMS)[-1] == HI


def _fault_of_the_template(folder: Path) -> None:
    (folder / "en" / "active-again.sms.txt").write_text("{{ nonsense }}", encoding="utf-8")


def _fault_of_the_protocol(folder: Path) -> None:
    (folder / "protocol.toml").write_text("title = 1", encoding="utf-8")


@pytest.mark.parametrize(
    "spoil",
    [
        _fault_of_the_protocol,
        pytest.param(
            _fault_of_the_template,
        ),
    ],
)
def test_what_is_never_mended_is_told_to_the_end(
    new_world: Callable[..., World], own_templates: Path, spoil: Callable[[Path], None]
) -> None:
    """When the truth window closes the message is skipped, with the fault as its reason."""
    world = new_world(templates=own_templates)
    world.source.add()
    world.run()
    spoil(own_templates / "microneedling")
    world.move_to("2026-11-27 10:00")
    assert one(world, "active-again").cause is Cause.TEMPLATE
    world.move_to("2026-12-01 10:00")
    found = one(world, "active-again")
    assert (found.status, found.cause) == (Status.SKIPPED, Cause.TOO_LATE)
    assert found.reason.startswith("Too late: its template was not mended. ")


def test_a_broken_protocol_stops_only_its_treatment(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """With a key mistyped nothing of that treatment is planned or sent, until it is mended."""
    protocol = own_templates / "microneedling" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    (own_templates / "peeling").mkdir()
    (own_templates / "peeling" / "protocol.toml").write_text(text, encoding="utf-8")
    (own_templates / "peeling" / "en").mkdir()
    home = own_templates / "peeling" / "en" / "home.sms.txt"
    home.write_text("{{ clinic.name }}: hi from the peeling team", encoding="utf-8")
    world = new_world(templates=own_templates)
    protocol.write_text(text.replace("useful_for", "usefull_for"), encoding="utf-8")
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", patient_id="P2", treatment="peeling")
    world.wait(minutes=15)
    assert world.messages("S1") == []
    assert one(world, "home", session="S2").status is Status.SENT
    protocol.write_text(text, encoding="utf-8")
    world.wait(minutes=1)
    assert one(world, "home").status is Status.SENT


# Overlap


def test_a_second_session_starts_its_restrictions_anew(world: World) -> None:
    """On Wednesday the patient is back: Friday's permission is skipped, Sunday's goes out."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.wait(minutes=15)
    world.source.add(session_id="S2", completed_at="2026-11-25 15:00", session_number="2")
    for moment in ("11-24 15:00", "11-25 15:15", "11-26 15:00", "11-27 10:00"):
        world.move_to(f"2026-{moment}")
    skipped = one(world, "active-again")
    assert (skipped.status, skipped.cause) == (Status.SKIPPED, Cause.OVERLAP)
    assert skipped.reason == (
        "Another session of this patient still restricts exercise and sun; "
        "that session's own message says when it is allowed again"
    )
    assert one(world, "exfoliate-again").cause is Cause.OVERLAP
    assert one(world, "next-session").cause is Cause.SUPERSEDED
    world.move_to("2026-11-29 10:00")
    assert one(world, "active-again", session="S2").status is Status.SENT


def test_every_text_tells_the_latest_end(world: World) -> None:
    """After Tuesday's session even Monday's messages say Friday, not Thursday."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.wait(minutes=15)
    world.source.add(session_id="S2", completed_at="2026-11-24 12:00", session_number="2")
    world.move_to("2026-11-24 12:15")
    world.move_to("2026-11-24 15:00")
    bodies = [each.words.text for each in world.sms.sent]
    assert "No exercise or sun until Thursday 26 November, 15:00." in bodies[0]
    for body in bodies[1:]:
        assert "No exercise or sun until Friday 27 November, 12:00." in body
    mail = one(world, "first-day", Channel.EMAIL)
    assert "Friday 27 November, 12:00" in mail.html
    assert "Thursday 26 November" not in mail.html


def test_a_second_session_that_is_cancelled_restricts_nothing(world: World) -> None:
    """The permission that it stood in the way of is planned again and goes out on time."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.wait(minutes=15)
    world.source.add(session_id="S2", completed_at="2026-11-24 12:00")
    world.move_to("2026-11-24 12:15")
    assert one(world, "active-again").cause is Cause.OVERLAP
    world.source.change("S2", status="cancelled")
    world.move_to("2026-11-27 10:00")
    found = one(world, "active-again")
    assert found.status is Status.SENT
    assert "revived" in happened(world, found.id)


def test_patients_with_the_same_number_do_not_restrict_each_other(world: World) -> None:
    """A mother and a daughter share a phone, not a treatment."""
    world.source.add(session_id="S1", patient_id="P1")
    world.source.add(session_id="S2", patient_id="P2", completed_at="2026-11-25 15:00")
    world.move_to("2026-11-25 15:15")
    world.move_to("2026-11-27 10:00")
    assert one(world, "active-again").status is Status.SENT


# The protocol


def test_an_edited_protocol_moves_what_is_planned(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """Eleven instead of ten o'clock, five days instead of three: times and texts follow."""
    world = new_world(templates=own_templates)
    world.source.add()
    world.wait(minutes=15)
    protocol = own_templates / "microneedling" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    text = text.replace('at = "10:00"', 'at = "11:00"').replace('"3 days"', '"5 days"')
    protocol.write_text(text, encoding="utf-8")
    world.wait(minutes=1)
    moved = one(world, "active-again")
    assert local(world, moved.due_at) == local(world, moved.next_at) == "Sun 29 Nov 11:00"
    assert moved.reason == "The session, the zone or the protocol changed"
    assert happened(world, moved.id) == ["planned", "rescheduled"]
    assert happened(world, one(world, "home").id) == ["planned", "claimed", "accepted"]
    world.move_to("2026-11-24 15:00")
    assert "until Saturday 28 November, 15:00" in one(world, "first-day").body


def test_a_milestone_that_is_taken_out_is_skipped_and_can_come_back(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """Without its entry a message is skipped; with it again it waits again."""
    world = new_world(templates=own_templates)
    world.source.add()
    world.run()
    protocol = own_templates / "microneedling" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    head, _, rest = text.partition('[[milestones]]\nname = "first-day"')
    tail = rest[rest.index("[[milestones]]") :]
    protocol.write_text(head + tail, encoding="utf-8")
    world.wait(minutes=1)
    assert one(world, "first-day").reason == "The protocol no longer has this message"
    protocol.write_text(text, encoding="utf-8")
    world.wait(minutes=1)
    assert statuses(world)["first-day"] == "planned"
    assert problems(world) == ""
