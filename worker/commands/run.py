"""``aftercare run``: the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worker.app import build_app, run_forever, stop_on_signals, wait_for_app
from worker.logs import set_up_logging
from worker.providers import start_apart
from worker.settings import load_settings

if TYPE_CHECKING:
    from worker.app import App

Once = Annotated[bool, typer.Option("--once", help="One pass of every stage, then exit.")]


def run(once: Once = False) -> None:
    """Run the worker: collect sessions, plan messages, send what is due, until it is stopped.

    With --once the exit code says whether every stage went well.
    """
    settings = load_settings()
    set_up_logging(settings.log_format)
    stop = stop_on_signals()
    if once:
        _run_once(build_app(settings, stop=stop))
        return
    apart = start_apart(settings)
    try:
        if app := wait_for_app(settings, stop, apart):
            run_forever(app)
            app.close()
    finally:
        if apart:
            apart.close()


def _run_once(app: App) -> None:
    try:
        if not app.run_once():
            raise typer.Exit(1)
    finally:
        app.close()
