"""Many rows at once: new ones, and new values for those that are there.

SQLAlchemy hands each row over by itself, and its handling of a row's values takes longer than the
database takes to store them. Here PostgreSQL gets all rows in one statement, as one JSON text with
long texts beside it, and SQLite gets new ones in statements of some dozen rows.
"""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Enum,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)

from worker.store.lists import one_of
from worker.store.moments import as_iso
from worker.store.packed import PackedText, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import (
        Column,
        ColumnClause,
        ColumnElement,
        Connection,
        Dialect,
        Executable,
        Table,
        TableValuedAlias,
        Update,
    )
    from sqlalchemy.types import TypeEngine

#: The name of a row's ``id`` among its new values.
OF_ID = "of_id"
#: Values in one statement on SQLite, which takes so many everywhere. It prepares for a CHECK at
#: each statement, not at each row: 23 µs a message become 11.
_MOST_VALUES = 999


def add_all(db: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store new rows.

    Args:
        db: An open transaction.
        table: Where to.
        rows: Their values by column, None for NULL; the same columns in all of them, and every
            one that the database does not fill in by itself.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if db.dialect.name == "postgresql":
        db.execute(_added_together(table, names), _parameters(table, rows))
        return
    columns = _writers(table, names, db.dialect)
    at_once = _MOST_VALUES // len(names)
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        values = [
            value if (value := row[name]) is None or as_stored is None else as_stored(value)
            for row in some
            for name, as_stored in columns
        ]
        db.exec_driver_sql(_added(table, names, len(some)), tuple(values))


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
        told = {**_parameters(table, rows), "ids": [each[OF_ID] for each in rows]}
        db.execute(_changed_together(table, tuple(rows[0])), told)
    else:
        db.execute(_one_by_one(table), rows)


@lru_cache
def _one_by_one(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam(OF_ID))


@lru_cache(maxsize=64)
def _changed_together(table: Table, names: tuple[str, ...]) -> Update:
    """All rows in one statement."""
    written = [name for name in names if name != OF_ID]
    new = _from_json(table, written, column(OF_ID, table.c.id.type))
    changed = update(table).values({name: _value(table.c[name], new) for name in written})
    # How many rows a text holds PostgreSQL cannot know: told their ids, it never reads all of a
    # table of a few thousand rows for them.
    return changed.where(table.c.id == new.c[OF_ID], one_of(table.c.id, "ids"))


@lru_cache(maxsize=64)
def _added_together(table: Table, names: tuple[str, ...]) -> Executable:
    new = _from_json(table, names)
    values = select(*(_value(table.c[name], new) for name in names))
    return insert(table).from_select(names, values, include_defaults=False)


def _from_json(table: Table, names: Sequence[str], *more: Any) -> TableValuedAlias:  # noqa: ANN401 (columns)
    """The parameter ``rows`` as a table: of each of these columns, what ``_parameters`` wrote."""
    written = [each for name in names for each in _columns_in_json(table.c[name])]
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    return rows.table_valued(*written, *more).render_derived(name="new", with_types=True)


def _columns_in_json(kept: Column[Any]) -> list[ColumnClause[Any]]:
    if isinstance(kept.type, PackedText):
        return [column(name, Integer) for name in _place_names(kept.name)]
    return [column(kept.name, kept.type)]


def _value(kept: Column[Any], new: TableValuedAlias) -> ColumnElement[Any]:
    if isinstance(kept.type, PackedText):
        return func.substr(
            bindparam("pages", type_=LargeBinary), *map(new.c.get, _place_names(kept.name))
        )
    return new.c[kept.name]


def _place_names(name: str) -> tuple[str, str]:
    """What tells in a row where its page begins among all of them, from 1, and how long it is."""
    return f"{name}_at", f"{name}_size"


def _parameters(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows as JSON; their pages beside it, end to end.

    Within JSON a page would be written as twice its size and read three times: a fifth of
    PostgreSQL's time for an e-mail.
    """
    packed = [each.name for each in _packed(table) if each.name in rows[0]]
    if not packed:
        return {"rows": json.dumps(rows, default=as_iso)}
    pages, told = bytearray(), []
    for row in rows:
        told.append({name: value for name, value in row.items() if name not in packed})
        for name in packed:
            page = b"" if row[name] is None else pack(row[name])
            place = (len(pages) + 1, len(page)) if page else (None, None)
            told[-1].update(zip(_place_names(name), place, strict=True))
            pages += page
    return {"rows": json.dumps(told, default=as_iso), "pages": bytes(pages)}


@lru_cache
def _packed(table: Table) -> list[Column[Any]]:
    return [each for each in table.c if isinstance(each.type, PackedText)]


@lru_cache(maxsize=64)
def _writers(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """By column: what SQLAlchemy itself makes of its values before it hands them to the driver."""
    return [(name, _writer(table.c[name].type, dialect)) for name in names]


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, Enum):
        return attrgetter("value")  # of our own enums, which the CHECK knows; SQLAlchemy asks more
    return kind.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=256)
def _added(table: Table, names: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES {rows}"  # noqa: S608 (names, not values)
