"""``aftercare import``: completed sessions from a CSV file."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from worker.commands.output import output
from worker.commands.who import user_name
from worker.content.library import Library
from worker.errors import AftercareError
from worker.jobs.file_import import import_file
from worker.jobs.intake import News
from worker.logs import set_up_logging
from worker.parts import open_store, utc_now
from worker.settings import Settings, load_settings
from worker.sources.cells import Order
from worker.sources.csv import open_csv
from worker.sources.mending import MendingFile
from worker.store import leases
from worker.store.engine import rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from worker.jobs.file_import import Complaint, Import
    from worker.sources.csv import CsvFile
    from worker.store.engine import Transactions

log = structlog.get_logger()

_SHOWN = 20
#: The stage that reads the clinic's database: both at once would write the same patients.
_COLLECT = "collect"
_PATIENCE = 60

File = Annotated[Path, typer.Argument(help="A CSV file, as Excel saves it.")]
ForClinic = Annotated[str, typer.Option("--clinic", help="Whose sessions these are.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")]
Rejected = Annotated[
    Path | None,
    typer.Option(help="Where to write the lines to mend; by default FILE.rejected.csv."),
]
By = Annotated[str, typer.Option(help="Who imports, for the log; by default the user's name.")]
Dates = Annotated[
    Order | None, typer.Option(help="How 05/06/2026 is meant, when the file does not show it.")
]


def import_sessions(  # noqa: PLR0917 (Typer's options)
    file: File,
    clinic: ForClinic = "",
    dry_run: DryRun = False,
    rejected: Rejected = None,
    by: By = "",
    dates: Dates = None,
) -> None:
    """Bring in completed sessions from a CSV file; the same file again changes nothing.

    Exits with 1 when a line was rejected: mend the lines in FILE.rejected.csv and import that.
    """
    settings = load_settings()
    set_up_logging(settings.log_format, sys.stderr)
    engine = open_store(settings)
    source = open_csv(file, dates, clinic)
    output.print(f"{source.name}: {source.described}.", markup=False, soft_wrap=True)
    mending = MendingFile(_place(file, rejected), source)
    if dry_run:
        with rehearsal(engine) as trial:
            found = _run(settings, trial, source)
    else:
        with _alone(engine) as stay:
            found = _run(settings, engine, source, _writer(mending), stay)
        mending.close()
        log.info(
            "import.done",
            by=by or user_name(),
            read=found.tally.read,
            new=found.tally.counts[News.NEW],
            changed=found.tally.counts[News.CHANGED],
            withdrawn=found.tally.counts[News.WITHDRAWN],
            rejected=found.rejected,
        )
    if not found.tally.read and not found.left_alone:
        message = f"{source.name} has its columns, but no session below them"
        raise AftercareError(message)
    _tell(found, dry_run=dry_run)
    if mending.lines:
        output.print(
            f"Mend the lines in {mending.path} and import that file.", markup=False, soft_wrap=True
        )
    if found.rejected:
        raise typer.Exit(1)


def _place(file: Path, chosen: Path | None) -> Path:
    place = chosen or file.with_name(f"{file.name}.rejected.csv")
    if place.resolve() == file.resolve():
        message = "--rejected: the lines to mend cannot go into the file that is imported"
        raise AftercareError(message)
    return place


def _run(
    settings: Settings,
    engine: Transactions,
    source: CsvFile,
    complain: Callable[[Complaint], None] = lambda _: None,
    after_chunk: Callable[[Connection], None] = lambda _: None,
) -> Import:
    return import_file(
        engine,
        source,
        treatments=Library(settings.aftercare_templates).treatments,
        go_live=settings.aftercare_go_live,
        clock=utc_now,
        has_database=settings.source_url is not None,
        complain=complain,
        after_chunk=after_chunk,
        keep=_SHOWN,
    )


def _writer(mending: MendingFile) -> Callable[[Complaint], None]:
    def write(told: Complaint) -> None:
        try:
            mending.add(told.line, told.column, told.reason)
        except OSError as error:
            message = f"{mending.path} cannot be written to ({error.strerror}); use --rejected"
            raise AftercareError(message) from None

    return write


@contextmanager
def _alone(engine: Engine) -> Iterator[Callable[[Connection], None]]:
    """While no worker reads the clinic's database; yields what keeps it so."""
    holder = f"import-{socket.gethostname()}-{os.getpid()}"
    lease = timedelta(minutes=2)
    give_up = time.monotonic() + _PATIENCE

    def stay(db: Connection) -> None:
        leases.renew(db, [_COLLECT], holder, until=utc_now() + lease)

    while True:
        with engine.begin() as db:
            now = utc_now()
            if leases.take(db, _COLLECT, holder, until=now + lease, now=now):
                break
        if time.monotonic() > give_up:
            message = "A worker is reading the clinic's database; import again when it is done"
            raise AftercareError(message)
        time.sleep(1)
    try:
        yield stay
    finally:
        with engine.begin() as db:
            leases.give_back(db, _COLLECT, holder, problem="", now=utc_now())


def _tell(found: Import, *, dry_run: bool) -> None:
    counts = found.tally.counts
    if dry_run:
        output.print("Nothing is written. An import would find:")
    rows = [
        ("new", counts[News.NEW]),
        ("changed", counts[News.CHANGED]),
        ("withdrawn", counts[News.WITHDRAWN]),
        ("unchanged", found.unchanged),
        ("rejected", found.rejected),
    ]
    for name, count in rows:
        output.print(f"  {count:>7} {name}", markup=False)
    if found.used_in_part:
        output.print(f"{found.used_in_part} are used without a part that cannot be.", markup=False)
    if found.left_alone:
        text = f"{found.left_alone} come from the clinic's database already and are left to it."
        output.print(text, markup=False, soft_wrap=True)
    if found.before_go_live and found.go_live_at:
        text = (
            f"{found.before_go_live} ended before go-live ({found.go_live_at:%Y-%m-%d %H:%M} UTC): "
            "they are recorded, and nothing is sent for them. AFTERCARE_GO_LIVE moves it."
        )
        output.print(text, markup=False, soft_wrap=True)
    for told in found.complaints:
        output.print(f"  line {told.line.number}: {told.reason}", markup=False, soft_wrap=True)
    more = found.rejected + found.used_in_part - len(found.complaints)
    if more:
        output.print(f"  and {more} lines more", markup=False)
