"""A mail server that takes everything and keeps nothing, fast enough not to be the limit.

``python -m benchmarks.servers.smtp PORT``; ``XCOUNT`` answers how many messages it took.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import cast

_END = b"\r\n.\r\n"
_ANSWERS = {
    b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 go ahead\r\n",
    b"QUIT": b"221 bye\r\n",
}
_taken = 0


class _Sink(asyncio.Protocol):
    """One connection; a command or a message may come in pieces."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""
        self._in_message = False
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        global _taken  # noqa: PLW0603 (one process, one loop)
        self._buffer += data
        while True:
            end = _END if self._in_message else b"\r\n"
            part, found, rest = self._buffer.partition(end)
            if not found:
                return
            self._buffer = rest
            if self._in_message:
                _taken += 1
                self._in_message = False
                self._transport.write(b"250 taken\r\n")
                continue
            self._answer(part[:4].upper())

    def _answer(self, verb: bytes) -> None:
        self._in_message = verb == b"DATA"
        count = b"250 %d\r\n" % _taken if verb == b"XCOU" else b"250 ok\r\n"
        self._transport.write(_ANSWERS.get(verb, count))
        if verb == b"QUIT":
            self._transport.close()


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(_Sink, "127.0.0.1", port)
    print("ready", flush=True)  # the parent waits for it
    await listener.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1])))
