"""The databases of a run: SQLite in its folder, and PostgreSQL where one answers."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from worker.store.engine import open_engine
from worker.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

#: A superuser's URL; databases are made and dropped there.
POSTGRES = os.environ.get(
    "AFTERCARE_BENCH_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@cache
def has_postgres() -> bool:
    """Whether there is a PostgreSQL to use."""
    engine = create_engine(POSTGRES, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


def kinds() -> list[str]:
    """The databases there are."""
    return [SQLITE, *([POSTGRESQL] if has_postgres() else [])]


@contextmanager
def empty(kind: str, folder: Path, *, like: str = "") -> Iterator[str]:
    """The URL of a new database, empty or a copy of another of its kind; dropped afterwards."""
    name = f"aftercare_bench_{uuid4().hex[:12]}"
    if kind == SQLITE:
        path = folder / f"{name}.db"
        if like:
            shutil.copy(str(make_url(like).database), path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for each in folder.glob(f"{name}.db*"):
                each.unlink()
        return
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    copied = f" TEMPLATE {make_url(like).database} STRATEGY file_copy" if like else ""
    with admin.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}{copied}"))
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as db:
            db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@contextmanager
def filled(kind: str, folder: Path, fill: Callable[[Engine], object]) -> Iterator[str]:
    """The URL of a store with something in it, analysed as an old installation's is."""
    with empty(kind, folder) as url:
        engine = open_engine(url)
        migrate(engine)
        fill(engine)
        with engine.begin() as db:
            db.execute(text("ANALYZE"))
        engine.dispose()
        yield url
