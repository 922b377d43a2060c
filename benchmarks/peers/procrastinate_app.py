"""Procrastinate: a job for each message in PostgreSQL, sent from threads."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from procrastinate import App, PsycopgConnector

from benchmarks.peers import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = App(connector=PsycopgConnector())


deliver = app.task(name="deliver")(work.deliver)


@contextmanager
def prepared(*, database: str, count: int) -> Iterator[Callable[[], dict[str, float]]]:  # noqa: ARG001 (like the others)
    """Its schema; enqueued in one batch, then worked off by its worker in this process."""
    work.make_table()
    asyncio.run(_with_schema())
    yield lambda: asyncio.run(_send_all(count))


async def _with_schema() -> None:
    with app.replace_connector(PsycopgConnector(conninfo=work.dsn())) as connected:
        async with connected.open_async():
            await connected.schema_manager.apply_schema_async()


async def _send_all(count: int) -> dict[str, float]:
    # Its tasks run in the loop's own threads, of which there would be fewer.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(work.THREADS))
    connector = PsycopgConnector(conninfo=work.dsn())
    with app.replace_connector(connector) as connected:
        async with connected.open_async():
            began = time.monotonic()
            await deliver.batch_defer_async(*({"number": each} for each in range(count)))
            enqueued = time.monotonic()
            await connected.run_worker_async(
                concurrency=work.THREADS, wait=False, install_signal_handlers=False
            )
    work.wait_for(count)
    return {"count": count, "s to enqueue": enqueued - began}
