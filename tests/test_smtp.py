"""What a mail server answers, and what the channel makes of it: smtplib against a real server."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.mail_server import MailServer, Manner
from worker.channels import smtp
from worker.channels.accounts import MailServer as Address
from worker.channels.base import Envelope
from worker.channels.smtp import SmtpSender
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted, ChannelDown, Refused, TryAgain, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.rules.outcomes import Outcome

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
ENVELOPE = Envelope(
    channel=Channel.EMAIL,
    address="ana@example.com",
    words=Words(text="Hi Ana\n", subject="Your evening", html="<p>Hi Ana</p>"),
    attempt_id="0" * 32,
    from_name="Glow Skin Clinic",
    reply_to="desk@glow.example.com",
    message_ref="<1@glow.example.com>",
)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server on loopback."""
    with MailServer() as server:
        yield server


def sender_to(server: MailServer) -> SmtpSender:
    return SmtpSender(Address.parse(server.url), "notes@glow.example.com", lambda: NOW)


def outcome_of(server: MailServer, manner: Manner) -> Outcome:
    server.script.append(manner)
    return sender_to(server).send(ENVELOPE)


@pytest.mark.parametrize(
    "manner",
    [
        pytest.param(Manner(at_rcpt="450 4.2.1 <ana@example.com>: try later"), id="450 at RCPT"),
        pytest.param(Manner(at_rcpt="451 4.7.1 greylisted"), id="451 at RCPT"),
        pytest.param(Manner(at_rcpt="451 please wait"), id="451 without an enhanced code"),
        pytest.param(Manner(at_rcpt="452 4.2.2 mailbox full"), id="452 at RCPT"),
        pytest.param(Manner(at_rcpt="552 5.2.2 mailbox full"), id="552 at RCPT"),
        pytest.param(Manner(at_rcpt="550 5.2.2 over quota"), id="550 that means full"),
        pytest.param(Manner(at_rcpt="421 4.3.2 going down"), id="421 at RCPT"),
        pytest.param(Manner(at_end="452 4.3.1 insufficient storage"), id="452 at the end"),
        pytest.param(Manner(at_end="421 4.7.0 too many messages"), id="421 at the end"),
        pytest.param(Manner(at_end="552 mailbox full"), id="552 at the end"),
        pytest.param(Manner(at_mail="421 4.7.0 too busy"), id="421 at MAIL"),
        pytest.param(Manner(at_mail="451 4.3.0 try later"), id="451 at MAIL"),
    ],
)
def test_a_passing_fault_is_tried_again(server: MailServer, manner: Manner) -> None:
    """It surely did not leave; a full mailbox may be emptied, a busy server may calm down."""
    outcome = outcome_of(server, manner)

    assert isinstance(outcome, TryAgain)
    assert server.received == []


@pytest.mark.parametrize(
    ("expected_refusals", "manner"),
    [
        (1, Manner(at_rcpt="550 5.1.1 <ana@example.com>: no such user")),
        (1, Manner(at_rcpt="550 5.1.2 bad domain")),
        (1, Manner(at_rcpt="553 5.1.3 bad syntax")),
        (1, Manner(at_rcpt="550 5.1.6 moved")),
        (1, Manner(at_rcpt="556 5.1.10 no mail here")),
        (1, Manner(at_end="550 5.1.1 no such user")),
        (2, Manner(at_rcpt="550 <ana@example.com> unknown")),
        (2, Manner(at_rcpt="550-no such user\r\n550 really")),
    ],
    ids=lambda each: each if isinstance(each, int) else each.at_rcpt or each.at_end,
)
def test_a_dead_mailbox_is_suppressed(
    server: MailServer, expected_refusals: int, manner: Manner
) -> None:
    """An enhanced code is believed at once; a bare 550, which may mean many things, twice."""
    outcome = outcome_of(server, manner)

    assert isinstance(outcome, Refused)
    assert outcome.suppress
    assert outcome.suppress_after == expected_refusals


@pytest.mark.parametrize(
    "manner",
    [
        Manner(at_rcpt="550 5.7.1 blocked for <ana@example.com>"),
        Manner(at_rcpt="550 5.7.26 unauthenticated sender"),
        Manner(at_rcpt="554 5.4.14 hop count exceeded"),
        Manner(at_end="554 5.7.1 looks like spam"),
        Manner(at_end="554 looks like spam"),
        Manner(at_end="550 content rejected"),
        Manner(at_rcpt="550 your host 5.1.1.20 is on a list"),
    ],
    ids=lambda each: each.at_rcpt or each.at_end,
)
def test_a_refusal_of_the_sender_suppresses_nobody(server: MailServer, manner: Manner) -> None:
    """Policy and spam verdicts are about us: the message fails, the patient's address does not."""
    outcome = outcome_of(server, manner)

    assert isinstance(outcome, Refused)
    assert not outcome.suppress or outcome.suppress_after == 2


@pytest.mark.parametrize("reply", ["550 5.7.1 not yours", "530 5.7.0 log in first", "501 5.1.7 no"])
def test_a_sender_that_is_not_accepted_stops_the_channel(server: MailServer, reply: str) -> None:
    """Every message would fail the same way: the operator is told which setting to look at."""
    outcome = outcome_of(server, Manner(at_mail=reply))

    assert isinstance(outcome, ChannelDown)
    assert "MAIL_FROM" in outcome.why


@pytest.mark.parametrize(
    ("taken_in", "manner"),
    [(0, Manner(drops_after_data=True)), (1, Manner(accepts_and_drops=True))],
    ids=["not taken in", "taken in"],
)
def test_a_drop_after_the_final_dot_is_unknown(
    server: MailServer, taken_in: int, manner: Manner
) -> None:
    """Nobody knows whether the server took it: not a second copy by itself."""
    outcome = outcome_of(server, manner)

    assert isinstance(outcome, Unknown)
    assert len(server.received) == taken_in


def test_no_reply_in_time_is_unknown(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The final dot is out and the server is silent: unknown, and the worker is not held up."""
    monkeypatch.setattr(smtp, "TIMEOUT", 0.2)

    assert isinstance(outcome_of(server, Manner(delay=1)), Unknown)


def test_no_reason_holds_the_address(server: MailServer) -> None:
    """Servers repeat the address in their replies; our reasons never do."""
    words = "<ana@example.com> says Hi Ana"
    manners = [Manner(at_rcpt=f"{code} {words}") for code in (450, 550, 552, 554)]
    manners += [Manner(at_mail=f"550 {words}"), Manner(at_end=f"554 5.7.1 {words}")]

    whys = [outcome_of(server, manner).why for manner in manners]

    assert not [why for why in whys if "ana@example" in why or "Hi Ana" in why]


@pytest.mark.parametrize("smtputf8", [True, False], ids=["SMTPUTF8", "no SMTPUTF8"])
@pytest.mark.parametrize("address", ["josé@example.com", "ana@exämple.com", '"ana b"@example.com'])
def test_an_unusual_address_is_no_surprise(*, smtputf8: bool, address: str) -> None:
    """Sent, or refused for good; neither an exception nor a fault of the connection."""
    with MailServer(smtputf8=smtputf8) as server:
        outcome = sender_to(server).send(replace(ENVELOPE, address=address))

    assert isinstance(outcome, Accepted | Refused)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_server_that_is_not_there_stops_the_channel(host: str) -> None:
    """Nothing left, nobody's message is to blame, and the setting is named."""
    with socket.socket() as bound:  # bound, but nobody listens
        bound.bind(("127.0.0.1", 0))
        where = Address.parse(f"smtp://{host}:{bound.getsockname()[1]}")

        outcome = SmtpSender(where, "notes@glow.example.com", lambda: NOW).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "SMTP_URL" in outcome.why
