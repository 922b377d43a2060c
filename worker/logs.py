"""Logging: static event names with ids as fields, and never a name, number, address or body.

Texts of exceptions often quote the value that failed, so an exception is logged as its type and
the places in the code, without its text.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from worker.errors import without_text

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

#: Libraries that tell at INFO what passes through them.
_QUIET = ("apscheduler", "alembic", "twilio", "urllib3", "mail", "sqlalchemy", "uvicorn")


def set_up_logging(style: str, stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Log to standard error or ``stream``, for people (``console``) or machines (``json``)."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception_without_text,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _library_without_values],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _exception_without_text(_logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401 (structlog's)
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event.update(without_text(error))
    return event


def _library_without_values(_logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401 (structlog's)
    """A library's own line may hold anything: it is kept by the library's name and place."""
    record: logging.LogRecord | None = event.get("_record")
    if record is not None:
        event["event"] = "library.message"
        event["library"] = record.name
        event["place"] = f"{record.filename}:{record.lineno}"
    return event
