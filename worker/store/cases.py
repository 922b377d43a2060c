"""A session with everything that bears on it: whose it is, and what else that patient had done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, tuple_

from worker.store.facts import patient_from, session_from
from worker.store.tables import PatientRow, SessionRow, table_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, RowMapping

    from worker.rules.facts import Patient, Session


_SESSIONS, _PATIENT_ROWS = table_of(SessionRow), table_of(PatientRow)
#: Whose the sessions ``ids`` are. Asked for every batch, so put together once.
OWNERS = select(_SESSIONS.c.clinic, _SESSIONS.c.patient_id).where(
    _SESSIONS.c.session_id.in_(bindparam("ids", expanding=True))
)
#: All sessions of their owners, each with its patient: nearly every patient has only a few.
_THEIR_SESSIONS = (
    select(
        _PATIENT_ROWS,
        *(
            _SESSIONS.c[name]
            for name in (
                "session_id", "treatment", "completed_at", "session_number", "sessions_planned",
                "next_session_at", "withdrawn", "fault",
            )
        ),
    )
    .join_from(
        _SESSIONS,
        _PATIENT_ROWS,
        (_PATIENT_ROWS.c.clinic == _SESSIONS.c.clinic)
        & (_PATIENT_ROWS.c.patient_id == _SESSIONS.c.patient_id),
    )
    .where(tuple_(_SESSIONS.c.clinic, _SESSIONS.c.patient_id).in_(OWNERS))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
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
    asked = {"ids": list(wanted)}
    rows: dict[tuple[str, str], list[RowMapping]] = {}
    for row in db.execute(_THEIR_SESSIONS, asked).mappings():
        rows.setdefault((row["clinic"], row["patient_id"]), []).append(row)
    found = {}
    for theirs in rows.values():
        patient, held = patient_from(theirs[0]), theirs[0]["clinical_hold"]
        own = [session_from(row) for row in theirs]
        for session in own:
            if session.session_id in wanted:
                others = tuple(each for each in own if each is not session)
                found[session.session_id] = Case(session, patient, others, held)
    return found
