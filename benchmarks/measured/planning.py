"""Planning: every session that has no plan yet."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.seed import clock
from worker.content.library import Library
from worker.jobs.plan import plan_sessions
from worker.logs import set_up_logging
from worker.parts import settle_in
from worker.resources import TEMPLATES
from worker.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def prepared(*, database: str) -> Iterator[Callable[[], dict[str, float]]]:
    """One pass of planning; counts the messages."""
    set_up_logging("json", open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    engine = open_engine(database)
    protocols = Library(TEMPLATES).protocols
    settle_in()
    yield lambda: {"count": plan_sessions(engine, protocols, clock=clock())}
    engine.dispose()
