"""Storing what arrived: sessions with their patients, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from worker.store.bulk import add_all
from worker.store.collected import FRESH, by_clinic, replan_patients
from worker.store.facts import patient_from
from worker.store.lists import one_of
from worker.store.patient_events import note_consents
from worker.store.tables import PATIENTS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.rules.facts import Patient, Session

_SOME_PATIENTS = select(PATIENTS).where(
    PATIENTS.c.clinic == bindparam("of_clinic"), one_of(PATIENTS.c.patient_id, "patient_ids")
)
#: What patients and staff decided: the clinic's rows never touch it.
_DECIDED_HERE = (
    *("blocked", "clinical_hold"),
    *("sms_stopped", "email_stopped", "invitations_stopped"),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A session as the source has it now."""

    session: Session
    patient: Patient
    #: The digest of its row.
    fingerprint: str
    #: How old these facts are.
    as_of: datetime


def patients(db: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Patient]:
    """The stored patients among these (clinic, patient id); one that was erased is nobody."""
    stored = _stored(db, keys)
    return {key: patient_from(row) for key, row in stored.items() if row["erased_at"] is None}


def save(
    db: Connection,
    arrivals: Sequence[Arrival],
    known: Collection[str],
    *,
    source: str,
    go_live_at: datetime,
    now: datetime,
) -> None:
    """Store sessions with their patients; all their patients' open sessions are planned again.

    Args:
        db: In a transaction.
        arrivals: At most one for each session.
        known: The ids of sessions that are stored already.
        source: The kind of source that they come from.
        go_live_at: Sessions that ended before are recorded and never planned.
        now: The present moment.
    """
    save_patients(db, [(each.patient, each.as_of) for each in arrivals])
    new, changed = [], []
    for each in arrivals:
        facts = _session_facts(each, source, go_live_at, now)
        if each.session.session_id in known:
            changed.append({"key_id": each.session.session_id, **facts})
        else:
            plans = not facts["before_go_live"]
            identity = {"session_id": each.session.session_id, "plan_version": ""}
            new.append({**identity, **facts, "needs_plan": plans})
    add_all(db, SESSIONS, new)
    if changed:
        key = SESSIONS.c.session_id == bindparam("key_id")
        db.execute(update(SESSIONS).where(key).values(_bound(changed[0])), changed)
    replan_patients(db, {_owner(each.patient) for each in arrivals}, now)


def add_faulty(
    db: Connection,
    sessions: Sequence[tuple[Session, Patient]],
    *,
    source: str,
    go_live_at: datetime,
    now: datetime,
) -> None:
    """Store new sessions whose row has a fault, for what they restrict; nothing is sent for them.

    Those that are too old to restrict anything are left out.

    Args:
        db: In a transaction.
        sessions: Each with its fault, and its patient as stored.
        source: The kind of source that they come from.
        go_live_at: Sessions that ended before are recorded and never planned.
        now: The present moment.
    """
    new = []
    for session, patient in sessions:
        # Without its fingerprint the row counts as new once it is mended.
        arrival = Arrival(session, patient, fingerprint="", as_of=now)
        facts = _session_facts(arrival, source, go_live_at, now)
        if facts["open_until"] >= now:
            identity = {"session_id": session.session_id, "plan_version": ""}
            plans = not facts["before_go_live"]
            new.append({**identity, **facts, "fault": session.fault, "needs_plan": plans})
    if new:
        add_all(db, SESSIONS, new)
        replan_patients(db, {_owner(patient) for _, patient in sessions}, now)


def move_faulty(db: Connection, sessions: Iterable[tuple[Session, Patient]], now: datetime) -> None:
    """A stored session that now has a fault restricts from its latest time on, also if it is back.

    Only to a later time: which of the two is the mistake, nobody knows before the row is mended.
    """
    moved = []
    for session, patient in sessions:
        its = (
            (SESSIONS.c.session_id == session.session_id)
            & (SESSIONS.c.clinic == patient.clinic)
            & (SESSIONS.c.patient_id == patient.patient_id)
        )
        stale = (SESSIONS.c.completed_at < session.completed_at) | (SESSIONS.c.withdrawn != "")
        facts = {
            "completed_at": session.completed_at,
            "open_until": session.completed_at + FRESH,
            "withdrawn": "",
        }
        if db.execute(update(SESSIONS).where(its, stale).values(facts)).rowcount:
            moved.append(_owner(patient))
    replan_patients(db, moved, now)


def _bound(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What to set in a statement for many rows: every column that is not part of its key."""
    return {name: bindparam(name) for name in columns if not name.startswith("key_")}


def _session_facts(
    arrival: Arrival, source: str, go_live_at: datetime, now: datetime
) -> dict[str, Any]:
    session = arrival.session
    return {
        "clinic": arrival.patient.clinic,
        "patient_id": arrival.patient.patient_id,
        "source": source,
        "treatment": session.treatment,
        "completed_at": session.completed_at,
        "session_number": session.session_number,
        "sessions_planned": session.sessions_planned,
        "next_session_at": session.next_session_at,
        "withdrawn": "",
        "fault": "",
        "before_go_live": session.completed_at < go_live_at,
        "fingerprint": arrival.fingerprint,
        "needs_plan": True,
        "open_until": session.completed_at + FRESH,
        "collected_at": now,
    }


def save_patients(db: Connection, facts: Iterable[tuple[Patient, datetime]]) -> None:
    """Store patients, each with the age of its facts, unless what is stored is newer."""
    newest: dict[tuple[str, str], tuple[Patient, datetime]] = {}
    for patient, as_of in facts:
        other = newest.get(_owner(patient))
        if other is None or other[1] <= as_of:
            newest[_owner(patient)] = patient, as_of
    before = _stored(db, newest)
    new, changed, told = [], [], []
    for owner, (patient, as_of) in newest.items():
        columns = _patient_columns(patient, as_of)
        stored = before.get(owner)
        if stored is None:
            identity = {"clinic": owner[0], "patient_id": owner[1]}
            new.append({**identity, **columns, **dict.fromkeys(_DECIDED_HERE, "")})
        elif stored["as_of"] <= as_of:
            changed.append({"key_clinic": owner[0], "key_id": owner[1], **columns})
        else:
            continue
        told.append((patient, None if stored is None else patient_from(stored), as_of))
    add_all(db, PATIENTS, new)
    if changed:
        key = (PATIENTS.c.clinic == bindparam("key_clinic")) & (
            PATIENTS.c.patient_id == bindparam("key_id")
        )
        db.execute(update(PATIENTS).where(key).values(_bound(changed[0])), changed)
    note_consents(db, told)


def _stored(db: Connection, owners: Iterable[tuple[str, str]]) -> dict[tuple[str, str], RowMapping]:
    found: dict[tuple[str, str], RowMapping] = {}
    for clinic, patient_ids in by_clinic(owners).items():
        asked = {"of_clinic": clinic, "patient_ids": list(patient_ids)}
        rows = db.execute(_SOME_PATIENTS, asked).mappings().all()
        found |= {(clinic, row["patient_id"]): row for row in rows}
    return found


def _patient_columns(patient: Patient, as_of: datetime) -> dict[str, Any]:
    return {
        "first_name": patient.first_name,
        "phone": patient.phone,
        "phone_problem": patient.phone_problem,
        "email": patient.email,
        "email_problem": patient.email_problem,
        "language": patient.language,
        "time_zone": patient.zone.key,
        "sms_consent": patient.sms_consent,
        "email_consent": patient.email_consent,
        "marketing_consent": patient.marketing_consent,
        "as_of": as_of,
        "erased_at": None,
    }


def _owner(patient: Patient) -> tuple[str, str]:
    return patient.clinic, patient.patient_id
