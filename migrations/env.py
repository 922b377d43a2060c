"""Alembic's entry: run by ``aftercare migrate`` and by the ``alembic`` command in a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from worker.settings import load_settings
from worker.store.engine import open_engine
from worker.store.tables import METADATA

if TYPE_CHECKING:
    from sqlalchemy import Connection

# A migration that waits for a lock makes every worker wait behind it: better to fail and try again.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"

#: Any number, as long as nothing else in the database uses it: "aftercare" on a keypad.
_MIGRATING = 238372273


def _migrate(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        # SQLite cannot alter most things in place; Alembic then rebuilds the table.
        render_as_batch=sqlite,
    )
    with context.begin_transaction():
        if not sqlite:
            # Two deployments at once: the second waits its turn and finds nothing left to do.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            connection.exec_driver_sql(_LOCK_TIMEOUT)
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        context.run_migrations()


_given: Connection | None = context.config.attributes.get("connection")
if _given is not None:
    _migrate(_given)
else:
    _engine = open_engine(load_settings().database_url)
    with _engine.begin() as _connection:
        _migrate(_connection)
    _engine.dispose()
