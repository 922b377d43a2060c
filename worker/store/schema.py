"""Bringing the database's schema up to the code's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import column, inspect, select, table

from worker.resources import MIGRATIONS
from worker.store.engine import reading

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Engine

#: The newest migration.
HEAD = "0003"
_BOOKKEEPING = table("alembic_version", column("version_num"))

# Alembic is imported only where something is migrated: a worker that runs for months with 10 MB
# less needs but to know that nothing is missing.


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def migrate(engine: Engine) -> None:
    """Run every migration that is missing, from nothing if need be."""
    from alembic import command  # noqa: PLC0415

    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has every migration that this code knows."""
    with reading(engine).connect() as connection:
        if not inspect(connection).has_table(_BOOKKEEPING.name):
            return False
        # One row, or none after the way back to nothing.
        return connection.execute(select(_BOOKKEEPING)).scalars().all() == [HEAD]
