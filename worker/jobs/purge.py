"""Purge: after the retention time, names, addresses and words are erased; ids and reasons stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, select, tuple_, update

from worker.store.tables import MESSAGES, PATIENTS, REJECTED_ROWS, REPLIES, SESSIONS

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Engine

_BATCH = 500


def purge(engine: Engine, *, retention: timedelta, now: datetime) -> int:
    """Erase patients whose last session is older than ``retention``; returns how many."""
    total = 0
    before = now - retention
    while True:
        with engine.begin() as db:
            erased = _erase_patients(db, before, now)
            if erased < _BATCH:
                _erase_loose_ends(db, before)
        total += erased
        if erased < _BATCH:
            return total


def _erase_patients(db: Connection, before: datetime, now: datetime) -> int:
    owner = (SESSIONS.c.clinic == PATIENTS.c.clinic) & (
        SESSIONS.c.patient_id == PATIENTS.c.patient_id
    )
    recent = exists().where(owner, SESSIONS.c.completed_at >= before)
    old = (
        select(PATIENTS.c.clinic, PATIENTS.c.patient_id)
        .where(PATIENTS.c.erased_at.is_(None), PATIENTS.c.as_of < before, ~recent)
        .limit(_BATCH)
    )
    keys = [(row.clinic, row.patient_id) for row in db.execute(old)]
    if not keys:
        return 0
    nothing = {"first_name": "", "phone": None, "email": None, "erased_at": now}
    patient = tuple_(PATIENTS.c.clinic, PATIENTS.c.patient_id)
    db.execute(update(PATIENTS).where(patient.in_(keys)).values(nothing))
    theirs = select(SESSIONS.c.session_id).where(
        tuple_(SESSIONS.c.clinic, SESSIONS.c.patient_id).in_(keys)
    )
    words = {"address": None, "subject": None, "body": None, "html": None, "calendar": None}
    db.execute(update(MESSAGES).where(MESSAGES.c.session_id.in_(theirs)).values(words))
    return len(keys)


def _erase_loose_ends(db: Connection, before: datetime) -> None:
    """Replies and faulty rows belong to nobody we know."""
    replies = update(REPLIES).where(REPLIES.c.received_at < before, REPLIES.c.body.is_not(None))
    db.execute(replies.values(body=None, address=None))
    rows = update(REJECTED_ROWS).where(REJECTED_ROWS.c.last_changed_at < before)
    db.execute(rows.values(row=None))
