"""One clinic's Aftercare: settings, the clinic's database, loopback providers, real commands.

What every ``run`` writes is kept, and at the end all of it is searched for what may never be in a
log, in whatever trouble the test made.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from tests.support.clinic_database import ClinicDatabase
from tests.support.home_message import EMAIL, MAIL_PASSWORD, NAME
from tests.support.mail_server import MailServer
from tests.support.twilio_server import TOKEN, TwilioServer
from tests.support.worker_process import Finished, Worker, run_command
from worker.rules.messages import Status
from worker.store.engine import open_engine
from worker.store.tables import CHANNEL_STATE, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

#: The patient, what the patient reads, and what opens doors.
SECRETS = (
    *(NAME, "6123459", "612 345 9", "612 34 59", EMAIL, EMAIL.partition("@")[0]),
    *("for coming", "ands off", "Reply STOP", "what to expect", "makeup", "Warm wishes"),
    *(TOKEN, MAIL_PASSWORD),
)

_CLINIC = (
    *("clinic", "add", "glow", "--name", "Glow Skin Clinic", "--time-zone", "Europe/Madrid"),
    *("--country", "ES", "--phone", "910 12 34 56", "--language", "en"),
    *("--email", "desk@glow.example.com"),
)


@dataclass
class Installation:
    """See the module.

    Attributes:
        environment: What the operator set; tests change it to break and to mend things.
    """

    folder: Path
    twilio: TwilioServer
    mail: MailServer
    environment: dict[str, str]
    _logs: list[Path] = field(default_factory=list)

    def make_source(self, **options: Any) -> ClinicDatabase:
        """The clinic's database, empty."""
        return ClinicDatabase(self.environment["SOURCE_URL"], **options)

    def set_up(self) -> None:
        """Bring the worker's database up to date and add the clinic, by the real commands."""
        for arguments in (("migrate",), _CLINIC):
            done = self.command(*arguments)
            assert done.code == 0, done.output

    def command(self, *arguments: str) -> Finished:
        """Run a command to its end."""
        done = run_command(*arguments, folder=self.folder, environment=self.environment)
        if arguments[0] == "run":
            self._next_log().write_text(done.output, encoding="utf-8")
        return done

    def start(self, *arguments: str) -> Worker:
        """Start ``aftercare run``, or another command that stays."""
        log, environment = self._next_log(), self.environment
        return Worker.start(log, *arguments, folder=self.folder, environment=environment)

    def one_pass(self) -> str:
        """``aftercare run --once``, which has to go well; returns what it wrote."""
        done = self.command("run", "--once")
        assert done.code == 0, done.output
        return done.output

    def problems(self) -> str:
        """What ``status`` says needs a person; it exits with 1 when there is anything."""
        done = self.command("status", "--json")
        found = json.loads(done.output)
        assert (done.code, found["ok"]) in {(0, True), (1, False)}, done.output
        assert found["ok"] == (found["problems"] == []), done.output
        return "\n".join(found["problems"])

    def count(self, channel: str, status: Status = Status.SENT) -> int:
        """How many messages of a channel stand in a status."""
        wanted: list[ColumnElement[bool]] = [
            MESSAGES.c.channel == channel,
            MESSAGES.c.status == status,
        ]
        engine = open_engine(self.environment["DATABASE_URL"])
        with engine.begin() as db:
            number = db.execute(select(func.count()).where(*wanted)).scalar_one()
        engine.dispose()
        return number

    def let_pauses_end(self) -> None:
        """As if ten minutes had passed: paused channels and messages in waiting are due now."""
        now = datetime.now(UTC)
        soon = MESSAGES.c.next_at < now + timedelta(minutes=10)
        engine = open_engine(self.environment["DATABASE_URL"])
        with engine.begin() as db:
            db.execute(update(CHANNEL_STATE).values(paused_until=now))
            waiting = update(MESSAGES).where(MESSAGES.c.status == Status.PLANNED, soon)
            db.execute(waiting.values(next_at=now))
        engine.dispose()

    def leaks(self) -> list[str]:
        """Lines that any ``run`` wrote and that hold a secret."""
        lines = [line for log in self._logs for line in log.read_text("utf-8").splitlines()]
        return [line for line in lines if any(secret in line for secret in SECRETS)]

    def _next_log(self) -> Path:
        log = self.folder / f"run-{len(self._logs)}.log"
        self._logs.append(log)
        return log


@contextmanager
def installation(folder: Path, database_url: str = "") -> Iterator[Installation]:
    """An installation in live mode with its providers; at the end its logs must be clean.

    Without a URL the worker's database is SQLite and the clinic is set up already.
    """
    url = database_url or f"sqlite:///{folder}/aftercare.db"
    if not database_url:
        (folder / "aftercare.db").write_bytes(_ready_database())
    with (
        TwilioServer() as twilio,
        MailServer(user="aftercare", password=MAIL_PASSWORD) as mail,
    ):
        environment = {
            "DATABASE_URL": url,
            "SOURCE_URL": f"sqlite:///{folder}/clinic.db",
            "AFTERCARE_MODE": "live",
            "AFTERCARE_GO_LIVE": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
            "AFTERCARE_POLL_SECONDS": "0.2",
            "LOG_FORMAT": "json",
            "SMTP_URL": mail.url,
            "MAIL_FROM": "notes@glow.example.com",
            **twilio.environment,
        }
        made = Installation(folder, twilio, mail, environment)
        yield made
    leaks = "\n".join(made.leaks())
    assert not leaks, f"what may not be in a log:\n{leaks}"


@cache
def _ready_database() -> bytes:
    """A database with the clinic, made by the real command, once for all tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "aftercare.db"
        url = {"DATABASE_URL": f"sqlite:///{path}"}
        done = run_command(*_CLINIC, folder=path.parent, environment=url)
        assert done.code == 0, done.output
        connection = sqlite3.connect(path)
        try:
            return connection.serialize()
        finally:
            connection.close()
