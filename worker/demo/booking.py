"""A sample clinic's booking database, with tables of its own and the view that Aftercare reads.

It shows what an administrator does: the booking system stays as it is, and one view on top speaks
the row contract.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

_SCHEMA = """
CREATE TABLE services (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, aftercare_key TEXT NOT NULL
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, given_name TEXT NOT NULL, family_name TEXT NOT NULL,
    mobile TEXT, mail TEXT, lang TEXT, zone TEXT,
    texts_ok TEXT NOT NULL, mails_ok TEXT NOT NULL, offers_ok TEXT NOT NULL
);
CREATE TABLE appointments (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    service_id INTEGER NOT NULL REFERENCES services (id),
    starts_at TEXT NOT NULL, minutes INTEGER NOT NULL, state TEXT NOT NULL,
    number INTEGER, of_planned INTEGER, changed_at TEXT NOT NULL
);
INSERT INTO services VALUES (1, 'Microneedling', 'microneedling');

CREATE VIEW completed_sessions AS
SELECT
    a.id                                                  AS session_id,
    s.aftercare_key                                       AS treatment,
    datetime(a.starts_at, '+' || a.minutes || ' minutes') AS completed_at,
    c.id                                                  AS patient_id,
    c.given_name                                          AS first_name,
    c.mobile                                              AS phone,
    c.mail                                                AS email,
    c.texts_ok                                            AS sms_consent,
    c.mails_ok                                            AS email_consent,
    c.offers_ok                                           AS marketing_consent,
    c.lang                                                AS language,
    c.zone                                                AS time_zone,
    a.number                                              AS session_number,
    a.of_planned                                          AS sessions_planned,
    (SELECT min(n.starts_at) FROM appointments n
      WHERE n.customer_id = a.customer_id AND n.state = 'booked'
        AND n.starts_at > a.starts_at)                    AS next_session_at,
    CASE a.state WHEN 'done' THEN 'completed' ELSE a.state END AS status,
    a.changed_at                                          AS updated_at
FROM appointments a
JOIN customers c ON c.id = a.customer_id
JOIN services s ON s.id = a.service_id
WHERE a.state <> 'booked';
"""


class BookingDatabase:
    """The clinic's own database, a SQLite file. Times in it are clinic-local."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as db:
            db.executescript(_SCHEMA)

    def add_customer(self, **columns: Any) -> None:  # noqa: ANN401 (a row's values)
        """A new customer."""
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO customers ({names}) VALUES ({marks})"  # noqa: S608 (our own names)
        with self._open() as db:
            db.execute(sql, [*columns.values()])

    def book(
        self,
        appointment: int,
        *,
        customer: int,
        starts_at: datetime,
        course: tuple[int, int],
        now: datetime,
    ) -> None:
        """An appointment of 45 minutes is made; ``course`` is its number and the planned total."""
        row = (appointment, customer, _text(starts_at), 45, "booked", *course, _text(now))
        with self._open() as db:
            db.execute("INSERT INTO appointments VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)", row)

    def set_state(self, appointment: int, state: str, now: datetime) -> None:
        """An appointment is done, cancelled or missed."""
        sql = "UPDATE appointments SET state = ?, changed_at = ? WHERE id = ?"
        with self._open() as db:
            db.execute(sql, (state, _text(now), appointment))

    def set_zone(self, customer: int, zone: str) -> None:
        """The front desk mends a customer's time zone."""
        with self._open() as db:
            db.execute("UPDATE customers SET zone = ? WHERE id = ?", (zone, customer))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path)
        try:
            with db:
                yield db
        finally:
            db.close()


def _text(local: datetime) -> str:
    return local.replace(tzinfo=None).isoformat(" ", "seconds")
