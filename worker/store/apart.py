"""When an id of the clinic's changes hands, what is stored under it makes room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from worker.store.tables import MESSAGES, PATIENTS, SESSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


def set_session_apart(db: Connection, session_id: str, why: str, now: datetime) -> None:
    """A session whose id now means another one goes on under a name of its own, withdrawn.

    What left for it stays on record there; what waits is skipped by the next planning.
    """
    key = SESSIONS.c.session_id == session_id
    stored = db.execute(select(SESSIONS).where(key)).mappings().one()
    own_name = f"{session_id} (until {now:%Y-%m-%d %H:%M:%S})"
    changes = {"session_id": own_name, "withdrawn": why, "fault": "", "fingerprint": ""}
    db.execute(insert(SESSIONS).values({**stored, **changes, "needs_plan": True}))
    moved = update(MESSAGES).where(MESSAGES.c.session_id == session_id)
    db.execute(moved.values(session_id=own_name))
    db.execute(delete(SESSIONS).where(key))


def set_patient_apart(db: Connection, clinic: str, patient_id: str, why: str, now: datetime) -> int:
    """A patient's id now means someone else: their sessions make room, their details are erased.

    Returns:
        How many sessions that were.
    """
    owned = (SESSIONS.c.clinic == clinic) & (SESSIONS.c.patient_id == patient_id)
    session_ids = list(db.execute(select(SESSIONS.c.session_id).where(owned)).scalars())
    for session_id in session_ids:
        set_session_apart(db, session_id, why, now)
    db.execute(
        update(PATIENTS)
        .where(PATIENTS.c.clinic == clinic, PATIENTS.c.patient_id == patient_id)
        .values(first_name="", phone=None, email=None, erased_at=now)
    )
    return len(session_ids)
