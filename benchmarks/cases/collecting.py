"""From the clinic's view to sessions: the first import, a re-read, and what changed meanwhile."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases, seed
from benchmarks.clinic import fill_clinic
from benchmarks.processes import Child, together
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

_CHANGED = 100


def run(bench: Bench) -> None:
    """Source and store are of the same kind."""
    rows = bench.size(100_000, 5_000)
    for kind in databases.kinds():
        _one(bench, kind, rows)
        medians = bench.medians("collect")
        again = f"{kind}, {rows:,} rows, unchanged"
        goal = f"{again}: sessions a second"
        bench.goal("collect", goal, medians.get(again), 20_000, most=False)
        written = medians.get(f"{again}: rows written")
        bench.goal("collect", f"{again}: rows written", written, 0, most=True)


def _one(bench: Bench, kind: str, rows: int) -> None:
    with ExitStack() as stack:
        source = stack.enter_context(databases.empty(kind, bench.folder))
        fill_clinic(source, rows)
        fill = partial(seed.fill, patients=0, channel=Channel.SMS)
        store = stack.enter_context(databases.filled(kind, bench.folder, fill))
        repeat, bench.repeat = bench.repeat, 1  # an import is long, and there is but one first
        name = f"{kind}, {rows:,} rows"
        first = partial(_pass, bench, store, source)
        bench.compare("collect", {f"{name}, first import": first}, " sessions/s")
        bench.repeat = repeat
        bench.compare("collect", {f"{name}, unchanged": first}, " sessions/s")
        changed = partial(_pass, bench, store, source, changes=_CHANGED)
        bench.compare("collect", {f"{name}, after {_CHANGED} changes": changed}, " sessions/s")


def _pass(bench: Bench, store: str, source: str, *, changes: int = 0) -> Sample:
    options = {"database": store, "source": source, "changes": changes}
    log = bench.folder / "collecting.log"
    return together([Child("benchmarks.measured.collecting", log, options)])
