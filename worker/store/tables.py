"""The worker's own database, table by table.

Times are UTC and come from the application, never from the database's own clock. The clinic's ids
are kept as they are: staff find a session here by the id they know.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    JSON,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    TextClause,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from worker.rules.messages import Cause, Channel, Kind, Status
from worker.rules.replies import Meaning
from worker.store.kinds import Answer, Decision, RowFate, SuppressionKind
from worker.store.moments import UtcDateTime
from worker.store.packed import PackedText

if TYPE_CHECKING:
    from enum import StrEnum


def _enum(kind: type[StrEnum], *, checked: bool = True) -> Enum:
    """Text, by default with a CHECK, which reads the same on every database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=checked,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda members: [each.value for each in members],
    )


#: Conditions of the partial indexes. Queries use these very texts: with a bound parameter neither
#: database can prove that the index fits.
TO_PLAN = text("needs_plan")
IS_PLANNED = text("status = 'planned'")
IS_UNKNOWN = text("status = 'unknown'")
IS_SENDING = text("status = 'sending'")
TO_ASK = text("ask_at IS NOT NULL")
IS_HELD = text("status = 'held'")
IS_SENT = text("status = 'sent'")
HAS_ENDED = text("ended_at IS NOT NULL")
IS_ON_HOLD = text("clinical_hold <> ''")
IS_CLAIM = text("event = 'claimed'")
TO_FOLLOW_UP = text("follow_up")
IN_FORCE = text("lifted_at IS NULL")
ANSWER_WAITS = text("answer_state = 'waiting'")
TO_TELL = text("tell_at IS NOT NULL")
#: Whoever looks for one of these compares it with a value, which tells databases that it is there.
HAS_MESSAGE_REF = text("message_ref IS NOT NULL")
HAS_PROVIDER_ID = text("provider_id IS NOT NULL")


def _partial_index(name: str, *columns: str, where: TextClause) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class Base(DeclarativeBase):
    """Names every constraint, so that a later migration can find it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own declaration)
        datetime: UtcDateTime(),
        str: Text(),
        Status: _enum(Status),
        Channel: _enum(Channel),
        Kind: _enum(Kind),
        Cause: _enum(Cause, checked=False),
        SuppressionKind: _enum(SuppressionKind),
        RowFate: _enum(RowFate),
        Decision: _enum(Decision),
        Meaning: _enum(Meaning),
        Answer: _enum(Answer),
        dict[str, Any]: JSON(),
        time: Time(),
    }


def table_of(row: type[Base]) -> Table:
    """The plain table of a mapped class, for statements that leave the ORM aside."""
    return cast("Table", row.__table__)


class ClinicRow(Base):
    """A clinic, as ``aftercare clinic add`` set it up."""

    __tablename__ = "clinics"

    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    country: Mapped[str]
    language: Mapped[str]
    phone: Mapped[str]
    email: Mapped[str]
    address: Mapped[str]
    booking_url: Mapped[str]
    colour: Mapped[str]
    logo_url: Mapped[str]
    opens: Mapped[time]
    closes: Mapped[time]
    daily_limit: Mapped[int]
    #: The clinic's own senders; empty for those of the settings.
    sms_from: Mapped[str]
    mail_from: Mapped[str]
    zone_from_phone: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PatientRow(Base):
    """A patient of a clinic, as the newest row of the source describes them."""

    __tablename__ = "patients"
    __table_args__ = (_partial_index("ix_patients_on_hold", "clinic", where=IS_ON_HOLD),)

    clinic: Mapped[str] = mapped_column(ForeignKey("clinics.key"), primary_key=True)
    patient_id: Mapped[str] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    phone: Mapped[str | None] = mapped_column(index=True)
    phone_problem: Mapped[str]
    email: Mapped[str | None] = mapped_column(index=True)
    email_problem: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    sms_consent: Mapped[bool]
    email_consent: Mapped[bool]
    marketing_consent: Mapped[bool]
    #: Why the patient must never be contacted (deceased, "never contact"); empty when they may be.
    blocked: Mapped[str]
    #: Why permissions and invitations wait for staff; empty when they do not.
    clinical_hold: Mapped[str]
    #: Why the patient gets nothing more on a channel, whatever the number or address; empty when
    #: they never said stop there. The clinic's rows do not touch it.
    sms_stopped: Mapped[str]
    email_stopped: Mapped[str]
    #: Why the patient gets no more invitations to book; empty when they may.
    invitations_stopped: Mapped[str]
    #: The age of the row these facts come from: an older row never overwrites a newer one.
    as_of: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class SessionRow(Base):
    """A completed session, as the source describes it."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(["clinic", "patient_id"], ["patients.clinic", "patients.patient_id"]),
        Index("ix_sessions_patient", "clinic", "patient_id"),
        Index("ix_sessions_open", "open_until"),
        _partial_index("ix_sessions_to_plan", "session_id", where=TO_PLAN),
    )

    session_id: Mapped[str] = mapped_column(primary_key=True)
    clinic: Mapped[str]
    patient_id: Mapped[str]
    #: ``sql``, ``csv`` or ``http``: only a sweep of the same source may withdraw it.
    source: Mapped[str]
    treatment: Mapped[str]
    completed_at: Mapped[datetime]
    session_number: Mapped[int | None]
    sessions_planned: Mapped[int | None]
    next_session_at: Mapped[datetime | None]
    #: Why it does not count any more; empty while it does.
    withdrawn: Mapped[str]
    #: What is wrong with the present row; empty while nothing is.
    fault: Mapped[str]
    #: Completed before go-live: recorded, never planned.
    before_go_live: Mapped[bool]
    #: A digest of the source row: an unchanged row costs no write.
    fingerprint: Mapped[str]
    needs_plan: Mapped[bool]
    #: What it was planned with: the protocol's version.
    plan_version: Mapped[str]
    #: Until when something can still happen to one of its messages.
    open_until: Mapped[datetime]
    collected_at: Mapped[datetime]


class MessageRow(Base):
    """One message: a milestone of a session on one channel."""

    __tablename__ = "messages"
    __table_args__ = (
        # The promise "never twice" starts here: a milestone cannot be planned twice.
        UniqueConstraint("session_id", "milestone", "channel"),
        # The cost of finding what is due does not grow with history.
        # By channel and in the order in which they leave: of thousands that fall due at the same
        # moment the first few are found without a look at the others.
        _partial_index("ix_messages_due", "channel", "next_at", "id", where=IS_PLANNED),
        _partial_index("ix_messages_unsettled", "next_at", where=IS_UNKNOWN),
        _partial_index("ix_messages_leased", "lease_until", where=IS_SENDING),
        _partial_index("ix_messages_to_follow_up", "id", where=TO_FOLLOW_UP),
        _partial_index("ix_messages_to_ask", "ask_at", where=TO_ASK),
        # Most messages wait or were skipped: they have none of these, and cost no entry.
        _partial_index("ix_messages_message_ref", "message_ref", where=HAS_MESSAGE_REF),
        _partial_index("ix_messages_held", "expires_at", where=IS_HELD),
        # What `status` counts of the last month, without a look at what was before.
        _partial_index("ix_messages_sent", "sent_at", where=IS_SENT),
        _partial_index("ix_messages_ended", "ended_at", "status", where=HAS_ENDED),
        _partial_index("ix_messages_provider_id", "provider_id", where=HAS_PROVIDER_ID),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"))
    milestone: Mapped[str]
    channel: Mapped[Channel]
    kind: Mapped[Kind]
    status: Mapped[Status]
    #: Why it is in this status, to count by and to read.
    cause: Mapped[Cause]
    reason: Mapped[str]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    #: When to look at it next: its due time, or later while it waits.
    next_at: Mapped[datetime]
    #: Attempts that count: a channel that is down costs none.
    attempts: Mapped[int]
    #: How often a worker died while it looked at it, as far as that is known.
    stumbles: Mapped[int] = mapped_column(default=0)
    #: Of the attempt under way or the last one: travels to the provider and back.
    attempt_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    #: The words as they left, fixed at the claim.
    address: Mapped[str | None]
    language: Mapped[str | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    html: Mapped[str | None] = mapped_column(PackedText())
    calendar: Mapped[str | None]
    #: An e-mail's Message-ID: made once, the same at every attempt.
    message_ref: Mapped[str | None]
    provider_id: Mapped[str | None]
    #: When each restriction ends by its words, which may speak for other sessions of its day.
    told: Mapped[dict[str, Any] | None]
    #: It will not arrive, and planning has yet to see what goes in its place.
    follow_up: Mapped[bool] = mapped_column(default=False)
    #: The protocol and templates it was made from.
    version: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: When to ask the provider what became of it; empty when there is nothing left to ask.
    ask_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class MessageEventRow(Base):
    """What happened to a message and why. Append-only."""

    __tablename__ = "message_events"
    __table_args__ = (_partial_index("ix_message_events_claims", "attempt_id", where=IS_CLAIM),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    at: Mapped[datetime]
    #: The transition's name.
    event: Mapped[str]
    from_status: Mapped[Status | None] = mapped_column(_enum(Status, checked=False))
    to_status: Mapped[Status] = mapped_column(_enum(Status, checked=False))
    cause: Mapped[Cause]
    reason: Mapped[str]
    attempt_id: Mapped[str | None]
    #: ``worker``, or the person who decided.
    actor: Mapped[str]


class PatientEventRow(Base):
    """What was decided about reaching a patient: who, when, how and why. Append-only."""

    __tablename__ = "patient_events"
    __table_args__ = (
        ForeignKeyConstraint(["clinic", "patient_id"], ["patients.clinic", "patients.patient_id"]),
        Index("ix_patient_events_patient", "clinic", "patient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    clinic: Mapped[str]
    patient_id: Mapped[str]
    at: Mapped[datetime]
    event: Mapped[Decision]
    #: Which channel it is about; None for all of them.
    channel: Mapped[Channel | None]
    #: A sentence for staff.
    reason: Mapped[str]
    #: ``patient``, ``provider``, ``source`` or the name of a member of staff.
    actor: Mapped[str]
    #: ``reply``, ``unsubscribe link``, ``command``, ``provider code``, ``bounce``, ``source row``.
    how: Mapped[str]


class ReplyRow(Base):
    """What a patient wrote back, the answer to it, and whether staff know."""

    __tablename__ = "replies"
    __table_args__ = (
        Index("ix_replies_address", "address"),
        Index("ix_replies_patient", "clinic", "patient_id"),
        _partial_index("ix_replies_to_answer", "answer_until", where=ANSWER_WAITS),
        _partial_index("ix_replies_to_tell", "tell_at", where=TO_TELL),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[Channel]
    address: Mapped[str | None]
    #: Our own number, which it came to.
    recipient: Mapped[str]
    body: Mapped[str | None]
    meaning: Mapped[Meaning]
    emergency: Mapped[bool]
    #: Messages end, whatever else it means.
    stops: Mapped[bool]
    #: Whose staff read it; None when nobody knows, then every clinic's do.
    clinic: Mapped[str | None]
    patient_id: Mapped[str | None]
    received_at: Mapped[datetime]
    #: What was done about it, in sentences for staff.
    note: Mapped[str]
    #: The template that answers it; empty when none does.
    answer: Mapped[str]
    answer_state: Mapped[Answer]
    #: Later than this the answer would come as a surprise.
    answer_until: Mapped[datetime | None]
    answer_why: Mapped[str]
    answered_at: Mapped[datetime | None]
    #: When to tell staff by e-mail, or try again; None when there is nothing left to tell.
    tell_at: Mapped[datetime | None]
    #: That e-mail's Message-ID, the same at every attempt.
    message_ref: Mapped[str | None]
    told_at: Mapped[datetime | None]
    #: When it needed nobody any more; None while a red flag waits for staff.
    handled_at: Mapped[datetime | None]


class SuppressionRow(Base):
    """An address that gets nothing, and why. Lifted, never deleted."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_in_force",
            "channel",
            "address",
            "kind",
            unique=True,
            sqlite_where=IN_FORCE,
            postgresql_where=IN_FORCE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel]
    #: An e-mail address in lower case: one mailbox, however it is typed.
    address: Mapped[str]
    kind: Mapped[SuppressionKind]
    reason: Mapped[str]
    #: ``provider``, ``patient`` or the name of a member of staff; and how they said it.
    actor: Mapped[str]
    how: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str]


class SourceStateRow(Base):
    """How far reading has come, and how it went."""

    __tablename__ = "source_state"

    name: Mapped[str] = mapped_column(primary_key=True)
    go_live_at: Mapped[datetime]
    #: The newest ``updated_at`` seen; reading starts a day and more before it.
    watermark: Mapped[datetime | None]
    swept_at: Mapped[datetime | None]
    #: How many rows the last sweep read: a large view is swept less often.
    swept_rows: Mapped[int | None]
    #: Why the last sweep withdrew nothing; empty when it was believed.
    doubt: Mapped[str]
    read_at: Mapped[datetime | None]
    #: The present fault, in words for an operator; empty when reading works.
    problem: Mapped[str]
    problem_since: Mapped[datetime | None]


class RejectedRow(Base):
    """A row of the source with a fault, kept until it is mended."""

    __tablename__ = "rejected_rows"
    __table_args__ = (UniqueConstraint("source", "row_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    #: The session id, or a digest of a row that has none.
    row_key: Mapped[str]
    fate: Mapped[RowFate]
    reason: Mapped[str]
    row: Mapped[dict[str, Any] | None]
    first_seen_at: Mapped[datetime]
    last_changed_at: Mapped[datetime]
    mended_at: Mapped[datetime | None]
    #: Who said that nobody will mend it: as it is, it is not told again.
    dismissed_by: Mapped[str] = mapped_column(default="")


class LeaseRow(Base):
    """A job that runs once at a time, who holds it, and how its last run went."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    expires_at: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    #: The last run's fault, in words for an operator; empty when it went well.
    problem: Mapped[str]


class ChannelStateRow(Base):
    """A channel, or one clinic's sender on it, that is paused because it is in trouble."""

    __tablename__ = "channel_state"

    channel: Mapped[Channel] = mapped_column(primary_key=True)
    #: A clinic's own sender; empty for the whole channel.
    sender: Mapped[str] = mapped_column(primary_key=True)
    paused_until: Mapped[datetime | None]
    problem: Mapped[str]
    problem_since: Mapped[datetime | None]


class ApprovalRow(Base):
    """Who signed off which version of a treatment's messages. Append-only."""

    __tablename__ = "approvals"

    id: Mapped[int] = mapped_column(primary_key=True)
    treatment: Mapped[str] = mapped_column(index=True)
    version: Mapped[str]
    approved_by: Mapped[str]
    approved_at: Mapped[datetime]
    note: Mapped[str]
    #: The files as they were signed off, by path: what an edit is compared with.
    contents: Mapped[dict[str, Any]]
