"""``aftercare why``: every decision with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from worker.commands.output import MARKS, local, output
from worker.commands.person import persons
from worker.content.costs import describe_cost
from worker.errors import NotFoundError
from worker.parts import open_store
from worker.rules.messages import Cause, Channel, Status
from worker.rules.sms import measure
from worker.settings import load_settings
from worker.store import approvals, collected, overview
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from sqlalchemy import Connection, RowMapping

    from worker.store.approvals import Approval

Which = Annotated[str, typer.Argument(help="A patient's or session's id, or a message's number.")]


def why(which: Which) -> None:
    """Show a patient's messages and why each is where it is."""
    with reading(open_store(load_settings())).begin() as db:
        stories = tell(db, which)
        owners = [(each.session["clinic"], each.session["patient_id"]) for each in stories]
        people = persons(db, owners)
        faults = [row for row in collected.open_faults(db) if row["row_key"] == which]
    for fault in faults:
        output.print(f"The clinic's row for {which} needs mending: {fault['reason']}", markup=False)
    if not stories and not faults:
        message = f"Nothing is known of {which}: no patient, session or message has this id"
        raise NotFoundError(message)
    for each in people:
        each.show(output)
    for story in stories:
        story.show(output)


@dataclass(frozen=True, slots=True)
class Story:
    """A session and what became of each of its messages."""

    session: RowMapping
    messages: Sequence[RowMapping]
    events: Mapping[int, Sequence[Mapping[str, Any]]]
    #: Who signed off the treatment's words, by their version.
    signed: Mapping[str, Approval] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """Print everything: each message, why it is where it is, and what happened to it."""
        zone = self._head(console)
        for each in self.messages:
            _line(console, [each], zone, f"[dim]#{each['id']}{_cost(each)}[/]")
            console.print(f"      {each['reason']}", markup=False, soft_wrap=True, style="dim")
            if each["version"]:
                words = _words(each, self.signed, zone)
                console.print(f"      {words}", markup=False, soft_wrap=True, style="dim")
            for event in self.events[each["id"]]:
                line = f"        {local(event['at'], zone)}  {_event(event)}: {event['reason']}"
                console.print(line, markup=False, soft_wrap=True, style="bright_black")

    def show_briefly(self, console: Console) -> None:
        """Print a line per milestone, with reasons only for what waited or was not sent."""
        zone = self._head(console)
        for _, group in groupby(self.messages, key=_alike):
            together = list(group)
            _line(console, together, zone)
            notes = {
                event["reason"] for event in self.events[together[0]["id"]] if _is_delay(event)
            }
            notes |= set() if _speaks_for_itself(together[0]) else {together[0]["reason"]}
            for note in sorted(notes):
                console.print(f"      {note}", markup=False, soft_wrap=True, style="dim")

    def _head(self, console: Console) -> ZoneInfo:
        session = self.session
        about = f"[bold]Session {escape(session['session_id'])}[/] {escape(_about(session))}"
        console.print(about, soft_wrap=True)
        for note in _notes(session):
            console.print(f"  {note}", markup=False, soft_wrap=True)
        return ZoneInfo(session["time_zone"])


def _words(message: RowMapping, signed: Mapping[str, Approval], zone: ZoneInfo) -> str:
    """Which version of the words it was made from, and who answers for them."""
    version = message["version"].partition("-")[0]
    found = signed.get(version)
    if found is None:
        return f"Its words are version {version}, which nobody has signed off"
    by, at = found.approved_by, local(found.approved_at, zone)
    claimed = message["claimed_at"]
    # Where approval is not required, a signature may come when the message has gone.
    late = " after it was made" if claimed and found.approved_at > claimed else ""
    return f"Its words are version {version}, signed off by {by} on {at}{late}"


def _cost(message: RowMapping) -> str:
    """How a text that has its words is billed; nothing once they are erased."""
    if message["channel"] is not Channel.SMS or not message["body"]:
        return ""
    return f"  {describe_cost(measure(message['body']))}"


def _alike(message: RowMapping) -> tuple[object, ...]:
    """What text and e-mail of one milestone share when one line can tell both."""
    left_at = message["sent_at"] and message["sent_at"].replace(second=0, microsecond=0)
    return message["milestone"], message["status"], message["reason"], left_at


def _speaks_for_itself(message: RowMapping) -> bool:
    return message["status"] is Status.SENT or message["cause"] is Cause.PROTOCOL


def _event(event: Mapping[str, Any]) -> str:
    return str(event["event"]).replace("_", " ")


def _is_delay(event: Mapping[str, Any]) -> bool:
    return event["event"] in ("waits", "postponed", "rescheduled")


def _line(console: Console, messages: Sequence[RowMapping], zone: ZoneInfo, tail: str = "") -> None:
    first = messages[0]
    mark, colour = MARKS[first["status"]]
    when = local(first["sent_at"] or first["next_at"], zone)
    how = ", ".join(each["channel"] for each in messages)
    head = f"{when}  {first['milestone']:<16} {how:<10} {first['status']:<9}"
    console.print(f"  [{colour}]{mark}[/] {head} {tail}".rstrip())


def tell(db: Connection, which: str, *, patients_only: bool = False) -> list[Story]:
    """The stories of a patient, or else of a session or a message."""
    stories = []
    for session in overview.find_sessions(db, which, patients_only=patients_only):
        messages = overview.messages_of(db, session["session_id"])
        events = overview.events_of(db, [each["id"] for each in messages])
        signed = approvals.of_versions(db, session["treatment"])
        stories.append(Story(session, messages, events, signed))
    return stories


def _about(session: RowMapping) -> str:
    zone = ZoneInfo(session["time_zone"])
    course = ""
    if session["session_number"] and session["sessions_planned"]:
        course = f", session {session['session_number']} of {session['sessions_planned']}"
    return (
        f"of patient {session['patient_id']}: {session['treatment']}{course}, ended "
        f"{local(session['completed_at'], zone)} ({zone.key})"
    )


def _notes(session: RowMapping) -> list[str]:
    notes = [session["withdrawn"]]
    if session["before_go_live"]:
        notes.append("It ended before Aftercare went live, so nothing is sent for it")
    elif session["needs_plan"]:
        notes.append("It is planned at the next pass")
    return [note for note in notes if note]
