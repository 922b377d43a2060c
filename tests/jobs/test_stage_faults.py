"""Stages that fail: on record while it lasts, told when it begins, changes and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from tests.rules.given import case
from tests.support.stage_bench import Bench, Faulty, nothing
from worker.errors import SourceError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from structlog.typing import EventDict

GONE, REFUSED = SourceError("the view is gone"), SourceError("the password is wrong")
DUPLICATE = IntegrityError("INSERT INTO patients", {"name": "Ana"}, Exception("Ana is there"))
_each_fault = pytest.mark.parametrize(
    "error",
    [
        case("of the clinic's side", GONE),
        case("of the program", ValueError("a bug")),
        case("of the database, inside the stage", DUPLICATE),
    ],
)


@pytest.fixture
def bench(engine: Engine) -> Bench:
    """An empty database on Monday at three."""
    return Bench(engine)


def told(logs: list[EventDict]) -> list[str]:
    """The names of the log events that speak of a stage."""
    return [each["event"] for each in logs if each["event"].startswith("stage.")]


def test_a_fault_is_told_when_it_begins_changes_and_ends(bench: Bench) -> None:
    """Not at every tick: a night of the same fault is one line."""
    faulty = Faulty()
    stages = bench.worker("w1", faulty.job)
    story: list[tuple[Exception | None, list[str]]] = [
        (None, []),
        (GONE, ["stage.problem"]),
        (GONE, []),
        (GONE, []),
        (REFUSED, ["stage.problem"]),
        (REFUSED, []),
        (None, ["stage.recovered"]),
        (None, []),
        (REFUSED, ["stage.problem"]),
    ]
    for error, expected in story:
        faulty.error = error
        bench.wait(seconds=15)
        with capture_logs() as logs:
            assert stages.run("collect") is (error is None)
        assert expected == told(logs)
        assert (bench.lease().problem, bench.lease().holder) == (str(error or ""), "")


@_each_fault
def test_a_fault_that_lasts_is_told_once(bench: Bench, error: Exception) -> None:
    """Whatever its kind, ten ticks say no more about it than the first."""
    faulty = Faulty(error)
    stages = bench.worker("w1", faulty.job)
    with capture_logs() as first:
        assert not stages.run("collect")
    with capture_logs() as later:
        for _ in range(10):
            bench.wait(seconds=15)
            assert not stages.run("collect")
    assert "stage.problem" in told(first)
    assert told(later) == []
    faulty.error = None
    with capture_logs() as logs:
        assert stages.run("collect")
    assert told(logs) == ["stage.recovered"]
    assert bench.lease().holder == ""


@_each_fault
def test_a_fault_that_lasts_shows_in_status(bench: Bench, error: Exception) -> None:
    """A stage that fails at every tick is shown by its name, and no longer than it fails."""
    faulty = Faulty(error)
    stages = bench.worker("w1", faulty.job)
    for _ in range(3):
        bench.wait(minutes=5)
        stages.run("collect")

    (shown,) = bench.problems()
    assert shown.startswith("collect: ")

    faulty.error = None
    stages.run("collect")
    assert bench.problems() == ()


@pytest.mark.parametrize("error", [ValueError("Ana, +34600123456"), DUPLICATE])
def test_a_bug_names_its_kind_but_no_values(bench: Bench, error: Exception) -> None:
    """An exception's text may quote a patient: neither the log nor the database gets it."""
    stages = bench.worker("w1", Faulty(error).job)
    with capture_logs() as logs:
        assert not stages.run("collect")
    line = next(each for each in logs if each["event"] == "stage.problem")
    assert type(error).__name__ in line["problem"]
    # `exc_info` is turned into type and places by worker.logs; the fields must say nothing.
    assert "Ana" not in str([{**each, "exc_info": None} for each in logs])
    assert "Ana" not in bench.lease().problem


def test_a_database_that_is_away_is_told_once(bench: Bench) -> None:
    """A stage that cannot even begin says so once, names the setting, and recovers by itself."""
    stages = bench.worker("w1", nothing)
    assert stages.run("collect")
    bench.lose_leases()
    with capture_logs() as logs:
        for _ in range(5):
            assert not stages.run("collect")
    assert told(logs) == ["stage.problem"]
    (line,) = logs
    assert "DATABASE_URL" in line["problem"]

    bench.find_leases()
    with capture_logs() as logs:
        assert all(stages.run("collect") for _ in range(3))
    assert told(logs) == ["stage.recovered"]
