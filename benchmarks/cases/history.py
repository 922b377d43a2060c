"""What an old installation's finished messages cost: claiming a batch, and opening ``status``."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases, seed
from benchmarks.processes import Child, together
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

_PATIENTS = 2_000
_FULL, _QUICK = (10_000, 1_000_000, 10_000_000), (10_000, 200_000)
#: What ten million need at once, and some room.
_DISK_GB = 15


def run(bench: Bench) -> None:
    """The same work on stores that differ only in what is finished."""
    sizes: tuple[int, ...] = _QUICK if bench.quick else _FULL
    if not bench.quick and (free := shutil.disk_usage(bench.folder).free / 1e9) < _DISK_GB:
        bench.note(f"history: 10 million left out, {free:.0f} GB free, {_DISK_GB} needed")
        sizes = sizes[:-1]
    for kind in databases.kinds():
        with ExitStack() as stack:
            contenders = {}
            for size in sizes:
                fill = partial(_fill, size)
                store = stack.enter_context(databases.filled(kind, bench.folder, fill))
                contenders[f"{kind}, {size:,} finished"] = partial(_look, bench, store)
            bench.compare("history", contenders, unit="")
        first, last = (f"{kind}, {size:,} finished: ms to claim" for size in (sizes[0], sizes[-1]))
        goal = f"{kind}: claim with {sizes[-1]:,} finished / {sizes[0]:,}"
        bench.goal("history", goal, bench.ratio("history", last, first), 1.5, most=True)


def _fill(finished: int, engine: Engine) -> None:
    seed.fill(engine, patients=_PATIENTS, channel=Channel.SMS, due=_PATIENTS)
    # History is other patients', as it is in life: of one patient there is but little.
    seed.fill_more(engine, patients=max(finished // 5, 1), count=finished, finished=True)


def _look(bench: Bench, store: str) -> Sample:
    log = bench.folder / "history.log"
    return together([Child("benchmarks.measured.history", log, {"database": store})])
