"""``aftercare hold`` and ``aftercare release``: what staff decide about reaching a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from worker.commands.output import output
from worker.commands.who import user_name
from worker.errors import AftercareError, NotFoundError
from worker.parts import open_store, utc_now
from worker.rules.messages import Channel
from worker.settings import load_settings
from worker.store import clinics as clinic_store
from worker.store import decisions, overview
from worker.store.patient_events import By

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

Patient = Annotated[str, typer.Argument(help="The patient's id in the clinic's own system.")]
ClinicKey = Annotated[str, typer.Option("--clinic", help="When several have a patient of this id.")]
Who = Annotated[str, typer.Option("--by", help="Who decides; by default your user name.")]
Why = Annotated[str, typer.Option(help="Why, for your colleagues: no names or numbers, please.")]
_TEXTS = "Nothing but: no more text messages, as if the patient had said stop."
_EMAILS = "Nothing but: no more e-mails, as if the patient had unsubscribed."
_INVITATIONS = "Nothing but: no more invitations to book."

_STOP = "Stopped by staff"


def hold(  # noqa: PLR0917 (Typer's options)
    patient: Patient,
    reason: Why = "",
    by: Who = "",
    clinic: ClinicKey = "",
    never_contact: Annotated[
        bool, typer.Option("--never-contact", help="Nothing at all any more, on any channel.")
    ] = False,
    deceased: Annotated[
        bool, typer.Option("--deceased", help="The patient died: nothing at all any more.")
    ] = False,
    texts: Annotated[bool, typer.Option("--texts", help=_TEXTS)] = False,
    emails: Annotated[bool, typer.Option("--emails", help=_EMAILS)] = False,
    invitations: Annotated[bool, typer.Option("--invitations", help=_INVITATIONS)] = False,
) -> None:
    """Hold what lifts a patient's restrictions, and invitations, until release; advice goes on.

    With --deceased or --never-contact everything ends, at once.
    """
    if not (reason or deceased):
        message = '--reason is missing: write for your colleagues why, like --reason "rash, called"'
        raise AftercareError(message)
    who = By(by or user_name(), "command")
    now = utc_now()
    with open_store(load_settings()).begin() as db:
        row = find_patient(db, patient, clinic)
        key = (row["clinic"], row["patient_id"])
        if deceased or never_contact:
            why = "The patient died" if deceased else "Never to be contacted"
            why += f": {reason}" if reason else ""
            news = decisions.never_contact(db, *key, by=who, why=why, now=now)
            done = "gets nothing any more, on any channel"
        elif texts or emails or invitations:
            news = False
            for channel in _channels(texts=texts, emails=emails):
                address = _address(row, channel)
                news |= not decisions.is_stopped(db, channel, address, now)
                decisions.stop(db, channel, address, by=who, why=f"{_STOP} ({reason})", now=now)
            if invitations:
                news |= decisions.stop_invitations(db, *key, by=who, why=reason, now=now)
            done = f"gets no more {_named(texts=texts, emails=emails, invitations=invitations)}"
        else:
            news = decisions.hold(db, *key, by=who, why=f"On hold: {reason}", now=now)
            done = "is on hold: what lifts a restriction and invitations wait, advice goes on"
    note = "" if news else " already"
    output.print(f"Patient {patient} {done}{note}.", markup=False, soft_wrap=True)


def release(  # noqa: PLR0917 (Typer's options)
    patient: Patient,
    by: Who = "",
    clinic: ClinicKey = "",
    contact_again: Annotated[
        bool, typer.Option("--contact-again", help="Undo --never-contact and --deceased.")
    ] = False,
    texts: Annotated[bool, typer.Option("--texts", help="Text messages again.")] = False,
    emails: Annotated[bool, typer.Option("--emails", help="E-mails again.")] = False,
    invitations: Annotated[
        bool, typer.Option("--invitations", help="Invitations to book again.")
    ] = False,
) -> None:
    """Undo a hold: what is still true goes out at its time."""
    who = By(by or user_name(), "command")
    now = utc_now()
    with open_store(load_settings()).begin() as db:
        row = find_patient(db, patient, clinic)
        key = (row["clinic"], row["patient_id"])
        if contact_again:
            news = decisions.contact_again(db, *key, by=who, now=now)
        elif texts or emails or invitations:
            news = False
            for channel in _channels(texts=texts, emails=emails):
                address = _address(row, channel)
                news |= bool(decisions.start(db, channel, address, by=who, now=now))
            if invitations:
                news |= decisions.start_invitations(db, *key, by=who, now=now)
        elif row["blocked"]:
            message = (
                f"Patient {patient} is never contacted ({row['blocked']}). If that was a mistake: "
                f"aftercare release {patient} --contact-again"
            )
            raise AftercareError(message)
        else:
            news = decisions.release(db, *key, by=who, now=now)
    done = "is released; what is still true goes out" if news else "was not on hold"
    output.print(f"Patient {patient} {done}.", markup=False, soft_wrap=True)


def find_patient(db: Connection, patient_id: str, clinic: str) -> RowMapping:
    """The one patient that is meant.

    Raises:
        NotFoundError: When there is none.
        AftercareError: When several clinics have one.
    """
    if clinic and clinic not in clinic_store.all_clinics(db):
        message = f'There is no clinic "{clinic}"; see: aftercare clinic list'
        raise NotFoundError(message)
    found = [row for row in overview.find_patients(db, patient_id) if clinic in ("", row["clinic"])]
    if not found:
        message = f'There is no patient "{patient_id}"; give the id that the clinic\'s system has'
        raise NotFoundError(message)
    if len(found) > 1:
        keys = " and ".join(row["clinic"] for row in found)
        message = f'"{patient_id}" is a patient of {keys}; say which: --clinic {found[0]["clinic"]}'
        raise AftercareError(message)
    return found[0]


def _channels(*, texts: bool, emails: bool) -> list[Channel]:
    return [Channel.SMS] * texts + [Channel.EMAIL] * emails


def _named(*, texts: bool, emails: bool, invitations: bool) -> str:
    chosen = {"text messages": texts, "e-mails": emails, "invitations": invitations}
    return " and ".join(name for name, meant in chosen.items() if meant)


def _address(row: RowMapping, channel: Channel) -> str:
    address: str | None = row["phone"] if channel is Channel.SMS else row["email"]
    if not address:
        message = f"Patient {row['patient_id']} has no address for {channel.noun}s anyway"
        raise AftercareError(message)
    return address
