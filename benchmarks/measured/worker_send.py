"""Our worker, put together as ``aftercare run`` does: one pass of sending over all that is due."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import worker.cli
import worker.commands.run  # noqa: F401 (what `aftercare run` carries)
from benchmarks.seed import clock
from worker.app import build_app
from worker.logs import set_up_logging
from worker.parts import settle_in
from worker.providers import start_apart
from worker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def settings(**values: Any) -> Settings:
    """Settings of a live worker whose pace is no limit."""
    told: dict[str, Any] = {"aftercare_mode": "live", "aftercare_sms_per_second": 100_000}
    return Settings(_env_file=None, **{**told, **values})


def sms_settings(database: str, port: int, threads: int) -> Settings:
    """Settings of a worker that sends to our Twilio server."""
    return settings(
        database_url=database,
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="token",
        twilio_from="+34910123456",
        twilio_api_url=f"http://127.0.0.1:{port}",
        aftercare_sms_threads=threads,
    )


@contextmanager
def prepared(
    *, database: str, port: int, threads: int, count: int, email: bool = False
) -> Iterator[Callable[[], dict[str, float]]]:
    """A worker that sends what is due; ``count`` is how much that should be."""
    set_up_logging("json", open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    told = (
        settings(
            database_url=database,
            smtp_url=f"smtp://127.0.0.1:{port}",
            mail_from="Glow <care@glow.example.com>",
            aftercare_email_threads=threads,
        )
        if email
        else sms_settings(database, port, threads)
    )
    apart = start_apart(told)
    app = build_app(told, clock=clock(), apart=apart)

    def work() -> dict[str, float]:
        if not app.stages.run("send"):
            message = "the sending stage met a fault"
            raise RuntimeError(message)
        return {"count": count}

    settle_in()
    yield work
    app.close()
