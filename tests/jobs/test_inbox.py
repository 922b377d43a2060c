"""The inbox: patients' texts without a public address, each once, none lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.jobs.looking import one, problems
from tests.support.replying import NUMBER, write
from tests.support.twilio_server import OUR_NUMBER, SERVICE, TwilioServer
from worker.channels.base import Inbound
from worker.channels.twilio import TwilioSender
from worker.errors import AftercareError
from worker.jobs.alert import pressing
from worker.jobs.inbox import EVERY, Inbox
from worker.jobs.replies import take_reply
from worker.providers import twilio_account
from worker.resources import TEMPLATES
from worker.rules.messages import Status
from worker.store.tables import REPLIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.world import World


class Mailbox:
    """A provider's list of what came in."""

    def __init__(self) -> None:
        self.texts: list[Inbound] = []
        self.asked: list[datetime] = []
        self.down = False

    def inbound(self, since: datetime) -> Sequence[Inbound] | None:
        """What came in since; None while it is down."""
        self.asked.append(since)
        return None if self.down else [each for each in self.texts if each.received_at >= since]

    def add(self, world: World, body: str, *, ago: timedelta = timedelta()) -> None:
        """A text that came in some time ago and is listed from now on."""
        moment = world.now - ago
        sid = f"SM{len(self.texts)}"
        self.texts.append(Inbound(sid, NUMBER, OUR_NUMBER, body, moment))


class Desk:
    """A world with an inbox that is asked when the test says so."""

    def __init__(self, world: World, templates: Path = TEMPLATES) -> None:
        self.world = world
        self.mailbox = Mailbox()
        self.inbox = Inbox(world.app.engine, self.mailbox, templates, EVERY, lambda: world.now)

    def poll(self, **later: float) -> int:
        """Ask after some time; returns how many texts were news."""
        self.world.frozen.tick(timedelta(**later))
        return self.inbox.poll()

    def bodies(self) -> list[str | None]:
        """The replies that are kept."""
        with self.world.app.engine.begin() as db:
            return list(db.execute(select(REPLIES.c.body).order_by(REPLIES.c.id)).scalars())


@pytest.fixture
def desk(world: World) -> Desk:
    """Ana's session is planned, and the inbox was asked for the first time."""
    world.source.add()
    world.run()
    desk = Desk(world)
    assert desk.poll() == 0
    return desk


def test_a_text_is_taken_once_however_often_it_is_listed(desk: Desk) -> None:
    """Each look begins before the last one, because the list lags; the stop acts at once."""
    desk.mailbox.add(desk.world, "STOP", ago=timedelta(minutes=5))
    assert [desk.poll(minutes=1), desk.poll(minutes=1)] == [0, 0]  # before the first look
    desk.mailbox.add(desk.world, "STOP")
    assert [desk.poll(minutes=1), desk.poll(minutes=1)] == [1, 0]
    assert one(desk.world, "home").status is Status.SKIPPED
    assert desk.bodies() == ["STOP"]


def test_a_text_that_is_listed_minutes_late_is_found(desk: Desk) -> None:
    """The list lags: each look goes back a quarter of an hour."""
    desk.poll(minutes=30)
    desk.mailbox.add(desk.world, "STOP", ago=timedelta(minutes=5))
    assert desk.poll(minutes=1) == 1


def test_what_the_webhook_brought_is_not_taken_again(desk: Desk) -> None:
    """Both may be on: the provider's id says that it is the same text."""
    write(desk.world, "please stop", sid="SM0")
    desk.mailbox.add(desk.world, "please stop")
    assert desk.poll(minutes=1) == 0


def test_the_provider_is_asked_at_a_sane_pace(desk: Desk) -> None:
    """Once a minute, however often the stage runs."""
    for _ in range(12):
        desk.poll(seconds=15)
    assert len(desk.mailbox.asked) == 1 + 3


def test_a_text_that_is_listed_hours_late_is_found(desk: Desk) -> None:
    """Once an hour the look goes a day back."""
    desk.poll(hours=3)
    desk.mailbox.add(desk.world, "STOP", ago=timedelta(hours=2))
    assert desk.poll(minutes=5) == 0
    assert desk.poll(hours=1) == 1


def test_texts_from_an_outage_are_read_after_it(desk: Desk) -> None:
    """Neither the worker's nor the provider's absence loses one; status says what is wrong."""
    desk.mailbox.down = True
    desk.mailbox.add(desk.world, "STOP")
    for _ in range(3):
        assert desk.poll(hours=10) == 0
    assert "Twilio cannot be asked for patients' replies" in problems(desk.world)
    with desk.world.app.engine.begin() as db:
        assert "Patients' replies cannot be read" in [
            each.subject for each in pressing(db, desk.world.now)
        ]
    desk.mailbox.down = False
    assert desk.poll(minutes=1) == 1
    assert "Twilio" not in problems(desk.world)


def test_one_poisonous_text_keeps_nobody_else_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next patient's stop acts, and the fault is told until it is mended."""

    def stumble(*args: object, **kwargs: object) -> bool:
        if any(isinstance(each, Inbound) and each.body == "poison" for each in args):
            raise ValueError
        return take_reply(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("worker.jobs.inbox.take_reply", stumble)
    for body in ("poison", "STOP"):
        desk.mailbox.add(desk.world, body)
    with pytest.raises(AftercareError, match="1 patients' replies cannot be taken in"):
        desk.poll(minutes=1)
    assert one(desk.world, "home").status is Status.SKIPPED
    monkeypatch.undo()
    assert desk.poll(minutes=1) == 1


def test_a_faulty_list_does_not_keep_a_stop_waiting(world: World, own_templates: Path) -> None:
    """While the clinic's own list cannot be read, the shipped one is."""
    (own_templates / "replies" / "en.toml").write_text("stop = [", encoding="utf-8")
    world.source.add()
    world.run()
    desk = Desk(world, own_templates)
    desk.poll()
    desk.mailbox.add(world, "please stop texting me")
    desk.poll(minutes=1)
    assert one(world, "home").status is Status.SKIPPED


# At Twilio


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    """A loopback Twilio."""
    with TwilioServer() as server:
        yield server


def _sender(server: TwilioServer, **changes: str) -> TwilioSender:
    return TwilioSender(twilio_account(server.settings(**changes)), lambda: datetime.now(UTC))


def test_twilio_lists_what_came_in_oldest_first(server: TwilioServer) -> None:
    """Ours are left out; a picture alone has an empty body."""
    server.accept({"To": NUMBER, "Body": "ours", "MessagingServiceSid": SERVICE})
    sids = [server.text_in(NUMBER, "first"), server.text_in("+34600000001", "")]
    since = datetime.now(UTC) - timedelta(minutes=1)
    found = _sender(server).inbound(since) or []
    assert [(each.provider_id, each.address, each.to, each.body) for each in found] == [
        (sids[0], NUMBER, OUR_NUMBER, "first"),
        (sids[1], "+34600000001", OUR_NUMBER, ""),
    ]
    assert all(since <= each.received_at <= datetime.now(UTC) for each in found)
    assert _sender(server).inbound(datetime.now(UTC) + timedelta(seconds=2)) == []


def test_a_twilio_that_does_not_let_us_in_answers_none(server: TwilioServer) -> None:
    """Not an empty list, which would mean that nobody wrote."""
    server.tokens.clear()
    assert _sender(server).inbound(datetime.now(UTC)) is None
    server.stop()
    assert _sender(server).inbound(datetime.now(UTC)) is None
