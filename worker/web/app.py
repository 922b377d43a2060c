"""The second process, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from worker.errors import ConfigurationError, describe
from worker.parts import utc_now
from worker.web.doors import Doors
from worker.web.guard import Guard
from worker.web.health import health_routes
from worker.web.twilio import twilio_routes
from worker.web.unsubscribe import unsubscribe_routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from worker.settings import Settings

log = structlog.get_logger()


def build_web(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The web process as an ASGI application.

    Args:
        settings: What the operator set.
        clock: Tells the present moment.
    """
    doors = Doors(settings, clock)
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for fault in (SQLAlchemyError, ConfigurationError):
        app.add_exception_handler(fault, _away)
    app.state.doors = doors
    app.include_router(health_routes(doors))
    app.include_router(twilio_routes(doors))
    app.include_router(unsubscribe_routes(doors))
    app.add_middleware(Guard, prefix=urlsplit(settings.public_url).path.rstrip("/"))
    return app


def _away(_request: Request, error: Exception) -> Response:
    """The database does not answer: whoever asked should ask again, as Twilio does."""
    log.error("database.unreachable", setting="DATABASE_URL", error=describe(error))
    return PlainTextResponse("Please try again later.\n", 503, {"Retry-After": "60"})
