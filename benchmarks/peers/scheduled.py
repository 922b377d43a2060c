"""APScheduler 3: a date job for each message, in its SQLAlchemy job store."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from benchmarks.peers import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def prepared(*, database: str, count: int) -> Iterator[Callable[[], dict[str, float]]]:
    """A running scheduler."""
    work.make_table()
    scheduler = BackgroundScheduler(
        timezone=UTC,
        jobstores={"default": SQLAlchemyJobStore(url=database)},
        executors={"default": ThreadPoolExecutor(work.THREADS)},
        # Without this, what is a second late would not be sent at all.
        job_defaults={"misfire_grace_time": None},
    )
    scheduler.start(paused=True)

    def enqueue() -> None:
        now = datetime.now(UTC)
        for number in range(count):
            scheduler.add_job(work.deliver, "date", run_date=now, args=[number])
        scheduler.resume()

    yield lambda: work.measured(enqueue, count)
    scheduler.shutdown()
