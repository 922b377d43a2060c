"""What left, or may have: what is asked about it, and what it is found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    func,
    select,
    update,
)

from worker.rules.messages import Channel
from worker.store.tables import (
    IS_SENDING,
    IS_UNKNOWN,
    MESSAGE_EVENTS,
    MESSAGES,
    TO_ASK,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping


def lock_expired(db: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages whose worker never came back: still ``sending``, their lease over."""
    expired = (
        select(MESSAGES)
        .where(IS_SENDING, MESSAGES.c.lease_until <= now)
        .order_by(MESSAGES.c.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.execute(expired).mappings().all()


def unsettled(db: Connection, channel: Channel, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages that may have left and that it is time to ask about."""
    found = (
        select(MESSAGES)
        .where(IS_UNKNOWN, MESSAGES.c.channel == channel, MESSAGES.c.next_at <= now)
        .order_by(MESSAGES.c.next_at)
        .limit(limit)
    )
    return db.execute(found).mappings().all()


def times_lost(db: Connection, message_id: int) -> int:
    """How often it was unknown whether this message left."""
    lost = select(func.count()).where(
        MESSAGE_EVENTS.c.message_id == message_id, MESSAGE_EVENTS.c.event == "lost"
    )
    return db.execute(lost).scalar_one()


def claimed_ids(db: Connection, provider_ids: Collection[str]) -> set[str]:
    """Which of the provider's ids belong to a message of ours already."""
    ours = select(MESSAGES.c.provider_id).where(MESSAGES.c.provider_id.in_(provider_ids))
    return {each for each in db.execute(ours).scalars() if each is not None}


def to_ask(db: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Messages that the provider took and that it is time to ask about."""
    found = (
        select(MESSAGES)
        .where(TO_ASK, MESSAGES.c.ask_at <= now)
        .order_by(MESSAGES.c.ask_at)
        .limit(limit)
    )
    return db.execute(found).mappings().all()


def ask_at(db: Connection, message_id: int, moment: datetime | None) -> None:
    """Ask about a message then, or never again. One that has ended meanwhile stays ended."""
    asked = update(MESSAGES).where(MESSAGES.c.id == message_id, TO_ASK)
    db.execute(asked.values(ask_at=moment))


def e_mail_by_ref(db: Connection, message_ref: str) -> RowMapping | None:
    """The e-mail with this Message-ID."""
    wanted = select(MESSAGES).where(MESSAGES.c.message_ref == message_ref)
    return db.execute(wanted).mappings().first()


def latest_e_mail_to(db: Connection, address: str, since: datetime) -> RowMapping | None:
    """The last e-mail that left to an address since a moment."""
    wanted = (
        select(MESSAGES)
        .where(
            MESSAGES.c.channel == Channel.EMAIL,
            func.lower(MESSAGES.c.address) == address.lower(),
            MESSAGES.c.sent_at >= since,
        )
        .order_by(MESSAGES.c.sent_at.desc())
        .limit(1)
    )
    return db.execute(wanted).mappings().first()
