"""Track: what became of messages that may have left.

A worker that died, or a provider that never answered, leaves a message of which nobody knows
whether it went out. Before anything is sent again the provider is asked; what cannot be asked
about (e-mail) goes again under the same Message-ID, and what is unclear twice is for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from worker.jobs import receipts
from worker.rules.messages import Cause, Channel, Reason, Transition
from worker.rules.receipts import next_ask
from worker.store import departed, messages, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine, RowMapping

    from worker.rules.outcomes import Receipt

log = structlog.get_logger()

_BATCH = 100
#: Receipts asked for in one pass: patients' replies are read after it.
_MOST_ASKED = 40
#: After this many times unknown, a person decides.
_MOST_LOST = 2
#: When the provider cannot be asked, it is asked again after this long.
_ASK_AGAIN = timedelta(seconds=60)
#: How far the provider's clock may be from ours. Wide, because a machine whose clock or zone is
#: wrong must still find what left; the text and the ids that are ours already tell copies apart.
_CLOCK_MARGIN = timedelta(days=1)


class Finder(Protocol):
    """A provider that can be asked what it has."""

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """Ids of messages to an address with this text since a moment; None when not to be had."""
        ...

    def receipt(self, provider_id: str) -> Receipt | None:
        """What became of a message; None when the provider cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Tracker:
    """Settles what may have left.

    Args:
        engine: The worker's database.
        finders: The providers that can be asked, by channel.
        lookups: When to ask, as spans since the message was claimed; the list at the provider
            lags, so only the last empty answer counts as "it did not leave".
        lease: How long a claim holds.
        clock: The present moment.
        steady_for: For how long the clock was not set: spans that began before prove nothing.
    """

    engine: Engine
    finders: Mapping[Channel, Finder]
    lookups: Sequence[timedelta]
    lease: timedelta
    clock: Callable[[], datetime]
    steady_for: Callable[[], timedelta]

    def track(self) -> int:
        """One pass; returns how many messages were settled or put aside."""
        settled = self._give_up_leases()
        with self.engine.begin() as db:
            settled += waiting.end_held(db, self.clock())
        for channel in Channel:
            with self.engine.begin() as db:
                rows = departed.unsettled(db, channel, self.clock(), _BATCH)
            for row in rows:
                # The provider is asked between transactions, never inside one.
                transition = self._next_move(row, self.finders.get(channel))
                settled += self._apply(row, transition)
        return settled + self._ask_for_receipts()

    def _ask_for_receipts(self) -> int:
        """Ask about messages of which no receipt came: no public address, or a lost callback."""
        with self.engine.begin() as db:
            rows = departed.to_ask(db, self.clock(), _MOST_ASKED)
        settled = 0
        for row in rows:
            finder = self.finders.get(row["channel"])
            receipt = finder.receipt(row["provider_id"]) if finder else None
            now = self.clock()
            with self.engine.begin() as db:
                if receipt is not None:
                    settled += receipts.take(db, row, receipt, now)
                departed.ask_at(db, row["id"], self._next_ask(row, finder, receipt, now))
            if finder is not None and receipt is None:
                break  # one question without an answer is enough for this pass
        return settled

    def _next_ask(
        self, row: RowMapping, finder: Finder | None, receipt: Receipt | None, now: datetime
    ) -> datetime | None:
        if finder is None:
            return None
        return next_ask(row["sent_at"], now) if receipt is not None else now + _ASK_AGAIN

    def _give_up_leases(self) -> int:
        """A lease that ran out means a worker that will not come back with an answer."""
        if self.steady_for() < self.lease:
            return 0
        now = self.clock()
        reason = Reason(Cause.UNKNOWN, "The worker stopped while this was being sent")
        with self.engine.begin() as db:
            rows = departed.lock_expired(db, now, _BATCH)
            for row in rows:
                look_at = row["claimed_at"] + self.lookups[0]
                messages.move(db, row["id"], Transition.lost(reason, look_at=look_at), now)
        for row in rows:
            log.warning("message.lease_expired", message_id=row["id"], channel=row["channel"])
        return len(rows)

    def _apply(self, row: RowMapping, transition: Transition) -> int:
        with self.engine.begin() as db:
            again = transition.name == "postponed"
            if again and departed.times_lost(db, row["id"]) >= _MOST_LOST:
                text = "Twice it stayed unknown whether this left; a person decides: aftercare why"
                transition = Transition.unclear(Reason(Cause.UNKNOWN, text))
            moved = messages.move(
                db, row["id"], transition, self.clock(), attempt_id=row["attempt_id"]
            )
        log.info("message.tracked", message_id=row["id"], transition=transition.name)
        return int(moved)

    def _next_move(self, row: RowMapping, finder: Finder | None) -> Transition:
        now = self.clock()
        if finder is None:
            text = "It is not known whether this left; sent again as the same message"
            return self._again(row, Reason(Cause.UNKNOWN, text), now)
        found = finder.find(row["address"], row["body"], row["claimed_at"] - _CLOCK_MARGIN)
        if found is None:
            text = "The provider cannot be asked whether this left"
            return Transition.looks_again(now + _ASK_AGAIN, Reason(Cause.UNKNOWN, text))
        with self.engine.begin() as db:
            taken = departed.claimed_ids(db, found)
        fresh = [each for each in found if each not in taken]
        if fresh:
            text = "The provider has it, as a look-up showed"
            return Transition.accepted(fresh[0], Reason(Cause.ACCEPTED, text), at=now)
        later = [row["claimed_at"] + span for span in self.lookups]
        pending = [moment for moment in later if moment > now]
        if not pending and self.steady_for() < self.lookups[-1]:
            pending = [now + _ASK_AGAIN]
        if pending:
            text = "The provider does not list it yet"
            return Transition.looks_again(pending[0], Reason(Cause.UNKNOWN, text))
        text = "The provider never had it, so it goes again"
        return self._again(row, Reason(Cause.UNKNOWN, text), now)

    def _again(self, row: RowMapping, reason: Reason, now: datetime) -> Transition:
        return Transition.postponed(now, reason, attempts=row["attempts"])
