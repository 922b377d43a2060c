"""Asking Twilio: whether a message is there, and whether the account can be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.twilio_server import TwilioServer
from worker.channels.base import Envelope
from worker.channels.twilio import TwilioSender
from worker.providers import twilio_account
from worker.rules.messages import Channel, Words

if TYPE_CHECKING:
    from collections.abc import Iterator

PHONE = "+34600123456"
ENVELOPE = Envelope(Channel.SMS, PHONE, Words("one"), "0" * 32)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    """Twilio on loopback."""
    with TwilioServer() as server:
        yield server


def sender_to(server: TwilioServer, **changes: str) -> TwilioSender:
    return TwilioSender(twilio_account(server.settings(**changes)), lambda: datetime.now(UTC))


def send_and_find(
    server: TwilioServer, *texts: str, since: datetime, body: str = "one"
) -> list[str] | None:
    sender = sender_to(server)
    for text in texts:
        sender.send(replace(ENVELOPE, words=Words(text)))
    return sender.find(PHONE, body, since)


def test_a_message_is_found_by_number_body_and_time(server: TwilioServer) -> None:
    """Of all that went out, the look-up gives the ids with this number, text and time, in order."""
    sender = sender_to(server)
    sender.send(replace(ENVELOPE, address="+34600999999", words=Words("one")))
    began = datetime.now(UTC) - timedelta(minutes=2)

    found = send_and_find(server, "one", "two", "one", since=began)

    ids = [each.sid for each in server.to(PHONE) if each.body == "one"]
    assert len(ids) == 2
    assert found == ids


def test_an_older_message_with_the_same_words_is_not_found(server: TwilioServer) -> None:
    """What was made before the attempt is another message, even on the same day."""
    assert send_and_find(server, "one", since=datetime.now(UTC) + timedelta(seconds=30)) == []


def test_a_lagging_list_finds_nothing_yet(server: TwilioServer) -> None:
    """Twilio lists late: an empty answer, and the id once the lag is over."""
    server.lag = timedelta(hours=1)
    began = datetime.now(UTC) - timedelta(minutes=2)

    assert send_and_find(server, "one", since=began) == []

    server.lag = timedelta()
    assert send_and_find(server, since=began) == [server.received[0].sid]


def test_a_message_that_twilio_has_not_sent_yet_is_found(server: TwilioServer) -> None:
    """Accepted, and waiting at Twilio without a date_sent: it is there, so it is found."""
    server.sending_takes = timedelta(hours=1)
    began = datetime.now(UTC) - timedelta(minutes=2)

    assert send_and_find(server, "one", since=began) == [server.received[0].sid]


def test_sixty_messages_are_found(server: TwilioServer) -> None:
    """Fifty is Twilio's usual page: what would lie on the second one is found as well."""
    began = datetime.now(UTC) - timedelta(minutes=2)

    found = send_and_find(server, *["one"] * 60, since=began)

    assert found == [each.sid for each in server.received]


def test_who_cannot_be_asked_says_so(server: TwilioServer) -> None:
    """No answer is not an empty list: None, and never an exception."""
    began = datetime.now(UTC)

    assert sender_to(server, twilio_auth_token="wrong").find(PHONE, "one", began) is None
    server.stop()
    assert sender_to(server).find(PHONE, "one", began) is None


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("", {}),
        ("TWILIO_", {"twilio_auth_token": "wrong"}),
        ("TWILIO_API_URL", {"twilio_api_url": "http://no-such-host.invalid"}),
    ],
    ids=["fine", "wrong token", "wrong address"],
)
def test_check_names_the_setting(
    server: TwilioServer, expected: str, changes: dict[str, str]
) -> None:
    """Before anything is sent, a wrong setting is named; a right one is silence."""
    problem = sender_to(server, **changes).check()

    assert expected in problem
    assert bool(problem) == bool(expected)
    assert server.received == []
