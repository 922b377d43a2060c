"""Telling staff what patients replied: an e-mail for each reply that a person has to read.

The subject says nothing about the patient. The body has the clinic's own patient id, never the
name, and the reply word for word: whoever reads it must be able to act. An unknown number is the
one thing by which its owner can be called, so it is told. Better told twice than not at all, hence
the same Message-ID at every attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from worker.channels.base import Envelope
from worker.channels.mime import new_message_ref
from worker.rules.messages import Channel, Words
from worker.rules.outcomes import Accepted, Unknown
from worker.rules.replies import STARTED, STOPPED, Meaning
from worker.store import replies
from worker.store.clinics import all_clinics
from worker.store.kinds import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine, RowMapping

    from worker.channels.base import Sender
    from worker.rules.facts import Clinic
    from worker.rules.outcomes import Outcome

log = structlog.get_logger()

_BATCH = 50
#: When the e-mail could not be sent.
_AGAIN = {True: timedelta(minutes=1), False: timedelta(minutes=5)}
#: No text message is longer; whatever is, is cut.
_LONGEST = 2000
_URGENT = "Aftercare: a patient's reply needs you now"
_USUAL = "Aftercare: a patient has replied"
_EMPTY = "(no words: a picture, perhaps; the Twilio console has it)"
#: Confirmations that nobody has to make up for with a call.
_CONFIRMATIONS = frozenset({STOPPED, STARTED})


@dataclass(frozen=True, slots=True)
class Teller:
    """Passes replies on to staff.

    Args:
        engine: The worker's database.
        sender: The e-mail channel.
        mail_from: The address that the e-mails come from.
        clock: The present moment.
    """

    engine: Engine
    sender: Sender
    mail_from: str
    clock: Callable[[], datetime]

    def tell_staff(self) -> int:
        """Send what staff have not been told; returns how many replies they now know of."""
        with self.engine.begin() as db:
            rows = replies.to_tell(db, self.clock(), _BATCH)
        return sum(self._tell(row) for row in rows)

    def _tell(self, row: RowMapping) -> bool:
        now = self.clock()
        urgent = row["meaning"] is Meaning.RED_FLAG
        ref = row["message_ref"] or new_message_ref(self.mail_from)
        with self.engine.begin() as db:
            clinics = all_clinics(db)
            again = now + _AGAIN[urgent]
            if not replies.claim_telling(db, row["id"], row["tell_at"], again, ref):
                return False
        # Nobody knows whose patient it is: then every clinic's staff do what they can.
        clinic = clinics.get(row["clinic"] or "")
        addresses = {each.email for each in ([clinic] if clinic else clinics.values())}
        words = Words(text=_text(row, clinic), subject=_URGENT if urgent else _USUAL)
        outcomes = [self._send(address, words, ref) for address in sorted(addresses)]
        told = all(isinstance(each, Accepted) for each in outcomes)
        if told:
            with self.engine.begin() as db:
                replies.note(db, row["id"], {"tell_at": None, "told_at": self.clock()})
            log.info("reply.told", reply_id=row["id"])
        else:
            log.warning("reply.not_told", reply_id=row["id"])
        return told

    def _send(self, address: str, words: Words, ref: str) -> Outcome:
        envelope = Envelope(
            channel=Channel.EMAIL,
            address=address,
            words=words,
            attempt_id=uuid4().hex,
            from_name="Aftercare",
            message_ref=ref,
        )
        try:
            return self.sender.send(envelope)
        except Exception as error:
            # The next reply may be the one that cannot wait.
            log.exception("channel.bug", channel=Channel.EMAIL)
            return Unknown(f"The worker stumbled while sending ({type(error).__name__})")


def _text(row: RowMapping, clinic: Clinic | None) -> str:
    return "\n".join([_who(row, clinic), "", *_quoted(row["body"] or ""), "", *_what(row), ""])


def _who(row: RowMapping, clinic: Clinic | None) -> str:
    who = f"Patient {row['patient_id']}" if row["patient_id"] else f"Somebody at {row['address']}"
    where = f" of {clinic.name}" if clinic and row["patient_id"] else ""
    moment = row["received_at"].astimezone(clinic.zone) if clinic else row["received_at"]
    zone = "" if clinic else " UTC"
    return f"{who}{where} wrote by text message on {moment:%A %d %B at %H:%M}{zone}:"


def _quoted(body: str) -> Iterator[str]:
    """The reply, line by line, without anything that would steer a terminal or hide a line."""
    shown = body[:_LONGEST]
    if not shown.strip():
        yield f"    {_EMPTY}"
        return
    for line in shown.splitlines():
        yield "    " + "".join(char if char.isprintable() else " " for char in line)
    if len(body) > _LONGEST:
        yield "    (and more)"


def _what(row: RowMapping) -> Iterator[str]:
    """What it means, and what was done."""
    match row["meaning"]:
        case Meaning.RED_FLAG if row["emergency"]:
            yield "This may be an EMERGENCY. Please call the patient now."
        case Meaning.RED_FLAG:
            yield "This is a red flag: a clinician should look at it now."
        case Meaning.STOP:
            yield "The patient said stop."
        case _:
            yield "Please read it: it is nothing that Aftercare acts on."
    if row["answer"]:
        yield _answered(row)
    yield from row["note"].splitlines()


def _answered(row: RowMapping) -> str:
    match row["answer_state"]:
        case Answer.NOT_SENT if row["answer"] in _CONFIRMATIONS:
            return f"The patient got no confirmation ({row['answer_why']})."
        case Answer.NOT_SENT:
            return f"The patient could not be answered ({row['answer_why']}): please call."
        case Answer.UNKNOWN:
            return "The patient may not have been answered: please call."
        case _:
            return "The patient is answered with the clinic's phone."
