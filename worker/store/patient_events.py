"""What was decided about reaching a patient, and by whom: the record that staff read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from worker.store.bulk import add_all
from worker.store.kinds import Decision
from worker.store.tables import PATIENT_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.facts import Patient
    from worker.rules.messages import Channel

#: Who decided when no member of staff did.
PATIENT = "patient"
PROVIDER = "provider"
SOURCE = "source"
#: A patient: the clinic's key and the clinic's own id.
PatientKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class By:
    """Who decided, and how they said it.

    ``actor`` is ``patient``, ``provider`` or the name of a member of staff; ``how`` is ``reply``,
    ``unsubscribe link``, ``command``, ``provider code``, ``bounce`` or the like.
    """

    actor: str
    how: str


_AGREED = "The clinic's system says the patient agreed to: "


def note(
    db: Connection,
    patient: PatientKey,
    event: Decision,
    reason: str,
    *,
    by: By,
    now: datetime,
    channel: Channel | None = None,
) -> None:
    """Keep one decision about a patient."""
    db.execute(
        insert(PATIENT_EVENTS), _event(patient, event, reason, by=by, now=now, channel=channel)
    )


def note_consents(
    db: Connection, facts: Iterable[tuple[Patient, Patient | None, datetime]]
) -> None:
    """Keep what the clinic's rows say their patients agreed to, where it is new.

    Args:
        db: In a transaction.
        facts: Each patient by the row, as stored before, and the age of the row.
    """
    by = By(SOURCE, "source row")
    events = [
        _event(
            (patient.clinic, patient.patient_id),
            Decision.CONSENT,
            _AGREED + _consent(patient),
            by=by,
            now=at,
        )
        for patient, before, at in facts
        if before is None or _consent(before) != _consent(patient)
    ]
    add_all(db, PATIENT_EVENTS, events)


def events_of(db: Connection, clinic: str, patient_id: str) -> Sequence[RowMapping]:
    """Every decision about a patient, the oldest first."""
    theirs = (PATIENT_EVENTS.c.clinic == clinic) & (PATIENT_EVENTS.c.patient_id == patient_id)
    rows = select(PATIENT_EVENTS).where(theirs)
    rows = rows.order_by(PATIENT_EVENTS.c.at, PATIENT_EVENTS.c.id)
    return db.execute(rows).mappings().all()


def _consent(patient: Patient) -> str:
    agreed = {
        "text messages": patient.sms_consent,
        "e-mails": patient.email_consent,
        "invitations to book": patient.marketing_consent,
    }
    return ", ".join(name for name, said in agreed.items() if said) or "nothing"


def _event(
    patient: PatientKey,
    event: Decision,
    reason: str,
    *,
    by: By,
    now: datetime,
    channel: Channel | None = None,
) -> dict[str, Any]:
    clinic, patient_id = patient
    return {
        "clinic": clinic,
        "patient_id": patient_id,
        "at": now,
        "event": event,
        "channel": channel,
        "reason": reason,
        "actor": by.actor,
        "how": by.how,
    }
