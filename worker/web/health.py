"""``/healthz``: for the platform that keeps the processes alive. It says nothing about anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from worker.errors import ConfigurationError
from worker.jobs.report import pulse
from worker.store.engine import reading

if TYPE_CHECKING:
    from worker.web.doors import Doors

_FINE, _NOT_FINE = 200, 503


def health_routes(doors: Doors) -> APIRouter:
    """The one route."""
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> JSONResponse:
        """Whether the database answers and a worker is at work."""
        try:
            with reading(doors.engine).begin() as db:
                _, stale = pulse(db, doors.clock(), poll=doors.settings.poll)
        except (SQLAlchemyError, ConfigurationError):
            return JSONResponse({"ok": False, "database": "down", "worker": "unknown"}, _NOT_FINE)
        worker = "stale" if stale else "running"
        found = {"ok": not stale, "database": "up", "worker": worker}
        return JSONResponse(found, _NOT_FINE if stale else _FINE)

    return router
