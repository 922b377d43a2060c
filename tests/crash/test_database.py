"""The worker's database goes away or has no room: the worker lives, says so once, catches up."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import harness
from tests.crash.many import add_due
from tests.crash.outage import closed, hang_up, small_disk
from tests.crash.watched import Point
from tests.support.worker_process import wait_for
from worker.rules.messages import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.crash.harness import Harness
    from tests.crash.outage import SmallDisk
    from tests.support.worker_process import Worker

SEED = 5
#: Whose messages are under way while connections are cut, and how often those are.
SESSIONS, CUTS = 150, 12
#: Stages that run every poll interval.
STAGES = {"collect", "plan", "send", "track", "report"}
#: Well above what the disk needs until it is filled, and below where SQLite would use its log anew.
DISK = "3500k"
#: A fault may show first in the middle of a transaction and then at its beginning.
MOST_LINES = 2


def test_connections_cut_while_messages_leave(tmp_path: Path, postgres_url: str) -> None:
    """Its connections are terminated again and again: everything is sent all the same, once."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        worker = clinic.start_ready()
        add_all(clinic, SESSIONS)
        cut = 0
        for _ in range(CUTS):
            so_far = len(clinic.twilio.received)
            cut += hang_up(postgres_url)
            # Cut faster than a busy machine comes to send, it would never end.
            wait_for_more(clinic, so_far)
            time.sleep(clinic.chance.uniform(0, 0.2))
            if len(clinic.twilio.received) > SESSIONS * 2 / 3:
                break
        clinic.settle()
        clinic.assert_each_once()
        assert cut > 0
        assert worker.process.poll() is None


def test_the_database_is_gone_for_a_while(tmp_path: Path, postgres_url: str) -> None:
    """Messages fall due meanwhile: a line in the log for each stage, not each tick; then all go."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        worker = clinic.start_ready()
        add_due(clinic.engine, 20, due_at=datetime.now(UTC) + timedelta(seconds=1))
        clinic.sessions = 20
        with closed(postgres_url):
            wait_for(lambda: faults(worker).keys() >= STAGES, f"faults, {faults(worker)}")
            time.sleep(0.5)
            told, log = faults(worker), worker.output
            time.sleep(3)
            assert worker.output == log, "not a line more, at fifteen ticks of five stages"
            assert clinic.twilio.posts == []
        clinic.settle()
        clinic.assert_each_once()
        assert max(told.values()) <= MOST_LINES, told
        assert recovered(worker) >= STAGES
        assert worker.process.poll() is None


def test_the_database_is_gone_at_the_start(tmp_path: Path, postgres_url: str) -> None:
    """A worker that starts without its database says so once, waits, and then does its work."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        clinic.add_sessions(2)
        with closed(postgres_url):
            worker = clinic.start()
            worker.wait_for(lambda: worker.events, "a line in the log")
            time.sleep(2)
            assert [each["event"] for each in worker.events] == ["database.unreachable"]
        clinic.settle()
        clinic.assert_each_once()


def test_the_database_goes_away_between_call_and_record(tmp_path: Path, postgres_url: str) -> None:
    """Answers that could not be recorded are recorded later; nothing is sent again for them."""
    with harness(tmp_path, postgres_url, SEED) as clinic:
        worker = clinic.start_ready()
        clinic.trap.set(Point.SMS_ACCEPTED, lambda: hang_up(postgres_url))
        clinic.add_sessions(3)
        wait_for(clinic.trap.sprung.is_set, "the SMS")
        clinic.settle()
        clinic.assert_each_once()
        assert worker.process.poll() is None


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of a few megabytes."""
    with small_disk(tmp_path / "disk", DISK) as disk:
        yield disk


def test_a_full_disk_before_the_mark(tmp_path: Path, disk: SmallDisk) -> None:
    """What cannot be marked is not sent; once there is room, everything is, once."""
    with harness(tmp_path, f"sqlite:///{disk.folder}/aftercare.db", SEED) as clinic:
        add_due(clinic.engine, 5, due_at=datetime.now(UTC) + timedelta(seconds=4))
        clinic.sessions = 5
        worker = clinic.start_ready()
        disk.fill()
        wait_for(lambda: "send" in faults(worker), f"faults, {worker.output}")
        time.sleep(5)
        assert clinic.statuses() == {Status.PLANNED: 10}
        assert (clinic.twilio.posts, clinic.mail.received) == ([], [])
        assert max(faults(worker).values()) <= MOST_LINES
        disk.make_room()
        clinic.settle()
        clinic.assert_each_once()


@pytest.mark.parametrize("killed", [False, True], ids=["runs on", "is killed"])
def test_a_full_disk_before_the_record(tmp_path: Path, disk: SmallDisk, *, killed: bool) -> None:
    """Accepted, but there is no room to say so: still nothing is sent a second time."""
    with harness(tmp_path, f"sqlite:///{disk.folder}/aftercare.db", SEED) as clinic:
        clinic.start_ready()
        clinic.trap.set(Point.SMS_ACCEPTED, disk.fill)
        clinic.add_sessions()
        wait_for(clinic.trap.sprung.is_set, "the SMS")
        time.sleep(1)
        assert len(clinic.rows(Status.SENDING)) > 0
        if killed:
            clinic.kill()
            clinic.start()
            time.sleep(2)
        disk.make_room()
        clinic.settle()
        clinic.assert_each_once()


def wait_for_more(clinic: Harness, so_far: int) -> None:
    """Wait until the worker has sent another SMS."""
    clinic.worker.wait_for(lambda: len(clinic.twilio.received) > so_far, "an SMS")


def add_all(clinic: Harness, sessions: int) -> None:
    """Sessions whose messages are due now."""
    add_due(clinic.engine, sessions)
    clinic.sessions = sessions


def faults(worker: Worker) -> Counter[str]:
    """By stage: how often its fault was told."""
    return Counter(each["stage"] for each in worker.events if each["event"] == "stage.problem")


def recovered(worker: Worker) -> set[str]:
    """The stages that told of their recovery."""
    return {each["stage"] for each in worker.events if each["event"] == "stage.recovered"}
