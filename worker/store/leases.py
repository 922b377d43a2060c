"""Jobs that run once at a time, whichever worker runs them, and how their last run went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select, update

from worker.store.engine import insert_new
from worker.store.tables import LEASES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping


def take(db: Connection, name: str, holder: str, *, until: datetime, now: datetime) -> bool:
    """Take the lease if it is free, over, or the holder's own already; returns whether it did."""
    free = or_(LEASES.c.expires_at <= now, LEASES.c.holder.in_(("", holder)))
    return _take_if(db, name, holder, free, until=until, now=now)


def take_free(db: Connection, name: str, holder: str, *, until: datetime, now: datetime) -> bool:
    """Take the lease only if it is free or over; returns whether it did."""
    free = or_(LEASES.c.expires_at <= now, LEASES.c.holder == "")
    return _take_if(db, name, holder, free, until=until, now=now)


def _take_if(
    db: Connection,
    name: str,
    holder: str,
    free: ColumnElement[bool],
    *,
    until: datetime,
    now: datetime,
) -> bool:
    row = {"name": name, "holder": "", "expires_at": now, "started_at": now, "problem": ""}
    db.execute(insert_new(db, LEASES, row))
    taken = (
        update(LEASES)
        .where(LEASES.c.name == name, free)
        .values(holder=holder, expires_at=until, started_at=now)
    )
    return db.execute(taken).rowcount == 1


def renew(db: Connection, names: Collection[str], holder: str, *, until: datetime) -> None:
    """Keep leases that are still held while their jobs run on."""
    held = LEASES.c.name.in_(names) & (LEASES.c.holder == holder)
    db.execute(update(LEASES).where(held).values(expires_at=until))


def give_back(db: Connection, name: str, holder: str, *, problem: str, now: datetime) -> None:
    """Free the lease, and keep how the run went."""
    db.execute(
        update(LEASES)
        .where(LEASES.c.name == name, LEASES.c.holder == holder)
        .values(holder="", expires_at=now, finished_at=now, problem=problem)
    )


def abandoned(db: Connection, prefix: str) -> frozenset[str]:
    """Leases under ``prefix`` that nobody gave back: their workers died, or are busy."""
    held = select(LEASES.c.name).where(LEASES.c.name.startswith(prefix), LEASES.c.holder != "")
    return frozenset(db.execute(held).scalars())


def forget(db: Connection, names: Collection[str], now: datetime) -> None:
    """Drop leases that are over."""
    over = LEASES.c.name.in_(names) & (LEASES.c.expires_at <= now)
    db.execute(delete(LEASES).where(over))


def all_leases(db: Connection) -> Sequence[RowMapping]:
    """Every job's lease and last run."""
    return db.execute(select(LEASES).order_by(LEASES.c.name)).mappings().all()
