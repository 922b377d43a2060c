"""What holds for every request, whatever it asks for: its size, the answer's headers, the log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

#: The longest request that anybody has a reason to send is a text with its parameters.
MOST_BYTES = 64 * 1024
_TOO_LARGE = 413

#: Nothing here is for search engines, caches, frames or other sites.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # An address with a token must not travel to the next page.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Goes round the whole application.

    Args:
        app: What it protects.
        prefix: The path of ``PUBLIC_URL``, for proxies that pass it on; empty for none.
    """

    app: ASGIApp
    prefix: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = self._without_prefix(scope)
        began = time.monotonic()
        status = 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, _limited(scope, receive), send_guarded)
        finally:
            # The route's pattern, never the path: that may hold a token.
            route = getattr(scope.get("route"), "path", "none")
            took = round((time.monotonic() - began) * 1000)
            log.info(
                "web.request", method=scope["method"], route=route, status=status, milliseconds=took
            )

    def _without_prefix(self, scope: Scope) -> Scope:
        path = scope["path"]
        if self.prefix and path.startswith(f"{self.prefix}/"):
            return {**scope, "path": path.removeprefix(self.prefix)}
        return scope


def _limited(scope: Scope, receive: Receive) -> Receive:
    """A body that is too long is not read to its end, whatever its length is said to be."""
    told = Headers(scope=scope).get("content-length", "")
    too_large = told.isdigit() and int(told) > MOST_BYTES
    read = 0

    async def receive_limited() -> Message:
        nonlocal read
        if too_large:
            raise HTTPException(_TOO_LARGE)
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BYTES:
            raise HTTPException(_TOO_LARGE)
        return message

    return receive_limited
