"""One worker's memory: with 100,000 messages due and a million planned for later."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases, seed
from benchmarks.cases import sms
from benchmarks.processes import server
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from benchmarks.findings import Bench


def run(bench: Bench) -> None:
    """The most that a worker needed while it sent all that was due."""
    due = bench.size(100_000, 5_000)
    later = bench.size(1_000_000, 50_000)
    with server("twilio", "0") as port:
        for kind in databases.kinds():
            with databases.filled(kind, bench.folder, partial(_fill, due, later)) as store:
                worker = partial(sms.ours, bench, port, 64, due, kind, store)
                bench.compare("memory", {f"{kind}, {due:,} due and {later:,} planned": worker})
    for figure in bench.figures:
        if figure.case == "memory" and figure.rss:
            bench.goal("memory", f"{figure.name}: MB", figure.rss, 120, most=True)


def _fill(due: int, later: int, engine: Engine) -> None:
    seed.fill(engine, patients=due, channel=Channel.SMS, due=due)
    seed.fill_more(engine, patients=due, count=later, finished=False)
