"""Receipts: what a provider says became of a message, whenever and however often it says it.

Receipts come late, twice and in any order. A transition only leaves from the statuses it may leave
from, so a receipt never moves a message backwards and the same one twice changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from worker.rules.messages import Cause, Reason, Status, Transition
from worker.rules.outcomes import Delivered, Undelivered, Underway
from worker.store import messages, outgoing
from worker.store.decisions import decide_by_provider
from worker.store.tables import IS_CLAIM, MESSAGE_EVENTS, MESSAGES

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine, RowMapping

    from worker.rules.outcomes import Receipt

log = structlog.get_logger()

#: Nobody had an answer from the provider yet; a receipt is one.
_UNANSWERED = frozenset({Status.SENDING, Status.UNKNOWN, Status.PLANNED, Status.HELD})


def receive(
    engine: Engine, receipt: Receipt, *, provider_id: str, attempt_id: str, now: datetime
) -> bool:
    """Take in a receipt.

    Args:
        engine: The worker's database.
        receipt: What the provider says.
        provider_id: The provider's id of the message.
        attempt_id: Ours, which travelled in the callback address; empty when it did not.
        now: The present moment.

    Returns:
        Whether it changed anything.
    """
    with engine.begin() as db:
        row = _message_of(db, provider_id, attempt_id)
        if row is None:
            log.warning("receipt.unknown_message", provider_id=provider_id)
            return False
        answered = False
        if row["status"] in _UNANSWERED and attempt_id:
            reason = Reason(Cause.ACCEPTED, "The provider has it, as its receipt shows")
            transition = Transition.accepted(provider_id, reason, at=now)
            answered = messages.move(db, row["id"], transition, now)
        changed = take(db, row, receipt, now) or answered
    log.info("receipt.taken", message_id=row["id"], receipt=type(receipt).__name__, changed=changed)
    return changed


def take(
    db: Connection, row: RowMapping, receipt: Receipt, now: datetime, *, how: str = "provider code"
) -> bool:
    """What a receipt means for a message and its address; returns whether it changed anything."""
    last = _last_move(receipt, now)
    if last is None or not messages.move(db, row["id"], last, now):
        return False
    if isinstance(receipt, Undelivered) and receipt.suppress and row["address"]:
        lost = outgoing.refusals(db, row["channel"], row["address"])
        if lost >= receipt.suppress_after:
            decide_by_provider(
                db,
                row["channel"],
                row["address"],
                why=receipt.suppress,
                opted_out=receipt.opted_out,
                suppress_for=receipt.suppress_for,
                now=now,
                how=how,
            )
    return True


def _message_of(db: Connection, provider_id: str, attempt_id: str) -> RowMapping | None:
    """The message with this id at the provider, or one of whose attempts this was."""
    attempted = select(MESSAGE_EVENTS.c.message_id).where(
        IS_CLAIM, MESSAGE_EVENTS.c.attempt_id == attempt_id
    )
    for ours in (MESSAGES.c.provider_id == provider_id, MESSAGES.c.id.in_(attempted)):
        row = db.execute(select(MESSAGES).where(ours)).mappings().first()
        if row is not None:
            return row
    return None


def _last_move(receipt: Receipt, now: datetime) -> Transition | None:
    match receipt:
        case Underway():
            return None
        case Delivered(why):
            return Transition.delivered(Reason(Cause.RECEIPT, why), at=now)
        case Undelivered(why):
            return Transition.failed(Reason(Cause.RECEIPT, why), at=now)
