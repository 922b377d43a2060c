"""An e-mail that was sent, looked up by its number: whose it was, and what it was about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from worker.rules.messages import Channel
from worker.store.tables import MessageRow, PatientRow, SessionRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from worker.rules.messages import Kind


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail to a patient."""

    clinic: str
    patient_id: str
    kind: Kind
    language: str
    #: Where it went, then where the patient is reached today. Empty when both are erased.
    addresses: tuple[str, ...]
    #: The retention time is over: its address is no longer known.
    erased: bool


def letter(db: Connection, message_id: int) -> Letter | None:
    """The e-mail with this number, if there is one."""
    wanted = (
        select(
            SessionRow.clinic,
            SessionRow.patient_id,
            MessageRow.kind,
            MessageRow.language,
            MessageRow.address,
            PatientRow.language.label("spoken"),
            PatientRow.email,
        )
        .join(SessionRow, SessionRow.session_id == MessageRow.session_id)
        .join(
            PatientRow,
            (PatientRow.clinic == SessionRow.clinic)
            & (PatientRow.patient_id == SessionRow.patient_id),
        )
        .where(MessageRow.id == message_id, MessageRow.channel == Channel.EMAIL)
    )
    row = db.execute(wanted).first()
    if row is None:
        return None
    return Letter(
        clinic=row.clinic,
        patient_id=row.patient_id,
        kind=row.kind,
        language=row.language or row.spoken,
        addresses=tuple(each for each in (row.address, row.email) if each),
        erased=row.address is None,
    )
