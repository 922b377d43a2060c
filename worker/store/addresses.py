"""Addresses that get nothing: opted out by the patient, or unreachable by the provider's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select, update

from worker.rules.messages import Channel
from worker.store.engine import insert_new
from worker.store.lists import one_of
from worker.store.tables import IN_FORCE, PATIENTS, SUPPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from worker.store.kinds import SuppressionKind

#: By whom a suppression was lifted whose time was over.
_TIME = "time"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression in force: why, and until when; None is until somebody lifts it."""

    reason: str
    until: datetime | None = None


_IN_FORCE = select(*SUPPRESSIONS.c["address", "kind", "reason", "expires_at"]).where(
    IN_FORCE,
    SUPPRESSIONS.c.channel == bindparam("channel"),
    one_of(SUPPRESSIONS.c.address, "addresses"),
    or_(SUPPRESSIONS.c.expires_at.is_(None), SUPPRESSIONS.c.expires_at > bindparam("now")),
)


def suppressed(
    db: Connection, channel: Channel, addresses: Collection[str], now: datetime
) -> dict[str, dict[SuppressionKind, Suppressed]]:
    """By address, as it was asked for: the kinds of suppression in force."""
    asked: dict[str, list[str]] = {}
    for address in addresses:
        asked.setdefault(plain(channel, address), []).append(address)
    found: dict[str, dict[SuppressionKind, Suppressed]] = {}
    rows = db.execute(_IN_FORCE, {"channel": channel, "addresses": list(asked), "now": now})
    for address, kind, reason, expires_at in rows:
        for each in asked[address]:
            found.setdefault(each, {})[kind] = Suppressed(reason, expires_at)
    return found


def suppress(
    db: Connection,
    channel: Channel,
    address: str,
    kind: SuppressionKind,
    *,
    reason: str,
    actor: str,
    now: datetime,
    how: str = "",
    expires_at: datetime | None = None,
) -> bool:
    """Put an address on the list; returns whether that is news.

    One that is there already stays as it is; only its time may grow longer.
    """
    if not address:
        return False  # a withheld number: nobody can be written to there anyway
    ours = _listed(channel, address, kind)
    over = ours & (SUPPRESSIONS.c.expires_at <= now)
    lifted = {"lifted_at": SUPPRESSIONS.c.expires_at, "lifted_by": _TIME}
    db.execute(update(SUPPRESSIONS).where(over).values(lifted))
    values = {
        "channel": channel,
        "address": plain(channel, address),
        "kind": kind,
        "reason": reason,
        "actor": actor,
        "how": how,
        "created_at": now,
        "expires_at": expires_at,
        "lifted_by": "",
    }
    if db.execute(insert_new(db, SUPPRESSIONS, values)).rowcount:
        return True
    sooner: ColumnElement[bool] = SUPPRESSIONS.c.expires_at.is_not(None)
    if expires_at is not None:
        sooner &= SUPPRESSIONS.c.expires_at < expires_at
    longer = update(SUPPRESSIONS).where(ours & sooner)
    db.execute(longer.values(expires_at=expires_at, reason=reason))
    return False


def lift(
    db: Connection,
    channel: Channel,
    address: str,
    kind: SuppressionKind,
    *,
    actor: str,
    now: datetime,
) -> bool:
    """Take an address off the list, on record; returns whether it was on it."""
    lifted = update(SUPPRESSIONS).where(_listed(channel, address, kind))
    return db.execute(lifted.values(lifted_at=now, lifted_by=actor)).rowcount > 0


def patients_at(db: Connection, channel: Channel, address: str) -> list[tuple[str, str]]:
    """The patients (clinic, patient id) who are reached at an address: a family may share it."""
    found = select(PATIENTS.c.clinic, PATIENTS.c.patient_id)
    if channel is Channel.SMS:
        found = found.where(PATIENTS.c.phone == address)
    else:
        found = found.where(func.lower(PATIENTS.c.email) == address.lower())
    rows = db.execute(found.order_by(PATIENTS.c.clinic, PATIENTS.c.patient_id))
    return [(row.clinic, row.patient_id) for row in rows]


def plain(channel: Channel, address: str) -> str:
    """An address as the list has it: one mailbox is one, in capitals or not."""
    return address if channel is Channel.SMS else address.lower()


def _listed(channel: Channel, address: str, kind: SuppressionKind) -> ColumnElement[bool]:
    return (
        SUPPRESSIONS.c.lifted_at.is_(None)
        & (SUPPRESSIONS.c.channel == channel)
        & (SUPPRESSIONS.c.address == plain(channel, address))
        & (SUPPRESSIONS.c.kind == kind)
    )
