"""``aftercare plan``: what is going to leave, and what an edit would change about it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from worker.commands.output import MARKS, local, output
from worker.content.edits import file_edits, line_diff
from worker.content.library import Library
from worker.errors import AftercareError, NotFoundError
from worker.jobs.compare import compare
from worker.jobs.edition import Edition, signed_off
from worker.parts import open_store, utc_now
from worker.settings import load_settings
from worker.store import approvals, coming
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, RowMapping

    from worker.content.edits import FileEdit
    from worker.jobs.compare import Change, Side
    from worker.rules.outlook import Effect
    from worker.settings import Settings

Diff = Annotated[bool, typer.Option("--diff", help="What an edit would change.")]
Templates = Annotated[
    Path | None, typer.Option("--templates", help="With --diff: the folder that was edited.")
]
Days = Annotated[int, typer.Option(min=1, max=366, help="How far to look ahead.")]
OneClinic = Annotated[str, typer.Option("--clinic", help="Only this clinic's.")]
Only = Annotated[str, typer.Option("--only", help="Only of this patient's or session's id.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def plan(  # noqa: PLR0917 (Typer's options)
    diff: Diff = False,
    templates: Templates = None,
    days: Days = 7,
    clinic: OneClinic = "",
    only: Only = "",
    as_json: Json = False,
) -> None:
    """Show what is going to leave, or with --diff what edited templates would change about it.

    Nothing is written and nothing is sent.
    """
    settings = load_settings()
    if templates and not diff:
        message = "--templates goes with --diff: aftercare plan --diff --templates FOLDER"
        raise AftercareError(message)
    with reading(open_store(settings)).begin() as db:
        if clinic and clinic not in all_clinics(db):
            message = f'There is no clinic "{clinic}"; see: aftercare clinic list'
            raise NotFoundError(message)
        if not diff:
            until = utc_now() + timedelta(days=days)
            rows = coming.coming(db, until, clinic=clinic, only=only)
            unplanned = coming.unplanned(db)
            _show_coming(rows, unplanned, days) if not as_json else _print(_plain_coming(rows))
            return
        with TemporaryDirectory() as folder:
            old, new = _editions(db, settings, templates, Path(folder))
            found = compare(db, old, new, utc_now(), clinic=clinic, only=only)
            edits = _edits(old, new)
            if as_json:
                _print(_plain_diff(edits, new, found))
            else:
                _show_diff(edits, new, found, each=bool(only))


def _print(what: Any) -> None:  # noqa: ANN401 (JSON)
    output.print_json(json.dumps(what, default=str))


# What is coming


def _show_coming(rows: Sequence[RowMapping], unplanned: int, days: int) -> None:
    def day(row: RowMapping) -> str:
        return f"{row['next_at'].astimezone(ZoneInfo(row['time_zone'])):%A %d %B %Y}"

    for heading, of_day in groupby(rows, day):
        output.print(heading, style="bold")
        for row in of_day:
            mark, colour = MARKS[row["status"]]
            when = local(row["next_at"], ZoneInfo(row["time_zone"]))
            what = f"{row['treatment']} {row['milestone']} {row['channel']}"
            output.print(f"  [{colour}]{mark}[/] {when}  ", end="")
            who = f"patient {row['patient_id']}, session {row['session_id']}"
            output.print(f"{what:<40} {who}", markup=False, soft_wrap=True)
            if row["status"] == "held":
                output.print(f"      {row['reason']}", markup=False, soft_wrap=True, style="dim")
    span = "day" if days == 1 else f"{days} days"
    output.print(
        f"{len(rows)} messages wait for the next {span}; times are the patients' own. What falls "
        "into the quiet hours leaves when they end.",
        soft_wrap=True,
    )
    if unplanned:
        output.print(f"{unplanned} sessions are planned at the worker's next pass.")


def _plain_coming(rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


# What an edit changes


def _editions(
    db: Connection, settings: Settings, edited: Path | None, folder: Path
) -> tuple[Edition, Edition]:
    """What is in effect, and what it is to be compared with.

    Where approval is required, and where no other folder is given, what was signed off last is in
    effect; otherwise the folder that the worker reads is.
    """
    present = Edition.of(Library(settings.aftercare_templates))
    if edited is None and not approvals.latest(db):
        message = (
            "There is nothing to compare with. Copy the folder of the templates, edit the copy, "
            "and run: aftercare plan --diff --templates COPY"
        )
        raise AftercareError(message)
    if edited is not None and not list(edited.glob("*/protocol.toml")):
        message = f"--templates: {edited} has no folder with a protocol.toml in it"
        raise AftercareError(message)
    approved = edited is None or settings.aftercare_require_approval
    old = signed_off(db, present, folder) if approved else present
    return old, Edition.of(Library(edited)) if edited else present


def _edits(old: Edition, new: Edition) -> list[FileEdit]:
    found = {
        edit.name: edit
        for treatment in sorted(old.libraries.keys() | new.libraries.keys())
        for edit in file_edits(old.contents(treatment), new.contents(treatment))
    }
    return [found[name] for name in sorted(found)]


def _show_diff(
    edits: list[FileEdit], new: Edition, changes: Iterator[Change], *, each: bool
) -> None:
    """Alike changes together with one example of the words, or ``each`` by itself."""
    output.print("Files that differ:" if edits else "No file differs.", style="bold")
    for edit in edits:
        output.print(f"  {edit}", markup=False, soft_wrap=True)
    for problem in new.problems:
        output.print(f"  ! {problem}", markup=False, soft_wrap=True, style="red")
    count: dict[Effect, int] = defaultdict(int)
    examples: dict[tuple[object, ...], Change] = {}
    alike: dict[tuple[object, ...], int] = defaultdict(int)
    for number, change in enumerate(changes):
        for effect in change.effects:
            count[effect] += 1
        key = (*_kind(change), number if each else 0)
        examples.setdefault(key, change)
        alike[key] += 1
    for key, example in examples.items():
        _show_example(example, alike[key])
    total = ", ".join(f"{effect}: {number}" for effect, number in count.items())
    output.print()
    output.print(f"Of the messages that wait now: {total or 'none changes'}.")


def _kind(change: Change) -> tuple[object, ...]:
    session = change.case.session
    return session.treatment, change.milestone, change.channel, change.language, change.effects


def _show_example(change: Change, number: int) -> None:
    case = change.case
    treatment, milestone, channel, language, _ = _kind(change)
    what = ", ".join(f"{effect}" for effect in change.effects)
    messages = "1 message" if number == 1 else f"{number} messages"
    head = f"{treatment} {milestone} {channel} ({language}): {what}, {messages}"
    output.print()
    output.print(head, markup=False, soft_wrap=True, style="bold")
    about = f"session {case.session.session_id} of patient {case.patient.patient_id}"
    about = f"for example {about}" if number > 1 else about
    output.print(f"  {about}", markup=False, soft_wrap=True)
    old, new = change.old, change.new
    for name, before, after in (
        ("due", old and old.due_at, new and new.due_at),
        ("useful until", old and old.expires_at, new and new.expires_at),
    ):
        if before != after:
            # A message that moves takes its window along; only one of the two is news.
            moments = [local(each, case.patient.zone) if each else "-" for each in (before, after)]
            output.print(f"  {name}: {' → '.join(moments)}", markup=False, soft_wrap=True)
            break
    if change.note:
        output.print(f"  {change.note}", markup=False, soft_wrap=True)
    _show_words(old, new)


_COLOURS = {"+": "green", "-": "red"}


def _show_words(old: Side | None, new: Side | None) -> None:
    for line in line_diff(old.words if old else "", new.words if new else ""):
        colour = _COLOURS.get(line[0], "dim")
        output.print(f"    {line}", markup=False, soft_wrap=True, style=colour)


def _plain_diff(
    edits: list[FileEdit], new: Edition, changes: Iterator[Change]
) -> dict[str, object]:
    return {
        "files": [asdict(edit) for edit in edits],
        "problems": new.problems,
        "changes": [
            {
                "session": change.case.session.session_id,
                "patient": change.case.patient.patient_id,
                "clinic": change.case.patient.clinic,
                "treatment": change.case.session.treatment,
                "milestone": change.milestone,
                "channel": change.channel,
                "language": change.language,
                "effects": list(change.effects),
                "old": _plain_side(change.old),
                "new": _plain_side(change.new),
                "note": change.note,
            }
            for change in changes
        ],
    }


def _plain_side(side: Side | None) -> dict[str, object] | None:
    return {name: _plain(value) for name, value in asdict(side).items()} if side else None
