"""Connections to the mail server: reused, replaced when they were cut, never in the clear."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
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
from worker.rules.outcomes import Accepted, ChannelDown

if TYPE_CHECKING:
    from pathlib import Path

ENVELOPE = Envelope(
    channel=Channel.EMAIL,
    address="ana@example.com",
    words=Words(text="Hi Ana\n", subject="Your evening", html="<p>Hi Ana</p>"),
    attempt_id="0" * 32,
    message_ref="<1@glow.example.com>",
)
ACCEPTED = Accepted(None, "Accepted by the mail server")


def sender_to(server: MailServer, url: str = "") -> SmtpSender:
    where = Address.parse(url or server.url)
    return SmtpSender(where, "notes@glow.example.com", lambda: datetime.now(UTC))


def test_one_connection_carries_many_messages() -> None:
    """Thirty messages, one connection; a refused one in between does not break it."""
    with MailServer() as server:
        server.script = [Manner(), Manner(at_rcpt="550 5.1.1 gone"), Manner(at_end="451 4.3.0 no")]
        sender = sender_to(server)
        for _ in range(30):
            sender.send(ENVELOPE)

    assert (server.connections, len(server.received)) == (1, 28)


def test_each_thread_has_its_own_connection() -> None:
    """Four threads never share a conversation, and make no more connections than they are."""
    with MailServer() as server, ThreadPoolExecutor(4) as pool:
        sender = sender_to(server)
        outcomes = list(pool.map(sender.send, [ENVELOPE] * 40))

    assert outcomes == [ACCEPTED] * 40
    assert len(server.received) == 40
    assert 1 <= server.connections <= 4


@pytest.mark.parametrize(
    "farewell",
    ["", "421 4.4.2 mail.test Error: timeout exceeded"],
    ids=["without a word", "with 421"],
)
def test_an_idle_connection_that_was_cut_costs_nothing(farewell: str) -> None:
    """A server closes connections that idle: the next message goes at once, over a new one."""
    with MailServer() as server:
        sender = sender_to(server)
        first = sender.send(ENVELOPE)
        server.hang_up(farewell)
        second = sender.send(replace(ENVELOPE, message_ref="<2@glow.example.com>"))

    assert (first, second) == (ACCEPTED, ACCEPTED)
    assert [each.mail["Message-ID"] for each in server.received] == [
        "<1@glow.example.com>",
        "<2@glow.example.com>",
    ]
    assert [each.connection for each in server.received] == [1, 2]


def test_after_a_drop_the_next_message_has_a_fresh_connection() -> None:
    """One conversation that broke in the middle does not spoil the following ones."""
    with MailServer() as server:
        server.script = [Manner(drops_after_data=True)]
        sender = sender_to(server)
        sender.send(ENVELOPE)

        assert sender.send(ENVELOPE) == ACCEPTED
        assert server.connections == 2


def test_the_right_password_logs_in() -> None:
    """A server that wants a login gets it once per connection."""
    with MailServer(user="desk%40glow", password="p%40ss") as server:
        server.user, server.password, url = "desk@glow", "p@ss", server.url
        outcome = sender_to(server, url).send(ENVELOPE)

    assert outcome == ACCEPTED
    assert server.received[0].logged_in


def test_a_wrong_password_stops_the_channel() -> None:
    """Nothing goes out, the setting is named, and neither password is told."""
    with MailServer(user="desk", password="right-one") as server:
        outcome = sender_to(server, server.url.replace("right-one", "wrong-one")).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "SMTP_URL" in outcome.why
    assert "-one" not in outcome.why
    assert server.received == []


TLS = pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "smtps"])


def secure_server(*, implicit: bool) -> MailServer:
    return MailServer(user="desk", password="secret", starttls=not implicit, implicit_tls=implicit)


@TLS
def test_a_certificate_that_is_not_trusted_stops_the_channel(*, implicit: bool) -> None:
    """Neither the password nor the message goes to who cannot prove to be the mail server."""
    with secure_server(implicit=implicit) as server:
        outcome = sender_to(server).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "certificate" in outcome.why
    assert "SMTP_URL" in outcome.why
    assert server.received == []


@TLS
def test_a_trusted_certificate_carries_the_message_encrypted(
    *, implicit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Login and message travel over TLS, and one connection still carries many."""
    with secure_server(implicit=implicit) as server:
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(server.trust_file(tmp_path)))
        sender = sender_to(server)
        outcomes = [sender.send(ENVELOPE) for _ in range(3)]

    assert outcomes == [ACCEPTED] * 3
    assert [(each.encrypted, each.logged_in) for each in server.received] == [(True, True)] * 3
    assert server.connections == 1


def test_another_hosts_certificate_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The authority is known but the name is another one: the host in SMTP_URL is checked."""
    with MailServer(starttls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(server.trust_file(tmp_path)))
        # 127.1 is the same machine by another name.
        outcome = sender_to(server, server.url.replace("127.0.0.1", "127.1")).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "certificate" in outcome.why
    assert server.received == []


def test_no_encryption_is_no_channel_beyond_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere that offers no STARTTLS gets neither password nor message."""
    monkeypatch.setattr(smtp, "LOOPBACK", frozenset())
    with MailServer(user="desk", password="secret") as server:
        outcome = sender_to(server).send(ENVELOPE)

    assert isinstance(outcome, ChannelDown)
    assert "STARTTLS" in outcome.why
    assert server.received == []


@pytest.mark.parametrize(
    ("expected", "user", "password"),
    [("", "desk", "secret"), ("SMTP_URL", "desk", "wrong"), ("SMTP_URL", "nobody", "secret")],
)
def test_check_names_the_setting(expected: str, user: str, password: str) -> None:
    """Before anything is sent, a wrong login is named; a right one is silence."""
    with MailServer(user="desk", password="secret") as server:
        url = server.url.replace("desk:secret", f"{user}:{password}")
        problem = sender_to(server, url).check()

    assert expected in problem
    assert bool(problem) == bool(expected)
