"""Texts, a job for each, through well-known schedulers and queues; each with its enqueuing."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases
from benchmarks.cases import sms
from benchmarks.processes import Child, FailedError, redis, server

if TYPE_CHECKING:
    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

_THREADS = 16
#: By name: our module, what it needs, and whether through Redis.
_PEERS = {
    "APScheduler": ("scheduled", "apscheduler", False),
    "Celery": ("celery_app", "celery", True),
    "dramatiq": ("dramatiq_app", "dramatiq", True),
    "procrastinate": ("procrastinate_app", "procrastinate", False),
}


def run(bench: Bench) -> None:
    """Each with 16 threads and no latency; ours on PostgreSQL, as they are."""
    if not databases.has_postgres():
        bench.note("peers: left out, they keep their outcomes in PostgreSQL")
        return
    count = bench.size(20_000, 2_000)
    with ExitStack() as stack:
        fill = partial(sms.fill, count)
        store = stack.enter_context(databases.filled(databases.POSTGRESQL, bench.folder, fill))
        port = stack.enter_context(server("twilio", "0"))
        url = _redis(bench, stack)
        contenders = {"ours": partial(sms.ours, bench, port, _THREADS, count, "PostgreSQL", store)}
        for name, (module, package, needs_redis) in _PEERS.items():
            if importlib.util.find_spec(package) is None:
                bench.note(f"peers: {name} is not installed: pip install '.[bench]'")
            elif url or not needs_redis:
                contenders[name] = partial(_peer, bench, port, count, module, url)
        bench.compare("peers", contenders)
    found = bench.medians("peers")
    best = max((name for name in _PEERS if name in found), key=lambda name: found[name], default="")
    ratio = bench.ratio("peers", "ours", best)
    bench.goal("peers", f"ours / best peer ({best or 'none'})", ratio, 3, most=False)


def _redis(bench: Bench, stack: ExitStack) -> str:
    try:
        return stack.enter_context(redis(bench.folder))
    except FailedError as error:
        bench.note(f"peers: no Celery and no dramatiq: {error}")
        return ""


def _peer(bench: Bench, port: int, count: int, module: str, redis_url: str) -> Sample:
    with databases.empty(databases.POSTGRESQL, bench.folder) as url:
        env = {"BENCH_DATABASE": url, "BENCH_PORT": str(port), "BENCH_REDIS": redis_url}
        log = bench.folder / f"{module}.log"
        options = {"database": url, "count": count}
        child = Child(f"benchmarks.peers.{module}", log, options, env)
        return sms.checked(port, count, child)
