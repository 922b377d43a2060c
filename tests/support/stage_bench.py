"""Workers with one stage each on one database, and a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select, text

from tests.support.stored import MONDAY
from worker.jobs.report import health
from worker.stages import Stage, Stages
from worker.store.tables import LEASES

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = timedelta(minutes=2)
_POLL = timedelta(seconds=15)
#: Seconds after which a test that waits has failed.
_PATIENCE = 10


class Bench:
    """See the module; the stage is called ``collect``."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = MONDAY

    def worker(self, name: str, job: Callable[[], object], lease: str = "") -> Stages:
        """A worker that runs the job as its stage."""
        stage = Stage("collect", job, lease=lease)
        return Stages(self.engine, name, LEASE, lambda: self.now, [stage])

    def wait(self, **span: float) -> None:
        """Time passes."""
        self.now += timedelta(**span)

    def lease(self) -> Any:
        """The stage's row in ``leases``."""
        with self.engine.begin() as db:
            return db.execute(select(LEASES)).one()

    def problems(self) -> tuple[str, ...]:
        """What ``status`` shows."""
        with self.engine.begin() as db:
            return health(db, self.now, poll=_POLL).problems

    def lose_leases(self) -> None:
        """From now on the database fails whoever asks for a lease."""
        with self.engine.begin() as db:
            db.execute(text("ALTER TABLE leases RENAME TO away"))

    def find_leases(self) -> None:
        """The database works again."""
        with self.engine.begin() as db:
            db.execute(text("ALTER TABLE away RENAME TO leases"))


class Slow:
    """A job that runs until it may end."""

    def __init__(self) -> None:
        self._began, self._may_end = Event(), Event()
        self._thread = Thread()

    def job(self) -> None:
        """What the stage runs."""
        self._began.set()
        assert self._may_end.wait(_PATIENCE)

    def start(self, stages: Stages) -> None:
        """Run it in a thread, as the scheduler does, and wait until it is under way."""
        self._thread = Thread(target=stages.run, args=["collect"])
        self._thread.start()
        assert self._began.wait(_PATIENCE)

    def end(self) -> None:
        """Let it come to its end, if it is under way at all."""
        self._may_end.set()
        if self._thread.ident:
            self._thread.join(_PATIENCE)


class Faulty:
    """A job that raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def job(self) -> None:
        """What the stage runs."""
        if self.error:
            raise self.error


def nothing() -> None:
    """A job that is done at once."""
