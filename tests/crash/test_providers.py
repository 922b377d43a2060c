"""Providers in trouble: what they took in they took in once, and what they did not goes again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import harness
from tests.crash.ledger import email, phone
from tests.crash.live import live_clinic
from tests.support.mail_server import Manner
from tests.support.twilio_behaviour import (
    DROPS_AFTER,
    DROPS_BEFORE,
    EMPTY_201,
    HTML_201,
    HTML_429,
    HTML_500,
    Behaviour,
    error,
)
from tests.support.worker_process import run_command
from worker.rules.messages import Channel, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.crash.live import LiveClinic

SEED = 3


@pytest.fixture
def clinic(tmp_path: Path, database_url: str) -> Iterator[LiveClinic]:
    """A clinic on Monday at half past three, with one session sixteen minutes ago."""
    with live_clinic(tmp_path, database_url) as clinic:
        clinic.add_sessions()
        yield clinic


def test_a_connection_cut_after_accepting(tmp_path: Path, database_url: str) -> None:
    """The process gets no answer, asks the provider, and sends nothing again."""
    with harness(tmp_path, database_url, SEED) as real:
        real.twilio.script = [DROPS_AFTER, HTML_201, replace(HTML_500, accepts=True)]
        real.add_sessions(3)
        real.settle()
        real.assert_each_once()


def test_a_list_that_lags_behind_the_first_look(tmp_path: Path, database_url: str) -> None:
    """The first look-up finds nothing yet; only the last one counts."""
    with harness(tmp_path, database_url, SEED, AFTERCARE_LOOKUP_SECONDS="1,4") as real:
        # The provider's times are whole seconds, so this is between 1.6 and 2.6 seconds.
        real.twilio.lag = timedelta(seconds=2.6)
        real.twilio.script = [DROPS_AFTER]
        real.add_sessions()
        real.settle()
        real.assert_each_once()


@pytest.mark.parametrize(
    ("answer", "goes_again_after"),
    [
        pytest.param(DROPS_AFTER, None, id="taken in, no answer"),
        pytest.param(HTML_201, None, id="taken in, answered by something else"),
        pytest.param(EMPTY_201, None, id="taken in, an empty answer"),
        pytest.param(replace(HTML_500, accepts=True), None, id="taken in, answered 500"),
        pytest.param(replace(HTML_429, accepts=True), None, id="taken in, answered 429"),
        pytest.param(DROPS_BEFORE, 11, id="not taken in, no answer"),
        pytest.param(HTML_500, 11, id="not taken in, 500"),
        pytest.param(HTML_429, 11, id="not taken in, 429 by something else"),
        pytest.param(error(20500, 500), 11, id="not taken in, Twilio's 500"),
        pytest.param(error(20503, 503, retry_after=5), 11, id="not taken in, Twilio's 503"),
        pytest.param(error(20429, 429), 1, id="Twilio's 429"),
        pytest.param(error(20429, 429, retry_after=170), 3, id="Twilio's 429, Retry-After"),
    ],
)
def test_sms_whatever_twilio_answers(
    clinic: LiveClinic, answer: Behaviour, goes_again_after: int | None
) -> None:
    """One SMS arrives, whether the first call took it in or not, though the list lags 5 minutes.

    Minutes until it goes again: a proper refusal waits for its patience, anything else for the
    last look-up after ten minutes and the pass that follows it.
    """
    clinic.twilio.lag = timedelta(minutes=5)
    clinic.twilio.script = [answer]
    clinic.app.run_once()
    posts = [len(clinic.twilio.posts)]
    for _ in range(14):
        clinic.wait(minutes=1)
        posts.append(len(clinic.twilio.posts))
    assert clinic.numbers() == [phone(1)]
    assert [row.status for row in clinic.rows(Channel.SMS)] == [Status.SENT]
    assert goes_again_after == (posts.index(2) if 2 in posts else None)


@pytest.mark.parametrize(
    ("manner", "copies"),
    [
        pytest.param(Manner(at_mail="421 4.3.2 Shutting down"), 1, id="421 at MAIL"),
        pytest.param(Manner(at_mail="451 4.7.1 Greylisted"), 1, id="451 at MAIL"),
        pytest.param(Manner(at_rcpt="451 4.3.0 Try later"), 1, id="451 at RCPT"),
        pytest.param(Manner(at_end="452 4.3.1 Out of space"), 1, id="452 after the final dot"),
        pytest.param(Manner(drops_after_data=True), 1, id="not taken in, no reply"),
        pytest.param(Manner(accepts_and_drops=True), 2, id="taken in, no reply"),
    ],
)
def test_email_whatever_the_mail_server_does(
    clinic: LiveClinic, manner: Manner, copies: int
) -> None:
    """One e-mail arrives; when the server took it in unconfirmed, again under its Message-ID."""
    clinic.mail.script = [manner]
    clinic.app.run_once()
    for _ in range(5):
        clinic.wait(minutes=1)
    assert {each: len(ids) for each, ids in clinic.message_ids().items()} == {email(1): 1}
    assert len(clinic.mail.received) == copies
    assert [row.status for row in clinic.rows(Channel.EMAIL)] == [Status.SENT]


def test_five_failures_pause_one_channel_only(tmp_path: Path, database_url: str) -> None:
    """SMS pause for a minute, e-mails go on, staff get one alert, and ``status`` names it."""
    with live_clinic(tmp_path, database_url) as clinic:
        clinic.twilio.decide = lambda _: HTML_500
        clinic.add_sessions(30)
        clinic.app.run_once()
        calls = len(clinic.twilio.posts)

        clinic.wait(seconds=30)
        assert len(clinic.twilio.posts) == calls < 30
        assert len(clinic.message_ids()) == 30
        (alert,) = clinic.alerts()
        assert "Text messages to patients are paused" in str(alert.mail["Subject"])
        assert "text messages are paused" in status_problems(clinic, tmp_path)

        clinic.twilio.decide = None
        for _ in range(15):
            clinic.wait(minutes=1)
        assert clinic.numbers() == sorted(phone(each) for each in range(1, 31))
        assert {row.status for row in clinic.rows(Channel.SMS)} == {Status.SENT}
        assert len(clinic.alerts()) == 1
        assert "paused" not in status_problems(clinic, tmp_path)


def test_a_paused_channel_tries_itself_on_one_message(tmp_path: Path, database_url: str) -> None:
    """After the minute one message tries; when it fails as well, the channel rests again."""
    with live_clinic(tmp_path, database_url) as clinic:
        clinic.twilio.decide = lambda _: HTML_500
        clinic.add_sessions(30)
        clinic.app.run_once()
        calls = len(clinic.twilio.posts)
        clinic.wait(seconds=61)
        assert len(clinic.twilio.posts) == calls + 1
        clinic.wait(seconds=30)
        assert len(clinic.twilio.posts) == calls + 1
        clinic.wait(seconds=31)
        assert len(clinic.twilio.posts) == calls + 2


def test_an_account_fault_uses_up_no_attempts(tmp_path: Path, database_url: str) -> None:
    """A wrong key pauses SMS at once; after three hours and three alerts it all goes out, once."""
    with live_clinic(tmp_path, database_url) as clinic:
        clinic.twilio.decide = lambda _: error(20003, 401)
        clinic.add_sessions(3)
        for _ in range(170):
            clinic.wait(minutes=1)
        assert {row.attempts for row in clinic.rows(Channel.SMS)} == {0}
        assert {row.status for row in clinic.rows(Channel.SMS)} == {Status.PLANNED}
        assert len(clinic.alerts()) == 3
        assert len(clinic.twilio.posts) < 50, "a rest, and a longer one as the trouble lasts"

        clinic.twilio.decide = None
        for _ in range(12):
            clinic.wait(minutes=1)
        assert clinic.numbers() == [phone(1), phone(2), phone(3)]
        assert {row.attempts for row in clinic.rows(Channel.SMS)} == {1}


def status_problems(clinic: LiveClinic, folder: Path) -> str:
    """What the real ``aftercare status --json`` says needs a person."""
    done = run_command("status", "--json", folder=folder, environment=clinic.environment)
    return " ".join(json.loads(done.output)["problems"])
