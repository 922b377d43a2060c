"""The inbox: patients' texts, asked for at the provider.

A clinic behind a firewall gets no webhook, and a webhook that fails is repeated once at most. So
the provider is asked in any case, from before the last time on, because its list lags; what came
twice is taken once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog
from sqlalchemy.exc import OperationalError

from worker.content.phrases import usable_phrasebooks
from worker.errors import AftercareError
from worker.jobs.replies import take_reply
from worker.store import collected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from worker.channels.base import Inbound

log = structlog.get_logger()

#: Under which name ``source_state`` keeps how far reading has come.
REPLIES = "replies"
#: How often the provider is asked; seldomer when it also tells us by itself.
EVERY = timedelta(minutes=1)
EVERY_BESIDE_WEBHOOKS = timedelta(minutes=5)
#: How far before the last time: the list may lag by minutes, and once in a while by hours.
_OVERLAP = timedelta(minutes=15)
_LONG_OVERLAP = timedelta(hours=24)
_LOOK_FAR_EVERY = timedelta(hours=1)
_CANNOT_ASK = (
    "Twilio cannot be asked for patients' replies, so a stop or a worry may go unseen; check the "
    "network, TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
)


class Mailbox(Protocol):
    """A provider that can be asked for what came in."""

    def inbound(self, since: datetime) -> Sequence[Inbound] | None:
        """Texts that came in since a moment, oldest first; None when it cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Inbox:
    """Asks for patients' texts.

    Args:
        engine: The worker's database.
        mailbox: The provider.
        templates: The templates folder in use, for the phrasebooks.
        every: How often to ask.
        clock: The present moment.
    """

    engine: Engine
    mailbox: Mailbox
    templates: Path
    every: timedelta
    clock: Callable[[], datetime]

    def poll(self) -> int:
        """Ask, if it is time to; returns how many texts were news.

        Raises:
            AftercareError: When a text could not be taken in; the others are.
        """
        now = self.clock()
        with self.engine.begin() as db:
            # What came in before the first time was somebody else's to read.
            state = collected.source_state(db, REPLIES, None, now)
        lately = state["read_at"] is not None and now - state["read_at"] < self.every
        if lately and not state["problem"]:
            return 0
        far = state["swept_at"] is None or now - state["swept_at"] >= _LOOK_FAR_EVERY
        overlap = _LONG_OVERLAP if far else _OVERLAP
        began = state["go_live_at"]
        since = max(began, (state["watermark"] or began) - overlap)
        texts = self.mailbox.inbound(since)
        problem = _CANNOT_ASK if texts is None else ""
        with self.engine.begin() as db:
            news = collected.note_problem(db, REPLIES, problem, now)
            if news:
                log.warning("inbox.problem" if problem else "inbox.recovered")
        if texts is None:
            return 0
        fresh = self._take(texts)
        with self.engine.begin() as db:
            rows = len(texts) if far else None
            collected.note_reading(db, REPLIES, watermark=now, swept_rows=rows, doubt="", now=now)
        return fresh

    def _take(self, texts: Sequence[Inbound]) -> int:
        if not texts:
            return 0
        phrasebooks = usable_phrasebooks(self.templates)
        fresh, failed = 0, 0
        for text in texts:
            try:
                fresh += take_reply(self.engine, text, phrasebooks=phrasebooks, now=self.clock())
            except OperationalError:
                raise
            except Exception:
                # One text must not stand in the way of the next patient's stop.
                log.exception("reply.bug", provider_id=text.provider_id)
                failed += 1
        if failed:
            message = f"{failed} patients' replies cannot be taken in; read them at Twilio"
            raise AftercareError(message)
        return fresh
