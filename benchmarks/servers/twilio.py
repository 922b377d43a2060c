"""A provider fast enough not to be the limit: takes every message, after a delay if told so.

It speaks as much of Twilio's Messages API as sending needs (keep-alive, form-encoded create, JSON
answer with an id of its own) over uvloop, where that is installed. ``GET /count`` answers how many
messages it took. Run as ``python -m benchmarks.servers.twilio PORT DELAY_MS``.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from typing import cast

_BODY = json.dumps(
    {
        "account_sid": "AC" + "0" * 32,
        "api_version": "2010-04-01",
        "body": "as sent",
        "date_created": "Mon, 23 Nov 2026 09:00:00 +0000",
        "date_sent": None,
        "date_updated": "Mon, 23 Nov 2026 09:00:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+34910123456",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": "SM@",
        "status": "queued",
        "subresource_uris": {},
        "to": "+34600000000",
        "uri": "/2010-04-01/Accounts/AC/Messages/SM@.json",
    }
).replace("SM@", "SM%032x")
_LENGTH = len(_BODY % (0, 0))
_CREATED = (
    f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {_LENGTH}\r\n\r\n"
    f"{_BODY}"
)
_COUNT = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}"
_numbers = itertools.count(1)
_taken = 0


class _Api(asyncio.Protocol):
    """One connection; a request may come in pieces."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(is_count=head.startswith(b"get /count"))

    def _answer(self, *, is_count: bool) -> None:
        global _taken  # noqa: PLW0603 (one process, one loop)
        if is_count:
            self._transport.write(_COUNT.format(len(str(_taken)), _taken).encode())
            return
        _taken += 1
        number = next(_numbers)
        answer = (_CREATED % (number, number)).encode()
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def _serve(port: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Api(delay), "127.0.0.1", port, backlog=1024
    )
    print("ready", flush=True)  # the parent waits for it
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
