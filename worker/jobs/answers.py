"""Answers: what patients are texted back, once at most.

An answer is marked before the provider is called and never sent again when nobody knows whether it
left: a lost answer is better than two. Staff read the reply in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from worker.channels.base import Envelope
from worker.content.answers import answer_words
from worker.errors import TemplateError
from worker.rules.messages import Channel
from worker.rules.outcomes import Accepted, ChannelDown, NotTried, Refused, TryAgain, Unknown
from worker.store import replies
from worker.store.clinics import all_clinics
from worker.store.decisions import decide_by_provider
from worker.store.kinds import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from pathlib import Path

    from sqlalchemy import Engine, RowMapping

    from worker.channels.base import Sender
    from worker.rules.messages import Words
    from worker.rules.outcomes import Outcome

log = structlog.get_logger()

_BATCH = 50


@dataclass(frozen=True, slots=True)
class Answerer:
    """Sends the answers that wait.

    Args:
        engine: The worker's database.
        sender: The SMS channel.
        templates: The templates folder in use.
        clock: The present moment.
    """

    engine: Engine
    sender: Sender
    templates: Path
    clock: Callable[[], datetime]

    def answer_waiting(self) -> int:
        """Send every answer that waits; returns how many left."""
        with self.engine.begin() as db:
            rows = replies.waiting_answers(db, _BATCH)
        sent = 0
        for row in rows:
            outcome = self._answer(row)
            sent += isinstance(outcome, Accepted)
            if isinstance(outcome, ChannelDown):
                break  # the others would only meet the same trouble
        return sent

    def _answer(self, row: RowMapping) -> Outcome | None:
        now = self.clock()
        if row["answer_until"] <= now or row["address"] is None:
            self._settle(row, Answer.NOT_SENT, "Too late to answer", Answer.WAITING)
            return None
        with self.engine.begin() as db:
            clinic = all_clinics(db).get(row["clinic"])
            language, blocked = replies.how_to_answer(db, row["clinic"], row["patient_id"])
            # Marked before the call: a crash from here on means that it may have left.
            if not replies.move_answer(db, row["id"], Answer.SENDING, "", now, was=Answer.WAITING):
                return None
        if clinic is None:
            self._settle(row, Answer.NOT_SENT, "The clinic is not set up any more")
            return None
        if blocked:
            # Decided since the text came in.
            self._settle(row, Answer.NOT_SENT, blocked)
            return None
        try:
            words = answer_words(
                self.templates,
                row["answer"],
                clinic=clinic,
                language=language or clinic.language,
                stopped=row["stops"],
            )
        except TemplateError as error:
            self._settle(row, Answer.NOT_SENT, str(error))
            return None
        outcome = self._send(row, words, clinic.name, clinic.sender(Channel.SMS))
        self._record(row, outcome)
        return outcome

    def _send(self, row: RowMapping, words: Words, from_name: str, sender: str) -> Outcome:
        envelope = Envelope(
            channel=Channel.SMS,
            address=row["address"],
            words=words,
            attempt_id=uuid4().hex,
            sender=sender,
            from_name=from_name,
        )
        try:
            return self.sender.send(envelope)
        except Exception as error:
            log.exception("channel.bug", channel=Channel.SMS, reply_id=row["id"])
            return Unknown(f"The worker stumbled while sending ({type(error).__name__})")

    def _record(self, row: RowMapping, outcome: Outcome) -> None:
        match outcome:
            case Accepted():
                self._settle(row, Answer.SENT, "")
            case TryAgain(why) | ChannelDown(why) | NotTried(why):
                # It surely did not leave: tried again until it would come as a surprise.
                self._settle(row, Answer.WAITING, why)
            case Refused(why, suppress, suppress_for, _, opted_out):
                self._settle(row, Answer.NOT_SENT, why)
                if suppress:
                    # A start in words, for example, does not undo a STOP at the provider.
                    self._decide(row, suppress, suppress_for, opted_out=opted_out)
            case _:
                self._settle(row, Answer.UNKNOWN, "Nobody knows whether the answer left")

    def _decide(
        self, row: RowMapping, why: str, suppress_for: timedelta | None, *, opted_out: bool
    ) -> None:
        with self.engine.begin() as db:
            decide_by_provider(
                db,
                Channel.SMS,
                row["address"],
                why=why,
                opted_out=opted_out,
                suppress_for=suppress_for,
                now=self.clock(),
            )

    def _settle(
        self, row: RowMapping, state: Answer, why: str, was: Answer = Answer.SENDING
    ) -> None:
        with self.engine.begin() as db:
            replies.move_answer(db, row["id"], state, why, self.clock(), was=was)
        log.info("reply.answered", reply_id=row["id"], answer=row["answer"], state=state)
