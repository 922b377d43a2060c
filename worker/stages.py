"""What the scheduler runs: a stage at its interval, once at a time, with its faults on record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from worker.errors import AftercareError, describe
from worker.store import leases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from sqlalchemy import Engine

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the flow.

    ``lease`` is the name of what keeps it to one worker at a time; by default its own. ``every``
    is its interval; by default the poll interval.
    """

    name: str
    run: Callable[[], object]
    lease: str = ""
    every: timedelta | None = None


@dataclass(slots=True)
class Stages:
    """The stages of one worker, in the order the data takes."""

    engine: Engine
    worker: str
    #: A stage that runs longer than this hangs, or its worker is gone; another may take over.
    lease: timedelta
    clock: Callable[[], datetime]
    stages: Sequence[Stage]
    _faults: dict[str, str] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _renewed: float = 0

    @property
    def names(self) -> list[str]:
        """Every stage's name, in order."""
        return [stage.name for stage in self.stages]

    def run(self, name: str) -> bool:
        """Run a stage if no other worker does; returns whether nothing went wrong."""
        stage = next(each for each in self.stages if each.name == name)
        name_of_lease = stage.lease or stage.name
        try:
            now = self.clock()
            with self.engine.begin() as db:
                if not leases.take(db, name_of_lease, self.worker, until=now + self.lease, now=now):
                    return True
            self._running.add(name_of_lease)
            problem = self._attempt(stage)
            with self.engine.begin() as db:
                leases.give_back(db, name_of_lease, self.worker, problem=problem, now=self.clock())
        except SQLAlchemyError as error:
            problem = f"the worker's own database fails ({type(error).__name__}): DATABASE_URL"
        finally:
            self._running.discard(name_of_lease)
        self._note(name, problem)
        return not problem

    def _attempt(self, stage: Stage) -> str:
        """Run it; a fault that a person can understand is told in words, any other by its kind."""
        try:
            stage.run()
        except AftercareError as error:
            return str(error)
        except OperationalError:
            raise  # the database itself: there is no telling it anything
        except SQLAlchemyError as error:
            return f"the worker's database does not take it: {describe(error)}"
        except Exception as error:
            problem = f"a fault in the program: {describe(error)}"
            if problem != self._faults.get(stage.name):
                log.exception("stage.bug", stage=stage.name)
            return problem
        return ""

    def _note(self, name: str, problem: str) -> None:
        """Log a fault when it begins, changes or ends, not at every tick."""
        before = self._faults.get(name, "")
        if problem and problem != before:
            log.error("stage.problem", stage=name, problem=problem)
        elif before and not problem:
            log.info("stage.recovered", stage=name)
        self._faults[name] = problem

    def schedule(self, poll: timedelta) -> BackgroundScheduler:
        """A scheduler with an interval job for each stage, due at once."""
        executor = ThreadPoolExecutor(len(self.stages))
        scheduler = BackgroundScheduler(timezone=UTC, executors={"default": executor})
        for stage in self.stages:
            scheduler.add_job(
                self.run,
                "interval",
                args=[stage.name],
                id=stage.name,
                seconds=(stage.every or poll).total_seconds(),
                next_run_time=datetime.now(UTC),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        return scheduler

    def keep_leases(self) -> None:
        """Called every second: a stage that runs on keeps its lease."""
        now = time.monotonic()
        running = list(self._running)
        if not running or now - self._renewed < self.lease.total_seconds() / 3:
            return
        self._renewed = now
        try:
            with self.engine.begin() as db:
                leases.renew(db, running, self.worker, until=self.clock() + self.lease)
        except SQLAlchemyError as error:
            # The stage itself meets the same fault and tells it.
            log.debug("leases.not_kept", error=type(error).__name__)

    def wake(self, scheduler: BackgroundScheduler) -> None:
        """Every stage is due now, whatever the scheduler believes the time to be."""
        for stage in self.stages:
            scheduler.modify_job(stage.name, next_run_time=datetime.now(UTC))

    def finish(self, scheduler: BackgroundScheduler, *, timeout: float) -> bool:
        """Stop the scheduler and wait for running stages; returns whether they ended in time."""
        # Nothing a stage does adds jobs, so waiting cannot deadlock; but a stage may hang.
        waiter = Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
        waiter.start()
        waiter.join(timeout)
        return not waiter.is_alive()
