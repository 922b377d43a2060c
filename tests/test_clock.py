"""The wall clock is believed for as long as it keeps pace with the monotonic one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from worker.clock import Steadiness

HOUR = timedelta(hours=1)


class Machine:
    """A machine whose wall clock can be set; freezegun moves both of its clocks."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.steadiness = Steadiness(lambda: datetime.now(UTC) + self.offset)


def test_time_that_passes_is_no_jump() -> None:
    """A week goes by, and a nudge of half a second: nothing was set."""
    with freeze_time("2026-11-23 15:00") as frozen:
        machine = Machine()
        frozen.tick(timedelta(days=7))
        machine.offset = timedelta(seconds=0.5)
        assert machine.steadiness.jumped() == timedelta()
        assert machine.steadiness.steady_for() == timedelta.max


@pytest.mark.parametrize("jump", [HOUR, -HOUR, timedelta(seconds=-2)])
def test_a_jump_is_told_once_and_remembered(jump: timedelta) -> None:
    """Whoever asks first sees it; the watcher is told once; steadiness counts from then on."""
    with freeze_time("2026-11-23 15:00") as frozen:
        machine = Machine()
        machine.offset = jump
        assert machine.steadiness.steady_for() == timedelta()
        frozen.tick(timedelta(minutes=3))
        assert machine.steadiness.steady_for() == timedelta(minutes=3)
        assert machine.steadiness.jumped() == jump
        assert machine.steadiness.jumped() == timedelta()
