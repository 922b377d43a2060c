"""Claiming a batch and opening ``status``, over and over; what is claimed is put back."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measured.worker_send import settings
from benchmarks.seed import NOW
from worker.content.library import Library
from worker.jobs.claim import Claimer
from worker.jobs.report import health
from worker.logs import set_up_logging
from worker.resources import TEMPLATES
from worker.rules.messages import Channel
from worker.store.engine import open_engine, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

_BATCH = 100
_CLAIMS, _LOOKS = 40, 3


@contextmanager
def prepared(*, database: str) -> Iterator[Callable[[], dict[str, float]]]:
    """Milliseconds for each, the median within this process."""
    set_up_logging("json", open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    engine = open_engine(database)
    poll = settings(database_url=database, aftercare_mode="trial").poll
    claimer = Claimer(Library(TEMPLATES), "bench", timedelta(minutes=2), "care@glow.example.com")

    def work() -> dict[str, float]:
        claims = [_claim(engine, claimer) for _ in range(_CLAIMS)]
        looks = [_look(engine, poll) for _ in range(_LOOKS)]
        return {"count": 1, "ms to claim": median(claims), "ms to open status": median(looks)}

    yield work
    engine.dispose()


def _claim(engine: Engine, claimer: Claimer) -> float:
    with engine.connect() as db, db.begin() as transaction:
        began = time.perf_counter()
        _, claimed = claimer.claim(db, Channel.SMS, _BATCH, NOW)
        took = time.perf_counter() - began
        transaction.rollback()
    if len(claimed) != _BATCH:
        message = f"{len(claimed)} messages were claimed, not {_BATCH}"
        raise RuntimeError(message)
    return 1000 * took


def _look(engine: Engine, poll: timedelta) -> float:
    began = time.perf_counter()
    with reading(engine).begin() as db:
        health(db, NOW, poll=poll)
    return 1000 * (time.perf_counter() - began)
