"""Changing many rows of a table at once, each to values of its own."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Text, bindparam, cast, column, func, update

from worker.store.lists import one_of
from worker.store.moments import utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table, Update

#: The name of a row's ``id`` among its new values.
OF_ID = "of_id"


def change_each(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new values to rows.

    Args:
        db: An open transaction.
        table: Where they are.
        rows: The new values of each by column, and under :data:`OF_ID` which it is; the same
            columns in all of them, no row twice.
    """
    if db.dialect.name == "postgresql":
        # A row for itself takes 35 µs of ours and as much of the database's time; so it is 16.
        told = {
            "rows": json.dumps(rows, default=_moment_as_text),
            "ids": [each[OF_ID] for each in rows],
        }
        db.execute(_together(table, tuple(rows[0])), told)
    else:
        db.execute(_one_by_one(table), rows)


@lru_cache
def _one_by_one(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam(OF_ID))


@lru_cache(maxsize=64)
def _together(table: Table, names: tuple[str, ...]) -> Update:
    """All rows in one statement, from one JSON text."""
    written = [name for name in names if name != OF_ID]
    columns = [column(name, table.c[name].type) for name in written]
    new = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON)).table_valued(
        *columns, column(OF_ID, table.c.id.type)
    )
    new = new.render_derived(name="new", with_types=True)
    changed = update(table).values({name: new.c[name] for name in written})
    # How many rows a text holds PostgreSQL cannot know: told their ids, it never reads all of a
    # table of a few thousand rows for them.
    return changed.where(table.c.id == new.c[OF_ID], one_of(table.c.id, "ids"))


def _moment_as_text(moment: datetime) -> str:
    return utc(moment).isoformat()
