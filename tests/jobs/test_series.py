"""What keeps a series true: days that are shared, texts that fail, zones and sessions that move."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests.jobs.looking import happened, left, local, one, problems, statuses
from tests.support.world import CLINIC, MADRID
from worker.jobs.receipts import receive
from worker.rules.messages import Cause, Channel, Kind, Status
from worker.rules.outcomes import Refused, Undelivered
from worker.store.addresses import suppress
from worker.store.clinics import edit_clinic
from worker.store.kinds import SuppressionKind
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

THANKS = "sms Glow Skin Clinic: thank you for coming, Ana!"
FOR_BOTH = "Session {} of the same day has sent this message, and it holds for both"


def treatment(templates: Path, name: str, **changes: str) -> None:
    """Another treatment: microneedling's protocol and words, with some text replaced."""
    folder, source = templates / name, templates / "microneedling"
    for language in ("en", "es"):
        (folder / language).mkdir(parents=True)
        for file in (source / language).iterdir():
            (folder / language / file.name).write_bytes(file.read_bytes())
    text = (source / "protocol.toml").read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(f'{old} = "3 days"', f'{old} = "{new}"')
    text = text.replace(
        'lifts = ["exercise", "sun"]\nafter = "3 days"',
        f'lifts = ["exercise", "sun"]\nafter = "{changes.get("sun", "3 days")}"',
    )
    (folder / "protocol.toml").write_text(text, encoding="utf-8")


MASK = """
title = "Mask"

[[milestones]]
name = "first-day"
kind = "advice"
after = "24 hours"
useful_for = "36 hours"
"""


# A day that several sessions share


def test_three_treatments_of_one_visit_send_one_message(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """It tells the latest ends of all three; staff read which session spoke for the others."""
    treatment(own_templates, "peel")
    treatment(own_templates, "laser", sun="7 days")
    world = new_world(templates=own_templates)
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.source.add(session_id="S2", completed_at="2026-11-23 15:05", treatment="laser")
    world.source.add(session_id="S3", completed_at="2026-11-23 15:15", treatment="peel")
    world.move_to("2026-11-23 15:20")
    waiting = one(world, "home")
    assert (waiting.status, waiting.cause) == (Status.PLANNED, Cause.JOINED)
    assert waiting.reason == "Session S3 of the same day sends this message for both"
    world.move_to("2026-11-23 15:30")
    world.wait(minutes=1)
    assert left(world) == [THANKS, "email Your notes for the next few days"]
    assert "sun: Monday 30 November, 15:05" in world.sms.sent[0].words.text
    for session in ("S1", "S2"):
        skipped = one(world, "home", session=session)
        assert (skipped.status, skipped.reason) == (Status.SKIPPED, FOR_BOTH.format("S3"))
    assert problems(world) == ""


def test_when_the_session_that_speaks_is_withdrawn_the_other_speaks(world: World) -> None:
    """The second session was a mistake; the first one's message goes, a little later."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.source.add(session_id="S2", completed_at="2026-11-23 15:15")
    world.move_to("2026-11-23 15:16")
    assert one(world, "home").cause is Cause.JOINED
    world.source.change("S2", status="cancelled")
    world.move_to("2026-11-23 15:20")
    assert one(world, "home").status is Status.SENT
    assert left(world, Channel.SMS) == [THANKS]


def test_when_the_message_that_speaks_is_refused_the_other_goes(world: World) -> None:
    """A text that its provider filters is no reason to leave the patient without."""
    world.sms.answers = [Refused("This text was filtered")]
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.source.add(session_id="S2", completed_at="2026-11-23 15:05")
    world.move_to("2026-11-23 15:20")
    assert one(world, "home", session="S2").status is Status.FAILED
    world.wait(minutes=1)
    world.wait(minutes=1)
    assert one(world, "home").status is Status.SENT


@pytest.mark.parametrize(("sun", "expected"), [("3 days", "skipped"), ("7 days", "sent")])
def test_a_session_that_comes_to_light_later_speaks_only_if_it_adds_something(
    new_world: Callable[..., World], own_templates: Path, sun: str, expected: str
) -> None:
    """The message is out already; a second one goes only for a restriction that ends later."""
    treatment(own_templates, "peel", sun=sun)
    world = new_world(templates=own_templates)
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.move_to("2026-11-23 15:15")
    world.source.add(session_id="S2", completed_at="2026-11-23 16:00", treatment="peel")
    world.move_to("2026-11-23 16:15")
    found = one(world, "home", session="S2")
    assert found.status.value == expected
    if expected == "skipped":
        assert found.reason == FOR_BOTH.format("S1")
        world.source.change("S2", phone="600 123 457")
        world.wait(minutes=1)
        assert one(world, "home", session="S2").status is Status.SKIPPED
    else:
        assert "sun: Monday 30 November, 16:00" in found.body


# A text that failed


@pytest.fixture
def texts_only(own_templates: Path) -> Path:
    """Templates whose messages go by text, and by e-mail when that fails."""
    protocol = own_templates / "microneedling" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    text = text.replace('channels = ["sms", "email"]', 'channels = ["sms"]\nfallback = "email"')
    protocol.write_text(text, encoding="utf-8")
    return own_templates


def mail(world: World) -> Any:
    """The e-mail that may stand in for the first text."""
    return one(world, "home", Channel.EMAIL)


def test_a_refused_text_goes_by_e_mail_once(
    new_world: Callable[..., World], texts_only: Path
) -> None:
    """Until then the e-mail stands by; afterwards it is sent once, however often is planned."""
    world = new_world(templates=texts_only)
    world.sms.answers = [Refused("This text was filtered")]
    world.source.add()
    world.run()
    assert (mail(world).status, mail(world).cause) == (Status.SKIPPED, Cause.FALLBACK)
    assert mail(world).reason == "It goes by e-mail only if the text message cannot be delivered"
    world.wait(minutes=15)
    assert left(world) == []
    world.wait(minutes=1)
    assert left(world) == ["email Your notes for the next few days"]
    assert happened(world, mail(world).id) == ["skipped", "revived", "claimed", "accepted"]
    world.source.change("S1", first_name="Anna")
    world.wait(minutes=1)
    assert len(world.email.sent) == 1


def test_a_late_receipt_of_failure_is_followed_up(
    new_world: Callable[..., World], texts_only: Path
) -> None:
    """The provider took the text; an hour later it says that it never arrived."""
    world = new_world(templates=texts_only)
    world.source.add()
    world.wait(minutes=15)
    text = one(world, "home")
    lost = Undelivered("The phone could not be reached")
    receive(world.app.engine, lost, provider_id=text.provider_id, attempt_id="", now=world.now)
    world.wait(minutes=1)
    assert mail(world).status is Status.SENT


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(SuppressionKind.UNREACHABLE, Status.SENT), (SuppressionKind.OPTED_OUT, Status.SKIPPED)],
)
def test_a_number_that_takes_no_texts_falls_back_and_a_stop_does_not(
    new_world: Callable[..., World], texts_only: Path, kind: SuppressionKind, expected: Status
) -> None:
    """Who said stop meant it; whose phone is dead still hears from us."""
    world = new_world(templates=texts_only)
    world.source.add()
    with world.app.engine.begin() as db:
        suppress(db, Channel.SMS, "+34600123456", kind, reason="Dead", actor="x", now=world.now)
    world.wait(minutes=15)
    world.wait(minutes=1)
    assert mail(world).status is expected


@pytest.mark.parametrize("facts", [{"sms_consent": "0"}, {"phone": None}])
def test_a_text_that_was_never_to_be_sent_has_not_failed(
    new_world: Callable[..., World], texts_only: Path, facts: dict[str, Any]
) -> None:
    """No consent to texts is no consent to e-mails instead."""
    world = new_world(templates=texts_only)
    world.source.add(**facts)
    world.wait(minutes=15)
    world.wait(minutes=1)
    assert left(world) == []


def test_a_text_that_fails_when_its_time_is_over_is_let_go(
    new_world: Callable[..., World], texts_only: Path
) -> None:
    """The receipt comes the next day: tonight's advice is no longer true."""
    world = new_world(templates=texts_only)
    world.source.add()
    world.wait(minutes=15)
    text = one(world, "home")
    lost = Undelivered("The phone could not be reached")
    world.move_to("2026-11-23 21:15")
    receive(world.app.engine, lost, provider_id=text.provider_id, attempt_id="", now=world.now)
    world.wait(minutes=1)
    assert left(world, Channel.EMAIL) == []


# What moves


def test_a_changed_zone_moves_what_is_planned_and_what_waits(world: World) -> None:
    """Mended from Honolulu to Madrid at noon, a message that waited for a far morning goes now."""
    world.source.add(time_zone="Pacific/Honolulu")
    world.wait(minutes=15)
    world.move_to("2026-11-24 15:00")
    assert local(world, one(world, "first-day").next_at) == "Tue 24 Nov 20:00"
    assert local(world, one(world, "active-again").due_at) == "Thu 26 Nov 21:00"
    world.source.change("S1", time_zone="Europe/Madrid")
    world.wait(minutes=1)
    assert one(world, "first-day").status is Status.SENT
    assert local(world, one(world, "active-again").due_at) == "Fri 27 Nov 10:00"


def test_longer_hours_let_go_what_waits(world: World) -> None:
    """A clinic that opens at seven need not wait for nine."""
    world.source.add(completed_at="2026-11-24 08:00")
    world.move_to("2026-11-24 08:15")
    world.move_to("2026-11-25 08:00")
    assert one(world, "first-day").cause is Cause.QUIET_HOURS
    hours = replace(CLINIC.hours, opens=CLINIC.hours.opens.replace(hour=7))
    with world.app.engine.begin() as db:
        edit_clinic(db, replace(CLINIC, hours=hours), world.now)
    world.wait(minutes=1)
    assert one(world, "first-day").status is Status.SENT


def test_what_is_planned_follows_name_number_and_language(world: World) -> None:
    """The front desk mends them the next morning; the next message is right."""
    world.source.add()
    world.wait(minutes=15)
    world.source.change("S1", first_name="Eva", phone="600 123 457", language="es")
    world.move_to("2026-11-24 15:00")
    last = world.sms.sent[-1]
    assert last.address == "+34600123457"
    assert last.words.text.startswith("Glow Skin Clinic: hola, Eva.")


def test_a_restriction_that_is_shortened_frees_the_other_treatment(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """The peel's protocol is edited, and the permission of another treatment comes back."""
    treatment(own_templates, "peel", sun="7 days")
    world = new_world(templates=own_templates)
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", treatment="peel", completed_at="2026-11-23 15:05")
    world.wait(minutes=15)
    assert one(world, "active-again").cause is Cause.OVERLAP
    protocol = own_templates / "peel" / "protocol.toml"
    text = protocol.read_text(encoding="utf-8")
    protocol.write_text(text.replace('"7 days"', '"3 days"'), encoding="utf-8")
    world.wait(minutes=1)
    assert statuses(world)["active-again"] == "planned"


# How many a day


def test_when_a_day_has_room_for_one_the_permission_goes(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """A permission and some newer advice are due: first what is allowed again."""
    treatment(own_templates, "mask")
    (own_templates / "mask" / "protocol.toml").write_text(MASK, encoding="utf-8")
    world = new_world(clinic=replace(CLINIC, daily_limit=1), templates=own_templates)
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00")
    world.move_to("2026-11-23 15:15")
    world.source.add(session_id="S2", completed_at="2026-11-26 10:05", treatment="mask")
    world.move_to("2026-11-26 10:05")
    world.move_to("2026-11-27 10:10")
    assert one(world, "active-again").status is Status.SENT
    waiting = one(world, "first-day", session="S2")
    assert waiting.status is Status.PLANNED
    assert waiting.reason == (
        "A more important message goes first today: permission, then advice, then invitation"
    )
    world.wait(minutes=1)
    assert one(world, "first-day", session="S2").reason.startswith("The patient already got 1 ")


def test_permissions_never_go_out_while_a_session_restricts(
    new_world: Callable[..., World], own_templates: Path
) -> None:
    """Eight patients' four weeks in the real worker: sessions move, vanish and come back."""
    treatment(own_templates, "peel", sun="7 days")
    world = new_world(templates=own_templates)
    dice = random.Random(4)
    start = datetime(2026, 11, 23, 16, tzinfo=MADRID)
    spans = {"microneedling": {"sun": 3, "exercise": 3, "exfoliation": 14},
             "peel": {"sun": 7, "exercise": 3, "exfoliation": 14}}  # fmt: skip
    facts: dict[str, tuple[str, str, datetime, bool]] = {}
    seen: set[int] = set()
    for step in range(48):
        now = start + timedelta(hours=13 * step)
        if step % 2 == 0 and len(facts) < 24:
            name, patient = f"S{len(facts)}", f"P{dice.randrange(8)}"
            done = now - timedelta(minutes=dice.choice([20, 60, 2000]))
            facts[name] = (patient, dice.choice([*spans]), done, True)
            world.source.add(session_id=name, patient_id=patient, treatment=facts[name][1],
                             completed_at=_naive(done), updated_at=None)  # fmt: skip
        elif step % 3 == 0:
            name = dice.choice([*facts])
            patient, what, done, counts = facts[name]
            if dice.random() < 0.5:
                done += timedelta(hours=dice.randrange(0, 40))
                done = min(done, now)
            else:
                counts = not counts
            facts[name] = (patient, what, done, counts)
            world.source.change(name, completed_at=_naive(done),
                                status="completed" if counts else "cancelled")  # fmt: skip
        world.move_to(f"{now:%Y-%m-%d %H:%M}")
        for row in permissions(world):
            if row.id in seen:
                continue
            seen.add(row.id)
            lifted = ["exfoliation"] if row.milestone == "exfoliate-again" else ["sun", "exercise"]
            owner = facts[row.session_id][0]
            for patient, what, done, counts in facts.values():
                for each in lifted if patient == owner and counts else ():
                    assert done + timedelta(days=spans[what][each]) <= world.now
    assert len(seen) > 8


def _naive(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def permissions(world: World) -> list[Any]:
    """Every permission that left."""
    left = select(MESSAGES).where(
        MESSAGES.c.kind == Kind.PERMISSION, MESSAGES.c.status == Status.SENT
    )
    with world.app.engine.begin() as db:
        return list(db.execute(left))
