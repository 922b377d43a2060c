"""What a channel answers, and what that means for the message.

A channel returns one of these and raises for nothing expected; :func:`settle` is the one place
where an answer becomes the message's next move.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.rules.messages import Cause, Reason, Transition
from worker.rules.values import value

if TYPE_CHECKING:
    from datetime import datetime

#: First and longest pause between attempts; each is twice the one before.
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
#: A message that was tried this often is looked at by a person, not by a loop.
MOST_ATTEMPTS = 12


@value
class Accepted:
    """The provider has it, under this id."""

    provider_id: str | None
    why: str = "Accepted by the provider"


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It surely did not leave; a later attempt may work."""

    why: str
    #: The provider asked for this much patience.
    not_before: timedelta | None = None
    #: Some faults are worth one or two attempts, not many.
    most_attempts: int = MOST_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never leave, so not again."""

    why: str
    #: Why nothing more goes to this address; empty when only this message is refused.
    suppress: str = ""
    #: For how long; None until the address is changed or the suppression lifted.
    suppress_for: timedelta | None = None
    #: How many messages to the address must be refused before it is suppressed.
    suppress_after: int = 1
    #: The patient's own wish (STOP), not a dead address.
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class ChannelDown:
    """Account or server trouble: nothing about this message. It surely did not leave."""

    why: str
    #: Only this sender, a clinic's own, is in trouble; empty when the whole channel is.
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have left."""

    why: str


@dataclass(frozen=True, slots=True)
class NotTried:
    """The call never began: nothing about the message, nothing about the provider."""

    why: str


Outcome = Accepted | TryAgain | Refused | ChannelDown | Unknown | NotTried


@dataclass(frozen=True, slots=True)
class Underway:
    """A receipt: the provider has the message and is still busy with it."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A receipt: it arrived."""

    why: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A receipt: it will never arrive."""

    why: str
    #: Why nothing more goes to this address; empty when only this message is lost.
    suppress: str = ""
    #: How many messages to the address must be lost before it is suppressed.
    suppress_after: int = 1
    #: For how long; None until the address is changed or the suppression lifted.
    suppress_for: timedelta | None = None
    opted_out: bool = False


Receipt = Underway | Delivered | Undelivered


def retry_pause(attempts: int, jitter: float) -> timedelta:
    """How long to wait after attempt number ``attempts`` (from 1).

    Doubles from 30 seconds to an hour. ``jitter`` (0 to 1) adds up to a quarter, so that messages
    that failed together do not come back together.
    """
    doubled = min(FIRST_RETRY * (1 << min(attempts - 1, 10)), LONGEST_RETRY)
    return doubled * (1 + jitter / 4)


def settle(
    outcome: Outcome,
    *,
    attempts: int,
    expires_at: datetime,
    paused_until: datetime,
    look_at: datetime,
    now: datetime,
    jitter: float,
) -> Transition:
    """The move that an outcome means for a message in ``sending``.

    Args:
        outcome: What the channel answered.
        attempts: Attempts so far, this one included.
        expires_at: The end of the message's truth window.
        paused_until: When its channel may be tried again, should the channel be down.
        look_at: When to ask the provider, should nobody know whether it left.
        now: The moment of the answer.
        jitter: 0 to 1, see :func:`retry_pause`.
    """
    match outcome:
        case Accepted(provider_id, why):
            return Transition.accepted(provider_id, Reason(Cause.ACCEPTED, why), at=now)
        case Refused(why):
            return Transition.failed(Reason(Cause.REFUSED, why), at=now)
        case Unknown(why):
            # Sending again could be a second copy: first look, in track.
            return Transition.lost(Reason(Cause.UNKNOWN, why), look_at=look_at)
        case ChannelDown(why):
            # Not this message's fault: the attempt does not count.
            reason = Reason(Cause.CHANNEL_DOWN, why)
            return Transition.postponed(paused_until, reason, attempts=attempts - 1)
        case NotTried(why):
            return Transition.postponed(now, Reason(Cause.TRY_AGAIN, why), attempts=attempts - 1)
        case TryAgain(why, not_before, most_attempts):
            if attempts >= most_attempts:
                reason = Reason(Cause.GAVE_UP, f"Gave up after {attempts} attempts: {why}")
                return Transition.failed(reason, at=now)
            again = now + max(retry_pause(attempts, jitter), not_before or timedelta())
            if again >= expires_at:
                reason = Reason(Cause.GAVE_UP, f"No attempt left before it is out of date: {why}")
                return Transition.failed(reason, at=now)
            return Transition.postponed(again, Reason(Cause.TRY_AGAIN, why), attempts=attempts)
