"""The web process in a thread: a real uvicorn on a real socket."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import uvicorn

from tests.support.worker_process import wait_for
from worker.parts import utc_now
from worker.web.app import build_web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from worker.settings import Settings


@contextmanager
def web_server(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now
) -> Iterator[httpx.Client]:
    """A client whose base URL is the server's; it follows no redirects, as Twilio does not."""
    app = build_web(settings, clock=clock)
    bound = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "the web server")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        bound.close()
        app.state.doors.close()
