"""Bounces: e-mails that came back, from the mailbox that they come back to.

A report is first taken in and committed, then marked in the mailbox; after a crash in between it
is read again, which changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from worker.channels.bounces import read_bounces
from worker.jobs import receipts
from worker.store import departed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection, Engine, RowMapping

    from worker.channels.bounces import Bounce

log = structlog.get_logger()

#: How often the mailbox is looked at.
LOOK_EVERY = timedelta(minutes=5)
#: Reports older than this were read before, or are about what nobody waits for any more.
_LOOK_BACK = timedelta(days=14)
#: Mail servers try for five days at most: without a Message-ID of ours, an older e-mail to the
#: same address is not what came back.
_LONGEST_JOURNEY = timedelta(days=7)


class Reports(Protocol):
    """An open mailbox."""

    def reports(self, since: datetime) -> Iterator[tuple[bytes, bytes]]:
        """Reports that have not been read: their name in the mailbox, and the message."""
        ...

    def mark(self, uid: bytes) -> None:
        """A report has been read."""
        ...


class ReportBox(Protocol):
    """A mailbox of reports."""

    def open(self) -> AbstractContextManager[Reports]:
        """Open it.

        Raises:
            MailboxError: When it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class BounceReader:
    """Takes in what came back.

    Args:
        engine: The worker's database.
        mailbox: Where reports come to; None when there is none.
        clock: The present moment.
    """

    engine: Engine
    mailbox: ReportBox | None
    clock: Callable[[], datetime]

    def read(self) -> int:
        """One look into the mailbox; returns how many messages turned out not to have arrived.

        Raises:
            MailboxError: When it cannot be read.
        """
        if self.mailbox is None:
            return 0
        taken = 0
        with self.mailbox.open() as box:
            for uid, raw in box.reports(self.clock() - _LOOK_BACK):
                taken += sum(self._take(each) for each in _read(raw))
                box.mark(uid)
        return taken

    def _take(self, bounce: Bounce) -> bool:
        now = self.clock()
        with self.engine.begin() as db:
            row = _message_of(db, bounce, now)
            changed = row is not None and receipts.take(db, row, bounce.receipt, now, how="bounce")
        if row is None:
            # The mailbox also gets what came back of other people's letters.
            log.info("bounce.not_ours")
        else:
            log.info("bounce.taken", message_id=row["id"], changed=changed)
        return changed


def _read(raw: bytes) -> list[Bounce]:
    """What a report says; one that makes us stumble must not hide those behind it."""
    try:
        return read_bounces(raw)
    except Exception:
        log.exception("bounce.unreadable")
        return []


def _message_of(db: Connection, bounce: Bounce, now: datetime) -> RowMapping | None:
    """By its Message-ID, which servers on the way may have changed; else by its recipient."""
    for ref in bounce.message_refs:
        if (row := departed.e_mail_by_ref(db, ref)) is not None:
            return row
    for address in bounce.recipients:
        row = departed.latest_e_mail_to(db, address, now - _LONGEST_JOURNEY)
        if row is not None:
            return row
    return None
