"""A clinic's database with its view ``completed_sessions``, as large as a case needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    update,
)

from benchmarks.seed import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH = 10_000
#: Sessions are spread over this much time before now.
_SPAN = timedelta(days=20)

_VIEW = Table(
    "completed_sessions",
    MetaData(),
    Column("session_id", Text, primary_key=True),
    *(Column(name, Text) for name in ("patient_id", "first_name", "phone", "email", "treatment")),
    Column("completed_at", DateTime),
    *(Column(f"{name}_consent", Boolean) for name in ("sms", "email", "marketing")),
    Column("session_number", Integer),
    Column("sessions_planned", Integer),
    Column("updated_at", DateTime, index=True),
)


def fill_clinic(url: str, sessions: int) -> None:
    """Make the clinic's table with so many sessions, one for each patient."""
    engine = create_engine(url)
    _VIEW.create(engine)
    for start in range(0, sessions, _BATCH):
        rows = list(_rows(start, min(start + _BATCH, sessions), sessions))
        with engine.begin() as db:
            db.execute(insert(_VIEW), rows)
    engine.dispose()


def change_sessions(url: str, count: int) -> None:
    """So many sessions get one more planned after them, just now; each time another change."""
    engine = create_engine(url)
    changed = _VIEW.c.session_id.in_([f"S{each}" for each in range(count)])
    now = NOW.replace(tzinfo=None)
    with engine.begin() as db:
        more = {"sessions_planned": _VIEW.c.sessions_planned + 1, "updated_at": now}
        db.execute(update(_VIEW).where(changed).values(more))
    engine.dispose()


def _rows(start: int, end: int, sessions: int) -> Iterator[dict[str, Any]]:
    for number in range(start, end):
        ended: datetime = NOW.replace(tzinfo=None) - _SPAN * (number + 1) / sessions
        yield {
            "session_id": f"S{number}",
            "patient_id": f"P{number}",
            "first_name": "Ana",
            "phone": f"6{number:08d}",
            "email": f"patient{number}@example.com",
            "treatment": "microneedling",
            "completed_at": ended,
            "sms_consent": True,
            "email_consent": True,
            "marketing_consent": False,
            "session_number": 1,
            "sessions_planned": 3,
            "updated_at": ended,
        }
