"""Replies as they are kept, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, tuple_, update

from worker.rules.messages import LEFT, Channel, Status
from worker.rules.replies import Meaning
from worker.store.addresses import patients_at
from worker.store.clinics import all_clinics
from worker.store.engine import insert_new
from worker.store.kinds import Answer
from worker.store.tables import ANSWER_WAITS, MESSAGES, PATIENTS, REPLIES, SESSIONS, TO_TELL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

    from worker.rules.replies import Reading
    from worker.store.patient_events import PatientKey


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote, as far as their number tells."""

    #: Whose staff read it; None when nobody knows.
    clinic: str | None
    #: Whom it is kept under: of a shared number, who got the last message there.
    patient_id: str | None
    #: Everyone it may be from.
    patients: tuple[PatientKey, ...]
    #: What staff should know about that.
    notes: tuple[str, ...]
    #: Nobody at this number may be contacted.
    never_contact: bool


def writer_at(db: Connection, number: str) -> Writer:
    """Find out who writes from a number.

    Clinics that share a sender are told apart by the last message that went to the number.
    """
    patients = patients_at(db, Channel.SMS, number)
    last = _last_written_to(db, number, patients)
    if last is not None:
        patients = [each for each in patients if each[0] == last[0]] or [last]
    clinics = {clinic for clinic, _ in patients} or set(all_clinics(db))
    clinic = clinics.pop() if len(clinics) == 1 else None
    known = last or (patients[0] if len(patients) == 1 else None)
    notes = []
    if not patients:
        notes.append("No patient has this number.")
    elif len(patients) > 1:
        ids = ", ".join(patient_id for _, patient_id in patients)
        notes.append(f"Several patients share this number: {ids}.")
    patient_id = known[1] if known else None
    return Writer(clinic, patient_id, tuple(patients), tuple(notes), _all_blocked(db, patients))


def _last_written_to(
    db: Connection, number: str, patients: Collection[PatientKey]
) -> PatientKey | None:
    """Whom the newest message to a number was for; also when that patient's number changed."""
    owner = tuple_(SESSIONS.c.clinic, SESSIONS.c.patient_id)
    newest = (
        select(SESSIONS.c.clinic, SESSIONS.c.patient_id)
        .join(MESSAGES, MESSAGES.c.session_id == SESSIONS.c.session_id)
        .where(
            MESSAGES.c.channel == Channel.SMS,
            MESSAGES.c.address == number,
            MESSAGES.c.status.in_([*LEFT, Status.FAILED]),
        )
        .order_by(MESSAGES.c.claimed_at.desc(), MESSAGES.c.id.desc())
        .limit(1)
    )
    if patients:
        newest = newest.where(owner.in_(list(patients)))
    row = db.execute(newest).first()
    return None if row is None else (row.clinic, row.patient_id)


def _all_blocked(db: Connection, patients: Collection[PatientKey]) -> bool:
    owner = tuple_(PATIENTS.c.clinic, PATIENTS.c.patient_id)
    blocked = select(PATIENTS.c.patient_id).where(
        owner.in_(list(patients)), PATIENTS.c.blocked != ""
    )
    return bool(patients) and len(db.execute(blocked).all()) == len(patients)


def add(
    db: Connection,
    *,
    provider_id: str,
    address: str,
    recipient: str,
    body: str,
    received_at: datetime,
    reading: Reading,
) -> int | None:
    """Keep a text; returns its number here, or None when it was kept before."""
    values = {
        "provider_id": provider_id,
        "channel": Channel.SMS,
        "address": address,
        "recipient": recipient,
        "body": body,
        "meaning": reading.meaning,
        "emergency": reading.emergency,
        "stops": reading.stops,
        "received_at": received_at,
        "note": "",
        "answer": "",
        "answer_state": Answer.NONE,
        "answer_why": "",
    }
    return db.execute(insert_new(db, REPLIES, values).returning(REPLIES.c.id)).scalar()


def note(db: Connection, reply_id: int, columns: Mapping[str, object]) -> None:
    """Keep what a reply led to."""
    db.execute(update(REPLIES).where(REPLIES.c.id == reply_id).values(columns))


def changed_mind_since(db: Connection, address: str, moment: datetime) -> bool:
    """Whether a newer text from the number said stop or start: polling may bring the older late."""
    either = or_(REPLIES.c.stops, REPLIES.c.meaning == Meaning.START)
    newer = (REPLIES.c.address == address) & (REPLIES.c.received_at > moment)
    return db.execute(select(REPLIES.c.id).where(newer, either).limit(1)).first() is not None


def answered_since(db: Connection, address: str, answer: str, since: datetime) -> bool:
    """Whether a text from the number has had the same answer since, as far as anybody knows."""
    same = (REPLIES.c.address == address) & (REPLIES.c.answer == answer)
    # One that surely never left is no reason to leave the next worry without.
    same &= REPLIES.c.answer_state != Answer.NOT_SENT
    found = select(REPLIES.c.id).where(same, REPLIES.c.received_at >= since)
    return db.execute(found.limit(1)).first() is not None


# Answering


def take_back_answer(db: Connection, address: str, answer: str, why: str) -> None:
    """An answer that still waits to go to a number is not sent: by now it would be wrong."""
    waits = (REPLIES.c.address == address) & (REPLIES.c.answer == answer) & ANSWER_WAITS
    taken = {"answer_state": Answer.NOT_SENT, "answer_why": why}
    db.execute(update(REPLIES).where(waits).values(taken))


def waiting_answers(db: Connection, limit: int) -> Sequence[RowMapping]:
    """Replies whose answer waits, the most pressing first."""
    waiting = select(REPLIES).where(ANSWER_WAITS).order_by(REPLIES.c.answer_until)
    return db.execute(waiting.limit(limit)).mappings().all()


def move_answer(
    db: Connection, reply_id: int, state: Answer, why: str, now: datetime, *, was: Answer
) -> bool:
    """Move an answer on; returns whether it stood where it was expected."""
    stands = (REPLIES.c.id == reply_id) & (REPLIES.c.answer_state == was)
    changes: dict[str, object] = {"answer_state": state, "answer_why": why}
    changes |= {"answered_at": now} if state is Answer.SENT else {}
    return db.execute(update(REPLIES).where(stands).values(changes)).rowcount > 0


def how_to_answer(db: Connection, clinic: str | None, patient_id: str | None) -> tuple[str, str]:
    """The patient's language, and why they must never be contacted; both empty for a stranger."""
    theirs = (PATIENTS.c.clinic == clinic) & (PATIENTS.c.patient_id == patient_id)
    row = db.execute(select(PATIENTS.c.language, PATIENTS.c.blocked).where(theirs)).first()
    return ("", "") if row is None else (row.language, row.blocked)


# Telling staff


def to_tell(db: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Replies that staff have not been told of, the oldest first."""
    waiting = select(REPLIES).where(TO_TELL, REPLIES.c.tell_at <= now)
    return (
        db.execute(waiting.order_by(REPLIES.c.tell_at, REPLIES.c.id).limit(limit)).mappings().all()
    )


def claim_telling(
    db: Connection, reply_id: int, tell_at: datetime, again: datetime, message_ref: str
) -> bool:
    """Take a reply to tell staff of; unless that is noted, it is tried again at ``again``."""
    ours = (REPLIES.c.id == reply_id) & (REPLIES.c.tell_at == tell_at)
    taken = update(REPLIES).where(ours).values(tell_at=again, message_ref=message_ref)
    return db.execute(taken).rowcount > 0


def untold(db: Connection, before: datetime) -> int:
    """How many replies from before a moment staff have not been told of."""
    waiting = select(func.count()).select_from(REPLIES).where(TO_TELL)
    return db.execute(waiting.where(REPLIES.c.received_at < before)).scalar_one()


def written_by(clinic: str, patient_id: str) -> ColumnElement[bool]:
    """Replies that are a patient's, or may be: of several on one number nobody knows who wrote."""
    phone = (
        select(PATIENTS.c.phone)
        .where(PATIENTS.c.clinic == clinic, PATIENTS.c.patient_id == patient_id)
        .scalar_subquery()
    )
    nobody_s = and_(REPLIES.c.patient_id.is_(None), REPLIES.c.address == phone)
    return and_(REPLIES.c.clinic == clinic, or_(REPLIES.c.patient_id == patient_id, nobody_s))


def of_patient(db: Connection, clinic: str, patient_id: str) -> Sequence[RowMapping]:
    """A patient's replies, the oldest first."""
    theirs = written_by(clinic, patient_id)
    found = select(REPLIES).where(theirs).order_by(REPLIES.c.received_at, REPLIES.c.id)
    return db.execute(found).mappings().all()
