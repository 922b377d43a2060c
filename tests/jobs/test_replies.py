"""Replies: what a patient's text does, at once and on record, however it comes in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from tests.jobs.looking import coming, meant, one, overwrite
from tests.rules.given import case
from tests.support.replying import events, reply, write
from tests.support.stored import everything
from tests.support.world import CLINIC
from worker.rules.messages import Cause, Channel, Status
from worker.rules.replies import Meaning
from worker.store import decisions, replies
from worker.store.clinics import add_clinic
from worker.store.patient_events import By
from worker.store.tables import MESSAGES, PATIENTS, REPLIES, SUPPRESSIONS

if TYPE_CHECKING:
    from tests.support.world import World

STOP_WORDS = "The patient said stop to text messages"


@pytest.fixture
def ana(world: World) -> World:
    """Ana's session has just been collected and planned."""
    world.source.add()
    world.run()
    return world


# Stop and start


@pytest.mark.parametrize(
    "text", ["STOP", "Stop. Thank you", "please stop texting me", "no más mensajes"]
)
def test_a_stop_cancels_every_text_at_once_and_no_mail(ana: World, text: str) -> None:
    """In the transaction that keeps the reply: nothing of it is left for a later pass."""
    assert write(ana, text)
    assert set(coming(ana).values()) == {"skipped"}
    assert {each.cause for each in meant(ana)} == {Cause.OPTED_OUT}
    assert set(coming(ana, channel=Channel.EMAIL).values()) == {"planned"}
    assert events(ana) == [("stopped", "patient", "reply")]
    ana.wait(minutes=15)
    assert ana.sms.sent == []


def test_a_stop_outlives_what_the_clinics_rows_say(ana: World) -> None:
    """Consent in a newer row, a new session, even a new number: stop was said, so it stays."""
    write(ana, "STOP")
    changes = {"sms_consent": "1", "phone": "600 999 888", "updated_at": "2026-11-23 15:05:00"}
    ana.source.change("S1", **changes)
    ana.source.add(session_id="S2", completed_at="2026-11-23 15:04:00", **changes)
    ana.wait(minutes=20)
    assert ana.sms.sent == []
    assert one(ana, "home", session="S2").reason == STOP_WORDS


def test_start_brings_back_what_is_still_true(ana: World) -> None:
    """After a stop and a night: the first text is too late by now, the rest is planned again."""
    write(ana, "STOP")
    ana.move_to("2026-11-24 09:30")
    assert write(ana, "START")
    assert [*coming(ana).values()] == ["skipped", *["planned"] * 4]
    assert events(ana)[-1] == ("started", "patient", "reply")
    ana.move_to("2026-11-24 15:00")
    assert len(ana.sms.sent) == 1
    with ana.app.engine.begin() as db:
        (kept,) = db.execute(select(SUPPRESSIONS)).all()
    assert (kept.lifted_by, kept.lifted_at is not None) == ("patient", True)


def test_a_shared_number_stops_for_everyone_on_it(world: World) -> None:
    """A mother and a daughter share a phone: one stop is for both, and staff are told."""
    world.source.add(session_id="S1", patient_id="P1")
    world.source.add(session_id="S2", patient_id="P2", email="eva@example.com")
    world.run()
    write(world, "STOP")
    for session, patient in (("S1", "P1"), ("S2", "P2")):
        assert set(coming(world, session).values()) == {"skipped"}
        assert events(world, patient) == [("stopped", "patient", "reply")]
    expected = (
        "A text from this number said stop: no more text messages. "
        "2 patients share this number; it stops for them all"
    )
    assert one(world, "home", session="S2").reason == expected
    kept = reply(world, "STOP")
    assert kept.tell_at is not None
    assert "2 patients share this number; it stops for them all." in kept.note


def test_a_worry_from_a_shared_number_is_told_of_both_until_one_is_released(world: World) -> None:
    """Before anything went out nobody knows who wrote: both wait, and either's story has it."""
    world.source.add(session_id="S1", patient_id="P1")
    world.source.add(session_id="S2", patient_id="P2", email="eva@example.com")
    world.run()
    write(world, "it is bleeding")
    assert one(world, "active-again", session="S2").status == "held"
    assert reply(world, "it is bleeding").handled_at is None
    with world.app.engine.begin() as db:
        stories = [replies.of_patient(db, "glow", each) for each in ("P1", "P2")]
        assert [[row["body"] for row in rows] for rows in stories] == [["it is bleeding"]] * 2
        eva = By("Eva", "command")
        assert decisions.release(db, "glow", "P2", by=eva, now=world.now)
    assert reply(world, "it is bleeding").handled_at is not None
    assert one(world, "active-again", session="S1").status == "held"


def test_a_start_does_not_undo_a_hold(ana: World) -> None:
    """What the stop had skipped comes back, and what lifts a restriction still waits for staff."""
    for text in ("it is bleeding", "STOP", "START"):
        write(ana, text)
        ana.wait(seconds=5)
    assert one(ana, "first-day").status == "planned"
    assert one(ana, "active-again").status == "held"
    assert one(ana, "active-again").reason.startswith("On hold: a worrying reply")


def test_who_joins_a_stopped_number_gets_no_texts_either(ana: World) -> None:
    """The stop is the number's as well: a sister who is new at the clinic has the same one."""
    write(ana, "STOP")
    ana.source.add(session_id="S2", patient_id="P2", email="eva@example.com")
    ana.run()
    assert {each.reason for each in meant(ana, "S2")} == {STOP_WORDS}


@pytest.mark.parametrize(
    ("expected", "text", "keyword"),
    [
        case("Twilio stops and answers itself", "", "STOP", ""),
        case("in any case", "", "stop", ""),
        case("it says that it did", "", "ALTO", "STOP"),
        case("a word that only it knows", "", "BASTA YA HOMBRE", "STOP"),
        case("it does not catch this", "stopped", "Stop. Thank you", ""),
    ],
)
def test_a_stop_is_confirmed_once_and_only_where_twilio_does_not(
    ana: World, expected: str, text: str, keyword: str
) -> None:
    """One confirmation is allowed, and somebody who is stopped already gets none."""
    write(ana, text, keyword=keyword)
    assert set(coming(ana).values()) == {"skipped"}
    assert reply(ana, text).answer == expected
    write(ana, "stop it, please")
    assert reply(ana, "stop it, please").answer == ""


def test_an_older_text_that_comes_late_changes_nothing(ana: World) -> None:
    """Polling may find yesterday's STOP after today's START: the newest wish counts."""
    earlier = ana.now - timedelta(minutes=9)
    write(ana, "STOP", at=earlier)
    write(ana, "START", at=earlier + timedelta(minutes=5))
    write(ana, "please stop", at=earlier + timedelta(minutes=2))
    assert set(coming(ana).values()) == {"planned"}
    assert "said otherwise" in reply(ana, "please stop").note


@pytest.mark.parametrize("text", ["Yes", "START"])
def test_a_start_without_a_stop_is_for_staff(ana: World, text: str) -> None:
    """A "yes" may answer something that a person asked."""
    write(ana, text)
    kept = reply(ana, text)
    assert (kept.meaning, kept.answer) == (Meaning.START, "")
    assert kept.tell_at is not None


# Red flags


def test_a_red_flag_holds_what_lifts_a_restriction_and_advice_goes_on(ana: World) -> None:
    """Permissions and the invitation wait for staff, on both channels."""
    write(ana, "It is bleeding and hot")
    for channel in Channel:
        assert coming(ana, channel=channel) == {
            "home": "planned",
            "first-day": "planned",
            "active-again": "held",
            "exfoliate-again": "held",
            "next-session": "held",
        }
    kept = reply(ana, "It is bleeding and hot")
    assert (kept.answer, kept.emergency, kept.handled_at) == ("red-flag", False, None)
    assert kept.tell_at is not None
    assert events(ana) == [("held", "patient", "reply")]
    ana.wait(minutes=15)
    assert one(ana, "home").status is Status.SENT


def test_an_emergency_is_answered_as_one(ana: World) -> None:
    """Trouble breathing does not wait until the clinic calls back."""
    write(ana, "I can't breathe")
    kept = reply(ana, "I can't breathe")
    assert (kept.answer, kept.emergency) == ("emergency", True)


def test_a_red_flag_that_says_stop_is_both(ana: World) -> None:
    """Staff are alerted, the texts end, and the one answer is the one that matters."""
    write(ana, "Stop. My face is full of pus")
    assert set(coming(ana).values()) == {"skipped"}
    assert [each[0] for each in events(ana)] == ["stopped", "held"]
    assert reply(ana, "Stop. My face is full of pus").answer == "red-flag"


def test_three_texts_in_a_row_are_answered_once_and_all_told(ana: World) -> None:
    """The second worry adds nothing to the answer; that it got worse does."""
    for text in ("it is bleeding", "so much pus", "I can't breathe"):
        write(ana, text)
    kept = [reply(ana, text) for text in ("it is bleeding", "so much pus", "I can't breathe")]
    assert [each.answer for each in kept] == ["red-flag", "", "emergency"]
    assert all(each.tell_at for each in kept)


def test_a_hold_keeps_new_sessions_permissions_too(ana: World) -> None:
    """What is planned after the red flag waits as well, when its time comes."""
    write(ana, "it is bleeding")
    ana.source.change("S1", completed_at="2026-11-23 15:10:00", updated_at="2026-11-23 15:11:00")
    ana.move_to("2026-11-27 10:00")
    assert one(ana, "active-again").status is Status.HELD
    assert one(ana, "active-again").cause is Cause.CLINICAL_HOLD


# Everything else


@pytest.mark.parametrize(
    "text",
    [
        "",
        "👍",
        "🙃" * 2000,
        "word " * 4_000,
        "nul \x00 inside",
        "half \ud83d a character",
        "Thank you!",
    ],
)
def test_any_other_text_is_kept_and_passed_to_staff(ana: World, text: str) -> None:
    """A picture alone, an emoji, a novel, broken characters: a person reads it."""
    assert write(ana, text, sid="SM1")
    with ana.app.engine.begin() as db:
        (kept,) = db.execute(select(REPLIES)).all()
    assert (kept.meaning, kept.answer, kept.patient_id) == (Meaning.STAFF, "", "P1")
    assert kept.tell_at is not None
    assert set(coming(ana).values()) == {"planned"}


def test_help_is_answered_unless_twilio_has(ana: World) -> None:
    """HELP alone has had Twilio's answer; a question in words gets ours."""
    write(ana, "HELP")
    write(ana, "ayuda por favor")
    assert reply(ana, "HELP").answer == ""
    assert reply(ana, "ayuda por favor").answer == "help"


def test_the_same_text_twice_changes_nothing(ana: World) -> None:
    """The webhook and the polling both bring it, in any order."""
    assert write(ana, "Stop. Thank you", sid="SM1")
    with ana.app.engine.begin() as db:
        before = everything(db)
    assert not write(ana, "Stop. Thank you", sid="SM1")
    with ana.app.engine.begin() as db:
        assert before == everything(db)


def test_two_that_bring_the_same_text_at_once_act_once(ana: World) -> None:
    """The webhook and the polling in the very same moment: one of them is news."""
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(write, ana, "it is bleeding", sid="SM1") for _ in range(4)]
        news = [each.result() for each in calls]
    assert sorted(news) == [False, False, False, True]
    assert events(ana) == [("held", "patient", "reply")]


def test_a_word_of_the_providers_that_we_do_not_know_changes_nothing(ana: World) -> None:
    """Twilio may invent another: the text is read as any other."""
    assert write(ana, "see you on Friday", keyword="PAUSE")
    assert reply(ana, "see you on Friday").meaning is Meaning.STAFF


def test_a_withheld_number_stops_nobody(ana: World) -> None:
    """A text without a sender is kept and read, and no patient without a phone is meant by it."""
    assert write(ana, "STOP", number="")
    ana.source.add(session_id="S2", patient_id="P2", phone=None, email="eva@example.com")
    ana.run()
    assert one(ana, "home", session="S2").cause is Cause.NO_ADDRESS


# Who wrote


def test_an_unknown_number_is_for_the_only_clinics_staff(ana: World) -> None:
    """Kept and passed on, with a stop on record for the day the number becomes a patient's."""
    write(ana, "it is bleeding", number="+34600000001")
    write(ana, "STOP", number="+34600000001")
    kept = reply(ana, "it is bleeding")
    assert (kept.clinic, kept.patient_id, kept.answer) == ("glow", None, "red-flag")
    assert kept.note == "No patient has this number."
    ana.source.add(session_id="S2", patient_id="P2", phone="600 000 001")
    ana.run()
    assert {each.reason for each in meant(ana, "S2")} == {STOP_WORDS}


def test_clinics_behind_one_sender_are_told_apart_by_the_last_message(world: World) -> None:
    """The same woman is a patient of both: her worry is for the clinic that wrote to her last."""
    with world.app.engine.begin() as db:
        add_clinic(db, replace(CLINIC, key="shine", name="Shine"), world.now)
    world.source.add(session_id="S1", clinic="glow")
    world.source.add(session_id="S2", clinic="shine", completed_at="2026-11-23 15:30:00")
    write(world, "it is bleeding 1")
    world.wait(minutes=15)
    write(world, "it is bleeding 2")
    world.wait(minutes=31)
    write(world, "it is bleeding 3")
    kept = [reply(world, f"it is bleeding {number}") for number in (1, 2, 3)]
    assert [each.clinic for each in kept] == [None, "glow", "shine"]


def test_a_patient_with_a_new_number_is_still_known_by_the_old(ana: World) -> None:
    """She answers yesterday's text from the phone that it came to."""
    ana.wait(minutes=15)
    ana.source.change("S1", phone="600 999 888", updated_at="2026-11-23 15:16:00")
    ana.run()
    write(ana, "it is bleeding")
    assert reply(ana, "it is bleeding").patient_id == "P1"
    assert one(ana, "active-again").status is Status.HELD


def test_somebody_who_must_never_be_contacted_is_not_answered(ana: World) -> None:
    """Staff read it; nothing goes out."""
    overwrite(ana, PATIENTS, blocked="Deceased")
    write(ana, "it is bleeding")
    assert reply(ana, "it is bleeding").answer == ""


def test_a_message_under_way_is_not_recalled(ana: World) -> None:
    """A stop that comes while a text is leaving: that one is gone, the rest is not sent."""
    with ana.app.engine.begin() as db:
        home = MESSAGES.c.milestone == "home"
        db.execute(update(MESSAGES).where(home).values(status=Status.SENDING))
    write(ana, "STOP")
    assert [*coming(ana).values()] == ["sending", *["skipped"] * 4]
