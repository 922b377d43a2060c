"""Track: what may have left is asked about before anything is sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.jobs.looking import happened, one
from tests.support.stored import MONDAY, events, message, store_message, store_session
from worker.jobs.claim import Claimer
from worker.jobs.track import Tracker
from worker.rules.messages import Channel, Status, Transition
from worker.rules.outcomes import Unknown
from worker.store import messages, outgoing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.support.world import World
    from worker.jobs.claim import Claimed
    from worker.rules.outcomes import Receipt

LOOKUPS = (timedelta(minutes=2), timedelta(minutes=10))
BODY = "Glow Skin Clinic: hi Ana!"
NOT_LISTED = "The provider does not list it yet"
TWICE = "Twice it stayed unknown whether this left; a person decides: aftercare why"


# A worker that dies


def _claim_and_die(world: World, channel: Channel) -> Claimed:
    """A worker marks the message as leaving, and is never heard of again."""
    dead = Claimer(world.app.library, "dead", world.settings.lease, "care@example.com")
    with world.app.engine.begin() as db:
        _, (claimed,) = dead.claim(db, channel, 1, world.now)
    return claimed


@pytest.mark.parametrize("channel", Channel)
def test_a_worker_that_died_loses_nothing(world: World, channel: Channel) -> None:
    """Its lease runs out, nobody knows whether the message left, and it goes again, once."""
    world.source.add()
    world.run()
    world.frozen.tick(timedelta(minutes=15))
    claimed = _claim_and_die(world, channel)
    world.wait(seconds=119)
    assert one(world, "home", channel).status is Status.SENDING
    world.wait(seconds=1)
    world.wait(seconds=30)
    found = one(world, "home", channel)
    assert (found.status, found.attempts) == (Status.SENT, 2)
    assert happened(world, found.id) == [
        "planned",
        "claimed",
        "lost",
        "postponed",
        "claimed",
        "accepted",
    ]
    (again,) = [each for each in world.sent if each.channel is channel]
    assert again.words == claimed.envelope.words
    assert again.attempt_id != claimed.envelope.attempt_id


def test_an_e_mail_goes_again_under_the_same_message_id(world: World) -> None:
    """Mail programs show two copies with one Message-ID as one; however often it goes."""
    world.email.answers = [Unknown("The server hung up after the last line")]
    world.source.add()
    world.wait(minutes=15)
    first = one(world, "home", Channel.EMAIL)
    assert first.status is Status.UNKNOWN
    world.wait(seconds=30)
    world.wait(seconds=1)
    (letter,) = world.email.sent
    assert first.message_ref == letter.message_ref
    assert one(world, "home", Channel.EMAIL).status is Status.SENT


def test_an_e_mail_that_is_unclear_twice_is_for_a_person(world: World) -> None:
    """Two times nobody knows: a third copy is not sent without being asked for."""
    world.email.answers = [Unknown("hung up"), Unknown("hung up again")]
    world.source.add()
    world.wait(minutes=15)
    for _ in range(5):
        world.wait(minutes=1)
    found = one(world, "home", Channel.EMAIL)
    assert (found.status, found.reason, found.attempts) == (Status.HELD, TWICE, 2)
    assert [each for each in world.email.sent if each.address == "ana@example.com"] == []


def test_what_is_out_of_date_meanwhile_is_not_sent_again(world: World) -> None:
    """The machine is down for a day: the message that may have left is not sent a day late."""
    world.source.add()
    world.run()
    world.frozen.tick(timedelta(minutes=15))
    _claim_and_die(world, Channel.EMAIL)
    world.wait(hours=23)
    world.wait(minutes=1)
    found = one(world, "home", Channel.EMAIL)
    assert found.status is Status.SKIPPED
    assert world.email.sent == []


# A provider that can be asked


@dataclass(slots=True)
class Provider:
    """What a provider lists, look-up by look-up; None when it cannot be asked."""

    answers: list[list[str] | None]
    asked: list[tuple[str, str, datetime]] = field(default_factory=list)

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """The next answer."""
        self.asked.append((address, body, since))
        return self.answers.pop(0)

    def receipt(self, provider_id: str) -> Receipt | None:
        """No message here is old enough to be asked about."""
        raise AssertionError(provider_id)


@dataclass(slots=True)
class Desk:
    """One text message that a worker left behind on Monday at 15:00, and a tracker that asks."""

    engine: Engine
    provider: Provider
    message_id: int = 0
    now: datetime = MONDAY
    steady_for: timedelta = timedelta.max

    def __post_init__(self) -> None:
        with self.engine.begin() as db:
            store_session(db)
            self.message_id = store_message(db)
        self.claim("first")

    def claim(self, attempt: str) -> None:
        """A worker takes it, and dies."""
        sets = {
            "attempts": 1,
            "attempt_id": attempt,
            "claimed_at": self.now,
            "lease_until": self.now + timedelta(minutes=2),
            "address": "+34600123456",
            "body": BODY,
        }
        with self.engine.begin() as db:
            assert messages.move(db, self.message_id, Transition.claimed(sets), self.now)

    def look(self, minutes: float) -> tuple[str, str]:
        """What the message's status and reason are after a pass, ``minutes`` after 15:00."""
        self.now = MONDAY + timedelta(minutes=minutes)
        Tracker(
            self.engine,
            {Channel.SMS: self.provider},
            LOOKUPS,
            timedelta(minutes=2),
            lambda: self.now,
            lambda: self.steady_for,
        ).track()
        with self.engine.begin() as db:
            row = message(db, self.message_id)
        return row.status.value, row.reason


def test_found_at_the_provider(engine: Engine) -> None:
    """The look-up shows it: it was sent, under the provider's id, and nothing goes again."""
    desk = Desk(engine, Provider([["SM7"]]))
    assert desk.look(1.9) == ("sending", "Being sent")
    assert desk.look(2) == ("sent", "The provider has it, as a look-up showed")
    with engine.begin() as db:
        row = message(db, desk.message_id)
    assert (row.provider_id, row.sent_at) == ("SM7", desk.now)
    assert desk.provider.asked == [("+34600123456", BODY, MONDAY - timedelta(days=1))]


def test_the_providers_list_lags(engine: Engine) -> None:
    """An empty list after two minutes proves nothing; after ten it is there."""
    desk = Desk(engine, Provider([[], ["SM7"]]))
    assert desk.look(2) == ("unknown", NOT_LISTED)
    assert desk.look(9.9) == ("unknown", NOT_LISTED)
    assert desk.look(10) == ("sent", "The provider has it, as a look-up showed")
    assert len(desk.provider.asked) == 2


def test_a_clock_that_was_set_ends_no_lease(engine: Engine) -> None:
    """By the wall clock the lease is over; since it was set, less than a lease has passed."""
    desk = Desk(engine, Provider([[]]), steady_for=timedelta(seconds=119))
    assert desk.look(60) == ("sending", "Being sent")
    desk.steady_for = timedelta(minutes=2)
    assert desk.look(61)[0] == "unknown"


def test_a_clock_that_was_set_ends_no_waiting(engine: Engine) -> None:
    """By the wall clock ten minutes are over; the list has not had that long."""
    desk = Desk(engine, Provider([[], [], []]), steady_for=timedelta(minutes=9))
    assert desk.look(60) == ("unknown", NOT_LISTED)
    assert desk.look(61) == ("unknown", NOT_LISTED)
    desk.steady_for = timedelta(minutes=10)
    assert desk.look(62) == ("planned", "The provider never had it, so it goes again")


def test_what_the_provider_never_had_goes_again_once(engine: Engine) -> None:
    """After the last look-up it waits to be sent, and can be claimed once."""
    desk = Desk(engine, Provider([[], []]))
    desk.look(2)
    assert desk.look(10) == ("planned", "The provider never had it, so it goes again")
    with engine.begin() as db:
        assert outgoing.lock_due(db, Channel.SMS, desk.now, 9) == [], "not with others"
        (due,) = outgoing.lock_due(db, Channel.SMS, desk.now, 9, alone=True)
        assert due["id"] == desk.message_id
        told = [each.event for each in events(db, desk.message_id)]
    assert told == ["planned", "claimed", "lost", "looks_again", "postponed"]
    desk.look(20)
    assert len(desk.provider.asked) == 2


def test_a_provider_that_cannot_be_asked_is_asked_again(engine: Engine) -> None:
    """Hours without an answer: nothing is sent, nothing is given up, and then it is found."""
    desk = Desk(engine, Provider([None] * 90 + [["SM7"]]))
    for minutes in range(2, 92):
        why = "The provider cannot be asked whether this left"
        assert desk.look(minutes) == ("unknown", why)
    assert desk.look(92)[0] == "sent"


def test_another_messages_id_is_not_taken(engine: Engine) -> None:
    """The same words to the same number yesterday, or a minute ago, are another message's."""
    desk = Desk(engine, Provider([["SM1"], ["SM1", "SM2"]]))
    with engine.begin() as db:
        store_message(db, milestone="other", status=Status.SENT, provider_id="SM1")
    assert desk.look(2) == ("unknown", NOT_LISTED)
    assert desk.look(10)[0] == "sent"
    with engine.begin() as db:
        assert message(db, desk.message_id).provider_id == "SM2"


def test_a_text_that_is_unclear_twice_is_for_a_person(engine: Engine) -> None:
    """Twice a worker died over it and the provider knows nothing: held, with the reason."""
    desk = Desk(engine, Provider([[], [], [], []]))
    desk.look(2)
    desk.look(10)
    desk.claim("second")
    assert desk.look(12) == ("unknown", NOT_LISTED)
    assert desk.look(20) == ("held", TWICE)


def test_found_the_second_time_is_no_matter_for_a_person(engine: Engine) -> None:
    """Even after a second time in the dark, a look-up that finds it settles it."""
    desk = Desk(engine, Provider([[], [], ["SM8"]]))
    desk.look(2)
    desk.look(10)
    desk.claim("second")
    assert desk.look(12)[0] == "sent"
