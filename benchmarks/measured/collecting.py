"""Collecting: one pass over the clinic's view; counts what it read, and the rows it wrote."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from benchmarks.seed import NOW, clock
from worker.jobs.collect import collect
from worker.logs import set_up_logging
from worker.parts import settle_in
from worker.sources.sql import SqlSource
from worker.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def prepared(
    *, database: str, source: str, changes: int = 0
) -> Iterator[Callable[[], dict[str, float]]]:
    """One pass that reads everything, or, after ``changes`` to the source, one for these."""
    set_up_logging("json", open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    engine = open_engine(database)
    clinic = SqlSource(source)
    written = 0

    def one_pass() -> int:
        treatments, go_live = ["microneedling"], NOW - timedelta(days=60)
        return collect(engine, clinic, treatments=treatments, go_live=go_live, clock=clock()).read

    if changes:
        from benchmarks.clinic import change_sessions

        one_pass()
        change_sessions(source, changes)

    def note(*call: Any) -> None:
        nonlocal written
        cursor, statement = call[1], str(call[2])
        # How far reading has come is the pass's own diary.
        if statement.startswith(("INSERT", "UPDATE", "DELETE")) and "source_state" not in statement:
            written += max(cursor.rowcount, 0)

    event.listen(engine, "after_cursor_execute", note)

    def work() -> dict[str, float]:
        return {"count": one_pass(), "rows written": written}

    settle_in()
    yield work
    engine.dispose()
