"""The life of a message: its statuses, the reasons, and the only moves there are.

Each move is a named constructor of :class:`Transition` and carries its reason, in words that a
receptionist understands. The store applies a transition only when the message still stands in one
of the statuses it may leave from, so a late or repeated move changes nothing.

Reasons are kept for ever, so they never hold a name, number, address or body.
"""

from __future__ import annotations

from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from worker.rules.receipts import next_ask
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class _Word(StrEnum):
    """A word of ours, looked up in tables hundreds of times for each batch of messages."""

    __hash__ = str.__hash__  # in C; an enum's own is not, and takes five times as long


class Channel(_Word):
    """How words leave."""

    SMS = "sms"
    EMAIL = "email"

    @property
    def noun(self) -> str:
        """What staff call it."""
        return {Channel.SMS: "text message", Channel.EMAIL: "e-mail"}[self]


class Kind(_Word):
    """What a message does, and so what it needs."""

    #: How to care for the skin now; goes out always.
    ADVICE = "advice"
    #: Lifts a restriction; never before the restriction has ended.
    PERMISSION = "permission"
    #: To book the next session: marketing, with a consent of its own.
    INVITATION = "invitation"


@value
class Words:
    """What a patient reads. An SMS is only ``text``; an e-mail has a subject and HTML too."""

    text: str
    subject: str | None = None
    html: str | None = None
    #: An iCalendar file that travels with the e-mail.
    calendar: str | None = None
    #: Of the words, like ``es``; empty when it is not known.
    language: str = ""


class Status(_Word):
    """Where a message stands."""

    #: Waits for its time.
    PLANNED = "planned"
    #: Waits for a person or a recovery.
    HELD = "held"
    #: Claimed; words fixed and stored; it may be leaving now.
    SENDING = "sending"
    #: It may have left.
    UNKNOWN = "unknown"
    #: The provider has it.
    SENT = "sent"
    #: It reached the patient's phone or mail server.
    DELIVERED = "delivered"
    #: The provider could not deliver it.
    FAILED = "failed"
    #: It was not sent, on purpose.
    SKIPPED = "skipped"


FINAL = frozenset({Status.DELIVERED, Status.FAILED, Status.SKIPPED})
#: Not left yet: planning again may still change it.
WAITING = frozenset({Status.PLANNED, Status.HELD})
#: It left, or may have: planning again never touches it.
LEFT = frozenset({Status.SENDING, Status.UNKNOWN, Status.SENT, Status.DELIVERED})
#: Something still has to happen to it.
OPEN = WAITING | {Status.SENDING, Status.UNKNOWN}


class Cause(_Word):
    """Why a message is where it is, for counting; the reason's text is for reading."""

    #: Planned from the protocol.
    PROTOCOL = "protocol"
    #: The session's facts changed, so its time did.
    RESCHEDULED = "rescheduled"
    #: The session was cancelled, moved away or deleted in the clinic's system.
    WITHDRAWN = "withdrawn"
    #: The clinic's row for the session says something that cannot be right.
    FAULTY_ROW = "faulty_row"
    #: The session ended before Aftercare was switched on.
    BEFORE_GO_LIVE = "before_go_live"
    #: The protocol no longer has this milestone, or not on this channel.
    NOT_IN_PROTOCOL = "not_in_protocol"
    #: The milestone's `when` does not hold for this session.
    CONDITION = "condition"
    #: No usable phone number or e-mail address.
    NO_ADDRESS = "no_address"
    #: No consent for this channel or kind.
    NO_CONSENT = "no_consent"
    #: Its truth window is over.
    TOO_LATE = "too_late"
    #: A newer message of the same session is due.
    SUPERSEDED = "superseded"
    #: The patient must not be contacted at all.
    BLOCKED = "blocked"
    #: The patient said stop on this channel.
    OPTED_OUT = "opted_out"
    #: The address cannot be reached on this channel.
    SUPPRESSED = "suppressed"
    #: Staff look at a worrying reply first.
    CLINICAL_HOLD = "clinical_hold"
    #: Another session still restricts what this would allow.
    OVERLAP = "overlap"
    #: Another session of the same day says the same for both.
    JOINED = "joined"
    #: The e-mail that takes the place of a text message which cannot be delivered.
    FALLBACK = "fallback"
    #: Night for the patient.
    QUIET_HOURS = "quiet_hours"
    #: Enough messages for one day.
    DAILY_LIMIT = "daily_limit"
    #: The template or protocol has a fault.
    TEMPLATE = "template"
    #: Nobody has signed off this version of the words.
    UNAPPROVED = "unapproved"
    #: A worker has taken it.
    CLAIMED = "claimed"
    #: The provider took it.
    ACCEPTED = "accepted"
    #: A passing fault; it goes again.
    TRY_AGAIN = "try_again"
    #: The whole channel is down.
    CHANNEL_DOWN = "channel_down"
    #: The provider will not take it.
    REFUSED = "refused"
    #: Tried as often as makes sense.
    GAVE_UP = "gave_up"
    #: Nobody knows whether it left.
    UNKNOWN = "unknown"
    #: The provider says what became of it.
    RECEIPT = "receipt"
    #: A person decided.
    STAFF = "staff"


#: Skips that rest on the clinic's facts: when the fact is mended in time, the message waits again.
MENDABLE = frozenset(
    {
        Cause.TOO_LATE,
        Cause.BEFORE_GO_LIVE,
        Cause.WITHDRAWN,
        Cause.NOT_IN_PROTOCOL,
        Cause.CONDITION,
        Cause.NO_ADDRESS,
        Cause.NO_CONSENT,
        Cause.OVERLAP,
        Cause.JOINED,
        Cause.FALLBACK,
        Cause.SUPERSEDED,
        # The clinic may have corrected the number. What a person decided is not in this list:
        # only lifting that decision brings its messages back.
        Cause.SUPPRESSED,
    }
)


@value
class Reason:
    """Why, twice: a code to count by and a sentence to read."""

    cause: Cause
    text: str


@value
class Transition:
    """One move of a message: from any of ``leaves`` to ``to``, with its reason.

    ``sets`` names the other columns of the message that the move writes.
    """

    name: str
    leaves: frozenset[Status]
    to: Status
    reason: Reason
    sets: Mapping[str, Any] = field(default_factory=dict)

    # Planning

    @classmethod
    def rescheduled(
        cls, waiting: Status, due_at: datetime, expires_at: datetime, reason: Reason
    ) -> Transition:
        """It keeps waiting, planned or held as it was, for another moment."""
        moved = cls("rescheduled", frozenset({waiting}), waiting, reason)
        return moved.moved_to(due_at, expires_at)

    @classmethod
    def revived(cls, due_at: datetime, expires_at: datetime, reason: Reason) -> Transition:
        """What stood in its way is mended, and it never left: it waits again."""
        sets = {"ended_at": None}
        again = cls("revived", frozenset({Status.SKIPPED}), Status.PLANNED, reason, sets)
        return again.moved_to(due_at, expires_at)

    def moved_to(self, due_at: datetime, expires_at: datetime) -> Transition:
        """The same, for a message whose time has become another as well."""
        times = {"due_at": due_at, "next_at": due_at, "expires_at": expires_at}
        return replace(self, sets={**self.sets, **times})

    @classmethod
    def still_skipped(cls, due_at: datetime, expires_at: datetime, reason: Reason) -> Transition:
        """Something else stands in its way by now, or its time would be another."""
        skipped = frozenset({Status.SKIPPED})
        return cls("still_skipped", skipped, Status.SKIPPED, reason).moved_to(due_at, expires_at)

    @classmethod
    def skipped(cls, reason: Reason, *, at: datetime) -> Transition:
        """It will not be sent."""
        sets: dict[str, Any] = {"ended_at": at}
        if reason.cause is Cause.SUPPRESSED:
            # A number that takes no text messages is like one that failed: see what goes instead.
            sets["follow_up"] = True
        return cls("skipped", WAITING, Status.SKIPPED, reason, sets)

    @classmethod
    def held(cls, reason: Reason) -> Transition:
        """A person has to look first."""
        return cls("held", frozenset({Status.PLANNED}), Status.HELD, reason)

    @classmethod
    def released(cls, due_at: datetime, reason: Reason) -> Transition:
        """A person has looked; the gate decides again."""
        return cls(
            "released", frozenset({Status.HELD}), Status.PLANNED, reason, {"next_at": due_at}
        )

    @classmethod
    def approved(cls, next_at: datetime, reason: Reason) -> Transition:
        """Its version is signed off: it waits for its time again."""
        return cls(
            "approved", frozenset({Status.HELD}), Status.PLANNED, reason, {"next_at": next_at}
        )

    # Sending

    @classmethod
    def waits(cls, until: datetime, reason: Reason) -> Transition:
        """Not now: the gate looks again at ``until``."""
        return cls("waits", frozenset({Status.PLANNED}), Status.PLANNED, reason, {"next_at": until})

    @classmethod
    def claimed(cls, sets: Mapping[str, Any]) -> Transition:
        """A worker takes it: attempt, lease and words are fixed before the provider is called."""
        reason = Reason(Cause.CLAIMED, "Being sent")
        return cls("claimed", frozenset({Status.PLANNED}), Status.SENDING, reason, sets)

    @classmethod
    def accepted(cls, provider_id: str | None, reason: Reason, *, at: datetime) -> Transition:
        """The provider has it.

        The answer may come late, from a worker that slept or as a receipt, when the message is
        already waiting to go again or for a person: then this is what keeps it from going twice.
        Without an id of the provider's nobody can be asked what became of it.
        """
        sets = {
            "provider_id": provider_id,
            "sent_at": at,
            "lease_until": None,
            "ended_at": None,
            "ask_at": next_ask(at, at) if provider_id else None,
        }
        leaves = frozenset({Status.SENDING, Status.UNKNOWN, Status.PLANNED, Status.HELD})
        return cls("accepted", leaves, Status.SENT, reason, sets)

    @classmethod
    def postponed(cls, until: datetime, reason: Reason, *, attempts: int) -> Transition:
        """It surely did not leave, and goes again at ``until``."""
        sets = {"next_at": until, "lease_until": None, "attempts": attempts}
        leaves = frozenset({Status.SENDING, Status.UNKNOWN})
        return cls("postponed", leaves, Status.PLANNED, reason, sets)

    @classmethod
    def failed(cls, reason: Reason, *, at: datetime) -> Transition:
        """It will never arrive; planning sees what goes in its place."""
        sets = {"ended_at": at, "lease_until": None, "ask_at": None, "follow_up": True}
        leaves = frozenset({Status.SENDING, Status.UNKNOWN, Status.SENT})
        return cls("failed", leaves, Status.FAILED, reason, sets)

    @classmethod
    def lost(cls, reason: Reason, *, look_at: datetime) -> Transition:
        """It may have left; nobody knows yet. ``look_at`` is when to ask the provider."""
        sets = {"lease_until": None, "next_at": look_at}
        return cls("lost", frozenset({Status.SENDING}), Status.UNKNOWN, reason, sets)

    # Tracking

    @classmethod
    def looks_again(cls, at: datetime, reason: Reason) -> Transition:
        """Still nobody knows; the provider is asked again at ``at``."""
        leaves = frozenset({Status.UNKNOWN})
        return cls("looks_again", leaves, Status.UNKNOWN, reason, {"next_at": at})

    @classmethod
    def unclear(cls, reason: Reason) -> Transition:
        """Sending once more could be one copy too many: a person decides."""
        return cls("unclear", frozenset({Status.UNKNOWN}), Status.HELD, reason)

    @classmethod
    def delivered(cls, reason: Reason, *, at: datetime) -> Transition:
        """It arrived."""
        leaves = frozenset({Status.SENDING, Status.UNKNOWN, Status.SENT})
        sets = {"ended_at": at, "ask_at": None}
        return cls("delivered", leaves, Status.DELIVERED, reason, sets)
