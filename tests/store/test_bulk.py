"""Many rows at once, on each database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert, select, text

from tests.support.stored import MONDAY, store_message, store_session
from worker.rules.messages import Cause, Channel, Kind, Status
from worker.store.bulk import OF_ID, add_all, change_each
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: More than go into one statement, and not a multiple of that.
_MANY = 123
_PAGE = "<p>Sábado 🌞 \\x41 'quoted' \"twice\"</p>" * 300


def _new(number: int) -> dict[str, Any]:
    return {
        "session_id": "S1",
        "milestone": f"milestone-{number}",
        "channel": Channel.EMAIL,
        "kind": Kind.ADVICE,
        "status": Status.PLANNED,
        "cause": Cause.PROTOCOL,
        "reason": "Só para a Ana: 'sí'",
        "due_at": (MONDAY + timedelta(minutes=number, microseconds=7)).astimezone(
            ZoneInfo("America/New_York")
        ),
        "next_at": MONDAY,
        "expires_at": MONDAY,
        "ended_at": None,
        "created_at": MONDAY,
        "attempts": number,
        "stumbles": 0,
        "follow_up": number % 2 == 0,
    }


def _stored(db: Connection, *names: str) -> list[tuple[Any, ...]]:
    columns = [MESSAGES.c[name] for name in names]
    return [tuple(row) for row in db.execute(select(*columns).order_by(MESSAGES.c.id))]


def test_new_rows_say_the_same_as_if_sqlalchemy_had_stored_them(engine: Engine) -> None:
    """Value by value: enums, moments of any zone, NULL, letters of any kind."""
    rows = [_new(number) for number in range(_MANY)]
    with engine.begin() as db:
        store_session(db)
        add_all(db, MESSAGES, rows)
        ours = _stored(db, *rows[0])
        raw = db.execute(text("SELECT * FROM messages ORDER BY id")).all()
        db.execute(text("DELETE FROM messages"))
        db.execute(insert(MESSAGES), rows)
        assert _stored(db, *rows[0]) == ours
        theirs = db.execute(text("SELECT * FROM messages ORDER BY id")).all()
    # All but the number, which goes on.
    assert [row[1:] for row in theirs] == [row[1:] for row in raw]


def test_no_rows_are_no_statement(engine: Engine) -> None:
    """An empty batch is nothing to do, not a fault."""
    with engine.begin() as db:
        add_all(db, MESSAGES, [])
        assert _stored(db, "id") == []


def test_each_row_gets_values_of_its_own(engine: Engine) -> None:
    """New values go to the row that they name, and to no other."""
    with engine.begin() as db:
        store_session(db)
        ids = [store_message(db, milestone=f"m{number}") for number in range(5)]
        words = {"subject": "Hi", "html": _PAGE, "told": {"sun": "x"}, "lease_until": MONDAY}
        change_each(
            db,
            MESSAGES,
            [{**words, "body": f"Body of {each}", OF_ID: each} for each in ids[1:4]],
        )
        found = _stored(db, "id", "body", "html", "told", "lease_until")
    nothing = (None, None, None, None)
    changed = [(each, f"Body of {each}", _PAGE, {"sun": "x"}, MONDAY) for each in ids[1:4]]
    assert [(ids[0], *nothing), *changed, (ids[4], *nothing)] == found


def test_a_page_takes_a_fraction_of_its_room(engine: Engine) -> None:
    """What is kept of an e-mail's page is small; nothing at all stays nothing."""
    with engine.begin() as db:
        store_session(db)
        full, empty = (store_message(db, milestone=name) for name in ("m1", "m2"))
        rows: list[dict[str, Any]] = [{"html": _PAGE, OF_ID: full}, {"html": None, OF_ID: empty}]
        change_each(db, MESSAGES, rows)
        size = db.execute(text("SELECT length(html) FROM messages ORDER BY id")).scalars().all()
        assert _stored(db, "html") == [(_PAGE,), (None,)]
    assert size[0] < len(_PAGE) / 5
    assert size[1] is None
