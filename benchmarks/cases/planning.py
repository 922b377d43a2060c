"""From sessions to planned messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases, seed
from benchmarks.processes import Child, together
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from benchmarks.findings import Bench
    from benchmarks.processes import Sample


def run(bench: Bench) -> None:
    """Each session gets the protocol's messages on both channels."""
    sessions = bench.size(100_000, 2_000)
    for kind in databases.kinds():
        with databases.filled(kind, bench.folder, partial(_fill, sessions)) as store:
            bench.compare("planning", {kind: partial(_plan, bench, kind, store)}, " messages/s")
    rate = bench.medians("planning").get(databases.SQLITE)
    goal = f"messages a second on {databases.SQLITE}"
    bench.goal("planning", goal, rate, 20_000, most=False)


def _fill(sessions: int, engine: Engine) -> None:
    seed.fill(engine, patients=sessions, channel=Channel.SMS)
    seed.mark_to_plan(engine)


def _plan(bench: Bench, kind: str, store: str) -> Sample:
    with databases.empty(kind, bench.folder, like=store) as url:
        log = bench.folder / "planning.log"
        return together([Child("benchmarks.measured.planning", log, {"database": url})])
