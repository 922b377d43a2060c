"""Send: claim what is due, hand it to the providers, record what came of it.

One thread, this job's, talks to the database; others, in this process or in one of their own, talk
to the providers. No transaction is open during a call, and each outcome is committed as it comes.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import structlog

from worker.rules.breaker import FIRST_PAUSE, is_failure
from worker.rules.messages import Cause
from worker.rules.outcomes import Accepted, ChannelDown, Refused, settle
from worker.store import channels, messages, outgoing
from worker.store.decisions import decide_by_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from threading import Event

    from sqlalchemy import Connection, Engine

    from worker.jobs.caution import Caution
    from worker.jobs.claim import Claimed, Claimer
    from worker.jobs.lanes import Answer, Lane
    from worker.rules.messages import Channel
    from worker.rules.outcomes import Outcome

log = structlog.get_logger()

#: Outcomes are committed together that come within this many seconds.
_GROUP = 0.02
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Everything a sending pass needs.

    Args:
        engine: The worker's database.
        claimer: Decides what may leave.
        lanes: A lane for each channel.
        clock: The present moment.
        stop: When set, nothing more is claimed; what is under way is finished.
        look_after: How long to wait before asking a provider about what may have left.
        caution: What to do first after a worker died; None when none did.
    """

    engine: Engine
    claimer: Claimer
    lanes: Mapping[Channel, Lane]
    clock: Callable[[], datetime]
    stop: Event
    look_after: Mapping[Channel, timedelta]
    caution: Caution | None = None
    _answers: SimpleQueue[Answer] = field(default_factory=SimpleQueue)
    #: Answers that are not on record yet: should the database be away, the next pass records them.
    _unrecorded: list[Answer] = field(default_factory=list)

    def send_due(self) -> int:
        """Send everything that is due; returns how many calls were made."""
        calls = 0 if self.caution is None else self.caution.go_first(self)
        more = dict.fromkeys(self.lanes, True)
        # One connection for all of it: to ask the pool for one costs as much as a statement.
        with self.engine.connect() as db:
            while True:
                self._gather()
                calls += len(self._unrecorded)
                self._begin(self._record_and_claim(db, more))
                if self._under_way:
                    continue
                if self.stop.is_set():
                    return calls
                if any(more.values()):
                    continue
                if not any(map(self.try_one, self.lanes.values())):
                    return calls
                # Perhaps it was only the first of many that fell due meanwhile: they go together.
                more = dict.fromkeys(self.lanes, True)

    def try_one(self, lane: Lane) -> bool:
        """Begin with one message, while nothing else is under way; returns whether one was due.

        So goes what may have taken a worker down: should it do so again, it is known to have.
        """
        now = self.clock()
        with self.engine.begin() as db:
            looked_at, claimed = self._fill(db, lane, 0, now, alone=True)
        self._begin(claimed)
        return looked_at

    def finish_call(self) -> int:
        """Wait for what is under way and record it; returns how many calls there were."""
        self._gather()
        calls = len(self._unrecorded)
        with self.engine.connect() as db:
            self._record_and_claim(db, {})
        return calls

    def _begin(self, claimed: Sequence[Claimed]) -> None:
        for channel, lane in self.lanes.items():
            lane.begin(
                [each for each in claimed if each.envelope.channel is channel], self._answers
            )

    @property
    def _under_way(self) -> int:
        return sum(lane.under_way for lane in self.lanes.values())

    def _gather(self) -> None:
        """Wait for an answer, and a little for others, so that they share a transaction."""
        waiting = self._under_way - len(self._unrecorded)
        enough = (waiting + 1) // 2
        patience, until = None, 0.0
        while waiting and len(self._unrecorded) < max(enough, 1):
            try:
                self._unrecorded.append(self._answers.get(timeout=patience))
            except Empty:
                return
            now = time.monotonic()
            until = until or now + _GROUP
            patience = max(until - now, 0)

    def _record_and_claim(self, db: Connection, more: dict[Channel, bool]) -> list[Claimed]:
        """One transaction: what came back is recorded, and as much as there is room for claimed."""
        now = self.clock()
        claimed: list[Claimed] = []
        with db.begin():
            moved = self.record(db, self._unrecorded, now)
            freed = Counter(each.lane.channel for each in self._unrecorded)
            for channel, lane in self.lanes.items():
                busy = lane.under_way - freed[channel]
                if more.get(channel) and busy < lane.window and not self.stop.is_set():
                    more[channel], taken = self._fill(db, lane, busy, now)
                    claimed += taken
        for answer in self._unrecorded:
            answer.lane.under_way -= 1
        _tell(self._unrecorded, moved)
        self._unrecorded.clear()
        return claimed

    def _fill(
        self, db: Connection, lane: Lane, busy: int, now: datetime, *, alone: bool = False
    ) -> tuple[bool, list[Claimed]]:
        """Claim as much as there is room for; returns whether more may be due, and the claimed."""
        pause = channels.pauses(db).get(lane.channel)
        if pause is not None and (pause.until > now or busy):
            self.claimer.clear_expired(db, lane.channel, _BATCH, now)
            return False, []
        lane.calls.rest(rests=False)
        # A channel that was down gets one message to try itself on, not a batch.
        limit = 1 if alone or pause is not None else lane.window - busy
        looked_at, claimed = self.claimer.claim(db, lane.channel, limit, now, alone=alone)
        return looked_at == limit, claimed

    def record(self, db: Connection, answers: Sequence[Answer], now: datetime) -> list[bool]:
        """Settle answers; returns for each whether its message was still this attempt's."""
        if not answers:
            return []
        moved = messages.move_all(db, [self._move(each, now) for each in answers], now)
        paused = set(channels.troubles(db))
        for lane, claimed, outcome in answers:
            if isinstance(outcome, Refused):
                _suppress(db, claimed, outcome, now)
            channel = lane.channel
            if _is_the_senders(db, paused, claimed, outcome, now):
                continue
            probe_failed = is_failure(outcome) and (channel, "") in paused
            if lane.note(outcome) or probe_failed:
                why = getattr(outcome, "why", "")
                lane.calls.rest(rests=True)
                paused.add((channel, ""))
                if channels.pause(db, channel, why, now):
                    log.error("channel.paused", channel=channel, problem=why)
            elif isinstance(outcome, Accepted | Refused) and (channel, "") in paused:
                paused.discard((channel, ""))
                if channels.resume(db, channel):
                    log.info("channel.recovered", channel=channel)
        return moved

    def _move(self, answer: Answer, now: datetime) -> messages.Move:
        claimed = answer.claimed
        transition = settle(
            answer.outcome,
            attempts=claimed.attempts,
            expires_at=claimed.expires_at,
            paused_until=now + FIRST_PAUSE,
            look_at=now + self.look_after[answer.lane.channel],
            now=now,
            jitter=random.random(),  # noqa: S311 (spreads load, guards nothing)
        )
        return messages.Move(claimed.message_id, transition, claimed.envelope.attempt_id)


def _is_the_senders(
    db: Connection,
    paused: set[tuple[Channel, str]],
    claimed: Claimed,
    outcome: Outcome,
    now: datetime,
) -> bool:
    """Whether an answer is about a clinic's own sender only; keeps how that sender fares."""
    channel, sender = claimed.envelope.channel, claimed.envelope.sender
    if isinstance(outcome, ChannelDown) and outcome.sender:
        # The provider is well, and so are other clinics.
        if channels.pause(db, channel, outcome.why, now, sender=sender):
            log.error("sender.paused", channel=channel, problem=outcome.why)
        paused.add((channel, sender))
        return True
    works = sender and (channel, sender) in paused and isinstance(outcome, Accepted | Refused)
    if works and channels.resume(db, channel, sender=sender):
        paused.discard((channel, sender))
        messages.wake(db, Cause.CHANNEL_DOWN, now)
        log.info("sender.recovered", channel=channel)
    return False


def _tell(answers: Sequence[Answer], recorded: Sequence[bool]) -> None:
    """What went well in one line for each channel, anything else in a line of its own."""
    sent = defaultdict(list)
    for (lane, claimed, outcome), did in zip(answers, recorded, strict=True):
        if did and isinstance(outcome, Accepted):
            sent[lane.channel].append(claimed.message_id)
            continue
        log.info(
            "message.settled",
            outcome=type(outcome).__name__,
            message_id=claimed.message_id,
            session_id=claimed.session_id,
            milestone=claimed.milestone,
            channel=lane.channel,
            attempt_id=claimed.envelope.attempt_id,
            recorded=did,
        )
    for channel, message_ids in sent.items():
        log.info("messages.sent", channel=channel, message_ids=message_ids)


def _suppress(db: Connection, claimed: Claimed, outcome: Refused, now: datetime) -> None:
    channel, address = claimed.envelope.channel, claimed.envelope.address
    if not outcome.suppress:
        return
    if outgoing.refusals(db, channel, address) < outcome.suppress_after:
        return
    decide_by_provider(
        db,
        channel,
        address,
        why=outcome.suppress,
        opted_out=outcome.opted_out,
        suppress_for=outcome.suppress_for,
        now=now,
    )
