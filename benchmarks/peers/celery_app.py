"""Celery with Redis: a task for each message, a worker with a pool of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from celery import Celery

from benchmarks.peers import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = Celery("benchmarks", broker=os.environ.get("BENCH_REDIS"))
app.conf.task_ignore_result = True
deliver = app.task(name="deliver")(work.deliver)


@contextmanager
def prepared(*, database: str, count: int) -> Iterator[Callable[[], dict[str, float]]]:  # noqa: ARG001 (like the others)
    """A worker that has started, and shown so by one message."""
    work.make_table()
    command = ["celery", "-A", "benchmarks.peers.celery_app", "worker", "--pool", "threads"]
    options = ["-c", str(work.THREADS), "--without-gossip", "--without-mingle", "-l", "WARNING"]
    with subprocess.Popen([sys.executable, "-m", *command, *options]) as worker:
        try:
            deliver.delay(0)
            work.wait_for(1)
            yield lambda: work.measured(_enqueue(count), count + 1) | {"count": count}
        finally:
            worker.terminate()


def _enqueue(count: int) -> Callable[[], None]:
    def enqueue() -> None:
        for number in range(1, count + 1):
            deliver.delay(number)

    return enqueue
