"""A clinic's database, as an administrator would have made it: one view's worth of rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, MetaData, Table, Text, create_engine, insert, make_url, update

from worker.sources.row import COLUMNS

#: A row that is fine; tests change what they are about.
GOOD_ROW: dict[str, Any] = {
    "session_id": "S1",
    "clinic": None,
    "treatment": "microneedling",
    "completed_at": "2026-11-23 15:00:00",
    "patient_id": "P1",
    "first_name": "Ana",
    "phone": "600 123 456",
    "email": "ana@example.com",
    "sms_consent": "1",
    "email_consent": "1",
    "marketing_consent": "1",
    "language": "en",
    "time_zone": None,
    "session_number": "1",
    "sessions_planned": "3",
    "next_session_at": None,
    "status": "completed",
    "updated_at": "2026-11-23 15:00:00",
}


class ClinicDatabase:
    """``completed_sessions`` in a real database; ``url`` is what SOURCE_URL gets.

    Args:
        url: Where to make it.
        columns: The columns it has, all as text; by default the whole contract.
    """

    def __init__(self, url: str, columns: tuple[str, ...] = COLUMNS) -> None:
        self.url = url
        self.columns = columns
        self.engine = create_engine(make_url(url))
        text_columns = [Column(name, Text) for name in columns]
        self.table = Table("completed_sessions", MetaData(), *text_columns)
        self.table.create(self.engine)

    def add(self, **changes: Any) -> None:
        """Add a row: :data:`GOOD_ROW` with changes."""
        row = {**GOOD_ROW, **changes}
        values = {name: _text(row[name]) for name in self.columns}
        with self.engine.begin() as db:
            db.execute(insert(self.table).values(values))

    def change(self, session_id: str, **changes: Any) -> None:
        """Change a row."""
        row = self.table.c.session_id == session_id
        values = {name: _text(value) for name, value in changes.items()}
        with self.engine.begin() as db:
            db.execute(update(self.table).where(row).values(values))

    def remove(self, session_id: str) -> None:
        """Delete a row."""
        with self.engine.begin() as db:
            db.execute(self.table.delete().where(self.table.c.session_id == session_id))


def _text(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return None if value is None else str(value)
