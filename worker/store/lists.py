"""A list of values as one parameter, however many there are.

For SQLAlchemy's ``in_`` each number of values is a statement of its own, with a placeholder for
each of them. To write it took 0.02 ms for each message of a batch, which asks with several such
lists, and PostgreSQL planned every one of them anew.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine


class _List(TypeDecorator["Sequence[Any]"]):
    """Texts or numbers: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:  # noqa: ANN401 (SQLAlchemy's)
        values = list(value or ())
        return json.dumps(values) if dialect.name == "sqlite" else values


class _OneOf(FunctionElement[Any]):
    # Without a type: of a boolean one, SQLAlchemy would ask SQLite whether it is 1, and no index
    # answers that.
    inherit_cache = True


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Whether a column of texts or numbers has one of the values of the parameter ``name``."""
    return _OneOf(column, bindparam(name, type_=_List(column.type)))


@compiles(_OneOf, "sqlite")
def _in_json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 (names, not values)


@compiles(_OneOf, "postgresql")
def _in_array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({values})"
