"""``aftercare migrate``: bring the worker's database up to date."""

from __future__ import annotations

from worker.commands.output import output
from worker.settings import load_settings
from worker.store import schema
from worker.store.engine import open_engine


def migrate() -> None:
    """Bring the worker's own database (DATABASE_URL) up to date, from nothing if need be."""
    engine = open_engine(load_settings().database_url)
    schema.migrate(engine)
    output.print(f"The {engine.dialect.name} database is up to date.")
    engine.dispose()
