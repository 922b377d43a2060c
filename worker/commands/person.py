"""The patient's part of ``aftercare why``: what they said, what was decided, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.markup import escape

from worker.commands.output import local
from worker.rules.replies import Meaning
from worker.store import overview, replies
from worker.store.kinds import Answer
from worker.store.patient_events import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import Console
    from sqlalchemy import Connection, RowMapping

#: What a reply was read as, for staff.
_WROTE = {
    Meaning.STOP: "wrote stop",
    Meaning.START: "wrote start",
    Meaning.HELP: "asked for help",
    Meaning.RED_FLAG: "wrote of a worrying symptom",
    Meaning.STAFF: "wrote something for staff",
}
_ANSWERS = {
    Answer.NONE: "",
    Answer.WAITING: "the answer waits to leave",
    Answer.SENDING: "the answer may have left",
    Answer.SENT: "answered",
    Answer.NOT_SENT: "not answered",
    Answer.UNKNOWN: "nobody knows whether the answer left",
}


@dataclass(frozen=True, slots=True)
class Person:
    """A patient, the decisions about reaching them, and their replies."""

    patient: RowMapping
    decisions: Sequence[RowMapping]
    replies: Sequence[RowMapping]

    def show(self, console: Console) -> None:
        """Print what is decided now, then what led to it, the oldest first."""
        patient = self.patient
        head = f"[bold]Patient {escape(patient['patient_id'])}[/] of {escape(patient['clinic'])}"
        console.print(head, soft_wrap=True)
        for each in self._now():
            console.print("  [yellow]![/] ", end="")
            console.print(each, markup=False, soft_wrap=True)
        zone = ZoneInfo(patient["time_zone"])
        for moment, line in sorted(self._history(), key=lambda each: each[0]):
            shown = f"    {local(moment, zone)}  {line}"
            console.print(shown, markup=False, soft_wrap=True, style="dim")

    def _now(self) -> Iterator[str]:
        for name in ("blocked", "clinical_hold", "sms_stopped", "email_stopped"):
            if self.patient[name]:
                yield self.patient[name]
        if stopped := self.patient["invitations_stopped"]:
            yield f"No invitations to book: {stopped}"

    def _history(self) -> Iterator[tuple[datetime, str]]:
        for row in self.replies:
            yield row["received_at"], _reply(row)
        for row in self.decisions:
            yield row["at"], f"{row['reason']} ({row['actor']}, by {row['how']})"


def _reply(row: RowMapping) -> str:
    parts = [f"The patient {_WROTE[row['meaning']]} by text message"]
    if answer := _ANSWERS[row["answer_state"]]:
        parts.append(f"{answer}: {row['answer_why']}" if row["answer_why"] else answer)
    if row["told_at"]:
        parts.append("passed on to staff")
    elif row["tell_at"]:
        parts.append("not passed on to staff yet")
    return "; ".join(parts)


def persons(db: Connection, patients: Sequence[tuple[str, str]]) -> list[Person]:
    """These patients, by clinic and id."""
    return [
        Person(
            row,
            events_of(db, row["clinic"], row["patient_id"]),
            replies.of_patient(db, row["clinic"], row["patient_id"]),
        )
        for clinic, patient_id in dict.fromkeys(patients)
        for row in overview.find_patients(db, patient_id)
        if row["clinic"] == clinic
    ]
