"""Stages: one worker at a time for as long as it takes, and no job that hangs unseen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.support.stage_bench import LEASE, Bench, Slow, nothing
from tests.support.stored import MONDAY
from worker.jobs.report import SENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def bench(engine: Engine) -> Bench:
    """An empty database on Monday at three."""
    return Bench(engine)


@pytest.fixture
def slow() -> Iterator[Slow]:
    """A job that is under way no longer than its test."""
    job = Slow()
    yield job
    job.end()


# One worker at a time


def test_a_stage_runs_in_one_worker_at_a_time(bench: Bench, slow: Slow) -> None:
    """While one worker is at it, another one's turn passes at once and is no fault."""
    runs: list[str] = []
    other = bench.worker("w2", lambda: runs.append("w2"))
    slow.start(bench.worker("w1", slow.job))
    bench.wait(seconds=119)

    assert other.run("collect")
    assert runs == []

    slow.end()
    assert other.run("collect")
    assert runs == ["w2"]


def test_a_worker_that_died_is_replaced_when_its_lease_is_over(bench: Bench, slow: Slow) -> None:
    """Nobody gives the lease back: two minutes later another worker takes the stage over."""
    runs: list[str] = []
    other = bench.worker("w2", lambda: runs.append("w2"))
    slow.start(bench.worker("w1", slow.job))
    bench.wait(minutes=2)

    assert other.run("collect")

    assert runs == ["w2"]
    slow.end()
    assert bench.lease().holder == ""


def test_who_comes_back_late_does_not_give_away_anothers_lease(bench: Bench, slow: Slow) -> None:
    """A worker that slept through its lease finds it taken, and the one who has it keeps it."""
    late = Slow()
    late.start(bench.worker("w1", late.job))
    bench.wait(minutes=3)
    slow.start(bench.worker("w2", slow.job))

    late.end()

    assert bench.lease().holder == "w2"


def test_stages_with_leases_of_their_own_run_side_by_side(bench: Bench, slow: Slow) -> None:
    """Every worker sends: the lease carries its name."""
    slow.start(bench.worker("w1", slow.job, lease=f"{SENDING}w1"))
    runs: list[str] = []
    assert bench.worker("w2", lambda: runs.append("w2"), lease=f"{SENDING}w2").run("collect")
    assert runs == ["w2"]


def test_a_long_run_keeps_its_lease(bench: Bench, slow: Slow) -> None:
    """A stage that runs on for an hour is not taken over, as long as its worker lives."""
    stages = bench.worker("w1", slow.job)
    other = bench.worker("w2", lambda: pytest.fail("the stage ran twice at a time"))
    slow.start(stages)
    for _ in range(60):
        bench.wait(minutes=1)
        stages._renewed = 0
        stages.keep_leases()
        assert bench.lease().expires_at == bench.now + LEASE
        assert other.run("collect")


def test_leases_are_not_renewed_at_every_tick(bench: Bench, slow: Slow) -> None:
    """Called every second, it writes once in a third of the lease."""
    stages = bench.worker("w1", slow.job)
    slow.start(stages)
    bench.wait(seconds=1)
    stages.keep_leases()
    renewed = bench.lease().expires_at
    bench.wait(seconds=1)
    stages.keep_leases()
    assert bench.lease().expires_at == renewed == MONDAY + LEASE + timedelta(seconds=1)


def test_a_lease_is_kept_no_longer_than_its_stage_runs(bench: Bench) -> None:
    """Once the stage is done, nothing holds on to its lease."""
    stages = bench.worker("w1", nothing)
    assert stages.run("collect")
    before = bench.lease()
    bench.wait(minutes=1)
    stages.keep_leases()
    assert bench.lease() == before
    assert (before.holder, before.finished_at) == ("", MONDAY)


def test_leases_that_cannot_be_kept_stop_nothing(bench: Bench, slow: Slow) -> None:
    """The database is away for a moment: the watch goes on, and the stage itself will tell it."""
    stages = bench.worker("w1", slow.job)
    slow.start(stages)
    bench.lose_leases()
    with capture_logs() as logs:
        stages.keep_leases()
    assert [each for each in logs if each["log_level"] != "debug"] == []
    bench.find_leases()


# Jobs that hang


def hanging(problems: tuple[str, ...]) -> list[str]:
    """What ``status`` says of jobs that hang."""
    return [each for each in problems if "hangs" in each]


def test_a_job_that_hangs_is_shown(bench: Bench, slow: Slow) -> None:
    """Ten minutes in the same run, its lease kept by its worker, is no job's due."""
    stages = bench.worker("w1", slow.job)
    slow.start(stages)
    for _ in range(10):
        bench.wait(minutes=1)
        stages._renewed = 0
        stages.keep_leases()
    assert hanging(bench.problems()) == []

    bench.wait(minutes=1)
    stages._renewed = 0
    stages.keep_leases()
    (shown,) = hanging(bench.problems())
    assert shown.startswith("collect has been running since 2026-11-23 14:00 UTC")

    slow.end()
    assert hanging(bench.problems()) == []


def test_a_stage_that_runs_again_and_again_does_not_hang(bench: Bench) -> None:
    """A day of short runs is no long one."""
    stages = bench.worker("w1", nothing)
    for _ in range(24):
        bench.wait(hours=1)
        stages.run("collect")
        assert hanging(bench.problems()) == []
