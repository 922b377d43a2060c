"""One, two and four workers on one PostgreSQL, with a provider that answers after 100 ms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases
from benchmarks.cases import sms
from benchmarks.processes import Child, server

if TYPE_CHECKING:
    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

_THREADS = 16
_BOUNDS = {2: 1.8, 4: 3.2}


def run(bench: Bench) -> None:
    """Together they have to send everything, and each message once."""
    if not databases.has_postgres():
        bench.note("scale: left out, several workers need PostgreSQL")
        return
    count = bench.size(8_000, 1_600)
    fill = partial(sms.fill, count)
    with (
        server("twilio", "100") as port,
        databases.filled(databases.POSTGRESQL, bench.folder, fill) as store,
    ):
        workers = {
            f"{number} workers": partial(_together, bench, port, store, count, number)
            for number in (1, *_BOUNDS)
        }
        bench.compare("scale", workers)
    for number, bound in _BOUNDS.items():
        ratio = bench.ratio("scale", f"{number} workers", "1 workers")
        bench.goal("scale", f"{number} workers / 1", ratio, bound, most=False)


def _together(bench: Bench, port: int, store: str, count: int, number: int) -> Sample:
    with databases.empty(databases.POSTGRESQL, bench.folder, like=store) as url:
        options = {"database": url, "port": port, "threads": _THREADS, "count": count / number}
        logs = [bench.folder / f"worker-{each}.log" for each in range(number)]
        return sms.checked(port, count, *(Child(sms.WORKER, log, options) for log in logs))
