"""The parts of a worker that settings name: the clock, the database, the source, the mailbox.

Commands open those that they need; :mod:`worker.app` puts them together.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from worker.channels.accounts import Mailbox
from worker.errors import ConfigurationError
from worker.sources.sql import SqlSource
from worker.store.engine import open_engine
from worker.store.schema import is_current, migrate

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from worker.channels.mailbox import BounceMailbox
    from worker.settings import Settings


def utc_now() -> datetime:
    """The one place where the clock is read."""
    return datetime.now(UTC)


def settle_in() -> None:
    """What is in memory by now stays for good: looking for garbage need not look there again.

    Planning makes so many values that this was a tenth of its time.
    """
    gc.collect()
    gc.freeze()


def open_store(settings: Settings) -> Engine:
    """The worker's database, ready to use: SQLite is brought up to date by itself.

    Raises:
        ConfigurationError: When PostgreSQL needs ``aftercare migrate`` first.
    """
    engine = open_engine(settings.database_url)
    if is_current(engine):
        return engine
    if engine.dialect.name != "sqlite":
        message = "DATABASE_URL: the database is not up to date; run: aftercare migrate"
        raise ConfigurationError([message])
    migrate(engine)
    return engine


def open_source(settings: Settings) -> SqlSource | None:
    """The clinic's database, if one is set."""
    if settings.source_url is None:
        return None
    query = settings.source_query.read_text(encoding="utf-8") if settings.source_query else None
    return SqlSource(settings.source_url, query)


def open_mailbox(settings: Settings) -> BounceMailbox | None:
    """Where undeliverable e-mails come back to, if it is set."""
    url = settings.bounce_url.get_secret_value()
    if not url:
        return None
    # Most clinics have none, and need not carry IMAP and TLS about: 4 MB.
    from worker.channels.mailbox import BounceMailbox  # noqa: PLC0415

    return BounceMailbox(Mailbox.parse(url))
