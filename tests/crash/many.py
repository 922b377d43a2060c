"""Thousands of due messages, put into the worker's database in one go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, insert, select

from tests.crash.ledger import MILESTONE, email, phone
from tests.support.stored import PATIENT, store_session
from worker.rules.messages import Channel, Kind
from worker.rules.planning import PlannedMessage
from worker.store import messages
from worker.store.tables import METADATA

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def add_due(engine: Engine, count: int, *, due_at: datetime | None = None) -> None:
    """Sessions 1 to ``count``, of as many patients, each with an SMS and an e-mail that are due.

    They fall due at ``due_at``, by default a minute ago.
    """
    now = datetime.now(UTC)
    due_at = due_at or now - timedelta(minutes=1)
    expires_at = due_at + timedelta(hours=6)
    planned = [
        PlannedMessage(MILESTONE, channel, Kind.ADVICE, due_at, expires_at) for channel in Channel
    ]
    first = replace(PATIENT, patient_id="P1", phone=phone(1), email=email(1))
    numbers = range(1, count + 1)
    with engine.begin() as db:
        store_session(db, "S1", patient=first, at=due_at - timedelta(minutes=15))
        for name, changes in (("patients", _other_patient), ("sessions", _other_session)):
            _copy(db, METADATA.tables[name], [changes(number) for number in numbers[1:]])
        for number in numbers:
            messages.add(db, {f"S{number}": planned}, now)


def _other_patient(number: int) -> dict[str, Any]:
    return {"patient_id": f"P{number}", "phone": phone(number), "email": email(number)}


def _other_session(number: int) -> dict[str, Any]:
    return {"session_id": f"S{number}", "patient_id": f"P{number}"}


def _copy(db: Connection, table: Table, others: list[dict[str, Any]]) -> None:
    """Copy a table's only row, each copy with its changes."""
    # It is planned already, and no source will miss it.
    done = {"needs_plan": False, "source": "csv"} if "needs_plan" in table.c else {}
    db.execute(table.update().values(done)) if done else None
    row = db.execute(select(table)).mappings().one()
    if others:
        db.execute(insert(table), [{**row, **changes} for changes in others])
