"""Patients' texts as they come in, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from worker.channels.base import Inbound
from worker.content.phrases import load_phrasebooks
from worker.jobs.replies import take_reply
from worker.resources import TEMPLATES
from worker.store.patient_events import events_of
from worker.store.tables import REPLIES

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import World

#: Ana's.
NUMBER = "+34600123456"
BOOKS = load_phrasebooks(TEMPLATES)


def write(
    world: World,
    body: str,
    *,
    sid: str = "",
    number: str = NUMBER,
    keyword: str = "",
    at: datetime | None = None,
) -> bool:
    """Somebody's text comes in; returns whether it was news."""
    at = at or world.now
    inbound = Inbound(sid or f"SM{body}{at}", number, "+34910999999", body, at, keyword)
    return take_reply(world.app.engine, inbound, phrasebooks=BOOKS, now=world.now)


def reply(world: World, body: str) -> Any:
    """A reply as it is kept."""
    with world.app.engine.begin() as db:
        return db.execute(select(REPLIES).where(REPLIES.c.body == body)).one()


def events(world: World, patient_id: str = "P1") -> list[tuple[str, str, str]]:
    """What was decided about a patient, after what the clinic's row says: what, by whom, how."""
    with world.app.engine.begin() as db:
        rows = events_of(db, "glow", patient_id)
    return [(row["event"], row["actor"], row["how"]) for row in rows if row["event"] != "consent"]
