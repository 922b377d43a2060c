"""What tables a clinic's database has, read from the database itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import column as named_column
from sqlalchemy import inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Inspector, Select

#: More tables than this are not looked through: the booking system's own are among the first.
_MOST_TABLES = 1_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as far as a proposal needs to know it."""

    name: str
    columns: tuple[str, ...]
    #: The columns of its primary key.
    key: tuple[str, ...] = ()
    #: From a column to the table and column that it points to.
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def tables_of(db: Connection) -> list[Table]:
    """Every table of the schema that the connection starts in."""
    look = inspect(db)
    names = sorted(look.get_table_names())[:_MOST_TABLES]
    return [_table(look, name) for name in names]


def _table(look: Inspector, name: str) -> Table:
    links = {
        each["constrained_columns"][0]: (each["referred_table"], each["referred_columns"][0])
        for each in look.get_foreign_keys(name)
        if len(each["constrained_columns"]) == 1
    }
    columns = tuple(each["name"] for each in look.get_columns(name))
    return Table(name, columns, tuple(look.get_pk_constraint(name)["constrained_columns"]), links)


def few_values(db: Connection, of: str, column: str, most: int = 40) -> list[str]:
    """The different values of a column, when there are few enough to be states or services.

    Only columns that name no patient are asked for; a column with too many values yields nothing.
    """
    values: Select[Any] = select(named_column(column)).select_from(table(of))
    wanted = values.distinct().limit(most + 1)
    try:
        found = [str(value) for value in db.execute(wanted).scalars() if value is not None]
    except SQLAlchemyError:
        # A proposal goes without what this account may not read; a transaction goes on after it.
        db.rollback()
        return []
    return sorted(found) if len(found) <= most else []


def has_view(db: Connection, name: str) -> bool:
    """Whether there is a view or table of this name."""
    look = inspect(db)
    return name in {each.lower() for each in (*look.get_view_names(), *look.get_table_names())}
