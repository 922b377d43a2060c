"""SIGKILL between claim, call and record, and at any time: never lost, never twice.

The short version kills 50 times, on both databases. The long one is for a person's machine::

    AFTERCARE_TEST_KILLS=1000 pytest -n 4 -m long tests/crash/test_kills.py
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.crash.harness import harness
from tests.crash.watched import Point

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.harness import Harness

#: The same every time; another number plays another game.
SEED = int(os.environ.get("AFTERCARE_TEST_SEED", "2026"))
KILLS = int(os.environ.get("AFTERCARE_TEST_KILLS", "1000"))
_SHARDS = 4
_DATABASES = 2
CHOSEN = [point for point in Point if point is not Point.ANY_TIME]


@pytest.mark.parametrize("point", CHOSEN)
def test_killed_at_a_chosen_point(tmp_path: Path, database_url: str, point: Point) -> None:
    """Killed at the same point again and again, it sends every message once and says so."""
    with harness(tmp_path, database_url, SEED) as clinic:
        for _ in range(2):
            clinic.kill_at(point)
            clinic.settle()
        clinic.assert_each_once()


def test_killed_at_any_time(tmp_path: Path, database_url: str) -> None:
    """Killed whenever it happens, with providers that take their time: the same promise.

    A message that was lost twice is held, and goes out once a person has decided.
    """
    with harness(tmp_path, database_url, SEED) as clinic:
        take_time(clinic)
        for _ in range(9):
            clinic.kill_at(Point.ANY_TIME)
        settle_with_staff(clinic)
        clinic.assert_each_once()


@pytest.mark.long
@pytest.mark.parametrize("shard", range(_SHARDS))
def test_killed_a_thousand_times(tmp_path: Path, database_url: str, shard: int) -> None:
    """AFTERCARE_TEST_KILLS kills at points drawn by lot, with and without time to recover."""
    with harness(tmp_path, database_url, SEED + shard) as clinic:
        take_time(clinic)
        points = list(Point)
        for _ in range(-(-KILLS // (_SHARDS * _DATABASES))):
            clinic.kill_at(clinic.chance.choice(points))
            if clinic.chance.random() < 0.5:
                settle_with_staff(clinic)
            clinic.assert_none_twice()
        settle_with_staff(clinic)
        clinic.assert_each_once()


def take_time(clinic: Harness) -> None:
    """Providers that keep a request for a while, so that most kills fall into a call."""
    clinic.twilio.dawdles = clinic.mail.dawdles = lambda: clinic.chance.uniform(0, 0.3)


def settle_with_staff(clinic: Harness) -> None:
    """Wait for the worker; what it leaves to a person, a person decides."""
    clinic.settle()
    while clinic.decide_held():
        clinic.settle()
