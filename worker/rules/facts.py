"""The clinic, the patient and the session, as plain values that every rule works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.rules.messages import Channel, Kind
from worker.rules.timing import SendingHours
from worker.rules.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic as it is set up here; everything a patient sees of it."""

    key: str
    name: str
    zone: ZoneInfo
    country: str
    language: str
    #: E.164.
    phone: str
    #: Staff's address: replies and alerts go there.
    email: str
    #: Postal address, as commercial e-mail must carry it (CAN-SPAM).
    address: str = ""
    #: Where to book, an https link.
    booking_url: str = ""
    #: CSS colour of the e-mail layout.
    colour: str = "#0f766e"
    #: The picture at the top of e-mails, an https link; without one the clinic's name stands there.
    logo_url: str = ""
    hours: SendingHours = field(default_factory=SendingHours)
    #: Most messages to one patient on one channel in one day.
    daily_limit: int = 2
    #: Who texts, if not whom the settings name: a number (E.164) or a messaging service.
    sms_from: str = ""
    #: Where its e-mails come from, if not from ``MAIL_FROM``.
    mail_from: str = ""

    def sender(self, channel: Channel) -> str:
        """The clinic's own sender on a channel; empty when it uses the installation's."""
        return self.sms_from if channel is Channel.SMS else self.mail_from

    #: Whether a patient whose zone the source does not say lives where their phone number does;
    #: else they live where the clinic is.
    zone_from_phone: bool = False


@value
class Patient:
    """A patient, with what the clinic's system says about reaching them."""

    clinic: str
    patient_id: str
    first_name: str
    #: E.164, or None with ``phone_problem`` saying why.
    phone: str | None
    email: str | None
    language: str
    zone: ZoneInfo
    sms_consent: bool
    email_consent: bool
    marketing_consent: bool
    phone_problem: str = ""
    email_problem: str = ""
    #: Why the patient must never be contacted; empty when they may be.
    blocked: str = ""
    #: Why the patient gets nothing more on a channel; empty when they never said stop there.
    sms_stopped: str = ""
    email_stopped: str = ""
    #: Why the patient gets no more invitations to book; empty when they may.
    invitations_stopped: str = ""

    def address(self, channel: Channel) -> str | None:
        """Where a message on this channel goes."""
        return self.phone if channel is Channel.SMS else self.email

    def address_problem(self, channel: Channel) -> str:
        """Why there is no address for this channel, for staff."""
        if channel is Channel.SMS:
            return self.phone_problem or "no phone number on record"
        return self.email_problem or "no e-mail address on record"

    def stopped(self, channel: Channel) -> str:
        """Why the patient gets nothing more on this channel; empty when they may."""
        return self.sms_stopped if channel is Channel.SMS else self.email_stopped

    def missing_consent(self, channel: Channel, kind: Kind) -> str:
        """Which consent a message would need and does not have; empty when it may go."""
        consent = self.sms_consent if channel is Channel.SMS else self.email_consent
        if not consent:
            return f"The patient has not consented to {channel.noun}s"
        if kind is Kind.INVITATION and not self.marketing_consent:
            return "An invitation to book is marketing, and the patient has not consented to that"
        if kind is Kind.INVITATION and self.invitations_stopped:
            return f"No invitations to book any more: {self.invitations_stopped}"
        return ""


@value
class Session:
    """One completed session of a course of treatment."""

    session_id: str
    treatment: str
    completed_at: datetime
    session_number: int | None = None
    sessions_planned: int | None = None
    next_session_at: datetime | None = None
    #: Why the session no longer counts; empty while it does.
    withdrawn: str = ""
    #: What is wrong with the clinic's present row; it still restricts, but nothing is sent.
    fault: str = ""

    @property
    def sessions_left(self) -> int:
        """Sessions of the course still to come; 0 when the clinic does not say."""
        if self.session_number is None or self.sessions_planned is None:
            return 0
        return max(self.sessions_planned - self.session_number, 0)

    @property
    def next_session_booked(self) -> bool:
        """Whether the next session has its day. One that was before this session is none."""
        return self.next_session_at is not None and self.next_session_at > self.completed_at

    def is_followed_by(self, other: Session) -> bool:
        """Whether ``other`` is a later session of the same treatment, and counts."""
        return (
            other.completed_at > self.completed_at
            and other.treatment == self.treatment
            and not other.withdrawn
        )

    def condition_facts(self, others: Iterable[Session] = ()) -> dict[str, Any]:
        """What a milestone's ``when`` may ask about (``protocol.CONDITION_NAMES``).

        Args:
            others: The patient's other sessions.
        """
        return {
            "session_number": self.session_number or 0,
            "sessions_planned": self.sessions_planned or 0,
            "sessions_left": self.sessions_left,
            "next_session_booked": self.next_session_booked,
            "came_back": any(map(self.is_followed_by, others)),
        }
