"""Receipts: what the provider says became of a message, whenever and however often it says it."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.given import case
from tests.support.stored import everything
from worker.jobs.receipts import receive
from worker.rules.messages import Cause, Channel, Status
from worker.rules.outcomes import (
    ChannelDown,
    Delivered,
    Receipt,
    TryAgain,
    Undelivered,
    Underway,
    Unknown,
)
from worker.store import addresses
from worker.store.kinds import SuppressionKind

if TYPE_CHECKING:
    from tests.support.world import World

NO_ANSWER = Unknown("The connection to Twilio broke before an answer came")
UNDERWAY = Underway()
ARRIVED = Delivered("Delivered, says the carrier")
LOST = Undelivered("Twilio: the carrier gave no reason (30008)")
DEAD = Undelivered("Twilio: not a phone number (30005)", suppress="not a working phone number")
STOPPED = Undelivered("Twilio: STOP (21610)", suppress="the patient replied STOP", opted_out=True)
RECEIPTS: list[Receipt] = [UNDERWAY, ARRIVED, LOST, DEAD, STOPPED]
NUMBER = "+34600123456"


@pytest.fixture
def clinic(world: World) -> World:
    """A quarter of an hour after Ana's session, just before her first text; she wants no mail."""
    world.source.add(session_id="S1", completed_at="2026-11-23 15:00:00", email_consent="0")
    world.move_to("2026-11-23 15:14:00")
    return world


def first_text(world: World) -> Any:
    """The row of Ana's first text."""
    (row,) = world.messages(milestone="home", channel=Channel.SMS)
    return row


def send(world: World, *answers: Any) -> Any:
    """Let the first text leave, with the provider's answers as given; returns its row."""
    world.sms.answers = list(answers)
    world.move_to("2026-11-23 15:15:00")
    return first_text(world)


def hear(world: World, receipt: Receipt, provider_id: str, attempt_id: str = "") -> bool:
    """A receipt comes in now; returns whether it changed anything."""
    engine, now = world.app.engine, world.now
    return receive(engine, receipt, provider_id=provider_id, attempt_id=attempt_id, now=now)


# Messages of which nobody knew whether they left


@pytest.mark.parametrize(
    ("expected", "receipt"),
    [
        case("on its way", Status.SENT, UNDERWAY),
        case("arrived", Status.DELIVERED, ARRIVED),
        case("did not arrive", Status.FAILED, LOST),
    ],
)
def test_a_callback_settles_at_once_what_nobody_knew(
    clinic: World, expected: Status, receipt: Receipt
) -> None:
    """The provider's answer was lost; its callback carries our attempt, and no second copy goes."""
    row = send(clinic, NO_ANSWER)
    assert row.status is Status.UNKNOWN

    assert hear(clinic, receipt, "SM1", row.attempt_id)

    settled = first_text(clinic)
    assert (settled.status, settled.provider_id) == (expected, "SM1")
    for _ in range(5):
        clinic.wait(minutes=10)
    assert first_text(clinic).status is expected
    assert clinic.sms.sent == []


@pytest.mark.parametrize("receipt", [UNDERWAY, ARRIVED, LOST])
def test_a_late_receipt_prevents_the_second_copy(clinic: World, receipt: Receipt) -> None:
    """The message was given up for lost and about to go again: the receipt stops that."""
    attempt_id = send(clinic, NO_ANSWER).attempt_id
    clinic.wait(minutes=2)
    assert first_text(clinic).status is Status.PLANNED

    assert hear(clinic, receipt, "SM1", attempt_id)

    clinic.wait(hours=1)
    assert clinic.sms.sent == []


@pytest.mark.parametrize("fault", [TryAgain("Twilio asks for patience"), ChannelDown("Bad key")])
def test_a_receipt_for_an_earlier_attempt_prevents_the_second_copy(
    clinic: World, fault: TryAgain | ChannelDown
) -> None:
    """The first attempt left unheard, the second surely did not: the first one's receipt counts."""
    first = send(clinic, NO_ANSWER, fault).attempt_id
    clinic.wait(minutes=2)
    clinic.wait(seconds=15)
    assert first_text(clinic).status is Status.PLANNED
    assert first_text(clinic).attempt_id != first

    assert hear(clinic, ARRIVED, "SM1", first)

    clinic.wait(hours=1)
    assert clinic.sms.sent == []


def test_a_receipt_settles_what_waits_for_a_person(clinic: World) -> None:
    """Twice unknown, it is held for a decision; the provider's word takes that off their hands."""
    send(clinic, NO_ANSWER, NO_ANSWER)
    for _ in range(4):
        clinic.wait(minutes=2)
    row = first_text(clinic)
    assert row.status is Status.HELD

    assert hear(clinic, ARRIVED, "SM2", row.attempt_id)

    assert first_text(clinic).status is Status.DELIVERED


# Order and repetition


def test_the_usual_story(clinic: World) -> None:
    """Queued, sent, delivered: only the last one is news, and it is told with its reason."""
    row = send(clinic)
    assert not hear(clinic, UNDERWAY, row.provider_id, row.attempt_id)
    clinic.wait(minutes=1)
    assert hear(clinic, ARRIVED, row.provider_id, row.attempt_id)

    done = first_text(clinic)
    assert (done.status, done.cause) == (Status.DELIVERED, Cause.RECEIPT)
    assert (done.reason, done.ended_at) == (ARRIVED.why, clinic.now)


def test_a_receipt_without_our_attempt_is_known_by_the_provider_id(clinic: World) -> None:
    """Polled receipts carry only the provider's id of a message that it accepted."""
    assert hear(clinic, ARRIVED, send(clinic).provider_id)
    assert first_text(clinic).status is Status.DELIVERED


@pytest.mark.parametrize("last", [ARRIVED, LOST, DEAD, STOPPED])
def test_receipts_never_move_a_message_backwards(clinic: World, last: Receipt) -> None:
    """Whatever comes after delivered or failed, the same receipt again included: nothing moves."""
    row = send(clinic)
    assert hear(clinic, last, row.provider_id, row.attempt_id)
    with clinic.app.engine.begin() as db:
        before = everything(db)
    clinic.frozen.tick(timedelta(minutes=1))

    for late in RECEIPTS:
        assert not hear(clinic, late, row.provider_id, row.attempt_id)

    with clinic.app.engine.begin() as db:
        assert before == everything(db)


def test_an_id_that_is_not_ours_changes_nothing(clinic: World) -> None:
    """Another program may use the same account: its messages are none of our business."""
    send(clinic, NO_ANSWER)
    with clinic.app.engine.begin() as db:
        before = everything(db)

    for receipt in RECEIPTS:
        assert not hear(clinic, receipt, "SM404", "")
        assert not hear(clinic, receipt, "SM404", "the attempt of another program")

    with clinic.app.engine.begin() as db:
        assert before == everything(db)


# Numbers that are dead


@pytest.mark.parametrize(
    ("kind", "cause", "receipt"),
    [
        case("a dead number", SuppressionKind.UNREACHABLE, Cause.SUPPRESSED, DEAD),
        case("a stop", SuppressionKind.OPTED_OUT, Cause.OPTED_OUT, STOPPED),
    ],
)
def test_a_dead_number_gets_nothing_more(
    clinic: World, kind: SuppressionKind, cause: Cause, receipt: Undelivered
) -> None:
    """The number is suppressed with the provider's reason, and the next text says why it stays."""
    row = send(clinic)
    assert hear(clinic, receipt, row.provider_id, row.attempt_id)

    with clinic.app.engine.begin() as db:
        listed = addresses.suppressed(db, Channel.SMS, [NUMBER], clinic.now)
    assert listed == {NUMBER: {kind: addresses.Suppressed(receipt.suppress)}}
    clinic.move_to("2026-11-24 15:00:00")
    (later,) = clinic.messages(milestone="first-day", channel=Channel.SMS)
    assert (later.status, later.cause) == (Status.SKIPPED, cause)
    assert later.reason
    assert len(clinic.sms.sent) == 1


def test_a_lost_message_says_nothing_about_its_number(clinic: World) -> None:
    """One text that did not arrive costs the patient that text, and not the next ones."""
    row = send(clinic)
    assert hear(clinic, LOST, row.provider_id, row.attempt_id)
    clinic.move_to("2026-11-24 15:00:00")
    assert len(clinic.sms.sent) == 2


def test_two_receipts_at_once_for_the_same_dead_number(clinic: World) -> None:
    """While one receipt suppresses the number, another one's turn waits and goes well too."""
    row = send(clinic)
    engine, raised = clinic.app.engine, []

    def hear_another() -> None:
        try:
            hear(clinic, DEAD, row.provider_id, row.attempt_id)
        except Exception as error:  # noqa: BLE001 (a thread's own would be lost)
            raised.append(error)

    other = Thread(target=hear_another)
    with engine.begin() as db:
        kind, why = SuppressionKind.UNREACHABLE, "not a working phone number"
        addresses.suppress(
            db, Channel.SMS, NUMBER, kind, reason=why, actor="provider", now=clinic.now
        )
        other.start()
        other.join(0.5)
    other.join(30)
    assert raised == []
    assert first_text(clinic).status is Status.FAILED
