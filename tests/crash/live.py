"""The worker in this process, in live mode, against the loopback providers: time is the test's.

Pauses of minutes are jumped over with freezegun; the calls themselves go over real sockets.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from freezegun import freeze_time
from sqlalchemy import select

from tests.crash.ledger import MILESTONE, email, phone
from tests.crash.watched import WatchedMail, WatchedTwilio
from tests.support.clinic_database import ClinicDatabase
from tests.support.world import CLINIC
from worker.app import App, build_app
from worker.parts import utc_now
from worker.settings import Settings
from worker.store.clinics import add_clinic
from worker.store.engine import open_engine
from worker.store.schema import migrate
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from freezegun.api import FrozenDateTimeFactory, StepTickTimeFactory, TickingDateTimeFactory

    from tests.support.mail_server import ReceivedMail
    from worker.rules.messages import Channel

#: Half past three in Madrid, sixteen minutes after the sessions.
_START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


@dataclass
class LiveClinic:
    """See the module."""

    app: App
    frozen: FrozenDateTimeFactory | StepTickTimeFactory | TickingDateTimeFactory
    source: ClinicDatabase
    twilio: WatchedTwilio
    mail: WatchedMail
    environment: dict[str, str]

    def add_sessions(self, count: int = 1, *, ended_ago: timedelta = timedelta(minutes=16)) -> None:
        """Patients 1 to ``count`` had a session that ended this long ago."""
        ended = datetime.now(UTC) - ended_ago
        for number in range(1, count + 1):
            self.source.add(
                session_id=f"S{number}",
                patient_id=f"P{number}",
                phone=phone(number),
                email=email(number),
                completed_at=ended,
                updated_at=ended,
            )

    def wait(self, **span: float) -> None:
        """Let time pass (``minutes=1``) and run one pass of every stage."""
        self.frozen.tick(timedelta(**span))
        self.app.run_once()

    def rows(self, channel: Channel) -> list[Any]:
        """The due messages of a channel."""
        wanted = select(MESSAGES).where(
            MESSAGES.c.milestone == MILESTONE, MESSAGES.c.channel == channel
        )
        with self.app.engine.begin() as db:
            return list(db.execute(wanted.order_by(MESSAGES.c.id)))

    def alerts(self) -> list[ReceivedMail]:
        """What staff got."""
        return self.mail.to(CLINIC.email)

    def numbers(self) -> list[str]:
        """The numbers of the patients whose SMS were taken in, sorted."""
        return sorted(each.to for each in self.twilio.received)

    def message_ids(self) -> dict[str, set[str]]:
        """The different e-mails that each patient got."""
        found: dict[str, set[str]] = {}
        for each in self.mail.received:
            if CLINIC.email not in each.rcpt_to:
                found.setdefault(each.rcpt_to[0], set()).add(str(each.mail["Message-ID"]))
        return found


@contextmanager
def live_clinic(
    folder: Path,
    database_url: str,
    *,
    clock: Callable[[], datetime] = utc_now,
    **settings: str,
) -> Iterator[LiveClinic]:
    """A clinic whose worker runs a pass whenever the test lets time pass."""
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as db:
        add_clinic(db, CLINIC, _START)
    engine.dispose()
    source = ClinicDatabase(f"sqlite:///{folder}/clinic.db")
    with WatchedTwilio() as twilio, WatchedMail() as mail, freeze_time(_START) as frozen:
        environment = {
            "DATABASE_URL": database_url,
            "SOURCE_URL": source.url,
            "SMTP_URL": mail.url,
            "MAIL_FROM": "notes@glow.example.com",
            "AFTERCARE_MODE": "live",
            "AFTERCARE_SMS_PER_SECOND": "1000",
            "AFTERCARE_GO_LIVE": "2026-01-01T00:00:00+00:00",
            **twilio.environment,
            **settings,
        }
        values = {name.lower(): value for name, value in environment.items()}
        app = build_app(Settings.model_validate(values), clock=clock)
        try:
            yield LiveClinic(app, frozen, source, twilio, mail, environment)
        finally:
            app.close()
            source.engine.dispose()
