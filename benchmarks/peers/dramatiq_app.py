"""Dramatiq with Redis: a message for each text, one worker process with threads."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

dramatiq.set_broker(RedisBroker(url=os.environ.get("BENCH_REDIS")))
deliver = dramatiq.actor(work.deliver)


@contextmanager
def prepared(*, database: str, count: int) -> Iterator[Callable[[], dict[str, float]]]:  # noqa: ARG001 (like the others)
    """A worker that has started, and shown so by one message."""
    work.make_table()
    command = ["dramatiq", "benchmarks.peers.dramatiq_app", "--processes", "1"]
    options = ["--threads", str(work.THREADS)]
    with subprocess.Popen([sys.executable, "-m", *command, *options]) as worker:
        try:
            deliver.send(0)
            work.wait_for(1)
            yield lambda: work.measured(_enqueue(count), count + 1) | {"count": count}
        finally:
            worker.terminate()


def _enqueue(count: int) -> Callable[[], None]:
    def enqueue() -> None:
        for number in range(1, count + 1):
            deliver.send(number)

    return enqueue
