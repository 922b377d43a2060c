"""What patients, staff and providers decide: holds, blocks, invitations, dead addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import coming, one, overwrite
from tests.support.replying import NUMBER, events
from worker.rules.messages import Cause, Channel, Status
from worker.rules.outcomes import Refused
from worker.store import decisions
from worker.store.patient_events import By, events_of
from worker.store.tables import PATIENTS

if TYPE_CHECKING:
    from tests.support.world import World

EVA = By("Eva", "command")
ANA = ("glow", "P1")


@pytest.fixture
def ana(world: World) -> World:
    """Ana's session has just been collected and planned."""
    world.source.add()
    world.run()
    return world


def test_a_released_patient_gets_what_is_still_true(ana: World) -> None:
    """Released a day later: the permission whose time has come goes at once, the rest in time."""
    with ana.app.engine.begin() as db:
        assert decisions.hold(db, *ANA, by=EVA, why="On hold: a rash", now=ana.now)
        assert not decisions.hold(db, *ANA, by=EVA, why="On hold: again", now=ana.now)
    ana.move_to("2026-11-27 10:00")
    assert one(ana, "active-again").status is Status.HELD
    ana.move_to("2026-11-28 10:00")
    with ana.app.engine.begin() as db:
        assert decisions.release(db, *ANA, by=EVA, now=ana.now)
        assert not decisions.release(db, *ANA, by=EVA, now=ana.now)
    ana.run()
    assert one(ana, "active-again").status is Status.SENT
    assert one(ana, "exfoliate-again").status is Status.PLANNED
    assert events(ana) == [("held", "Eva", "command"), ("released", "Eva", "command")]


def test_what_is_held_for_too_long_is_not_sent(ana: World) -> None:
    """The permission is out of date before anybody released it: final, and it says why."""
    with ana.app.engine.begin() as db:
        decisions.hold(db, *ANA, by=EVA, why="On hold: a rash", now=ana.now)
    ana.move_to("2026-12-02 10:00")
    held = one(ana, "active-again")
    assert (held.status, held.cause) == (Status.SKIPPED, Cause.TOO_LATE)
    assert held.reason == "Too late: it was held until now. On hold: a rash"


def test_never_contact_ends_everything_and_can_be_undone(ana: World) -> None:
    """Both channels, advice as well; a mistake brings back what is still true."""
    with ana.app.engine.begin() as db:
        decisions.never_contact(db, *ANA, by=EVA, why="The patient died", now=ana.now)
    for channel in Channel:
        assert set(coming(ana, channel=channel).values()) == {"skipped"}
    assert one(ana, "home").reason == "The patient died"
    ana.source.change("S1", session_number="2", updated_at="2026-11-23 15:01:00")
    ana.wait(minutes=15)
    assert ana.sent == []
    with ana.app.engine.begin() as db:
        assert decisions.contact_again(db, *ANA, by=EVA, now=ana.now)
    ana.run()
    assert one(ana, "home").status is Status.SENT
    assert [each[0] for each in events(ana)] == ["never_contact", "contact_again"]


def test_invitations_stop_alone_and_for_good(ana: World) -> None:
    """Marketing ends, care goes on; consent in the clinic's next row does not bring it back."""
    by = By("patient", "unsubscribe link")
    with ana.app.engine.begin() as db:
        assert decisions.stop_invitations(db, *ANA, by=by, now=ana.now)
        assert not decisions.stop_invitations(db, *ANA, by=by, now=ana.now)
    changes = {"marketing_consent": "1", "session_number": "2"}
    ana.source.change("S1", **changes, updated_at="2026-11-23 15:01:00")
    ana.run()
    expected = ["planned", "planned", "planned", "planned", "skipped"]
    assert [*coming(ana).values()] == expected
    assert one(ana, "next-session").reason == (
        "No invitations to book any more: The patient wants no more invitations"
    )
    with ana.app.engine.begin() as db:
        assert decisions.start_invitations(db, *ANA, by=EVA, now=ana.now)
    ana.run()
    assert one(ana, "next-session").status is Status.PLANNED


def test_an_unsubscribed_address_is_one_mailbox_however_it_is_typed(ana: World) -> None:
    """Stop is said for ana@example.com; the clinic types ANA@Example.com, and it still counts."""
    by = By("patient", "unsubscribe link")
    with ana.app.engine.begin() as db:
        found = decisions.stop(
            db, Channel.EMAIL, "ANA@example.com", by=by, why="Unsubscribed", now=ana.now
        )
    assert found == [ANA]
    assert one(ana, "home", Channel.EMAIL).reason == "Unsubscribed: no more e-mails"
    overwrite(ana, PATIENTS, email_stopped="")
    ana.source.add(session_id="S2", patient_id="P2", phone="600 000 002", email="Ana@example.com")
    ana.wait(minutes=15)
    assert ana.email.sent == []
    assert len(ana.sms.sent) == 2


def test_the_gate_asks_the_patient_and_not_only_the_number(ana: World) -> None:
    """Stop was said on an old number, just after this one's texts were planned: none leaves."""
    overwrite(ana, PATIENTS, sms_stopped="A text from this number said stop")
    ana.wait(minutes=15)
    assert ana.sms.sent == []
    assert one(ana, "home").reason == "The patient said stop to text messages"


def test_a_corrected_number_lifts_its_own_suppression(ana: World) -> None:
    """The old number stays dead; the new one never was, and what is still true goes out."""
    ana.sms.answers = [Refused("Dead (30006)", "Twilio: this number cannot receive texts (30006)")]
    ana.wait(minutes=15)
    assert events(ana) == [("unreachable", "provider", "provider code")]
    ana.move_to("2026-11-24 15:00")
    assert one(ana, "first-day").cause is Cause.SUPPRESSED
    ana.source.change("S1", phone="600 999 888", updated_at="2026-11-24 15:05:00")
    ana.move_to("2026-11-24 15:10")
    assert one(ana, "first-day").status is Status.SENT
    assert ana.sms.sent[-1].address == "+34600999888"


def test_an_address_is_left_alone_for_a_time_only(ana: World) -> None:
    """A blocked phone may be unblocked: what is still true after the time goes out."""
    by, why = By("provider", "provider code"), "The phone blocks our texts"
    until = ana.now + timedelta(hours=2)
    with ana.app.engine.begin() as db:
        decisions.unreachable(
            db, Channel.SMS, NUMBER, by=by, why=why, now=ana.now, expires_at=until
        )
    ana.wait(minutes=15)
    assert (one(ana, "home").status, one(ana, "home").reason) == (Status.PLANNED, why)
    ana.wait(minutes=60)
    assert ana.sms.sent == []
    ana.wait(minutes=50)
    assert one(ana, "home").status is Status.SENT


def test_a_suppression_that_comes_again_is_a_new_one(ana: World) -> None:
    """History stays: the first ran out by time, the second is in force."""
    by, why = By("provider", "provider code"), "The phone blocks our texts"
    for _ in range(2):
        until = ana.now + timedelta(hours=2)
        with ana.app.engine.begin() as db:
            decisions.unreachable(
                db, Channel.SMS, NUMBER, by=by, why=why, now=ana.now, expires_at=until
            )
        ana.frozen.tick(timedelta(hours=3))
    assert [each[0] for each in events(ana)] == ["unreachable", "unreachable"]


def test_consent_is_on_record_with_its_changes(ana: World) -> None:
    """What the clinic's system said at first, and when it said otherwise; nothing in between."""
    ana.source.change("S1", session_number="2", updated_at="2026-11-23 15:01:00")
    ana.run()
    ana.source.change("S1", sms_consent="0", updated_at="2026-11-23 15:02:00")
    ana.run()
    with ana.app.engine.begin() as db:
        told = [row["reason"] for row in events_of(db, *ANA)]
    says = "The clinic's system says the patient agreed to: "
    assert told == [
        f"{says}text messages, e-mails, invitations to book",
        f"{says}e-mails, invitations to book",
    ]
