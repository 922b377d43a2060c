"""The crash harness: a clinic, its real worker as a process, and a count of what patients received.

The worker is started, killed at chosen points or at any time, and started again, as often as a
test likes; :meth:`Harness.assert_each_once` then compares what the loopback providers took in with
what every session should have led to. All chance comes from one seed, which a failure prints.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.crash.ledger import Ledger, email, phone
from tests.crash.watched import Point, Trap, WatchedMail, WatchedTwilio
from tests.support.clinic_database import ClinicDatabase
from tests.support.worker_process import PATIENCE, Worker, wait_for
from tests.support.world import CLINIC
from worker.rules.messages import Cause, Channel, Reason, Status, Transition
from worker.rules.timing import SendingHours
from worker.store import departed, messages
from worker.store.clinics import add_clinic
from worker.store.engine import open_engine
from worker.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: The provider's list lags by this much, and look-ups come well after it.
LAG = timedelta(seconds=0.5)
_SETTINGS = {
    "AFTERCARE_MODE": "live",
    "AFTERCARE_POLL_SECONDS": "0.2",
    "AFTERCARE_LEASE_SECONDS": "2",
    "AFTERCARE_LOOKUP_SECONDS": "1,2",
    "AFTERCARE_SMS_PER_SECOND": "1000",
    "AFTERCARE_GO_LIVE": "2026-01-01T00:00:00+00:00",
    "LOG_FORMAT": "json",
    "MAIL_FROM": "notes@glow.example.com",
}
#: Tests run at night as well.
_ANY_HOUR = SendingHours(opens=dt.time.min, closes=dt.time.max)
#: So slow that of two claimed SMS one waits half a second for its turn.
SLOWLY = {"AFTERCARE_SMS_PER_SECOND": "2"}


@dataclass
class Harness(Ledger):
    """See the module."""

    folder: Path
    environment: dict[str, str]
    source: ClinicDatabase
    trap: Trap
    chance: random.Random
    seed: int
    #: What was done to the worker, for the message of a failure.
    diary: list[Point] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    @property
    def worker(self) -> Worker:
        """The worker that was started last."""
        return self.workers[-1]

    @property
    def alive(self) -> bool:
        """Whether that worker still runs."""
        return bool(self.workers) and self.worker.process.poll() is None

    def add_sessions(self, count: int = 1, *, now: datetime | None = None) -> None:
        """Sessions of new patients that ended sixteen minutes ago: an SMS and an e-mail each."""
        ended = (now or datetime.now(UTC)) - timedelta(minutes=16)
        for _ in range(count):
            self.sessions += 1
            self.source.add(
                session_id=f"S{self.sessions}",
                patient_id=f"P{self.sessions}",
                phone=phone(self.sessions),
                email=email(self.sessions),
                completed_at=ended,
                updated_at=ended,
            )

    def start(self, **settings: str) -> Worker:
        """Start a worker, beside those that run."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        environment = {**self.environment, **settings}
        self.workers.append(Worker.start(log, folder=self.folder, environment=environment))
        return self.worker

    def start_ready(self, **settings: str) -> Worker:
        """Start a worker and wait until its stages run."""
        worker = self.start(**settings)
        worker.wait_for(lambda: "worker.started" in worker.output, "the worker to start")
        return worker

    def kill(self, worker: Worker | None = None) -> None:
        """SIGKILL, and wait until the process is gone."""
        worker = worker or self.worker
        worker.process.kill()
        worker.process.wait()

    def kill_at(self, point: Point) -> None:
        """Kill the worker when one of two new sessions' messages comes to a point."""
        self.diary.append(point)
        if point is Point.ANY_TIME:
            self._kill_at_any_time()
            return
        if point is Point.MAIL_CLAIMED:
            self.mail.hang_up()  # an open connection would be used again
        if point is Point.SMS_CLAIMED:
            self._kill_before_the_call()
            return
        # A careful worker sends one e-mail after the other on one connection: there is no second.
        passes = 1 if point is Point.MAIL_CLAIMED else self.chance.randint(1, 2)
        self.trap.set(point, self.kill, passes=passes)
        self.add_sessions(2)
        if not self.alive:
            self.start()
        wait_for(self.trap.sprung.is_set, f"{point}, {self.story}")

    def _kill_at_any_time(self) -> None:
        self.add_sessions(2)
        if not self.alive:
            self.start_ready()
        time.sleep(self.chance.uniform(0, 1))
        self.kill()

    def _kill_before_the_call(self) -> None:
        if self.alive:
            self.kill()
        self.add_sessions(4)
        self.start(**SLOWLY)
        self.wait_for_turn()
        self.kill()

    def wait_for_turn(self) -> None:
        """Wait until one SMS has gone and the next is marked; its turn comes half a second later.

        The worker must be a slow one (:data:`SLOWLY`) with several SMS to send.
        """

        def marked() -> bool:
            posted = {each["To"] for each in self.twilio.posts}
            sending = {row.address for row in self.rows(Status.SENDING, Channel.SMS)}
            return bool(posted and sending - posted)

        wait_for(marked, "a mark")

    def settle(self, *, within: float = PATIENCE) -> None:
        """Let the workers run until every session's messages are sent or held."""
        if not self.alive:
            self.start()
        deadline = time.monotonic() + within
        while self.unsettled():
            assert time.monotonic() < deadline, f"waited {within} s; {self.story}"
            assert self.alive, f"the worker ended; {self.story}\n{self.worker.output[-2000:]}"
            time.sleep(0.1)

    def decide_held(self) -> int:
        """As staff do with what was lost twice: what the provider does not have goes again.

        Or with what was next in line when the worker was killed, three times in a row.
        """
        held = self.rows(Status.HELD)
        has = {each.to for each in self.twilio.received} | {
            address for each in self.mail.received for address in each.rcpt_to
        }
        now = datetime.now(UTC)
        for row in held:
            why = Reason(Cause.STAFF, "Staff asked the provider")
            sent = Transition.accepted(None, why, at=now)
            afresh = {"next_at": now, "stumbles": 0}
            again = Transition("released", sent.leaves, Status.PLANNED, why, afresh)
            with self.engine.begin() as db:
                lost = departed.times_lost(db, row.id) >= 2
                stumbled = row.cause is Cause.STAFF and row.stumbles >= 2
                assert lost or stumbled, f"held too early; {self.story}"
                messages.move(db, row.id, sent if row.address in has else again, now)
        return len(held)

    @property
    def story(self) -> str:
        """What happened so far, and the seed to play it again."""
        killed = [each.value for each in self.diary]
        return f"seed {self.seed}, killed at {killed}; {super().story}"


@contextmanager
def harness(folder: Path, database_url: str, seed: int, **settings: str) -> Iterator[Harness]:
    """A clinic that is set up, its providers, and no worker yet; at the end none is left."""
    engine = open_engine(database_url)
    migrate(engine)
    with engine.begin() as db:
        add_clinic(db, replace(CLINIC, hours=_ANY_HOUR), datetime.now(UTC))
    source = ClinicDatabase(f"sqlite:///{folder}/clinic.db")
    trap = Trap()
    with WatchedTwilio(trap=trap, lag=LAG) as twilio, WatchedMail(trap=trap) as mail:
        urls = {"DATABASE_URL": database_url, "SOURCE_URL": source.url, "SMTP_URL": mail.url}
        environment = {**_SETTINGS, **urls, **twilio.environment, **settings}
        chance = random.Random(seed)
        made = Harness(engine, twilio, mail, folder, environment, source, trap, chance, seed)
        twilio.on_arrival = mail.on_arrival = made.check_mark
        try:
            yield made
        finally:
            for worker in made.workers:
                made.kill(worker)
            engine.dispose()
            source.engine.dispose()
