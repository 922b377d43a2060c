"""A clinic's own tables in each database's own types, with the view on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class Kind:
    """How one database keeps what the contract asks for."""

    #: The type of each column that is not a plain text.
    types: dict[str, str]
    #: 15:00 in Madrid on a day of November 2026, as a literal.
    afternoon: str
    yes: str
    no: str


KINDS = {
    "sqlite": Kind(
        types={"completed_at": "TEXT", "consent": "BOOLEAN", "id": "TEXT", "day": "TEXT"},
        afternoon="'2026-11-{day} 15:00:00'",
        yes="1",
        no="0",
    ),
    "postgresql": Kind(
        types={
            "completed_at": "TIMESTAMP WITH TIME ZONE",
            "consent": "BOOLEAN",
            "id": "UUID",
            "day": "DATE",
        },
        afternoon="'2026-11-{day} 15:00:00 Europe/Madrid'",
        yes="TRUE",
        no="FALSE",
    ),
    "mysql": Kind(
        types={"completed_at": "DATETIME(3)", "consent": "BIT(1)", "id": "UUID", "day": "DATE"},
        afternoon="'2026-11-{day} 15:00:00'",
        yes="b'1'",
        no="b'0'",
    ),
}

_TABLE = """
CREATE TABLE bookings (
    id {id} PRIMARY KEY, customer INTEGER NOT NULL, ended {completed_at} NOT NULL,
    first_name VARCHAR(100), phone VARCHAR(40), email VARCHAR(100),
    sms {consent} NOT NULL, mail {consent} NOT NULL, number SMALLINT, booked {day},
    changed {completed_at}
)
"""
_VIEW = """
CREATE VIEW completed_sessions AS SELECT
    id AS session_id, 'microneedling' AS treatment, ended AS completed_at,
    customer AS patient_id, first_name, phone, email, sms AS sms_consent, mail AS email_consent,
    number AS session_number, 4 AS sessions_planned, booked AS next_session_at{changed}
FROM bookings
"""


class NativeClinic:
    """A booking system's database; ``url`` is what SOURCE_URL gets."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(url)
        self.kind = KINDS[self.engine.dialect.name]
        self.run(_TABLE.format(**self.kind.types))
        self.make_view()

    def make_view(self, *, incremental: bool = True) -> None:
        """The view as the administrator makes it, with or without ``updated_at``."""
        changed = ", changed AS updated_at" if incremental else ""
        self.run(_VIEW.format(changed=changed))

    def run(self, sql: str) -> None:
        """Run a statement as the clinic's own software does."""
        with self.engine.begin() as db:
            db.execute(text(sql))

    def add(self, *numbers: int, day: int = 23) -> None:
        """Sessions of as many customers, ended and written down in the afternoon of that day."""
        moment, kind = self.kind.afternoon.format(day=day), self.kind
        person = f"'Ana', '600 123 456', 'ana@example.com', {kind.yes}, {kind.no}"
        rows = [
            f"('{session_id(each)}', {each}, {moment}, {person}, 2, '2026-12-21', {moment})"
            for each in numbers
        ]
        self.run(f"INSERT INTO bookings VALUES {', '.join(rows)}")

    def count(self) -> int:
        """How many sessions there are."""
        with self.engine.begin() as db:
            return int(db.execute(text("SELECT count(*) FROM bookings")).scalar_one())


def session_id(number: int) -> str:
    """The id of session ``number``: a UUID, as booking systems make them."""
    return f"6f9619ff-8b86-4011-b42d-{number:012d}"
