"""A clinic, its patients and the real worker, with time in the test's hands.

The clock is freezegun's: ``world.move_to("2026-11-26 10:00")`` moves it (clinic-local time) and
runs one pass of every stage, with the real stages, store and templates. Only the providers are
:class:`~worker.channels.memory.MemorySender`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tests.support.clinic_database import ClinicDatabase
from worker.app import App, build_app
from worker.channels.memory import MemorySender
from worker.resources import TEMPLATES
from worker.rules.facts import Clinic
from worker.rules.messages import Channel
from worker.settings import Settings
from worker.store.clinics import add_clinic
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from pathlib import Path

    from freezegun.api import FrozenDateTimeFactory, StepTickTimeFactory, TickingDateTimeFactory

    from worker.channels.base import Envelope

MADRID = ZoneInfo("Europe/Madrid")

CLINIC = Clinic(
    key="glow",
    name="Glow Skin Clinic",
    zone=MADRID,
    country="ES",
    language="en",
    phone="+34910123456",
    email="desk@glow.example.com",
)


class World:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        frozen: FrozenDateTimeFactory | StepTickTimeFactory | TickingDateTimeFactory,
        *,
        clinic: Clinic = CLINIC,
        templates: Path = TEMPLATES,
        require_approval: bool = False,
    ) -> None:
        self.frozen = frozen
        self.zone = clinic.zone
        self.source = ClinicDatabase(f"sqlite:///{folder}/clinic.db")
        self.sms = MemorySender()
        self.email = MemorySender()
        self.settings = Settings(
            _env_file=None,
            database_url=database_url,
            source_url=self.source.url,
            aftercare_templates=templates,
            aftercare_require_approval=require_approval,
            aftercare_outbox=folder / "outbox",
        )
        self.app: App = build_app(
            self.settings, senders={Channel.SMS: self.sms, Channel.EMAIL: self.email}
        )
        with self.app.engine.begin() as db:
            add_clinic(db, clinic, self.now)
        # The first pass sets go-live: what ends from now on counts.
        self.run()

    @property
    def now(self) -> datetime:
        """The present moment, clinic-local."""
        return datetime.now(self.zone)

    def run(self) -> bool:
        """One pass of every stage."""
        return self.app.run_once()

    def move_to(self, local: str) -> None:
        """Set the clock to a clinic-local time and run one pass."""
        moment = datetime.fromisoformat(local).replace(tzinfo=self.zone)
        self.frozen.move_to(moment)
        self.run()

    def wait(self, **span: float) -> None:
        """Let time pass (``hours=1``) and run one pass."""
        self.frozen.tick(timedelta(**span))
        self.run()

    @property
    def sent(self) -> list[Envelope]:
        """Everything that left, SMS first."""
        return [*self.sms.sent, *self.email.sent]

    def messages(self, session_id: str = "S1", **wanted: Any) -> list[Any]:
        """A session's rows in ``messages``, in the order of their due times."""
        rows = select(MESSAGES).where(MESSAGES.c.session_id == session_id)
        for name, value in wanted.items():
            rows = rows.where(MESSAGES.c[name] == value)
        with self.app.engine.begin() as db:
            return list(db.execute(rows.order_by(MESSAGES.c.due_at, MESSAGES.c.id)))

    def close(self) -> None:
        """Let go of everything."""
        self.app.close()
        self.source.engine.dispose()
