"""E-mails that are due now, end to end, against smtplib at its best and django-post_office."""

from __future__ import annotations

import importlib.util
import smtplib
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks import databases, seed
from benchmarks.cases.sms import WORKER
from benchmarks.processes import Child, FailedError, server, together
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from benchmarks.findings import Bench
    from benchmarks.processes import Sample

_CONNECTIONS = 4
_BARE, _PEER = "bare smtplib", "django-post_office"


def run(bench: Bench) -> None:
    """Four connections each."""
    count = bench.size(10_000, 1_000)
    with ExitStack() as stack:
        fill = partial(_fill, count)
        stores = {
            kind: stack.enter_context(databases.filled(kind, bench.folder, fill))
            for kind in databases.kinds()
        }
        port = stack.enter_context(server("smtp"))
        options = {"port": port, "threads": _CONNECTIONS, "count": count}
        contenders = {_BARE: partial(_run, bench, "benchmarks.measured.smtp_bare", options)}
        for kind, store in stores.items():
            ours = partial(_on, bench, WORKER, {**options, "email": True}, kind, store)
            contenders[f"ours on {kind}"] = ours
            if importlib.util.find_spec("post_office"):
                peer = partial(_on, bench, "benchmarks.peers.post_office_app", options, kind, "")
                contenders[f"{_PEER} on {kind}"] = peer
        bench.compare("email", contenders)
    for kind in stores:
        ratio = bench.ratio("email", f"ours on {kind}", _BARE)
        bench.goal("email", f"ours on {kind} / {_BARE}", ratio, 0.5, most=False)
        ratio = bench.ratio("email", f"ours on {kind}", f"{_PEER} on {kind}")
        bench.goal("email", f"ours on {kind} / {_PEER}", ratio, 2.5, most=False)


def _fill(count: int, engine: Engine) -> None:
    seed.fill(engine, patients=count, channel=Channel.EMAIL, due=count)


def _on(bench: Bench, module: str, options: Mapping[str, Any], kind: str, store: str) -> Sample:
    with databases.empty(kind, bench.folder, like=store) as url:
        return _run(bench, module, {**options, "database": url})


def _run(bench: Bench, module: str, options: Mapping[str, Any]) -> Sample:
    child = Child(module, bench.folder / f"{module}.log", options)
    port, count = options["port"], options["count"]
    before = _taken(port)
    sample = together([child])
    if (found := _taken(port) - before) != count:
        message = f"the server took {found} e-mails, not {count}"
        raise FailedError(message)
    return sample


def _taken(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        return int(smtp.docmd("XCOUNT")[1])
