"""A session with everything that bears on it: whose it is, and what else that patient had done."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from worker.rules.contacts import read_zone
from worker.rules.facts import Patient, Session
from worker.rules.values import value
from worker.store.lists import one_of
from worker.store.tables import PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection


#: The columns stand in the order of the fields; a zone is stored by its name.
_OF_PATIENT = [each.name.replace("zone", "time_zone") for each in fields(Patient)]
_OF_SESSION = [each.name for each in fields(Session)]
_ZONE = _OF_PATIENT.index("time_zone")
#: Whose the sessions ``ids`` are.
_OWNERS = (
    select(SESSIONS.c.clinic, SESSIONS.c.patient_id)
    .where(one_of(SESSIONS.c.session_id, "ids"))
    .distinct()
    .subquery("owners")
)
#: All sessions of their owners, each with its patient: nearly every patient has only a few. Asked
#: for every batch, so put together once.
_THEIR_SESSIONS = (
    select(
        *(PATIENTS.c[name] for name in _OF_PATIENT),
        *(SESSIONS.c[name] for name in _OF_SESSION),
        PATIENTS.c.clinical_hold,
    )
    .join_from(
        _OWNERS,
        PATIENTS,
        (PATIENTS.c.clinic == _OWNERS.c.clinic) & (PATIENTS.c.patient_id == _OWNERS.c.patient_id),
    )
    .join(
        SESSIONS,
        (SESSIONS.c.clinic == _OWNERS.c.clinic) & (SESSIONS.c.patient_id == _OWNERS.c.patient_id),
    )
)


@value
class Case:
    """One session, its patient and the patient's other sessions."""

    session: Session
    patient: Patient
    others: tuple[Session, ...]
    #: Why permissions and invitations wait for staff; empty when they do not.
    clinical_hold: str

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All the patient's sessions."""
        return (self.session, *self.others)


def cases(db: Connection, session_ids: Collection[str]) -> dict[str, Case]:
    """The cases of these sessions, by session id."""
    wanted = frozenset(session_ids)
    rows: dict[tuple[str, str], list[Sequence[Any]]] = {}
    for row in db.execute(_THEIR_SESSIONS, {"ids": list(wanted)}):
        rows.setdefault((row[0], row[1]), []).append(row)
    found = {}
    for theirs in rows.values():
        patient, held = _patient(theirs[0]), theirs[0][-1]
        own = [Session(*row[len(_OF_PATIENT) : -1]) for row in theirs]
        for session in own:
            if session.session_id in wanted:
                others = tuple(each for each in own if each is not session)
                found[session.session_id] = Case(session, patient, others, held)
    return found


def _patient(row: Sequence[Any]) -> Patient:
    facts = list(row[: len(_OF_PATIENT)])
    facts[_ZONE] = read_zone(facts[_ZONE])
    return Patient(*facts)
