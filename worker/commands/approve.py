"""``aftercare approve``: who signed off which version of the words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from worker.commands.output import output
from worker.content.edits import file_edits
from worker.content.library import LAYOUT, Library
from worker.content.lint import Severity, lint
from worker.errors import AftercareError, NotFoundError, TemplateError
from worker.jobs.approvals import release
from worker.parts import open_store, utc_now
from worker.settings import load_settings
from worker.store import approvals
from worker.store.approvals import Approval
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.rules.facts import Clinic

By = Annotated[str, typer.Option("--by", help="Who signs it off.")]
OneTreatment = Annotated[str, typer.Option("--treatment", help="Only this one.")]
Note = Annotated[str, typer.Option("--note", help="What to remember about it.")]
ListAll = Annotated[bool, typer.Option("--list", help="Show who signed off what so far.")]
Json = Annotated[bool, typer.Option("--json", help="With --list: for machines.")]


def approve(
    by: By = "",
    treatment: OneTreatment = "",
    note: Note = "",
    list_all: ListAll = False,
    as_json: Json = False,
) -> None:
    """Sign off the protocols and templates as they are now, so that patients may read them.

    Messages that were held for it wait for their time again, unless it is over by now.
    """
    settings = load_settings()
    engine = open_store(settings)
    if list_all:
        with reading(engine).begin() as db:
            _show_history(approvals.history(db), treatment, as_json=as_json)
        return
    name = " ".join(by.split())
    if not name:
        message = 'Say who signs it off: aftercare approve --by "Dr. Marta Ruiz"'
        raise AftercareError(message)
    library = Library(settings.aftercare_templates)
    treatments = _chosen(library, treatment)
    with reading(engine).begin() as db:
        clinics = list(all_clinics(db).values())
    _refuse_faults(library, treatments, clinics)
    now = utc_now()
    with engine.begin() as db:
        for each in treatments:
            _sign(db, library, Approval(each, library.versions[each], name, now, note.strip()))
    again, late = release(engine, library.versions, now, required=True)
    if again:
        output.print(f"{again} messages that were held for this wait for their time again.")
    if late:
        output.print(f"{late} messages that were held are skipped: their time is over.")


def _chosen(library: Library, treatment: str) -> list[str]:
    if treatment and treatment not in library.treatments:
        known = ", ".join(sorted(library.treatments)) or "none"
        message = f'There is no treatment "{treatment}" in {library.folder}; there are: {known}'
        raise NotFoundError(message)
    return [treatment] if treatment else sorted(library.treatments)


def _refuse_faults(library: Library, treatments: Sequence[str], clinics: Sequence[Clinic]) -> None:
    """What ``aftercare check`` calls an error cannot be signed off; warnings can.

    Raises:
        TemplateError: With every fault of these treatments and of the layout round their e-mails.
    """
    parts = tuple(f"{library.folder.name}/{each}/" for each in (*treatments, LAYOUT))
    found = [each for each in lint(library, clinics) if each.severity is Severity.ERROR]
    faults = [str(each) for each in found if each.file.startswith(parts)]
    # The lint tells every one of these better; but nothing that cannot be read slips through.
    faults = faults or [text for file, text in library.problems.items() if file.startswith(parts)]
    if not treatments:
        faults.append(f"AFTERCARE_TEMPLATES: {library.folder} has no folder with a protocol.toml")
    if faults:
        lines = "\n".join(f"  - {each}" for each in dict.fromkeys(faults))
        message = f"Nothing is signed off, because this needs mending first:\n{lines}"
        raise TemplateError(message)


def _sign(db: Connection, library: Library, approval: Approval) -> None:
    """Record a signature, unless this very version has it, and say what it is for."""
    treatment = approval.treatment
    last = approvals.latest(db).get(treatment)
    if last and last.version == approval.version:
        when = _when(last.approved_at)
        text = f"{treatment}: {last.version} was signed off by {last.approved_by} already, {when}."
        output.print(text, markup=False, soft_wrap=True)
        return
    before, now = approvals.contents(db, treatment), library.contents(treatment)
    approvals.add(db, approval, now)
    text = f"{treatment}: {approval.version} is signed off by {approval.approved_by}."
    output.print(text, markup=False, soft_wrap=True)
    if last is None:
        output.print(f"  Signed off for the first time: {len(now)} files.")
        return
    output.print(f"  Changed since {_when(last.approved_at)} ({last.approved_by}):", markup=False)
    for edit in file_edits(before, now):
        output.print(f"    {edit}", markup=False, soft_wrap=True)


def _show_history(found: Sequence[Approval], treatment: str, *, as_json: bool) -> None:
    wanted = [each for each in found if treatment in ("", each.treatment)]
    if as_json:
        output.print_json(json.dumps([asdict(each) for each in wanted], default=str))
        return
    for each in wanted:
        note = f": {each.note}" if each.note else ""
        line = f"{_when(each.approved_at)}  {each.treatment}  {each.version}  {each.approved_by}"
        output.print(line + note, markup=False, soft_wrap=True)
    if not wanted:
        output.print("Nothing has been signed off yet; run: aftercare approve --by NAME")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
