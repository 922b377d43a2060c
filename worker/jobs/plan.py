"""Plan: from sessions to messages.

A session is planned when it is new or changed, when another session of the same patient is, and
when its protocol was edited. Planning again changes only what has not left yet, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from worker.errors import AftercareError, describe
from worker.rules.messages import Cause, Channel, Reason, Transition
from worker.rules.planning import plan, replan, without_refused
from worker.store import joining, messages, outgoing
from worker.store import planned as store
from worker.store.cases import cases
from worker.store.engine import planned_afresh
from worker.store.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.rules.joining import Day
    from worker.rules.planning import ExistingMessage, Replan
    from worker.rules.protocol import Protocol
    from worker.store.cases import Case
    from worker.store.engine import Transactions

log = structlog.get_logger()

_BATCH = 500


def plan_sessions(
    engine: Transactions, protocols: Mapping[str, Protocol], *, clock: Callable[[], datetime]
) -> int:
    """Plan every session that needs it; returns how many messages were added or moved.

    Raises:
        AftercareError: When a session could not be planned; the others are, all the same.
    """
    planned, failed = 0, []
    with engine.begin() as db:
        for treatment, protocol in protocols.items():
            store.mark_outdated(db, treatment, protocol.version, clock())
        store.follow_up(db, clock())
        early = Reason(Cause.BEFORE_GO_LIVE, "It ended before Aftercare went live")
        for message_id in store.set_aside_before_go_live(db):
            messages.move(db, message_id, Transition.skipped(early, at=clock()), clock())
    last = ""
    while True:
        with engine.begin() as db, planned_afresh(db):
            session_ids = store.sessions_to_plan(db, list(protocols), _BATCH, after=last)
            existing = messages.existing(db, session_ids)
            found = cases(db, session_ids)
            standing = joining.standing(db, found.values())
            failed_texts = outgoing.failed_texts(db, session_ids)
            refusals = refused(db, (case.patient for case in found.values()), clock())
            plans = []
            for session_id, case in found.items():
                owner = (case.patient.clinic, case.patient.patient_id)
                at_hand = _AtHand(
                    existing[session_id],
                    refusals.get(owner, {}),
                    {name for each, name in failed_texts if each == session_id},
                    joining.day_of(case, standing, protocols),
                )
                try:
                    plans.append(_plan_one(case, at_hand, protocols, clock()))
                except Exception as error:
                    log.exception("session.plan_bug", session_id=session_id)
                    failed.append(f"session {session_id} ({describe(error)})")
            planned += _store(db, plans, clock())
        if len(session_ids) < _BATCH:
            break
        last = session_ids[-1]
    if failed:
        message = f"{len(failed)} sessions cannot be planned: {', '.join(failed[:3])}"
        raise AftercareError(message)
    return planned


@dataclass(frozen=True, slots=True)
class _AtHand:
    """What is on record about a session and its patient."""

    existing: Sequence[ExistingMessage]
    #: Channels on which nothing may go to the patient.
    refusals: Mapping[Channel, Reason]
    #: Milestones whose text message failed for good.
    failed_texts: set[str]
    #: The patient's other sessions of the day, if there are any.
    day: Day | None

    def lost_texts(self, protocol: Protocol) -> set[str]:
        """Milestones for which an e-mail may stand in; not for who said stop: they meant it."""
        refusal = self.refusals.get(Channel.SMS)
        if refusal is None:
            return self.failed_texts
        dead = refusal.cause is Cause.SUPPRESSED
        return {each.name for each in protocol.milestones} if dead else set()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What planning a session comes to."""

    session_id: str
    version: str
    todo: Replan
    open_until: datetime
    #: Whether it had no messages before.
    is_new: bool


def _plan_one(
    case: Case, at_hand: _AtHand, protocols: Mapping[str, Protocol], now: datetime
) -> _Plan:
    protocol = protocols[case.session.treatment]
    lost = at_hand.lost_texts(protocol)
    wanted = plan(case.session, case.patient, case.others, protocols, lost=lost, day=at_hand.day)
    todo = replan(without_refused(wanted, at_hand.refusals), at_hand.existing, now)
    open_until = max(each.expires_at for each in wanted)
    is_new = not at_hand.existing
    return _Plan(case.session.session_id, protocol.version, todo, open_until, is_new)


def _store(db: Connection, plans: Sequence[_Plan], now: datetime) -> int:
    """Bring a batch of sessions up to date; returns how many messages were added or moved."""
    if not plans:
        return 0
    session_ids = [each.session_id for each in plans]
    added = messages.add(db, {each.session_id: each.todo.add for each in plans}, now)
    moves = [messages.Move(*move) for each in plans for move in each.todo.move]
    moved = sum(messages.move_all(db, moves, now)) if moves else 0
    if old := [each.session_id for each in plans if not each.is_new]:
        messages.look_again(db, old)
    store.note_planned(
        db,
        [
            {
                "of_session": each.session_id,
                "plan_version": each.version,
                "open_until": each.open_until,
            }
            for each in plans
        ],
    )
    log.info("sessions.planned", session_ids=session_ids, added=added, moved=moved)
    return added + moved
