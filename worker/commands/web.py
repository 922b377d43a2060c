"""``aftercare web``: the second process."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from sqlalchemy.exc import OperationalError

from worker.app import stop_on_signals
from worker.errors import ConfigurationError
from worker.logs import set_up_logging
from worker.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.settings import Settings

log = structlog.get_logger()

Host = Annotated[
    str,
    typer.Option(
        "--host",
        help="Where to listen. Default: this machine only, or everywhere when PORT is set.",
        show_default=False,
    ),
]
Port = Annotated[int, typer.Option("--port", envvar="PORT", min=0, max=65535, help="Which port.")]

#: Seconds for requests under way after SIGTERM.
_GRACE = 20
#: More at once than any clinic has; beyond it, callers are asked to come back.
_MOST_AT_ONCE = 200


def web(host: Host = "", port: Port = 8000) -> None:
    """Serve Twilio's webhooks, the unsubscribe page and /healthz.

    Listens on plain HTTP, behind a proxy that has the certificate; see docs/web.md.
    """
    # The worker is another process, and would carry 8 MB of web server about for nothing.
    import uvicorn  # noqa: PLC0415

    from worker.web.app import build_web  # noqa: PLC0415

    settings = load_settings()
    set_up_logging(settings.log_format)
    app = build_web(settings)
    try:
        app.state.doors.engine  # noqa: B018 (opening it tells what is wrong with it)
    except OperationalError:
        log.error("database.unreachable", setting="DATABASE_URL")  # noqa: TRY400 (its text may hold the URL)
    for problem in web_problems(settings):
        log.warning("web.setting_missing", problem=problem)
    stop_on_signals()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    with _listen(host or ("0.0.0.0" if "PORT" in os.environ else "127.0.0.1"), port) as bound:  # noqa: S104 (platforms reach the port from outside)
        log.info("web.started", port=bound.getsockname()[1])
        server.run(sockets=[bound])
    app.state.doors.close()
    log.info("web.stopped")


def web_problems(settings: Settings) -> Iterator[str]:
    """Settings without which part of the web process has to refuse its work."""
    if not settings.public_url:
        yield "PUBLIC_URL is not set: webhooks are refused, and e-mails carry no unsubscribe link"
    elif settings.has_sms and not settings.twilio_auth_token.get_secret_value():
        yield (
            "TWILIO_AUTH_TOKEN is missing: Twilio signs its webhooks with it, also for accounts "
            "that send with an API key; until it is set they are refused"
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        message = f"--host and --port: cannot listen on {host} port {port} ({error.strerror})"
        raise ConfigurationError([message]) from None
