"""The bare Twilio client: a fixed text, a pool of threads, no database.

``pooled`` uses our transport: the limit of what end-to-end sending can reach. Without it, this is
the client as its documentation shows it.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twilio.rest import Client

from worker.channels.twilio_http import PooledHttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SID, _TOKEN = "AC" + "0" * 32, "token"
_TEXT = (
    "Glow Skin Clinic: hello Ana, a day after your visit most people feel back to normal. Some "
    "dryness is fine. Keep to what we told you, and call us at 910 12 34 56 with any question."
)


@contextmanager
def prepared(
    *, port: int, threads: int, count: int, pooled: bool
) -> Iterator[Callable[[], dict[str, float]]]:
    """A client that sends ``count`` texts."""
    logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
    url = f"http://127.0.0.1:{port}"
    http = PooledHttp(_SID, _TOKEN, url=url, connections=threads, timeout=15) if pooled else None
    client = Client(_SID, _TOKEN, http_client=http)
    client.api.base_url = url

    def send(number: int) -> str:
        to = f"+346{number:08d}"
        return str(client.messages.create(to=to, from_="+34910123456", body=_TEXT).sid)

    def work() -> dict[str, float]:
        with ThreadPoolExecutor(threads) as pool:
            return {"count": len(set(pool.map(send, range(count))))}

    yield work
