"""Texts of which no receipt came are asked about: three times at most, and never too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.rules.given import case
from tests.support.stored import MONDAY, message, store_message, store_session
from tests.support.twilio_server import TwilioServer
from worker.channels.twilio import TwilioSender
from worker.jobs.receipts import receive
from worker.jobs.track import Tracker
from worker.providers import twilio_account
from worker.rules.messages import Cause, Channel, Reason, Status, Transition
from worker.rules.outcomes import Delivered, Undelivered, Underway
from worker.rules.receipts import next_ask
from worker.store import departed, messages

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from worker.rules.outcomes import Receipt

DAY = 24 * 60
DAYS = timedelta(days=9)
ARRIVED = Delivered("Delivered, says the carrier")


@dataclass(slots=True)
class Provider:
    """Answers by id; Underway where nothing is said. None: it cannot be asked."""

    answers: dict[str, Receipt | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """Nobody asks."""
        raise AssertionError((address, body, since))

    def receipt(self, provider_id: str) -> Receipt | None:
        """As told."""
        self.asked.append(provider_id)
        return self.answers.get(provider_id, Underway())


@dataclass(slots=True)
class Desk:
    """Texts that the provider took on Monday at 15:00, and a tracker that asks."""

    engine: Engine
    provider: Provider = field(default_factory=Provider)
    now: datetime = MONDAY

    def accept(self, milestone: str, provider_id: str | None, channel: Channel) -> int:
        """A message leaves, and its provider says so."""
        with self.engine.begin() as db:
            store_session(db)
            columns = {"status": Status.SENDING, "address": "+34600123456"}
            message_id = store_message(db, milestone=milestone, channel=channel, **columns)  # type: ignore[arg-type]
            reason = Reason(Cause.ACCEPTED, "Accepted")
            accepted = Transition.accepted(provider_id, reason, at=MONDAY)
            assert messages.move(db, message_id, accepted, MONDAY)
        return message_id

    def look(self, *minutes: float) -> list[str]:
        """The ids that were asked about in passes at these times after 15:00."""
        self.provider.asked.clear()
        for each in minutes:
            self.now = MONDAY + timedelta(minutes=each)
            lease = timedelta(minutes=2)
            finders = {Channel.SMS: self.provider}
            Tracker(self.engine, finders, [lease], lease, lambda: self.now, lambda: DAYS).track()
        return list(self.provider.asked)

    def status(self, message_id: int) -> Status:
        """Where a message stands."""
        with self.engine.begin() as db:
            found: Status = message(db, message_id).status
        return found


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


@pytest.mark.parametrize(
    ("expected", "minutes"),
    [
        case("at once", 5, 0),
        case("after the first", 60, 5),
        case("a little late", 60, 59),
        case("after the second", DAY, 60),
        case("the worker was away", DAY, 600),
        case("after the last", None, DAY),
        case("long after", None, 10 * DAY),
    ],
)
def test_when_to_ask(expected: int | None, minutes: int) -> None:
    """After five minutes, an hour and a day; then never again."""
    found = next_ask(MONDAY, MONDAY + timedelta(minutes=minutes))
    assert found == (None if expected is None else MONDAY + timedelta(minutes=expected))


def test_it_is_asked_three_times_and_no_more(desk: Desk) -> None:
    """A carrier that gives no receipts costs three calls; the message stays "sent"."""
    message_id = desk.accept("home", "SM1", Channel.SMS)
    assert desk.look(1, 4.9) == []
    assert desk.look(5, 5.1, 30, 59.9) == ["SM1"]
    assert desk.look(60, 61, 600, DAY - 1) == ["SM1"]
    assert desk.look(DAY, DAY + 1, 2 * DAY, 30 * DAY) == ["SM1"]
    assert desk.status(message_id) is Status.SENT


@pytest.mark.parametrize(
    ("expected", "receipt"),
    [
        case("arrived", Status.DELIVERED, ARRIVED),
        case("did not", Status.FAILED, Undelivered("Twilio: no reason (30008)")),
    ],
)
def test_the_answer_settles_it(desk: Desk, expected: Status, receipt: Receipt) -> None:
    """Behind a firewall staff see what became of a text, and it is never asked about again."""
    message_id = desk.accept("home", "SM1", Channel.SMS)
    desk.provider.answers["SM1"] = receipt
    assert desk.look(5) == ["SM1"]
    assert desk.status(message_id) is expected
    assert desk.look(60, DAY, 2 * DAY) == []


def test_what_a_callback_settled_is_not_asked_about(desk: Desk) -> None:
    """With a public address receipts come by themselves and the calls are saved."""
    desk.accept("home", "SM1", Channel.SMS)
    assert receive(desk.engine, ARRIVED, provider_id="SM1", attempt_id="", now=MONDAY)
    assert desk.look(5, 60, DAY) == []


def test_e_mails_and_outboxes_are_not_asked_about(desk: Desk) -> None:
    """There is nobody to ask: no id, or nobody who answers."""
    desk.accept("home", None, Channel.EMAIL)
    desk.accept("later", "outbox-1", Channel.EMAIL)
    assert desk.look(5, 60, DAY) == []
    with desk.engine.begin() as db:
        assert departed.to_ask(db, MONDAY + timedelta(days=9), 9) == []


def test_a_provider_that_cannot_be_asked_gets_one_question_a_pass(desk: Desk) -> None:
    """No answer: the others wait for the next pass, each gets its turn, and all are asked."""
    for number in range(3):
        desk.accept(f"m{number}", f"SM{number}", Channel.SMS)
        desk.provider.answers[f"SM{number}"] = None
    assert [len(desk.look(5)), len(desk.look(5.2))] == [1, 1]
    desk.provider.answers.clear()
    assert sorted(desk.look(7)) == ["SM0", "SM1", "SM2"]


@pytest.mark.parametrize(
    ("expected", "status", "code"),
    [
        case("arrived", ARRIVED, "delivered", None),
        case("on its way", Underway(), "sent", None),
        case(
            "lost",
            Undelivered("Twilio: the carrier gave no reason (30008)"),
            "undelivered",
            30008,
        ),
    ],
)
def test_twilio_is_asked_for_a_message(expected: Receipt, status: str, code: int | None) -> None:
    """Over HTTP, by its id."""
    with TwilioServer() as server:
        made = server.accept({"To": "+34600123456", "Body": "Hi"})
        server.outcomes[made["sid"]] = (status, code)
        sender = TwilioSender(twilio_account(server.settings()), lambda: MONDAY)
        assert sender.receipt(made["sid"]) == expected
        assert sender.receipt("SM404") == Underway()
        server.tokens = {}
        assert sender.receipt(made["sid"]) is None
    assert TwilioSender(twilio_account(server.settings()), lambda: MONDAY).receipt("SM1") is None
