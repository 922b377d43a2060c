"""What Twilio answers, and what the channel makes of it: the real library against a real server."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.twilio_behaviour import (
    DROPS_AFTER,
    DROPS_BEFORE,
    EMPTY_201,
    HTML_201,
    HTML_429,
    HTML_500,
    TIMES_OUT,
    Behaviour,
    error,
)
from tests.support.twilio_server import SERVICE, TOKEN, TwilioServer
from worker.channels import twilio_api
from worker.channels.base import Envelope
from worker.channels.twilio import TwilioSender
from worker.providers import twilio_account
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted, ChannelDown, Refused, TryAgain, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

PHONE = "+34600123456"
NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
ENVELOPE = Envelope(Channel.SMS, PHONE, Words("Glow: hi Ana!"), "0" * 32)


@pytest.fixture
def server() -> Iterator[TwilioServer]:
    """Twilio on loopback."""
    with TwilioServer() as server:
        yield server


def sender_to(server: TwilioServer, **changes: str) -> TwilioSender:
    return TwilioSender(twilio_account(server.settings(**changes)), lambda: NOW)


def outcome_of(server: TwilioServer, behaviour: Behaviour) -> object:
    server.script.append(behaviour)
    return sender_to(server).send(ENVELOPE)


def test_an_accepted_message_has_twilios_id(server: TwilioServer) -> None:
    """The outcome carries the id under which Twilio lists the message."""
    outcome = sender_to(server).send(ENVELOPE)

    assert outcome == Accepted(server.received[0].sid, "Accepted by Twilio")
    assert (server.received[0].to, server.received[0].body) == (PHONE, "Glow: hi Ana!")


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ({"MessagingServiceSid": SERVICE}, {}),
        ({"From": "+34910000000"}, {"messaging_service_sid": "", "from": "+34910000000"}),
        ({"MessagingServiceSid": SERVICE}, {"from": "+34910000000"}),
    ],
    ids=["service", "number", "a service goes before a number"],
)
def test_who_texts(server: TwilioServer, expected: dict[str, str], changes: dict[str, str]) -> None:
    """The messaging service texts, or the number where there is none; nothing else is told."""
    sender_to(server, **{f"twilio_{name}": value for name, value in changes.items()}).send(ENVELOPE)

    assert server.posts == [{"To": PHONE, "Body": "Glow: hi Ana!", **expected}]


def test_an_api_key_is_used_when_there_is_one(server: TwilioServer) -> None:
    """With TWILIO_API_KEY_SID the key logs in, and the account stays in the address."""
    server.tokens = {"SK1": "secret"}

    outcome = sender_to(server, twilio_api_key_sid="SK1", twilio_api_key_secret="secret").send(
        ENVELOPE
    )

    assert isinstance(outcome, Accepted)


def test_a_wrong_token_stops_the_channel(server: TwilioServer) -> None:
    """Nothing goes out with a wrong token, and the reason names the settings."""
    outcome = sender_to(server, twilio_auth_token="wrong").send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "TWILIO_" in outcome.why
    assert server.received == []


@pytest.mark.parametrize("status", [401, 403])
def test_any_401_or_403_is_the_account(server: TwilioServer, status: int) -> None:
    """Whatever the code or the body: who may not enter has account trouble."""
    outcome = outcome_of(server, Behaviour(accepts=False, status=status, body="<h1>No</h1>"))

    assert isinstance(outcome, ChannelDown)


@pytest.mark.parametrize(
    ("taken_in", "behaviour"),
    [
        pytest.param(0, HTML_500, id="500 with HTML"),
        pytest.param(1, replace(HTML_500, accepts=True), id="500 although it was taken in"),
        pytest.param(0, error(20500, 500), id="500 in Twilio's own JSON"),
        pytest.param(0, error(20503, 503), id="503 in Twilio's own JSON"),
        pytest.param(0, HTML_429, id="429 that is not Twilio's"),
        pytest.param(1, HTML_201, id="201 with HTML"),
        pytest.param(1, EMPTY_201, id="201 with nothing"),
        pytest.param(1, Behaviour(body="{}"), id="201 without an id"),
        pytest.param(1, Behaviour(body="[]"), id="201 with a JSON list"),
        pytest.param(1, Behaviour(body='{"sid": "SM'), id="201 cut short"),
        pytest.param(0, DROPS_BEFORE, id="connection dropped before it was taken in"),
        pytest.param(1, DROPS_AFTER, id="connection dropped after it was taken in"),
    ],
)
def test_what_may_have_left_is_unknown(
    server: TwilioServer, taken_in: int, behaviour: Behaviour
) -> None:
    """No clear answer: it may have left, so it must not simply go again."""
    outcome = outcome_of(server, behaviour)

    assert isinstance(outcome, Unknown)
    assert len(server.received) == taken_in


def test_no_answer_in_time_is_unknown(
    server: TwilioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twilio took it in and never answered: unknown, and the worker is not held up."""
    monkeypatch.setattr(twilio_api, "TIMEOUT", 0.2)

    outcome = outcome_of(server, TIMES_OUT)

    assert isinstance(outcome, Unknown)
    assert len(server.received) == 1


@pytest.mark.parametrize("host", ["http://127.0.0.1:{port}", "http://no-such-host.invalid:{port}"])
def test_a_connection_never_made_carried_nothing(server: TwilioServer, host: str) -> None:
    """Refused, or no such host: it surely did not leave, and nobody's message is to blame."""
    with socket.socket() as bound:  # bound, but nobody listens
        bound.bind(("127.0.0.1", 0))
        url = host.format(port=bound.getsockname()[1])

        outcome = sender_to(server, twilio_api_url=url).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "TWILIO_API_URL" in outcome.why


def test_a_proxy_that_is_down_carried_nothing(
    server: TwilioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clinic's own proxy does not answer: nothing left, so nothing is unknown."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{bound.getsockname()[1]}")

        outcome = sender_to(server, twilio_api_url="https://twilio.invalid").send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)


@pytest.mark.parametrize("status", [302, 400, 407, 413])
def test_an_answer_that_is_not_twilios_fails_no_message(server: TwilioServer, status: int) -> None:
    """A proxy or a captive portal answers with HTML: the message is not lost for good."""
    outcome = outcome_of(server, Behaviour(accepts=False, status=status, body="<h1>Hi</h1>"))

    assert not isinstance(outcome, Accepted | Refused)


@pytest.mark.parametrize(
    "code",
    ["null", "4e2", '"no"', "[1]"],
)
def test_an_odd_error_answer_raises_nothing(server: TwilioServer, code: str) -> None:
    """JSON in another gateway's words is an outcome like any other."""
    body = f'{{"code": {code}, "message": "no", "status": 400}}'

    outcome = outcome_of(server, Behaviour(accepts=False, status=400, body=body))

    assert isinstance(outcome, ChannelDown | Refused | TryAgain | Unknown)


def test_a_problem_details_answer_is_understood(server: TwilioServer) -> None:
    """Newer parts of Twilio answer in RFC 9457's words, another exception of the library's."""
    body = '{"type": "https://t", "title": "Invalid", "status": 400, "code": 21211, "detail": "x"}'

    outcome = outcome_of(server, Behaviour(accepts=False, status=400, body=body))

    assert isinstance(outcome, Refused)
    assert outcome.suppress


def test_no_reason_and_no_log_line_holds_the_number(
    server: TwilioServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Twilio's texts repeat the number; our reasons and the library's logs never do."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # as the worker sets it
    server.script = [error(21211), error(20003, 401), HTML_500, DROPS_AFTER, error(20429, 429)]
    sender = sender_to(server)

    whys = [sender.send(ENVELOPE).why for _ in range(6)]

    told = "\n".join([*whys, caplog.text])
    assert "600123456" not in told
    assert "Ana" not in told
    assert TOKEN not in told
