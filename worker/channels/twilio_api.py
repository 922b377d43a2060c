"""Twilio's REST API, as far as we need it, through the official client.

The client's own ``client.messages`` makes an object of 26 options of each message, and is one of a
hundred modules that are all imported for it: 7 MB, and four fifths of what the library takes of a
call. Below it stand the library's own requests, errors and pages, and those are used here; see
https://www.twilio.com/docs/messaging/api/message-resource for what they carry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twilio.base import deserialize
from twilio.base.domain import Domain
from twilio.base.page import Page
from twilio.base.version import Version
from twilio.rest import Client

from worker.channels.twilio_http import PooledHttp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from worker.channels.accounts import Account

#: Seconds to wait for Twilio; far below a message's lease.
TIMEOUT = 15
_API = "https://api.twilio.com"
_VERSION = "2010-04-01"

#: A message as Twilio describes it.
Message = dict[str, Any]


class _Messages(Page):  # type: ignore[misc] # twilio has no types
    """A page of messages, as they come."""

    def get_instance(self, payload: Message) -> Message:
        """The message itself."""
        return payload


class TwilioApi:
    """The messages of one account.

    Args:
        account: The account and its key.
        connections: As many as there are threads.

    Raises:
        twilio.base.exceptions.TwilioException: From every method, when Twilio refuses.
        urllib3.exceptions.HTTPError: From every method, when no answer came.
        ValueError: From every method, when the answer is not Twilio's.
    """

    def __init__(self, account: Account, connections: int) -> None:
        url = account.api_url.rstrip("/") or _API
        key = account.key_sid, account.key_secret
        self._http = PooledHttp(*key, url=url, connections=connections, timeout=TIMEOUT)
        client = Client(*key, account.account_sid, http_client=self._http)
        self._api = Version(Domain(client, url), _VERSION)
        self._account = f"/Accounts/{account.account_sid}"

    @property
    def retry_after(self) -> str:
        """The Retry-After of the calling thread's last answer."""
        return self._http.retry_after

    def create(self, message: Mapping[str, str]) -> Message:
        """Send one."""
        return _message(self._api.create("POST", f"{self._account}/Messages.json", data=message))

    def fetch(self, sid: str) -> Message:
        """One message, as it stands."""
        return _message(self._api.fetch("GET", f"{self._account}/Messages/{sid}.json"))

    def listed(
        self, *, page_size: int, limit: int | None = None, **filters: str
    ) -> Iterator[Message]:
        """Messages that fit, the newest first, page after page."""
        asked = {**filters, "PageSize": page_size}
        answer = self._api.page("GET", f"{self._account}/Messages.json", params=asked)
        return map(_message, self._api.stream(_Messages(self._api, answer), limit))

    def check_account(self) -> None:
        """Ask for the account itself."""
        self._api.fetch("GET", f"{self._account}.json")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()


def moment(message: Message, name: str) -> datetime | None:
    """One of a message's times; None when it has none yet."""
    found: datetime | None = deserialize.rfc2822_datetime(message.get(name))
    return found


def _message(payload: object) -> Message:
    if not isinstance(payload, dict):
        text = "not a message"
        raise ValueError(text)  # noqa: TRY004 (like any other answer that cannot be read)
    return payload
