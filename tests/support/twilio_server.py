"""Twilio on loopback: a real HTTP server that speaks the Messages API, and misbehaves as told.

``server.script`` is a queue: each request to create a message takes the next :class:`Behaviour`
from it, and is served normally once the queue is empty. ``server.decide`` can choose by the request
instead. What was taken in is in ``server.received``, whatever the client was told.

The API: https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from tests.support.twilio_behaviour import NORMAL, Behaviour
from tests.support.twilio_http import HttpServer
from worker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "the-right-token"
SERVICE = "MG" + "0123456789abcdef" * 2
#: One of the service's numbers, which patients reply to.
OUR_NUMBER = "+34910999999"


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the server took in, as its resource has it."""

    sid: str
    to: str
    body: str
    from_: str
    messaging_service_sid: str
    created: datetime
    #: Everything that was posted, by Twilio's names.
    posted: Mapping[str, str]
    inbound: bool = False


@dataclass
class TwilioServer:
    """See the module. Use it as a context manager.

    Attributes:
        received: The messages taken in, oldest first.
        texts_in: What patients texted, oldest first.
        requests: How many HTTP requests came, of every kind.
        posts: What each request to create a message posted, taken in or not.
        outcomes: What became of messages, by SID: status and error code.
        tokens: Passwords by user name: the account's, and API keys.
        lag: A message is listed only when it is this old.
        sending_takes: A message has no ``date_sent`` until it is this old, so a list that asks
            for one leaves it out.
    """

    script: list[Behaviour] = field(default_factory=list)
    decide: Callable[[Mapping[str, str]], Behaviour] | None = None
    lag: timedelta = timedelta()
    sending_takes: timedelta = timedelta()
    tokens: dict[str, str] = field(default_factory=lambda: {ACCOUNT: TOKEN})
    outcomes: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    posts: list[Mapping[str, str]] = field(default_factory=list)
    texts_in: list[Received] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._stopped = False
        self._http = HttpServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, for everybody; once is enough."""
        if self._stopped:
            return
        self._stopped = True
        self.release()
        self._http.shutdown()
        self._thread.join()
        self._http.close()

    @property
    def url(self) -> str:
        """What TWILIO_API_URL gets."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a worker that sends through this server."""
        return {
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_MESSAGING_SERVICE_SID": SERVICE,
            "TWILIO_API_URL": self.url,
        }

    def settings(self, **changes: str) -> Settings:
        """The same, as the channel takes them."""
        values = {name.lower(): value for name, value in self.environment.items()}
        return Settings.model_validate({**values, **changes})

    def to(self, number: str) -> list[Received]:
        """What was taken in for a number."""
        with self._lock:
            return [each for each in self.received if each.to == number]

    def release(self) -> None:
        """Answer every request that is being held."""
        self._released.set()

    def hold(self, seconds: float) -> None:
        """Keep a request waiting, until :meth:`release` at the latest."""
        self._released.wait(seconds)

    def count(self) -> None:
        """Note that a request came."""
        with self._lock:
            self.requests += 1

    def accepts_key(self, account: str, user: str, password: str) -> bool:
        """Whether a user may use an account."""
        return account == ACCOUNT and self.tokens.get(user) == password

    def next_behaviour(self, posted: Mapping[str, str]) -> Behaviour:
        """What to do with a request to create a message."""
        with self._lock:
            self.posts.append(posted)
            if self.decide is not None:
                return self.decide(posted)
            return self.script.pop(0) if self.script else NORMAL

    def accept(self, posted: Mapping[str, str]) -> dict[str, Any]:
        """Take a message in; returns its resource."""
        message = Received(
            sid=f"SM{uuid4().hex}",
            to=posted["To"],
            body=posted["Body"],
            from_=posted.get("From", ""),
            messaging_service_sid=posted.get("MessagingServiceSid", ""),
            # Twilio's times have no fractions of a second.
            created=datetime.now(UTC).replace(microsecond=0),
            posted=posted,
        )
        with self._lock:
            self.received.append(message)
        return resource(message, None)

    def text_in(self, number: str, body: str, *, to: str = OUR_NUMBER) -> str:
        """A patient's text comes in; returns its sid."""
        message = Received(
            sid=f"SM{uuid4().hex}",
            to=to,
            body=body,
            from_=number,
            messaging_service_sid=SERVICE,
            created=datetime.now(UTC).replace(microsecond=0),
            posted={},
            inbound=True,
        )
        with self._lock:
            self.texts_in.append(message)
        return message.sid

    def find(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The list resource: newest first, filtered by To, From and DateSent."""
        now = datetime.now(UTC)
        with self._lock:
            kept = sorted([*self.received, *self.texts_in], key=lambda each: each.created)
            listed = [each for each in kept if each.created + self.lag <= now]
        found = [(each, self._sent(each, now)) for each in reversed(listed)]
        return [resource(each, sent) for each, sent in found if _matches(each, sent, query)]

    def fetch(self, sid: str) -> dict[str, Any] | None:
        """One message's resource, if there is one."""
        now = datetime.now(UTC)
        with self._lock:
            found = next((each for each in self.received if each.sid == sid), None)
            outcome = self.outcomes.get(sid)
        if found is None:
            return None
        made = resource(found, self._sent(found, now))
        return made | {"status": outcome[0], "error_code": outcome[1]} if outcome else made

    def _sent(self, message: Received, now: datetime) -> datetime | None:
        sent = message.created + self.sending_takes
        return sent if sent <= now else None


def resource(message: Received, sent: datetime | None) -> dict[str, Any]:
    """A message as Twilio's JSON has it; one that just came in is accepted, not sent."""
    started = "accepted" if message.messaging_service_sid else "queued"
    uri = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{message.sid}"
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": message.body,
        "date_created": format_datetime(message.created),
        "date_sent": format_datetime(sent) if sent else None,
        "date_updated": format_datetime(sent or message.created),
        "direction": "inbound" if message.inbound else "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": message.from_ or None,
        "messaging_service_sid": message.messaging_service_sid or None,
        "num_media": "0",
        "num_segments": "0" if message.messaging_service_sid else "1",
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": "received" if message.inbound else "sent" if sent else started,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def _matches(message: Received, sent: datetime | None, query: Mapping[str, str]) -> bool:
    if query.get("To", message.to) != message.to:
        return False
    if query.get("From", message.from_) != message.from_:
        return False
    for name, holds in (
        ("DateSent", date.__eq__),
        ("DateSent<", date.__le__),
        ("DateSent>", date.__ge__),
    ):
        # Twilio compares whole days in GMT, even when it is given a time.
        if name in query and not (
            sent and holds(sent.date(), datetime.fromisoformat(query[name]).date())
        ):
            return False
    return True
