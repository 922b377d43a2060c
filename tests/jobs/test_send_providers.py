"""Send: what a provider answers, and what becomes of the message, the address and the channel."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.jobs.looking import happened, left, one, problems, statuses
from worker.rules.messages import Cause, Channel, Status
from worker.rules.outcomes import Accepted, ChannelDown, Refused, TryAgain, Unknown
from worker.store.tables import SUPPRESSIONS

if TYPE_CHECKING:
    from tests.support.world import World

THANKS = "sms Glow Skin Clinic: thank you for coming, Ana!"


def test_what_leaves_is_on_record_word_for_word(world: World) -> None:
    """The row says to whom, in which words, by which attempt, and under which id it left."""
    world.sms.answers = [Accepted("SM123", "Taken, says the provider")]
    world.source.add()
    world.wait(minutes=15)
    (envelope,), row = world.sms.sent, one(world, "home")
    assert (row.address, row.body) == (envelope.address, envelope.words.text)
    assert (row.attempt_id, row.provider_id) == (envelope.attempt_id, "SM123")
    assert (row.status, row.reason) == (Status.SENT, "Taken, says the provider")
    assert (row.attempts, row.sent_at, row.lease_until) == (1, world.now, None)
    mail = one(world, "home", Channel.EMAIL)
    (letter,) = world.email.sent
    assert (mail.subject, mail.html) == (letter.words.subject, letter.words.html)
    assert mail.calendar == letter.words.calendar
    assert mail.calendar.startswith("BEGIN:VCALENDAR")
    assert one(world, "first-day", Channel.EMAIL).calendar is None
    assert (mail.message_ref, "desk@glow.example.com") == (letter.message_ref, letter.reply_to)


def test_a_second_attempt_is_the_same_mail(world: World) -> None:
    """What may have left goes again with the same id, words and calendar, to the byte."""
    world.email.answers = [Unknown("The mail server closed the connection before it confirmed")]
    world.source.add()
    world.wait(minutes=15)
    first = one(world, "home", Channel.EMAIL)
    assert (first.status, world.email.sent) == (Status.UNKNOWN, [])
    world.wait(minutes=7)
    world.wait(seconds=15)
    second = one(world, "home", Channel.EMAIL)
    assert (second.status, second.attempts) == (Status.SENT, 2)
    for part in ("message_ref", "subject", "body", "html", "calendar"):
        assert getattr(first, part) == getattr(second, part), part
    (letter,) = world.email.sent
    assert letter.words.calendar == first.calendar


# The channel is down


def test_a_channel_that_is_down_costs_no_attempt(world: World) -> None:
    """Wrong credentials are nobody's message: SMS wait and say why, e-mails go on."""
    world.sms.answers = [ChannelDown("Twilio refuses the account: TWILIO_AUTH_TOKEN is wrong")]
    world.source.add()
    world.wait(minutes=15)
    home = one(world, "home")
    assert (home.status, home.cause, home.attempts) == (Status.PLANNED, Cause.CHANNEL_DOWN, 0)
    assert home.reason == "Twilio refuses the account: TWILIO_AUTH_TOKEN is wrong"
    assert left(world) == ["email Your notes for the next few days"]
    assert "text messages are paused since 2026-11-23 14:15 UTC: Twilio" in problems(world)


def test_a_paused_channel_rests_and_is_tried_with_one_message(world: World) -> None:
    """While it rests nothing is tried; then one message tries; when it goes, all the others do."""
    world.sms.answers = [ChannelDown("down")] * 4
    for number in range(3):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.wait(minutes=15)
    assert len(world.sms.answers) == 1
    world.wait(seconds=30)
    assert len(world.sms.answers) == 1
    world.wait(seconds=31)
    assert world.sms.answers == []
    assert world.sms.sent == []
    world.wait(seconds=61)
    assert len(world.sms.sent) == 3
    for number in range(3):
        home = one(world, "home", session=f"S{number}")
        assert (home.status, home.attempts) == (Status.SENT, 1)
    assert problems(world) == ""


def test_a_session_that_falls_due_in_a_pause_waits_for_its_end(world: World) -> None:
    """A message of another patient is not used up on a channel that is known to be down."""
    world.sms.answers = [ChannelDown("down")]
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", patient_id="P2", completed_at="2026-11-23 15:00:30")
    world.wait(minutes=15)
    world.wait(seconds=45)
    assert one(world, "home", session="S2").attempts == 0
    world.wait(seconds=60)
    assert len(world.sms.sent) == 2


def test_what_is_out_of_date_after_a_long_pause_is_skipped(world: World) -> None:
    """A channel down from Monday to Saturday: afterwards only what is true goes out."""
    world.sms.answers = [ChannelDown("down")] * 500
    world.source.add()
    world.wait(minutes=15)
    world.move_to("2026-11-24 16:00")
    world.move_to("2026-11-26 09:00")
    assert [*statuses(world).values()][:2] == ["skipped", "skipped"]
    world.sms.answers = []
    world.move_to("2026-11-28 15:00")
    world.wait(minutes=11)
    assert left(world, Channel.SMS) == ["sms Glow Skin Clinic: hi Ana!"]


# This message did not leave


def test_a_passing_fault_is_tried_again_with_patience(world: World) -> None:
    """Half a minute, then a minute: the third attempt is taken, and each is on record."""
    world.sms.answers = [TryAgain("busy"), TryAgain("still busy")]
    world.source.add()
    world.wait(minutes=15)
    assert one(world, "home").reason == "busy"
    world.wait(seconds=29)
    assert one(world, "home").attempts == 1
    world.wait(seconds=11)
    assert one(world, "home").reason == "still busy"
    world.wait(seconds=80)
    home = one(world, "home")
    assert (home.status, home.attempts) == (Status.SENT, 3)
    tries = ["claimed", "postponed"] * 2 + ["claimed", "accepted"]
    assert happened(world, home.id) == ["planned", *tries]
    assert len(left(world, Channel.SMS)) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            TryAgain("busy", not_before=timedelta(hours=7)),
            "No attempt left before it is out of date: busy",
        ),
        (TryAgain("no answer", most_attempts=1), "Gave up after 1 attempts: no answer"),
    ],
)
def test_a_message_is_given_up_rather_than_sent_late(
    world: World, answer: TryAgain, reason: str
) -> None:
    """What cannot leave within its truth window, or is not worth more attempts, fails at once."""
    world.sms.answers = [answer]
    world.source.add()
    world.wait(minutes=15)
    home = one(world, "home")
    assert (home.status, home.cause, home.reason) == (Status.FAILED, Cause.GAVE_UP, reason)
    world.wait(hours=1)
    assert left(world, Channel.SMS) == []


def test_a_provider_that_stays_busy_delivers_nothing_late(world: World) -> None:
    """Seven hours of "try again", then a provider that is well: the message of 15:15 is over."""
    world.sms.answers = [TryAgain("busy")] * 500
    world.source.add()
    world.wait(minutes=15)
    for _ in range(42):
        world.wait(minutes=10)
    world.sms.answers = []
    world.wait(hours=1)
    home = one(world, "home")
    assert home.status in (Status.FAILED, Status.SKIPPED)
    assert home.reason
    assert left(world, Channel.SMS) == []


def test_an_address_that_is_refused_hears_no_more(world: World) -> None:
    """A number that cannot get texts is left alone, for every patient who has it."""
    world.sms.answers = [Refused("No such number (30005)", "The number is not in service")]
    world.source.add(session_id="S1")
    world.source.add(session_id="S2", patient_id="P2", completed_at="2026-11-23 16:00")
    world.wait(minutes=15)
    home = one(world, "home")
    assert (home.status, home.cause) == (Status.FAILED, Cause.REFUSED)
    assert home.reason == "No such number (30005)"
    world.move_to("2026-11-23 16:15")
    world.move_to("2026-11-24 15:00")
    for later in (one(world, "first-day"), one(world, "home", session="S2")):
        assert (later.status, later.cause) == (Status.SKIPPED, Cause.SUPPRESSED)
        assert later.reason == "The number is not in service"
    assert world.sms.sent == []
    assert one(world, "first-day", Channel.EMAIL).status is Status.SENT


def test_one_refused_text_does_not_condemn_the_address(world: World) -> None:
    """When only the message is refused the next one is tried."""
    world.sms.answers = [Refused("This text was filtered")]
    world.source.add()
    world.wait(minutes=15)
    world.move_to("2026-11-24 15:00")
    assert [*statuses(world).values()][:2] == ["failed", "sent"]


def test_some_addresses_are_given_a_second_chance(world: World) -> None:
    """A mailbox that is refused twice is left alone, not one that is refused once."""
    twice = Refused("No mailbox", "The mailbox does not exist", suppress_after=2)
    world.email.answers = [twice, twice]
    world.source.add()
    for moment in ("11-23 15:15", "11-24 15:00", "11-27 10:00"):
        world.move_to(f"2026-{moment}")
    expected = ["failed", "failed", *["skipped"] * 4]
    assert expected == [*statuses(world, channel=Channel.EMAIL).values()]


def test_a_provider_that_knows_of_a_stop_is_believed(world: World) -> None:
    """Refused because the patient said stop to the provider: it counts as said to us."""
    world.sms.answers = [Refused("Opted out (21610)", "Said stop", opted_out=True)]
    world.source.add()
    world.wait(minutes=15)
    world.move_to("2026-11-24 15:00")
    assert one(world, "first-day").reason == "Said stop: no more text messages"
    with world.app.engine.begin() as db:
        (kept,) = db.execute(select(SUPPRESSIONS)).all()
    assert (kept.kind, kept.actor, kept.reason) == ("opted_out", "provider", "Said stop")


def test_what_may_have_left_is_not_sent_again_at_once(world: World) -> None:
    """A provider that hangs up in the middle: nobody knows, so nothing goes for now."""
    world.sms.answers = [Unknown("The connection broke after sending")]
    world.source.add()
    world.wait(minutes=15)
    world.wait(seconds=60)
    home = one(world, "home")
    assert (home.status, home.attempts) == (Status.UNKNOWN, 1)
    assert home.reason == "The connection broke after sending"
    assert world.sms.sent == []


def test_one_patients_trouble_does_not_stop_another(world: World) -> None:
    """A refusal and a passing fault between good ones: the good ones leave in the same pass."""
    world.sms.answers = [Accepted("1"), Refused("no"), TryAgain("busy"), Accepted("4")]
    for number in range(4):
        world.source.add(session_id=f"S{number}", patient_id=f"P{number}")
    world.wait(minutes=15)
    found = sorted(one(world, "home", session=f"S{number}").status for number in range(4))
    assert found == ["failed", "planned", "sent", "sent"]
    assert len(world.email.sent) == 4
