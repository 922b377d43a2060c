"""The process: told to stop, put off by its clock, or hanging."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import apscheduler.schedulers.base
import pytest
from sqlalchemy import update

import worker.stages
from tests.crash.harness import Harness, harness
from tests.crash.ledger import phone
from tests.crash.live import live_clinic
from tests.crash.watched import Point
from tests.support.mail_server import Manner
from tests.support.twilio_behaviour import DROPS_AFTER, NORMAL, TIMES_OUT
from tests.support.worker_process import run_command, wait_for
from worker.app import build_app, run_forever
from worker.parts import utc_now
from worker.rules.messages import Channel, Status
from worker.settings import Settings
from worker.store import leases
from worker.store.tables import LEASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED = 6
#: No call of this file's tests takes longer than its lease.
UNHURRIED = {"AFTERCARE_LEASE_SECONDS": "60", "AFTERCARE_LOOKUP_SECONDS": "60,120"}


@pytest.fixture
def clinic(tmp_path: Path, database_url: str) -> Iterator[Harness]:
    """A clinic on each database; its worker is not started yet."""
    with harness(tmp_path, database_url, SEED, **UNHURRIED) as clinic:
        yield clinic


def test_sigterm_waits_for_the_calls_under_way(clinic: Harness) -> None:
    """Both providers take two seconds: their answers are recorded, and it exits with 0."""
    clinic.twilio.script = [replace(NORMAL, delay=2)]
    clinic.mail.script = [Manner(delay=2)]
    clinic.add_sessions()
    worker = clinic.start()
    wait_for(lambda: clinic.twilio.received and clinic.mail.received, "both calls")
    clinic.add_sessions()
    assert worker.stop() == 0
    assert clinic.statuses()[Status.SENT] == 2
    assert len(clinic.twilio.posts) == 1, "nothing new begins"
    clinic.settle()
    clinic.assert_each_once()


def test_sigterm_when_the_provider_hangs(clinic: Harness) -> None:
    """Within 30 seconds it exits with 0, and has noted that nobody knows whether it left."""
    clinic.twilio.script = [TIMES_OUT]
    clinic.add_sessions()
    worker = clinic.start()
    wait_for(lambda: clinic.twilio.posts, "the call")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 30
    assert len(clinic.rows(Channel.SMS, Status.UNKNOWN)) == 1


@pytest.mark.long
def test_sigterm_when_a_call_takes_longer_than_that(clinic: Harness) -> None:
    """It exits with 0 within 30 seconds all the same; the next worker settles the message."""
    clinic.trap.set(Point.MAIL_BEGUN, lambda: time.sleep(15))
    clinic.mail.dawdles = lambda: 19
    clinic.add_sessions()
    worker = clinic.start()
    wait_for(lambda: clinic.mail.connections, "the call")
    began = time.monotonic()
    assert worker.stop() == 0
    assert 20 < time.monotonic() - began < 30
    clinic.mail.dawdles = float
    clinic.settle(within=90)
    clinic.assert_each_once()


@pytest.mark.parametrize("hours", [1, -1])
def test_the_wall_clock_jumps(clinic: Harness, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour forward or back: the next poll comes as if nothing had happened."""
    clock = JumpingClock(monkeypatch)
    with running_here(clinic, clock):
        clinic.add_sessions()
        wait_for(lambda: clinic.unsettled() == 0, "the first messages")
        clock.jump(timedelta(hours=hours))
        began = time.monotonic()
        clinic.add_sessions(now=clock.now())
        wait_for(lambda: clinic.unsettled() == 0, f"messages after the jump; {clinic.story}")
        assert time.monotonic() - began < 5
    clinic.assert_each_once()


def test_the_wall_clock_jumps_during_calls(
    clinic: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour forward while more is due than fits: no lease is over for a call under way."""
    clock = JumpingClock(monkeypatch)
    clinic.twilio.dawdles = lambda: clinic.chance.uniform(1, 4)
    clinic.add_sessions(18)
    with running_here(clinic, clock):
        wait_for(lambda: clinic.twilio.requests >= 10, "calls under way")
        clock.jump(timedelta(hours=1))
        wait_for(lambda: clinic.unsettled() == 0, clinic.story)
    clinic.assert_each_once()


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_wrong_all_along(tmp_path: Path, postgres_url: str, hours: int) -> None:
    """An hour ahead of the provider's clock, or behind: a look-up still finds what was taken in."""
    with live_clinic(
        tmp_path, postgres_url, clock=lambda: utc_now() + timedelta(hours=hours)
    ) as it:
        it.frozen.tick(timedelta(hours=1))
        it.twilio.script = [DROPS_AFTER]
        it.add_sessions(ended_ago=timedelta(hours=1, minutes=16))
        for _ in range(14):
            it.wait(minutes=1)
        assert it.numbers() == [phone(1)]


@contextmanager
def running_here(clinic: Harness, clock: JumpingClock) -> Iterator[None]:
    """``aftercare run`` in a thread of this process, by a clock that the test sets."""
    values = {name.lower(): value for name, value in clinic.environment.items()}
    app = build_app(Settings.model_validate(values), clock=clock.now)
    running = Thread(target=run_forever, args=[app])
    running.start()
    try:
        yield
    finally:
        app.stop.set()
        running.join(30)
        app.close()
    assert not running.is_alive()


class JumpingClock:
    """The wall clock, as the worker and its scheduler see it; the monotonic one goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = timedelta()
        outer = self

        class Moved(datetime):
            """``datetime`` whose ``now`` is this clock's."""

            @classmethod
            def now(cls, tz: Any = None) -> Moved:
                return cls.fromtimestamp(time.time() + outer.offset.total_seconds(), tz)

        for module in (apscheduler.schedulers.base, worker.stages):
            monkeypatch.setattr(module, "datetime", Moved)

    def now(self) -> datetime:
        """The present moment, as it seems."""
        return datetime.now(UTC) + self.offset

    def jump(self, span: timedelta) -> None:
        """The machine's clock is set."""
        self.offset += span


def test_a_hung_job_is_shown(clinic: Harness) -> None:
    """A job that runs for an hour, its lease kept alive by its worker, is a problem in status."""
    now = datetime.now(UTC)
    with clinic.engine.begin() as db:
        leases.take(db, "collect", "elsewhere-1", until=now + timedelta(hours=1), now=now)
        db.execute(update(LEASES).values(started_at=now - timedelta(hours=1)))
    clinic.start_ready()
    (problem,) = problems(clinic)
    assert problem.startswith("collect has been running since")


def test_a_worker_that_died_while_sending_is_no_hung_job(clinic: Harness) -> None:
    """Another worker has settled what it left: an hour later, nothing needs a person."""
    clinic.environment |= {"AFTERCARE_LEASE_SECONDS": "2", "AFTERCARE_LOOKUP_SECONDS": "1,2"}
    clinic.kill_at(Point.SMS_ACCEPTED)
    clinic.settle()
    hour = timedelta(hours=1)
    with clinic.engine.begin() as db:
        for row in leases.all_leases(db):
            if row["holder"] == row["name"].removeprefix("send/"):
                then = {
                    "started_at": row["started_at"] - hour,
                    "expires_at": row["expires_at"] - hour,
                }
                db.execute(update(LEASES).where(LEASES.c.name == row["name"]).values(then))
    assert problems(clinic) == []


def problems(clinic: Harness) -> list[str]:
    """What the real ``aftercare status --json`` says needs a person."""
    done = run_command("status", "--json", folder=clinic.folder, environment=clinic.environment)
    return list(json.loads(done.output)["problems"])
