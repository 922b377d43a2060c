"""The words that the store keeps for what happened, each with what it means."""

from __future__ import annotations

from enum import StrEnum


class SuppressionKind(StrEnum):
    """Why an address gets nothing."""

    #: The patient's wish; only the patient, or staff for them, lifts it.
    OPTED_OUT = "opted_out"
    #: The provider says it cannot be reached.
    UNREACHABLE = "unreachable"


class Decision(StrEnum):
    """What was decided about reaching a patient."""

    #: The clinic's system says what the patient agreed to.
    CONSENT = "consent"
    #: No more on one channel, and again.
    STOPPED = "stopped"
    STARTED = "started"
    #: No more invitations to book, and again.
    INVITATIONS_STOPPED = "invitations_stopped"
    INVITATIONS_STARTED = "invitations_started"
    #: Permissions and invitations wait for staff, and no longer.
    HELD = "held"
    RELEASED = "released"
    #: Nothing at all any more, and again.
    NEVER_CONTACT = "never_contact"
    CONTACT_AGAIN = "contact_again"
    #: The provider says that an address cannot be reached.
    UNREACHABLE = "unreachable"


class Answer(StrEnum):
    """How the answer to a reply stands."""

    #: None is due.
    NONE = "none"
    WAITING = "waiting"
    #: It may be leaving now; whatever comes of it, it never goes a second time.
    SENDING = "sending"
    SENT = "sent"
    NOT_SENT = "not_sent"
    #: Nobody knows whether it left.
    UNKNOWN = "unknown"


class RowFate(StrEnum):
    """What became of a row of the clinic's view that has a fault."""

    #: Nothing is sent for it until it is mended.
    REJECTED = "rejected"
    #: The session is used without the faulty part.
    USED_IN_PART = "used_in_part"
    #: Its id meant another patient before: nothing is sent for it until a person decides.
    HELD = "held"
