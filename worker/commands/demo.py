"""``aftercare demo``: see it work, in seconds; nothing leaves the machine."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from worker.commands.output import output
from worker.commands.why import tell
from worker.demo.play import play
from worker.demo.story import CLINIC, LENGTH, PEOPLE, START
from worker.errors import AftercareError
from worker.logs import set_up_logging
from worker.rules.messages import Status
from worker.store.engine import reading
from worker.store.overview import count_by_status

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

Dir = Annotated[Path, typer.Option("--dir", help="Where to; an earlier demo there is replaced.")]

#: Marks a folder as a demo's own, so that nothing else is ever deleted.
_MARKER = ".aftercare-demo"


def demo(folder: Dir = Path("aftercare-demo")) -> None:
    """Play six weeks of a sample clinic with the real worker; nothing leaves the machine."""
    _make_room(folder)
    began = time.perf_counter()
    with (folder / "worker.log").open("w", encoding="utf-8") as log_file:
        set_up_logging("console", stream=log_file)
        with Progress(TextColumn("{task.description}"), BarColumn(), console=output) as bar:
            task = bar.add_task("Six weeks at the clinic", total=LENGTH.total_seconds())

            def progress(now: datetime) -> None:
                at = now.astimezone(CLINIC.zone)
                done = (now - START).total_seconds()
                bar.update(task, completed=done, description=f"{at:%a %d %b %Y}")

            app = play(folder, progress)
            bar.update(task, completed=LENGTH.total_seconds())
        _tell_everything(app.engine)
        with reading(app.engine).begin() as db:
            counts = count_by_status(db, START)
        app.close()
    seconds = time.perf_counter() - began
    output.print(
        f"\n[bold]{counts[Status.SENT]} messages sent[/] (to the outbox only), "
        f"{counts[Status.SKIPPED]} not sent, each with its reason: six weeks in {seconds:.0f} s."
    )
    output.print(f"Look at them: {folder / 'outbox' / 'index.html'}", markup=False, soft_wrap=True)


def _make_room(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        message = f"{folder} is not empty and not a demo's folder; choose another with --dir"
        raise AftercareError(message)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARKER).touch()


def _tell_everything(engine: Engine) -> None:
    for number, person in enumerate(PEOPLE, 1):
        output.print(f"\n[bold underline]{person.name}[/] - {person.about}", soft_wrap=True)
        with reading(engine).begin() as db:
            stories = tell(db, str(number), patients_only=True)
        for story in stories:
            story.show_briefly(output)
