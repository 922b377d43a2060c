"""Clinics, as ``aftercare clinic`` sets them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from worker.rules.messages import Cause
from worker.store import channels, messages
from worker.store.facts import clinic_from
from worker.store.lists import one_of
from worker.store.tables import CLINICS, SESSIONS, SOURCE_STATE

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.rules.facts import Clinic


_ALL = select(CLINICS).order_by(CLINICS.c.key)
_SOME = select(CLINICS).where(one_of(CLINICS.c.key, "keys"))


def all_clinics(db: Connection) -> dict[str, Clinic]:
    """Every clinic by its key."""
    return {row["key"]: clinic_from(row) for row in db.execute(_ALL).mappings()}


def some_clinics(db: Connection, keys: Collection[str]) -> dict[str, Clinic]:
    """These clinics by key: a batch of messages needs those of its patients, not all of them."""
    rows = db.execute(_SOME, {"keys": list(keys)}).mappings()
    return {row["key"]: clinic_from(row) for row in rows}


def add_clinic(db: Connection, clinic: Clinic, now: datetime) -> None:
    """Store a new clinic; its key must be free."""
    values = {**_values(clinic), "created_at": now, "updated_at": now}
    db.execute(insert(CLINICS).values(values))


def edit_clinic(db: Connection, clinic: Clinic, now: datetime) -> None:
    """Store a clinic's new facts; its sessions are planned again, its rows read again."""
    values = {**_values(clinic), "updated_at": now}
    db.execute(update(CLINICS).where(CLINICS.c.key == clinic.key).values(values))
    # The country, zone and language are defaults that its rows were read with.
    stale = update(SESSIONS).where(SESSIONS.c.clinic == clinic.key)
    db.execute(stale.values(fingerprint=""))
    db.execute(update(SOURCE_STATE).values(swept_at=None))
    # Another sender may be what its messages wait for.
    senders = select(CLINICS.c.sms_from).union(select(CLINICS.c.mail_from))
    channels.forget_senders(db, db.execute(senders).scalars().all())
    messages.wake(db, Cause.CHANNEL_DOWN, now)


def _values(clinic: Clinic) -> dict[str, object]:
    return {
        "key": clinic.key,
        "name": clinic.name,
        "time_zone": clinic.zone.key,
        "country": clinic.country,
        "language": clinic.language,
        "phone": clinic.phone,
        "email": clinic.email,
        "address": clinic.address,
        "booking_url": clinic.booking_url,
        "colour": clinic.colour,
        "logo_url": clinic.logo_url,
        "opens": clinic.hours.opens,
        "closes": clinic.hours.closes,
        "daily_limit": clinic.daily_limit,
        "sms_from": clinic.sms_from,
        "mail_from": clinic.mail_from,
        "zone_from_phone": clinic.zone_from_phone,
    }
