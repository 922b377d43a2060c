"""What every route needs: the settings, the database once it answers, and the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from starlette.requests import Request  # noqa: TC002 (FastAPI reads it)

from worker.parts import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine
    from starlette.datastructures import FormData

    from worker.settings import Settings


@dataclass(slots=True)
class Doors:
    """See the module. The process may be up before its database is, and long after."""

    settings: Settings
    clock: Callable[[], datetime]
    _engine: Engine | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def engine(self) -> Engine:
        """The worker's database.

        Raises:
            ConfigurationError: While it is not up to date.
            OperationalError: While it does not answer.
        """
        with self._lock:
            if self._engine is None:
                self._engine = open_store(self.settings)
            return self._engine

    def close(self) -> None:
        """Let go of connections."""
        if self._engine is not None:
            self._engine.dispose()


async def posted_form(request: Request) -> FormData:
    """What was posted, blank values included; files are nobody's business here."""
    return await request.form(max_files=0, max_fields=200)
