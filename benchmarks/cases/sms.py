"""Texts that are due now, end to end, against what the Twilio client could do at the very best."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import databases, seed
from benchmarks.processes import Child, FailedError, server, taken, together
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

WORKER, CLIENT = "benchmarks.measured.worker_send", "benchmarks.measured.twilio_bare"
LIMIT, STOCK = "limit", "stock client"
_BOUNDS = {databases.POSTGRESQL: 0.85, databases.SQLITE: 0.80}


def run(bench: Bench) -> None:
    """At no latency with 16 threads, and at 100 ms with 64."""
    count = bench.size(20_000, 2_000)
    with ExitStack() as stack:
        stores = {
            kind: stack.enter_context(databases.filled(kind, bench.folder, partial(fill, count)))
            for kind in databases.kinds()
        }
        _compare(bench, stores, count, case="sms", delay=0, threads=16)
        _compare(bench, stores, count, case="sms 100 ms", delay=100, threads=64)
    for kind in stores:
        of = f"ours on {kind}"
        against = bench.ratio("sms", of, LIMIT)
        bench.goal("sms", f"{of} / limit", against, _BOUNDS[kind], most=False)
        against = bench.ratio("sms", of, STOCK)
        bench.goal("sms", f"{of} / stock client", against, 2, most=False)
        against = bench.ratio("sms 100 ms", of, LIMIT)
        bench.goal("sms 100 ms", f"{of} / limit", against, 0.95, most=False)


def fill(count: int, engine: Engine) -> None:
    """So many patients with a text that is due."""
    seed.fill(engine, patients=count, channel=Channel.SMS, due=count)


def _compare(
    bench: Bench, stores: dict[str, str], count: int, *, case: str, delay: int, threads: int
) -> None:
    with server("twilio", str(delay)) as port:
        worker = partial(ours, bench, port, threads, count)
        bare = partial(_bare, bench, port, threads, count)
        bench.compare(
            case,
            {
                LIMIT: partial(bare, pooled=True),
                **{f"ours on {kind}": partial(worker, kind, url) for kind, url in stores.items()},
                STOCK: partial(bare, pooled=False),
            },
        )


def ours(  # noqa: PLR0917 (bound one after the other)
    bench: Bench, port: int, threads: int, count: int, kind: str, store: str
) -> Sample:
    """Our worker on a fresh copy of the store."""
    with databases.empty(kind, bench.folder, like=store) as url:
        options = {"database": url, "port": port, "threads": threads, "count": count}
        return checked(port, count, Child(WORKER, bench.folder / "worker.log", options))


def _bare(bench: Bench, port: int, threads: int, count: int, *, pooled: bool) -> Sample:
    options = {"port": port, "threads": threads, "count": count, "pooled": pooled}
    return checked(port, count, Child(CLIENT, bench.folder / "client.log", options))


def checked(port: int, count: int, *children: Child) -> Sample:
    """Let them work, and see that the server took exactly so many messages."""
    before = taken(port)
    sample = together(list(children))
    if (found := taken(port) - before) != count:
        message = f"the server took {found} messages, not {count}"
        raise FailedError(message)
    return sample
