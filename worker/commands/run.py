"""``aftercare run``: the worker."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.app import build_app, run_forever, stop_on_signals, wait_for_app
from worker.logs import set_up_logging
from worker.settings import load_settings

Once = Annotated[bool, typer.Option("--once", help="One pass of every stage, then exit.")]


def run(once: Once = False) -> None:
    """Run the worker: collect sessions, plan messages, send what is due, until it is stopped.

    With --once the exit code says whether every stage went well.
    """
    settings = load_settings()
    set_up_logging(settings.log_format)
    stop = stop_on_signals()
    app = build_app(settings, stop=stop) if once else wait_for_app(settings, stop)
    if app is None:
        return
    try:
        if not once:
            run_forever(app)
        elif not app.run_once():
            raise typer.Exit(1)
    finally:
        app.close()
