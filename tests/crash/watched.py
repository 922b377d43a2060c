"""The loopback providers, watched: each point that a message passes there can be a trap.

What lies between a message's arrival and its answer is where a worker's death hurts most, so the
servers themselves spring the traps, from their own threads, exactly at that point.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tests.support import twilio_http
from tests.support.mail_server import MailServer
from tests.support.mail_server import Manner as MailManner
from tests.support.twilio_behaviour import DROPS_BEFORE, Behaviour
from tests.support.twilio_server import TwilioServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.mail_smtp import Connection


class Point(StrEnum):
    """Where a message is when the worker dies."""

    #: Marked in the database; its turn to be sent has not come.
    SMS_CLAIMED = "sms claimed"
    #: The request is at the provider, which has not taken the message in and will not.
    SMS_ARRIVED = "sms arrived"
    #: The provider has taken it in and has not answered.
    SMS_ACCEPTED = "sms accepted"
    #: The answer is on its way; nothing is recorded.
    SMS_ANSWERED = "sms answered"
    #: Marked in the database; the mail server has said nothing yet.
    MAIL_CLAIMED = "mail claimed"
    #: At MAIL, the first word of the transaction.
    MAIL_BEGUN = "mail begun"
    #: The final dot is there and the server has taken the e-mail in, without a reply.
    MAIL_ACCEPTED = "mail accepted"
    #: The reply is on its way; nothing is recorded.
    MAIL_ANSWERED = "mail answered"
    #: Whenever.
    ANY_TIME = "any time"


@dataclass
class Trap:
    """Does something, once, when a point is passed for the given time."""

    sprung: threading.Event = field(default_factory=threading.Event)
    _point: Point | None = None
    _passes: int = 0
    _spring: Callable[[], object] = bool
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, point: Point, spring: Callable[[], object], *, passes: int = 1) -> None:
        """Wait at a point; it is the ``passes``-th to come by that springs the trap."""
        with self._lock:
            self._point, self._spring, self._passes = point, spring, passes
            self.sprung.clear()

    def passed(self, point: Point) -> bool:
        """Something comes by; returns whether that sprang the trap."""
        with self._lock:
            if point is not self._point:
                return False
            self._passes -= 1
            if self._passes:
                return False
            self._point = None
        self._spring()
        self.sprung.set()
        return True


class _Request(twilio_http._Request):
    """Tells when the answer is written."""

    def do_POST(self) -> None:  # noqa: N802 (the base class's)
        """Create a message."""
        super().do_POST()
        assert isinstance(self.server.twilio, WatchedTwilio)
        self.server.twilio.trap.passed(Point.SMS_ANSWERED)


@dataclass
class WatchedTwilio(TwilioServer):
    """Twilio on loopback with traps.

    Attributes:
        trap: Where something is to happen.
        on_arrival: Told the number of each message that arrives.
        dawdles: Seconds that a request takes before it is looked at.
    """

    trap: Trap = field(default_factory=Trap)
    on_arrival: Callable[[str], object] = bool
    dawdles: Callable[[], float] = float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._http.RequestHandlerClass = _Request

    def next_behaviour(self, posted: Mapping[str, str]) -> Behaviour:
        """What to do with a request to create a message."""
        self.on_arrival(posted["To"])
        if self.trap.passed(Point.SMS_ARRIVED):
            return DROPS_BEFORE
        self.hold(self.dawdles())
        return super().next_behaviour(posted)

    def accept(self, posted: Mapping[str, str]) -> dict[str, Any]:
        """Take a message in."""
        made = super().accept(posted)
        self.trap.passed(Point.SMS_ACCEPTED)
        return made


@dataclass
class WatchedMail(MailServer):
    """The mail server on loopback with traps.

    Attributes:
        trap: Where something is to happen.
        on_arrival: Told the address of each e-mail that arrives.
        dawdles: Seconds before the reply to the final dot.
    """

    trap: Trap = field(default_factory=Trap)
    on_arrival: Callable[[str], object] = bool
    dawdles: Callable[[], float] = float
    _unanswered: set[int] = field(default_factory=set)

    def opened(self, connection: Connection) -> int:
        """A client connected."""
        push = connection.push

        async def watched_push(status: Any) -> None:
            await push(status)
            if connection.number in self._unanswered:
                self._unanswered.discard(connection.number)
                self.trap.passed(Point.MAIL_ANSWERED)

        connection.push = watched_push  # type: ignore[method-assign]
        self.trap.passed(Point.MAIL_CLAIMED)
        return super().opened(connection)

    def next_manner(self) -> MailManner:
        """How to serve the next transaction."""
        self.trap.passed(Point.MAIL_BEGUN)
        if self.script:
            return super().next_manner()
        return MailManner(delay=self.dawdles())

    def take_in(self, envelope: Any, **how: Any) -> None:
        """Keep a message."""
        for address in envelope.rcpt_tos:
            self.on_arrival(address)
        super().take_in(envelope, **how)
        self._unanswered.add(how["connection"])
        self.trap.passed(Point.MAIL_ACCEPTED)
