"""An e-mail that was sent, looked up by its number: whose it was, and what it was about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from worker.rules.messages import Channel
from worker.store.tables import MESSAGES, PATIENTS, SESSIONS

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
            SESSIONS.c.clinic,
            SESSIONS.c.patient_id,
            MESSAGES.c.kind,
            MESSAGES.c.language,
            MESSAGES.c.address,
            PATIENTS.c.language.label("spoken"),
            PATIENTS.c.email,
        )
        .join(SESSIONS, SESSIONS.c.session_id == MESSAGES.c.session_id)
        .join(
            PATIENTS,
            (PATIENTS.c.clinic == SESSIONS.c.clinic)
            & (PATIENTS.c.patient_id == SESSIONS.c.patient_id),
        )
        .where(MESSAGES.c.id == message_id, MESSAGES.c.channel == Channel.EMAIL)
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
