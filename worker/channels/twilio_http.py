"""How the Twilio library talks HTTP here: over one urllib3 pool that all sender threads share.

The client that the library ships (``requests``) reads the machine's proxy settings anew for every
message and prepares each request from scratch; that is nearly all of what sending a text costs.
The library takes any :class:`twilio.http.HttpClient`, so this is one, on what ``requests`` itself
stands on. ``python -m benchmarks --only sms`` has the figures.
"""

from __future__ import annotations

import base64
import ssl
from threading import local
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from twilio.http import HttpClient
from twilio.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

#: urllib3 would otherwise make up its mind anew for each request.
_NEVER = urllib3.Retry.from_int(retries=False, redirect=False)


class PooledHttp(HttpClient):  # type: ignore[misc] # twilio has no types
    """An HTTP client for :class:`twilio.rest.Client`, safe to use from several threads.

    Nothing is ever sent again by itself: a second try is a second copy, and ours to decide.

    Args:
        key_sid: The user of HTTP basic authentication.
        key_secret: Its password.
        url: Where requests go; decides whether they pass a proxy.
        connections: As many as there are threads.
        timeout: Seconds for connecting and for each read.

    Raises:
        urllib3.exceptions.HTTPError: From :meth:`request`, when no answer came.
    """

    def __init__(
        self, key_sid: str, key_secret: str, *, url: str, connections: int, timeout: float
    ) -> None:
        super().__init__(None, False, timeout)  # noqa: FBT003 (the library's signature)
        key = base64.b64encode(f"{key_sid}:{key_secret}".encode()).decode()
        self._authorization = f"Basic {key}"
        self._timeout = timeout
        self._pool, self._host = _open_pool(url, connections)
        self._answered = local()

    @property
    def retry_after(self) -> str:
        """The Retry-After of the calling thread's last answer; the library's exceptions lose it."""
        return getattr(self._answered, "retry_after", "")

    def request(  # noqa: PLR0917 (the library's signature)
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: object = None,  # noqa: ARG002 (made once, from the same key)
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 (the library's signature)
    ) -> Response:
        """One request, one answer."""
        self._answered.retry_after = ""
        where = url.removeprefix(self._host)
        answer = self._pool.urlopen(
            method,
            f"{where}?{urlencode(params, doseq=True)}" if params else where,
            body=urlencode(data, doseq=True) if data else None,
            headers={**(headers or {}), "Authorization": self._authorization},
            retries=_NEVER,
            redirect=allow_redirects,
            timeout=self._timeout if timeout is None else timeout,
        )
        self._answered.retry_after = answer.headers.get("Retry-After", "")
        return Response(answer.status, answer.data.decode("utf-8", "replace"), answer.headers)

    def close(self) -> None:
        """Let go of the connections."""
        if isinstance(self._pool, urllib3.PoolManager):
            self._pool.clear()
        else:
            self._pool.close()


def _open_pool(
    url: str, connections: int
) -> tuple[urllib3.PoolManager | urllib3.HTTPConnectionPool, str]:
    """The connections, and what they want to hear no more at the beginning of an address.

    Everything goes to one host. Its own pool need not be told which, and looked up, each time: that
    was a twelfth of a call. A proxy has to know where to go.
    """
    options: dict[str, Any] = {
        "maxsize": connections,
        "block": True,
        "retries": False,
        "ssl_context": _trust(),
    }
    target = urlsplit(url)
    proxy = getproxies().get(target.scheme)
    if proxy and not proxy_bypass(target.hostname or ""):
        return urllib3.ProxyManager(proxy, **options), ""
    pool = urllib3.PoolManager(**options).connection_from_url(url)
    return pool, url.rstrip("/")


def _trust() -> ssl.SSLContext:
    """The machine's certificates, and those that come with Python's HTTP libraries."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
