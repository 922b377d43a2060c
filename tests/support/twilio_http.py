"""The loopback Twilio's HTTP: paths, Basic authentication, JSON, paging."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.twilio_server import TwilioServer

_PATH = re.compile(r"/2010-04-01/Accounts/(AC\w+)(/Messages(?:/(SM\w+))?)?\.json")
_AS_LONG_AS_IT_TAKES = 3600


class HttpServer(ThreadingHTTPServer):
    """Serves one :class:`~tests.support.twilio_server.TwilioServer`."""

    daemon_threads = True
    # A burst of workers connects at once.
    request_queue_size = 128

    def __init__(self, twilio: TwilioServer) -> None:
        self.twilio = twilio
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Request)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remember the connection, so that it can be closed."""
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """The connection is over."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close(self) -> None:
        """Hang up on everybody, also on clients that keep their connection for later."""
        self.server_close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Request(BaseHTTPRequestHandler):
    server: HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Create a message."""
        size = int(self.headers.get("Content-Length", 0))
        posted = dict(parse_qsl(self.rfile.read(size).decode(), keep_blank_values=True))
        account, folder, sid = self._path()
        if not folder or sid:
            self._refuse(404, 20404, "The requested resource was not found")
        elif self._authorised(account):
            self._create(posted)

    def do_GET(self) -> None:
        """List messages, fetch one, or fetch the account."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        account, folder, sid = self._path()
        if not self._authorised(account):
            return
        if sid:
            found = self.server.twilio.fetch(sid)
            if found is None:
                self._refuse(404, 20404, f"The requested resource {parts.path} was not found")
            else:
                self._answer(200, found)
        elif folder:
            self._answer(200, _page(self.server.twilio.find(query), parts.path, query))
        else:
            about = {"sid": account, "friendly_name": "Test", "status": "active", "type": "Full"}
            self._answer(200, about)

    def _path(self) -> tuple[str, str, str]:
        self.server.twilio.count()
        found = _PATH.fullmatch(urlsplit(self.path).path)
        return (found[1], found[2] or "", found[3] or "") if found else ("", "", "")

    def _authorised(self, account: str) -> bool:
        scheme, _, word = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(word).decode().partition(":")
        if scheme == "Basic" and self.server.twilio.accepts_key(account, user, password):
            return True
        self._refuse(401, 20003, "Authenticate")
        return False

    def _create(self, posted: Mapping[str, str]) -> None:
        twilio = self.server.twilio
        behaviour = twilio.next_behaviour(posted)
        if behaviour.accepts and (missing := _missing(posted)):
            self._refuse(400, *missing)
            return
        made = twilio.accept(posted) if behaviour.accepts else {}
        twilio.hold(_AS_LONG_AS_IT_TAKES if behaviour.hangs else behaviour.delay)
        if behaviour.drops or behaviour.hangs:
            self.close_connection = True
            return
        body = behaviour.body_for(posted)
        self._answer(behaviour.status, made if body is None else body, behaviour.headers)

    def _refuse(self, status: int, code: int, message: str) -> None:
        more = f"https://www.twilio.com/docs/errors/{code}"
        error = {"code": code, "message": message, "more_info": more, "status": status}
        self._answer(status, error)

    def _answer(
        self, status: int, body: str | dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        kind = "text/html" if isinstance(body, str) else "application/json"
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _missing(posted: Mapping[str, str]) -> tuple[int, str] | None:
    if not posted.get("To"):
        return 21604, "A 'To' phone number is required."
    if not posted.get("Body"):
        return 21602, "Message body is required."
    if not (posted.get("From") or posted.get("MessagingServiceSid")):
        return 21603, "A 'From' phone number is required."
    return None


def _page(found: list[dict[str, Any]], path: str, query: Mapping[str, str]) -> dict[str, Any]:
    size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
    start = page * size
    shown = found[start : start + size]

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

    return {
        "messages": shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + max(len(shown) - 1, 0),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(page - 1) if page else None,
        "next_page_uri": uri(page + 1) if len(found) > start + size else None,
    }
