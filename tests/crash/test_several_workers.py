"""Several workers on one PostgreSQL: each message once, whoever comes, goes or falls asleep."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from tests.crash.harness import SLOWLY, harness
from tests.crash.live import live_clinic
from tests.crash.many import add_due
from tests.crash.watched import Point
from tests.support.worker_process import wait_for
from worker.channels.twilio import TwilioSender
from worker.rules.messages import Status
from worker.store.tables import MESSAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.harness import Harness
    from tests.support.worker_process import Worker

SEED = 4
#: How many due messages; half are SMS, half e-mails.
MESSAGES = int(os.environ.get("AFTERCARE_TEST_MESSAGES", "800"))
#: As with the real lease, no call takes this long, however busy the machine is.
UNHURRIED = {"AFTERCARE_LEASE_SECONDS": "8", "AFTERCARE_LOOKUP_SECONDS": "8,10"}
#: Nobody dies here, so whatever is claimed a second time would be a fault.
UNENDING = {"AFTERCARE_LEASE_SECONDS": "120", "AFTERCARE_LOOKUP_SECONDS": "120,600"}
MOST_SECONDS = 600
#: A worker that is stopped in the middle of a transaction keeps its locks until PostgreSQL ends it,
#: after a minute.
LONG = 100


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_the_due_messages(tmp_path: Path, postgres_url: str, workers: int) -> None:
    """Two and four workers: each message is claimed once and sent once, and all took part."""
    share(tmp_path, postgres_url, workers, MESSAGES)


@pytest.mark.long
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_ten_thousand(tmp_path: Path, postgres_url: str, workers: int) -> None:
    """The same with ten thousand messages."""
    share(tmp_path, postgres_url, workers, 10_000)


def share(folder: Path, url: str, workers: int, count: int) -> None:
    """Let workers that are ready have ``count`` messages, and look at who did what."""
    with harness(folder, url, SEED, **UNENDING) as clinic:
        started = [clinic.start_ready() for _ in range(workers)]
        add_all(clinic, count)
        clinic.settle(within=MOST_SECONDS)
        clinic.assert_each_once()
        assert claims(clinic) == count
        assert who_sent(clinic) == {each.process.pid for each in started}


def test_workers_come_and_go(tmp_path: Path, postgres_url: str) -> None:
    """One is killed midway, one is told to stop, another joins: each message once."""
    with harness(tmp_path, postgres_url, SEED, **UNHURRIED) as clinic:
        leaves, dies, _stays = (clinic.start_ready() for _ in range(3))
        add_all(clinic, MESSAGES)
        wait_for(lambda: len(clinic.twilio.received) > MESSAGES / 20, "some to be sent")
        clinic.kill(dies)
        comes = clinic.start_ready()
        assert leaves.stop() == 0
        clinic.settle(within=MOST_SECONDS)
        clinic.assert_each_once()
        assert comes.process.pid in who_sent(clinic)


def test_a_worker_that_slept_before_its_call(tmp_path: Path, postgres_url: str) -> None:
    """It had marked the message; when it wakes another has sent it, so it sends nothing."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        clinic.add_sessions(5)
        sleeper = clinic.start(**SLOWLY)
        clinic.wait_for_turn()
        with asleep(sleeper):
            clinic.start()
            clinic.settle(within=LONG)
        assert_nothing_more(clinic, sleeper)


def test_a_worker_that_slept_while_getting_ready(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the very request: a call that was held up past its time is not made."""
    with live_clinic(tmp_path, postgres_url) as clinic:

        def sleepy(*_: Any) -> dict[str, str]:
            clinic.frozen.tick(timedelta(seconds=121))
            return {}

        monkeypatch.setattr(TwilioSender, "_callback", sleepy)
        clinic.add_sessions()
        clinic.app.run_once()
        assert clinic.twilio.posts == []


def test_a_worker_that_slept_before_the_answer(tmp_path: Path, postgres_url: str) -> None:
    """The provider had taken the SMS in; another worker finds it, the sleeper adds nothing."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        sleeper = clinic.start_ready()
        nap = asleep(sleeper)
        clinic.trap.set(Point.SMS_ACCEPTED, nap.begin)
        clinic.add_sessions()
        wait_for(clinic.trap.sprung.is_set, "the SMS")
        with nap:
            clinic.start()
            clinic.settle(within=LONG)
        assert_nothing_more(clinic, sleeper)


def test_a_worker_that_slept_within_a_mail_transaction(tmp_path: Path, postgres_url: str) -> None:
    """Another sends the e-mail meanwhile; what the sleeper finishes has the same Message-ID."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        sleeper = clinic.start_ready()
        nap = asleep(sleeper)
        clinic.trap.set(Point.MAIL_BEGUN, nap.begin)
        clinic.add_sessions()
        wait_for(clinic.trap.sprung.is_set, "the e-mail")
        with nap:
            clinic.start()
            clinic.settle(within=LONG)
        assert_nothing_more(clinic, sleeper)


class asleep:  # noqa: N801 (reads as a context)
    """SIGSTOP, and SIGCONT at the end."""

    def __init__(self, worker: Worker) -> None:
        self._process = worker.process

    def begin(self) -> None:
        """Fall asleep already."""
        self._process.send_signal(signal.SIGSTOP)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGCONT)


def assert_nothing_more(clinic: Harness, woken: Worker) -> None:
    """The woken worker ends its calls and works on, and nobody got anything twice."""
    calls = len(woken.events)
    woken.wait_for(lambda: len(woken.events) > calls, "it to end what it had begun")
    clinic.kill(clinic.worker)
    clinic.workers.append(woken)
    clinic.add_sessions()
    clinic.settle(within=LONG)
    time.sleep(0.5)
    clinic.assert_each_once()
    assert clinic.statuses()[Status.HELD] == 0


def add_all(clinic: Harness, count: int) -> None:
    """Put ``count`` due messages into the store at once."""
    add_due(clinic.engine, count // 2)
    clinic.sessions = count // 2


def claims(clinic: Harness) -> int:
    """How often a message was claimed."""
    claimed = select(func.count()).where(MESSAGE_EVENTS.c.event == "claimed")
    with clinic.engine.begin() as db:
        return db.execute(claimed).scalar_one()


def who_sent(clinic: Harness) -> set[int]:
    """The processes that messages were sent by."""
    return {int(row.worker.rpartition("-")[2]) for row in clinic.rows()}
