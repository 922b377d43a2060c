"""Plays the six weeks: the real worker, on a clock that jumps to the next thing that happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.app import App, build_app
from worker.demo.booking import BookingDatabase
from worker.demo.story import CLINIC, LENGTH, START, happenings
from worker.errors import AftercareError
from worker.resources import TEMPLATES
from worker.settings import Mode, Settings
from worker.store.clinics import add_clinic
from worker.store.engine import reading
from worker.store.overview import next_due

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: The longest jump: the worker comes by at least this often.
_LONGEST = timedelta(hours=12)


class MovedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """The present moment, in UTC."""
        return self._now.astimezone(UTC)

    def move_to(self, moment: datetime) -> None:
        """Let time pass."""
        self._now = moment


def demo_settings(folder: Path) -> Settings:
    """Settings that reach nobody, whatever the environment says."""
    return Settings(
        _env_file=None,
        database_url=f"sqlite:///{folder / 'aftercare.db'}",
        source_url=f"sqlite:///{folder / 'clinic.db'}",
        source_query=None,
        aftercare_mode=Mode.TRIAL,
        aftercare_outbox=folder / "outbox",
        aftercare_templates=TEMPLATES,
        aftercare_go_live=START,
        twilio_account_sid="",
        smtp_url="",
        mail_from="care@glow.example.com",
    )


def play(folder: Path, progress: Callable[[datetime], None]) -> App:
    """Run the six weeks in ``folder``; ``progress`` is told each moment. Returns the worker."""
    booking = BookingDatabase(folder / "clinic.db")
    clock = MovedClock(START)
    app = build_app(demo_settings(folder), clock=clock)
    with app.engine.begin() as db:
        add_clinic(db, CLINIC, clock())
    events = happenings()
    while clock() < START + LENGTH:
        while events and events[0].at <= clock():
            events.pop(0).do(booking)
        if not app.run_once():
            message = f"A stage failed; see {folder / 'worker.log'}"
            raise AftercareError(message)
        progress(clock())
        clock.move_to(_next_moment(app, clock(), events[0].at if events else None))
    return app


def _next_moment(app: App, now: datetime, next_event: datetime | None) -> datetime:
    """The next moment at which something can happen; collecting comes a minute after an event."""
    with reading(app.engine).begin() as db:
        due = next_due(db)
    moments = [now + _LONGEST, next_event, due]
    return max(min(each for each in moments if each is not None), now + timedelta(minutes=1))
