"""``aftercare status``: is all well?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.commands.output import MARKS, output
from worker.content.library import Library
from worker.content.phrases import phrasebook_problems
from worker.jobs.approvals import unapproved
from worker.jobs.report import COUNTED, Health, health
from worker.parts import open_store, utc_now
from worker.settings import load_settings
from worker.store import approvals
from worker.store.engine import reading

if TYPE_CHECKING:
    from datetime import datetime

    from worker.settings import Mode

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def status(as_json: Json = False) -> None:
    """Show how messages stand and what needs a person.

    Exits with 1 when the worker is not running or something needs a person.
    """
    settings = load_settings()
    with reading(open_store(settings)).begin() as db:
        library = Library(settings.aftercare_templates)
        faults = [*library.faults(), *phrasebook_problems(settings.aftercare_templates)]
        waiting = unapproved(db, library.versions)
        if settings.aftercare_require_approval:
            faults += waiting.values()
            waiting = {}
        signed = approvals.latest(db)
        found = health(db, utc_now(), poll=settings.poll, template_faults=faults)
    if as_json:
        output.print_json(json.dumps(_plain(found, settings.aftercare_mode)))
    else:
        _show(found, settings.aftercare_mode)
        _show_samples(library)
        for treatment in waiting.keys() & signed.keys():
            # Nothing is held for it, but whoever signed may not know.
            output.print(waiting[treatment], markup=False, soft_wrap=True, style="dim")
    if not found.ok:
        raise typer.Exit(1)


def _plain(found: Health, mode: Mode) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "mode": mode,
        "stale": found.stale,
        "last_pass": _iso(found.last_pass),
        "next_due": _iso(found.next_due),
        "messages": dict(found.messages),
        "failed_last_7_days": found.failed_lately,
        "problems": list(found.problems),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _show(found: Health, mode: Mode) -> None:
    seen = f"last seen {found.last_pass:%Y-%m-%d %H:%M} UTC" if found.last_pass else "never seen"
    state = "[red]not running[/]" if found.stale else "[green]running[/]"
    output.print(f"Worker: {state}, {seen}, mode {mode}")
    for status_, count in found.messages.items():
        mark, colour = MARKS[status_]
        output.print(f"  [{colour}]{mark}[/] {status_:<10} {count:>7}")
    days = f"What left or ended is counted for {COUNTED.days} days."
    output.print(days, style="dim")
    if found.next_due:
        output.print(f"Next message: {found.next_due:%Y-%m-%d %H:%M} UTC")
    if found.failed_lately:
        output.print(f"Failed in the last seven days: {found.failed_lately}")
    for problem in found.problems:
        output.print("[yellow]![/] ", end="")
        output.print(problem, markup=False, soft_wrap=True)
    if found.ok:
        output.print("[green]Nothing needs a person.[/]")


def _show_samples(library: Library) -> None:
    """Which treatments nobody at the clinic has reviewed yet; it matters once one is used."""
    for treatment, protocol in sorted(library.protocols.items()):
        if protocol.sample:
            note = f"{treatment} is a sample: have your clinician review it before you use it."
            output.print(note, markup=False, soft_wrap=True, style="dim")
