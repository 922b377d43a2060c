"""``aftercare source``: what a pass over the clinic's database would do, without doing it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from worker.commands.output import output
from worker.commands.who import user_name
from worker.commands.why import Story
from worker.content.library import Library
from worker.errors import AftercareError, ConfigurationError, NotFoundError
from worker.jobs.collect import collect
from worker.jobs.intake import News, Tally
from worker.jobs.plan import plan_sessions
from worker.logs import set_up_logging
from worker.parts import open_source, open_store, utc_now
from worker.settings import load_settings
from worker.store import collected, leases, overview
from worker.store.apart import set_patient_apart, set_session_apart
from worker.store.clinics import all_clinics
from worker.store.engine import rehearsal
from worker.store.kinds import RowFate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, RowMapping

    from worker.settings import Settings
    from worker.sources.base import Source

app = typer.Typer(invoke_without_command=True, help="What the clinic's database would bring.")

Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Limit = Annotated[int, typer.Option(min=0, help="Show at most so many of each kind.")]

_TITLES = {
    News.NEW: "new",
    News.CHANGED: "changed",
    News.WITHDRAWN: "withdrawn",
    News.FAULTY: "with a new fault",
}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the next pass would come to."""

    tally: Tally
    #: Every new or changed session that is shown, with its messages as they would stand.
    stories: Mapping[News, Sequence[Story]]
    faults: Sequence[RowMapping]
    #: Why the source is not believed; empty when it is.
    problem: str


@app.callback()
def source(ctx: typer.Context, as_json: Json = False, limit: Limit = 5) -> None:
    """Show what the next pass would read, take, withdraw, reject and plan. Changes nothing.

    Exits with 1 when the clinic's database cannot be read.
    """
    if ctx.invoked_subcommand:
        return
    set_up_logging("console", level=logging.CRITICAL)
    settings = load_settings()
    found = look_ahead(open_store(settings), _source_of(settings), settings, limit=limit)
    if as_json:
        output.print_json(json.dumps(_plain(found, limit)))
    else:
        show(found, limit)


def look_ahead(engine: Engine, source: Source, settings: Settings, *, limit: int) -> Outlook:
    """Collect and plan for real, in a transaction that is undone, and tell what came of it.

    Raises:
        SourceError: When the source cannot be read.
    """
    library = Library(settings.aftercare_templates)
    with rehearsal(engine) as stage:
        tally = collect(
            stage,
            source,
            treatments=library.treatments,
            go_live=settings.aftercare_go_live,
            clock=utc_now,
            keep=limit,
        )
        plan_sessions(stage, library.protocols, clock=utc_now)
        with stage.begin() as db:
            stories = {
                news: [_story(db, each) for each in tally.examples[news]]
                for news in (News.NEW, News.CHANGED, News.WITHDRAWN)
            }
            faults = collected.open_faults(db, source.kind)
            states = {row["name"]: row["problem"] for row in collected.all_sources(db)}
    return Outlook(tally, stories, faults, states[source.kind])


def _source_of(settings: Settings) -> Source:
    source = open_source(settings)
    if source is None:
        message = "SOURCE_URL is not set, so there is nothing to read; run: aftercare init"
        raise ConfigurationError([message])
    return source


def _story(db: Connection, session_id: str) -> Story:
    rows = overview.find_sessions(db, session_id)
    session = next(row for row in rows if row["session_id"] == session_id)
    messages = overview.messages_of(db, session_id)
    events = overview.events_of(db, [each["id"] for each in messages])
    return Story(session, messages, events)


def show(found: Outlook, limit: int) -> None:
    """Print it for people."""
    counts = found.tally.counts
    told = ", ".join(f"{counts[news]} {title}" for news, title in _TITLES.items())
    output.print(f"[bold]{found.tally.read} rows read[/]: {told}")
    if found.problem:
        output.print(f"\n{found.problem}", markup=False, soft_wrap=True, style="red")
    for news, stories in found.stories.items():
        if stories:
            output.print(f"\n[bold]{_TITLES[news].capitalize()}[/]")
        for story in stories:
            story.show_briefly(output)
        _more(counts[news] - len(stories))
    if found.faults:
        output.print("\n[bold]Rows that need mending[/]")
    for fault in found.faults[:limit]:
        fate = {RowFate.USED_IN_PART: " (used without this)", RowFate.HELD: " (held)"}
        line = f"  {fault['row_key']}: {fault['reason']}{fate.get(fault['fate'], '')}"
        output.print(line, markup=False, soft_wrap=True)
    _more(len(found.faults) - min(limit, len(found.faults)))
    output.print("\nNothing was changed; the worker does this at its next pass.")


def _more(count: int) -> None:
    if count > 0:
        output.print(f"  and {count} more (--limit)")


def _plain(found: Outlook, limit: int) -> dict[str, Any]:
    return {
        "read": found.tally.read,
        **{news.value: found.tally.counts[news] for news in News},
        "problem": found.problem,
        "sessions": [
            {"news": news.value, **_plain_story(story)}
            for news, stories in found.stories.items()
            for story in stories
        ],
        "faults": [
            {"row": row["row_key"], "fate": row["fate"].value, "reason": row["reason"]}
            for row in found.faults[:limit]
        ],
    }


def _plain_story(story: Story) -> dict[str, Any]:
    session, zone = story.session, ZoneInfo(story.session["time_zone"])
    return {
        "session_id": session["session_id"],
        "clinic": session["clinic"],
        "patient_id": session["patient_id"],
        "treatment": session["treatment"],
        "completed_at": session["completed_at"].astimezone(zone).isoformat(),
        "before_go_live": session["before_go_live"],
        "withdrawn": session["withdrawn"],
        "messages": [
            {
                "milestone": each["milestone"],
                "channel": each["channel"].value,
                "status": each["status"].value,
                "due_at": each["due_at"].astimezone(zone).isoformat(),
                "reason": each["reason"],
            }
            for each in story.messages
        ],
    }


# A person decides

Session = Annotated[str, typer.Argument(help="The id of a session that is held.")]
Missing = Annotated[
    bool, typer.Option("--missing", help="The sessions that are missing really are gone.")
]


@app.command("accept")
def accept(session_id: Session = "", missing: Missing = False) -> None:
    """Confirm what was doubted: an id has a new owner, or the missing sessions are gone."""
    if bool(session_id) == missing:
        message = "name a session that is held, or say --missing; see: aftercare source"
        raise AftercareError(message)
    settings = load_settings()
    engine = open_store(settings)
    if missing:
        set_up_logging(settings.log_format)
        count = believe_missing(engine, _source_of(settings), settings)
        output.print(f"{count} sessions are withdrawn; nothing more is sent for them.")
        return
    with engine.begin() as db:
        told = give_to_new_owner(db, session_id, utc_now())
    output.print(f"{told} The next pass takes the row as it is.", markup=False, soft_wrap=True)


Row = Annotated[str, typer.Argument(help="The session whose row nobody will mend.")]
Name = Annotated[str, typer.Option("--by", help="Who decides; by default the user's name.")]


@app.command("dismiss")
def dismiss(session_id: Row, by: Name = "") -> None:
    """A faulty row that nobody will mend: it is told no more, until it says something else."""
    engine = open_store(load_settings())
    with engine.begin() as db:
        rows = [each for each in collected.open_faults(db) if each["row_key"] == session_id]
        if not rows:
            message = f"no row of session {session_id} needs mending; see: aftercare status"
            raise NotFoundError(message)
        if any(each["fate"] is RowFate.HELD for each in rows):
            message = f"this row waits for a decision; see: aftercare source accept {session_id}"
            raise AftercareError(message)
        for each in rows:
            collected.dismiss_fault(db, each["id"], by or user_name(), utc_now())
    output.print(f"The row of session {session_id} is told no more.", markup=False)


def believe_missing(engine: Engine, source: Source, settings: Settings) -> int:
    """One pass that withdraws whatever is missing; returns how many sessions that were."""
    holder, now = "aftercare source accept", utc_now()
    with engine.begin() as db:
        if not leases.take(db, "collect", holder, until=now + settings.lease, now=now):
            message = "the worker is reading the clinic's database just now; try again in a minute"
            raise AftercareError(message)
    problem = ""
    try:
        tally = collect(
            engine,
            source,
            treatments=Library(settings.aftercare_templates).treatments,
            go_live=settings.aftercare_go_live,
            clock=utc_now,
            believe=True,
        )
    except AftercareError as error:
        problem = str(error)
        raise
    finally:
        with engine.begin() as db:
            leases.give_back(db, "collect", holder, problem=problem, now=utc_now())
    return tally.counts[News.WITHDRAWN]


def give_to_new_owner(db: Connection, session_id: str, now: datetime) -> str:
    """What is stored under a held row's ids makes room for it; returns what was done.

    Raises:
        NotFoundError: When no such row is held.
    """
    held = [row for row in collected.open_faults(db) if row["fate"] is RowFate.HELD]
    row = next((each for each in held if each["row_key"] == session_id), None)
    if row is None or row["row"] is None:
        names = ", ".join(each["row_key"] for each in held) or "none"
        message = f"no row of session {session_id} is held; there are: {names}"
        raise NotFoundError(message)
    patient_id = str(row["row"]["patient_id"]).strip()
    known = collected.known_sessions(db, [session_id]).get(session_id)
    if known is not None and known.patient_id != patient_id:
        why = "In the clinic's system its id now belongs to another patient's session"
        set_session_apart(db, session_id, why, now)
        return f"Session {session_id} belongs to patient {patient_id} from now on."
    clinic = known.clinic if known else str(row["row"].get("clinic") or "").strip()
    clinic = clinic or next(iter(all_clinics(db)))
    why = "In the clinic's system the patient's id now belongs to someone else"
    count = set_patient_apart(db, clinic, patient_id, why, now)
    return f"Patient {patient_id} is someone else from now on; {count} sessions were set apart."
