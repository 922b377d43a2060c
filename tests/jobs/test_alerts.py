"""Alerts: the clinic is told at once what cannot wait, once an hour, and never about whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.support.world import CLINIC
from worker.channels.twilio import CODES, TwilioSender
from worker.providers import twilio_account
from worker.rules.outcomes import ChannelDown, Outcome, TryAgain, Unknown
from worker.settings import Settings
from worker.store.clinics import add_clinic

if TYPE_CHECKING:
    from tests.support.world import World
    from worker.channels.base import Envelope

DESK = CLINIC.email
WRONG_KEY = ChannelDown("Twilio: Twilio does not accept our key (20003)")
ALWAYS = 10_000
PAUSED = "Aftercare: Text messages to patients are paused"
UNREADABLE = "Aftercare: Completed sessions cannot be read"
UNDECIDED = "Aftercare: Messages wait for a decision"


@pytest.fixture
def clinic(world: World) -> World:
    """Six patients leave at three on Monday afternoon; none of them wants e-mail."""
    for number in range(6):
        come(world, f"S{number}", "2026-11-23 15:00:00")
    return world


def come(world: World, name: str, completed_at: str) -> None:
    """A patient comes, who is reached by text only."""
    world.source.add(
        session_id=name,
        patient_id=name,
        clinic=CLINIC.key,
        phone=f"600 123 45{name[1:]}",
        completed_at=completed_at,
        email_consent="0",
    )


def alerts(world: World, address: str = DESK) -> list[Envelope]:
    """The mail that staff at an address got."""
    return [each for each in world.email.sent if each.address == address]


def subjects(world: World, address: str = DESK) -> list[str | None]:
    """What it was about."""
    return [each.words.subject for each in alerts(world, address)]


def down(world: World, outcome: Outcome = WRONG_KEY) -> None:
    """From now on the SMS provider answers only this."""
    world.sms.answers = [outcome] * ALWAYS


def up(world: World) -> None:
    """The SMS provider works again."""
    world.sms.answers = []


def minutes(world: World, count: int, *, every: int = 1) -> None:
    """So many minutes pass, with a pass every minute or every few."""
    for _ in range(count // every):
        world.wait(minutes=every)


def break_source(world: World) -> None:
    """The clinic's view is gone."""
    with world.source.engine.begin() as db:
        db.execute(text("ALTER TABLE completed_sessions RENAME TO away"))


def mend_source(world: World) -> None:
    """The clinic's view is there again."""
    with world.source.engine.begin() as db:
        db.execute(text("ALTER TABLE away RENAME TO completed_sessions"))


# Once per cause and hour


def test_a_provider_that_is_down_is_told_once_an_hour(clinic: World) -> None:
    """One e-mail when it begins, none for an hour, then another one, for it still lasts."""
    down(clinic)
    clinic.move_to("2026-11-23 15:15:00")
    assert subjects(clinic) == [PAUSED]
    minutes(clinic, 55, every=5)
    minutes(clinic, 4)
    assert subjects(clinic) == [PAUSED]
    minutes(clinic, 1)
    assert subjects(clinic) == [PAUSED] * 2
    minutes(clinic, 55, every=5)
    assert subjects(clinic) == [PAUSED] * 2
    assert clinic.sms.sent == []


def test_a_provider_that_does_not_answer_is_told_too(clinic: World) -> None:
    """Calls that come to nothing pause the channel after a few, and that is told the same way."""
    down(clinic, Unknown("The connection to Twilio broke before an answer came"))
    clinic.move_to("2026-11-23 15:15:00")
    (told,) = alerts(clinic)
    assert told.words.subject == PAUSED
    assert "The connection to Twilio broke" in told.words.text


def test_another_cause_is_told_by_itself(clinic: World) -> None:
    """The source fails while texts are paused: the second e-mail does not wait for the hour."""
    down(clinic)
    clinic.move_to("2026-11-23 15:15:00")
    break_source(clinic)
    minutes(clinic, 10, every=5)
    assert subjects(clinic) == [PAUSED, UNREADABLE]
    minutes(clinic, 60, every=5)
    assert subjects(clinic) == [PAUSED, UNREADABLE] * 2


def test_nothing_more_is_told_once_it_is_over(clinic: World) -> None:
    """The provider recovers by itself, the texts go out, and no further e-mail comes."""
    down(clinic)
    clinic.move_to("2026-11-23 15:15:00")
    up(clinic)
    minutes(clinic, 130, every=5)
    assert len(clinic.sms.sent) == 6
    assert subjects(clinic) == [PAUSED]


def test_trouble_that_comes_and_goes_is_one_e_mail_an_hour(clinic: World) -> None:
    """Down, up and down again within the hour fills nobody's mailbox."""
    down(clinic)
    clinic.move_to("2026-11-23 15:15:00")
    up(clinic)
    minutes(clinic, 10)
    come(clinic, "S9", "2026-11-23 15:15:00")
    down(clinic)
    minutes(clinic, 20, every=5)
    assert clinic.messages("S9", milestone="home", channel="sms")[0].status == "planned"
    assert subjects(clinic) == [PAUSED]


# What it says


@pytest.mark.parametrize("code", [20003, 30034])
def test_it_names_the_setting_and_no_patient(clinic: World, code: int) -> None:
    """Staff can pass it on as it is: where to look is in it, and nobody's name or number."""
    twilio = TwilioSender(twilio_account(Settings(_env_file=None)), lambda: clinic.now)
    down(clinic, twilio._outcome(CODES[code], code))
    clinic.move_to("2026-11-23 15:15:00")

    (told,) = alerts(clinic)

    assert "TWILIO_" in told.words.text
    assert str(code) in told.words.text
    assert "14:15 UTC" in told.words.text
    whole = f"{told.words.subject}\n{told.words.text}\n{told.words.html}"
    for secret in ("Ana", "600", "S1", "S0", "ana@example.com", "microneedling"):
        assert secret not in whole


def test_messages_that_a_person_must_decide_are_told(clinic: World) -> None:
    """Twice nobody knew whether a text left: the number of such messages, and where to look."""
    down(clinic, Unknown("No answer"))
    clinic.move_to("2026-11-23 15:15:00")
    minutes(clinic, 30, every=5)
    assert UNDECIDED in subjects(clinic)
    (told,) = [each for each in alerts(clinic) if each.words.subject == UNDECIDED]
    assert "aftercare status" in told.words.text


# Patience


def test_a_source_that_is_back_soon_is_nobodys_trouble(clinic: World) -> None:
    """A database that restarts within five minutes is not told; one that stays away is."""
    break_source(clinic)
    minutes(clinic, 4)
    mend_source(clinic)
    minutes(clinic, 10, every=5)
    assert subjects(clinic) == []

    break_source(clinic)
    minutes(clinic, 5)
    assert subjects(clinic) == []
    minutes(clinic, 1)
    assert subjects(clinic) == [UNREADABLE]
    (told,) = alerts(clinic)
    assert "completed_sessions" in told.words.text


@pytest.mark.parametrize("fault", [TryAgain("mailbox busy"), ChannelDown("wrong password")])
def test_an_alert_that_cannot_leave_is_tried_again(clinic: World, fault: Outcome) -> None:
    """Every five minutes until one leaves, and from then on once an hour."""
    down(clinic)
    clinic.email.answers = [fault] * 3
    clinic.move_to("2026-11-23 15:15:00")
    minutes(clinic, 4)
    assert len(clinic.email.answers) == 2
    minutes(clinic, 10)
    assert (clinic.email.answers, subjects(clinic)) == ([], [])
    minutes(clinic, 1)
    assert subjects(clinic) == [PAUSED]
    minutes(clinic, 55, every=5)
    assert subjects(clinic) == [PAUSED]
    minutes(clinic, 5)
    assert subjects(clinic) == [PAUSED] * 2


# Several clinics


def add_clinics(world: World, **emails: str) -> None:
    """More clinics, by key, with their address."""
    with world.app.engine.begin() as db:
        for key, email in emails.items():
            add_clinic(db, replace(CLINIC, key=key, email=email), world.now)


def test_every_clinic_is_told_and_none_twice(clinic: World) -> None:
    """Three clinics with two addresses between them: each address gets one e-mail."""
    add_clinics(clinic, north="north@example.com", south=DESK)
    down(clinic)
    clinic.move_to("2026-11-23 15:15:00")
    assert subjects(clinic) == [PAUSED]
    assert subjects(clinic, "north@example.com") == [PAUSED]
    first, second = clinic.email.sent
    assert first.message_ref != second.message_ref


def test_the_clinic_whose_mail_failed_is_told_later(clinic: World) -> None:
    """One of two e-mails could not leave: that clinic's is tried again, the other's is not."""
    add_clinics(clinic, north="north@example.com")
    down(clinic)
    clinic.email.answers = [TryAgain("mailbox busy")]
    clinic.move_to("2026-11-23 15:15:00")
    minutes(clinic, 30, every=5)
    assert subjects(clinic) == [PAUSED]
    assert subjects(clinic, "north@example.com") == [PAUSED]
