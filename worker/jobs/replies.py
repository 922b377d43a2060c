"""Replies: what a patient wrote is understood, acted on and kept, all in one transaction.

Texts come in by the provider's webhook, by polling, or by both: :func:`take_reply` is the one way
in, and the same text twice changes nothing. Nothing is sent here. The answer to the patient and
the e-mail to staff are queued with the reply, and leave after it is on record
(:mod:`worker.jobs.answers`, :mod:`worker.jobs.tell`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from worker.rules.messages import Channel
from worker.rules.replies import (
    EMERGENCY,
    HELP,
    RED_FLAG,
    STARTED,
    STOPPED,
    Meaning,
    Reading,
    classify,
)
from worker.store import decisions, replies
from worker.store.kinds import Answer
from worker.store.patient_events import PATIENT, By
from worker.store.replies import Writer, writer_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from worker.channels.base import Inbound
    from worker.rules.replies import Phrasebook

log = structlog.get_logger()

#: How long after the text an answer to it still makes sense. A confirmation of a stop must come
#: within five minutes: 47 CFR 64.1200(a)(12).
_ANSWER_WITHIN = {
    STOPPED: timedelta(minutes=5),
    STARTED: timedelta(hours=1),
    HELP: timedelta(hours=12),
    RED_FLAG: timedelta(hours=12),
    EMERGENCY: timedelta(hours=12),
}
#: Somebody who writes three texts in a row is answered once.
_NOT_AGAIN_WITHIN = timedelta(hours=1)
#: How the provider names what it acted on itself. https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
_KEYWORDS = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}
_BY = By(PATIENT, "reply")
_SAID_STOP = "A text from this number said stop"
_OVERTAKEN = "A newer text from this number said otherwise, so this one changes nothing."
_SINCE = "A newer text from this number says otherwise"
_HOLD = "On hold: a worrying reply came in by text, and staff look at it first"


@dataclass(slots=True)
class _Consequences:
    """What a reply led to."""

    answer: str = ""
    tell_staff: bool = False
    #: A red flag waits for staff; anything else needs nobody once it is told.
    waits_for_staff: bool = False
    notes: list[str] = field(default_factory=list)


def take_reply(
    engine: Engine, inbound: Inbound, *, phrasebooks: Sequence[Phrasebook], now: datetime
) -> bool:
    """Take in one text from a patient.

    Args:
        engine: The worker's database.
        inbound: The text.
        phrasebooks: Every language's lists.
        now: The present moment.

    Returns:
        Whether it is news; the same text again changes nothing.
    """
    inbound = replace(inbound, body=storable(inbound.body))
    reading = _read(inbound, phrasebooks)
    with engine.begin() as db:
        reply_id = replies.add(
            db,
            provider_id=inbound.provider_id,
            address=inbound.address,
            recipient=inbound.to,
            body=inbound.body,
            received_at=inbound.received_at,
            reading=reading,
        )
        if reply_id is None:
            return False
        writer = writer_at(db, inbound.address)
        done = _act(db, inbound, reading, writer, now)
        replies.note(db, reply_id, _columns(db, inbound, writer, done, now))
    log.info(
        "reply.taken",
        provider_id=inbound.provider_id,
        meaning=reading.meaning,
        clinic=writer.clinic,
        patient_id=writer.patient_id,
    )
    return True


def _columns(
    db: Connection, inbound: Inbound, writer: Writer, done: _Consequences, now: datetime
) -> dict[str, object]:
    """What is kept of the consequences; the answer and the e-mail leave later, from here."""
    silent = _unanswerable(db, inbound, done.answer, writer) if done.answer else ""
    answer = "" if silent else done.answer
    notes = [*done.notes, *writer.notes, *([silent] if silent else [])]
    return {
        "clinic": writer.clinic,
        "patient_id": writer.patient_id,
        "note": "\n".join(notes),
        "answer": answer,
        "answer_state": Answer.WAITING if answer else Answer.NONE,
        "answer_until": inbound.received_at + _ANSWER_WITHIN[answer] if answer else None,
        "tell_at": now if done.tell_staff else None,
        "handled_at": None if done.waits_for_staff else now,
    }


def storable(text: str) -> str:
    """The text without what no database takes: NUL, and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _read(inbound: Inbound, phrasebooks: Sequence[Phrasebook]) -> Reading:
    """What it means; a word that the provider acted on means what the provider took it for."""
    reading = classify(inbound.body, phrasebooks)
    said = _KEYWORDS.get(inbound.keyword.upper())
    if said is None:
        return reading
    if reading.meaning is Meaning.RED_FLAG:
        return replace(reading, also_stop=said is Meaning.STOP, keyword=True)
    return Reading(said, reading.matched, keyword=True)


def _act(
    db: Connection, inbound: Inbound, reading: Reading, writer: Writer, now: datetime
) -> _Consequences:
    done = _Consequences()
    if reading.stops:
        _stop(db, inbound, reading, now, done)
    match reading.meaning:
        case Meaning.START:
            _start(db, inbound, reading, now, done)
        case Meaning.HELP:
            done.answer = "" if reading.keyword else HELP
        case Meaning.RED_FLAG:
            _raise_red_flag(db, reading, writer, now, done)
        case Meaning.STAFF:
            done.tell_staff = True
    return done


def _stop(
    db: Connection, inbound: Inbound, reading: Reading, now: datetime, done: _Consequences
) -> None:
    if replies.changed_mind_since(db, inbound.address, inbound.received_at):
        done.notes.append(_OVERTAKEN)
        return
    replies.take_back_answer(db, inbound.address, STARTED, _SINCE)
    already = decisions.is_stopped(db, Channel.SMS, inbound.address, now)
    patients = decisions.stop(db, Channel.SMS, inbound.address, by=_BY, why=_SAID_STOP, now=now)
    done.notes.append("No more text messages go to this number.")
    if len(patients) > 1:
        done.notes.append(f"{len(patients)} patients share this number; it stops for them all.")
    # Whoever adds words of their own may have said more than stop.
    done.tell_staff = len(patients) > 1 or not reading.keyword
    if not already and not reading.keyword:
        done.answer = STOPPED


def _start(
    db: Connection, inbound: Inbound, reading: Reading, now: datetime, done: _Consequences
) -> None:
    if replies.changed_mind_since(db, inbound.address, inbound.received_at):
        done.notes.append(_OVERTAKEN)
        return
    replies.take_back_answer(db, inbound.address, STOPPED, _SINCE)
    if decisions.start(db, Channel.SMS, inbound.address, by=_BY, now=now):
        done.notes.append("Text messages go to this number again.")
        done.answer = "" if reading.keyword else STARTED
    else:
        # There was no stop to undo: a "yes" may answer something that a person asked.
        done.tell_staff = True


def _raise_red_flag(
    db: Connection, reading: Reading, writer: Writer, now: datetime, done: _Consequences
) -> None:
    done.tell_staff = True
    done.answer = EMERGENCY if reading.emergency else RED_FLAG
    for clinic, patient_id in writer.patients:
        decisions.hold(db, clinic, patient_id, by=_BY, why=_HOLD, now=now)
    done.waits_for_staff = bool(writer.patients)
    if writer.patients:
        done.notes.append(
            "What lifts a restriction and invitations wait until you run: aftercare release "
            + ", ".join(patient_id for _, patient_id in writer.patients)
        )


def _unanswerable(db: Connection, inbound: Inbound, answer: str, writer: Writer) -> str:
    """Why an answer would make no sense; empty when it does."""
    if writer.clinic is None:
        return "The patient was not answered, because several clinics could be meant."
    if writer.never_contact:
        return "The patient was not answered, because they must never be contacted."
    since = inbound.received_at - _NOT_AGAIN_WITHIN
    if replies.answered_since(db, inbound.address, answer, since):
        return "The same answer went out within the hour, so it was not repeated."
    return ""
