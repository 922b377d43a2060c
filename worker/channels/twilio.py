"""SMS through Twilio, by the official library's synchronous client.

The asynchronous client ignores its time-out and posts again by itself after a 503, which would be a
second copy; see https://www.twilio.com/docs/messaging/api/message-resource for the API.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from twilio.base.exceptions import TwilioException
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from worker.channels.accounts import is_service
from worker.channels.base import HELD_UP, Inbound
from worker.channels.twilio_api import TwilioApi, moment
from worker.rules.outcomes import (
    Accepted,
    ChannelDown,
    Delivered,
    Refused,
    TryAgain,
    Undelivered,
    Underway,
    Unknown,
)
from worker.rules.timing import start_of_next_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.channels.accounts import Account
    from worker.channels.base import Envelope
    from worker.channels.twilio_api import Message
    from worker.rules.outcomes import Outcome, Receipt

#: No patient gets as many messages between an attempt and its last look-up.
_MOST_LISTED = 200
_NOT_FOUND = 404
#: Of Twilio's pages the largest.
_PAGE = 1000
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
#: Sender threads when nobody says how many.
_CONNECTIONS = 10
#: Where Twilio's daily caps are reset.
_PACIFIC = ZoneInfo("America/Los_Angeles")


class Meaning(Enum):
    """What an error code of Twilio's means for the message."""

    #: A passing fault.
    RETRY = "retry"
    #: The daily cap is used up; it is reset at midnight, Pacific time.
    TOMORROW = "tomorrow"
    #: The phone is off or away: worth one or two more attempts, much later.
    MUCH_LATER = "much later"
    #: Worth one more attempt.
    ONCE_MORE = "once more"
    #: This number takes no SMS.
    UNREACHABLE = "unreachable"
    #: The patient said STOP to this sender.
    OPTED_OUT = "opted out"
    #: The account is wrong: nothing goes out until it is mended.
    ACCOUNT = "account"
    #: The sender is wrong: nothing of it goes out until it is mended.
    SENDER = "sender"
    #: Only this message cannot go.
    FAIL = "fail"


class Code(NamedTuple):
    """An error code's meaning, and how to tell staff."""

    meaning: Meaning
    words: str


def _codes(meaning: Meaning, words: str, *codes: int) -> dict[int, Code]:
    return dict.fromkeys(codes, Code(meaning, words))


# https://www.twilio.com/docs/api/errors
CODES: dict[int, Code] = {
    **_codes(Meaning.RETRY, "Twilio asks for patience", 20429, 30001, 30017, 30022, 21611),
    **_codes(Meaning.RETRY, "Twilio asks for patience", 63018, 30410),
    **_codes(Meaning.TOMORROW, "the sender's daily limit is used up", 30023, 30027),
    **_codes(Meaning.MUCH_LATER, "the phone is switched off or out of reach", 30003),
    **_codes(Meaning.ONCE_MORE, "the carrier gave no reason", 30008),
    **_codes(Meaning.UNREACHABLE, "this is not a working phone number", 21211, 21217, 30005),
    **_codes(Meaning.UNREACHABLE, "this number cannot receive texts", 21614, 21635, 30006, 63024),
    **_codes(Meaning.UNREACHABLE, "the phone or its carrier blocks our texts", 30004),
    **_codes(Meaning.OPTED_OUT, "the patient replied STOP", 21610),
    **_codes(Meaning.FAIL, "our sender cannot reach this number", 21612),
    **_codes(Meaning.FAIL, "texts to that country are not switched on at Twilio", 21408),
    **_codes(Meaning.FAIL, "the text itself is not accepted", 21617, 21602, 21655, 21656, 30019),
    **_codes(Meaning.FAIL, "the carrier filtered the text", 30007, 63016),
    **_codes(Meaning.ACCOUNT, "Twilio does not accept our key", 20003),
    **_codes(Meaning.SENDER, "the sender number or service is wrong", 21212, 21606, 21659, 21660),
    **_codes(Meaning.SENDER, "the sender number or service is wrong", 21703, 21704, 21705, 63007),
    **_codes(Meaning.ACCOUNT, "a trial account texts verified numbers only", 21608),
    **_codes(Meaning.ACCOUNT, "the Twilio account is suspended", 30002),
    **_codes(Meaning.SENDER, "the sender is not registered", 30024, 30032, 30033, 30034, 30035),
}
#: A block may be lifted and a number be given out again: these are tried again after this time.
#: What is no phone number, or a landline, stays so until the clinic corrects it.
SUPPRESS_FOR = {30004: timedelta(days=30), 30005: timedelta(days=90)}
#: Unlisted codes fail the message and suppress nothing.
_UNLISTED = Code(Meaning.FAIL, "Twilio does not accept the message")
#: Answers to a create that speak of the account, whatever their code.
_ACCOUNT_STATUSES = frozenset({401, 403, 404})


#: https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
_DELIVERED = frozenset({"delivered", "read"})
_UNDELIVERED = frozenset({"undelivered", "failed", "canceled"})


def read_receipt(status: str, error_code: int | None) -> Receipt:
    """A message's status at Twilio as a receipt; a status that is new to us changes nothing."""
    if status in _DELIVERED:
        return Delivered("Delivered, says the carrier")
    if status not in _UNDELIVERED:
        return Underway()
    known = CODES.get(error_code or 0, _UNLISTED)
    why = f"Twilio: {known.words} ({error_code or status})"
    dead = known.meaning in (Meaning.UNREACHABLE, Meaning.OPTED_OUT)
    opted_out = known.meaning is Meaning.OPTED_OUT
    return Undelivered(
        why,
        suppress=why if dead else "",
        suppress_for=SUPPRESS_FOR.get(error_code or 0),
        opted_out=opted_out,
    )


class TwilioSender:
    """Sends SMS for one account.

    Args:
        account: The account, its key and who texts.
        clock: For caps that are reset at a time of day.
        connections: As many as there are threads to send from.
    """

    def __init__(
        self, account: Account, clock: Callable[[], datetime], *, connections: int = _CONNECTIONS
    ) -> None:
        self._account = account
        self._clock = clock
        self._api = TwilioApi(account, connections)

    def send(self, envelope: Envelope) -> Outcome:
        """Create one message."""
        message = {
            "To": envelope.address,
            "Body": envelope.words.text,
            **self._who_texts(envelope.sender),
            **self._callback(envelope.attempt_id),
        }
        if envelope.too_late:
            return HELD_UP
        try:
            sid = self._api.create(message).get("sid")
        except TwilioException as error:
            return self._answer(error, envelope.sender)
        except HTTPError as error:
            return _no_answer(error)
        except ValueError:
            # A success whose body is no message: something between us and Twilio answered.
            return Unknown("Twilio's answer could not be read")
        if not sid:
            return Unknown("Twilio's answer carries no message id")
        return Accepted(str(sid), "Accepted by Twilio")

    def _who_texts(self, own: str) -> dict[str, str]:
        """The clinic's own number or messaging service, or else those of the settings."""
        service = own if is_service(own) else "" if own else self._account.messaging_service_sid
        return {"MessagingServiceSid": service} if service else {"From": own or self._account.from_}

    def _callback(self, attempt_id: str) -> dict[str, str]:
        """Where Twilio reports to, with our attempt's id: the surest way to know it again."""
        if not self._account.public_url:
            return {}
        url = f"{self._account.public_url.rstrip('/')}/twilio/status?attempt={attempt_id}"
        return {"StatusCallback": url}

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """The ids of messages to a number with this text, made since a moment.

        The list may lag by minutes, so an empty one soon after proves nothing.

        Returns:
            The ids, oldest first; None when Twilio cannot be asked.
        """
        try:
            # Not by DateSent: what still waits at Twilio has none. The newest come first.
            listed = self._api.listed(page_size=_MOST_LISTED, limit=_MOST_LISTED, To=address)
            found = list(takewhile(lambda each: _created_since(each, since), listed))
        except (TwilioException, HTTPError, ValueError):
            return None
        return [str(each.get("sid")) for each in reversed(found) if each.get("body") == body]

    def receipt(self, provider_id: str) -> Receipt | None:
        """What became of a message; None when Twilio cannot be asked."""
        try:
            message = self._api.fetch(provider_id)
        except (TwilioException, HTTPError, ValueError) as error:
            # A message that Twilio deleted, or never had, is no reason to ask for ever.
            return Underway() if getattr(error, "status", 0) == _NOT_FOUND else None
        return read_receipt(message.get("status") or "", _number(message.get("error_code")))

    def inbound(self, since: datetime) -> list[Inbound] | None:
        """Texts that came in since a moment, oldest first; None when Twilio cannot be asked."""
        since = since.replace(microsecond=0)  # as exact as Twilio's own times
        try:
            # Every number of the account: a service, and clinics of their own, may have many.
            listed = self._api.listed(page_size=_PAGE)
            found = list(takewhile(lambda each: _created_since(each, since), listed))
        except (TwilioException, HTTPError, ValueError):
            return None
        came = (each for each in reversed(found) if each.get("direction") == "inbound")
        return [_inbound(each, since) for each in came]

    def check(self) -> str:
        """Ask Twilio whether the account can be used; returns what is wrong, or nothing."""
        try:
            self._api.check_account()
        except TwilioException as error:
            return getattr(self._answer(error), "why", "")
        except HTTPError as error:
            return getattr(_no_answer(error), "why", "")
        except ValueError:
            return "Twilio's answer could not be read; check TWILIO_API_URL"
        return ""

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()

    def _answer(self, error: TwilioException, sender: str = "") -> Outcome:
        """An error answer as an outcome. ``str(error)`` holds the number: it is never used."""
        status = _number(getattr(error, "status", 0))
        code = _number(getattr(error, "code", 0))
        if status >= _SERVER_ERROR or (status == _TOO_MANY_REQUESTS and code not in CODES):
            # Not Twilio's own refusal, so it may have been taken in.
            return Unknown(f"Twilio answered with an error that says nothing ({status})")
        known = CODES.get(code)
        if known is None and status in _ACCOUNT_STATUSES:
            return ChannelDown(
                f"Twilio does not accept our account ({status}); check TWILIO_ACCOUNT_SID, "
                "TWILIO_AUTH_TOKEN and TWILIO_API_URL"
            )
        if known is None and code in (0, status):
            # Twilio's refusals carry a code of its own: this one is a proxy's or a portal's.
            return ChannelDown(
                f"Something between us and Twilio answered ({status}); check TWILIO_API_URL"
            )
        return self._outcome(known or _UNLISTED, code, sender)

    def _outcome(self, known: Code, code: int, sender: str = "") -> Outcome:
        why = f"Twilio: {known.words} ({code})"
        match known.meaning:
            case Meaning.RETRY:
                seconds = self._api.retry_after
                patience = timedelta(seconds=int(seconds)) if seconds.isdigit() else None
                return TryAgain(why, patience)
            case Meaning.TOMORROW:
                now = self._clock()
                return TryAgain(why, start_of_next_day(now, _PACIFIC) - now)
            case Meaning.MUCH_LATER:
                return TryAgain(why, timedelta(hours=2), most_attempts=3)
            case Meaning.ONCE_MORE:
                return TryAgain(why, timedelta(minutes=30), most_attempts=2)
            case Meaning.UNREACHABLE:
                return Refused(why, suppress=why, suppress_for=SUPPRESS_FOR.get(code))
            case Meaning.OPTED_OUT:
                return Refused(why, suppress=why, opted_out=True)
            case Meaning.SENDER if sender:
                advice = "check the clinic's --sms-from and the Twilio console"
                return ChannelDown(f"{why}; {advice}", sender=sender)
            case Meaning.ACCOUNT | Meaning.SENDER:
                return ChannelDown(f"{why}; check the TWILIO_ settings and the Twilio console")
            case Meaning.FAIL:
                return Refused(why)


def _number(value: object) -> int:
    """A status or code; 0 for anything that is none."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) else 0


def _created_since(message: Message, since: datetime) -> bool:
    created = moment(message, "date_created")
    return created is None or created >= since


def _inbound(message: Message, since: datetime) -> Inbound:
    return Inbound(
        provider_id=str(message.get("sid")),
        address=message.get("from") or "",
        to=message.get("to") or "",
        body=message.get("body") or "",
        received_at=moment(message, "date_sent") or moment(message, "date_created") or since,
    )


def _no_answer(error: HTTPError) -> Outcome:
    """No answer came. A connection that was never made carried nothing; any other may have."""
    if isinstance(error, ConnectTimeoutError | NewConnectionError | ProxyError | SSLError):
        return ChannelDown("Twilio cannot be reached; check the network and TWILIO_API_URL")
    return Unknown("The connection to Twilio broke before an answer came")
