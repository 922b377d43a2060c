"""The worker's own database, table by table.

Times are UTC and come from the application, never from the database's own clock. The clinic's ids
are kept as they are: staff find a session here by the id they know.

Tables of SQLAlchemy Core: nothing here needs its ORM, which would be 6 MB of every worker. A text,
a moment and an enum always name their type; left to SQLAlchemy they would be a VARCHAR, a time
without a zone and the members' names.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Column,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Named,
    Table,
    Text,
    TextClause,
    TypedColumns,
    UniqueConstraint,
    text,
)

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


#: Names every constraint, so that a later migration can find it.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class _ClinicColumns(TypedColumns):
    """A clinic, as ``aftercare clinic add`` set it up."""

    key: Named[str] = Column(Text, primary_key=True)
    name: Named[str] = Column(Text)
    time_zone: Named[str] = Column(Text)
    country: Named[str] = Column(Text)
    language: Named[str] = Column(Text)
    phone: Named[str] = Column(Text)
    email: Named[str] = Column(Text)
    address: Named[str] = Column(Text)
    booking_url: Named[str] = Column(Text)
    colour: Named[str] = Column(Text)
    logo_url: Named[str] = Column(Text)
    opens: Named[time]
    closes: Named[time]
    daily_limit: Named[int]
    #: The clinic's own senders; empty for those of the settings.
    sms_from: Named[str] = Column(Text)
    mail_from: Named[str] = Column(Text)
    zone_from_phone: Named[bool] = Column(default=False)
    created_at: Named[datetime] = Column(UtcDateTime)
    updated_at: Named[datetime] = Column(UtcDateTime)


CLINICS = Table("clinics", METADATA, _ClinicColumns)


class _PatientColumns(TypedColumns):
    """A patient of a clinic, as the newest row of the source describes them."""

    clinic: Named[str] = Column(Text, ForeignKey("clinics.key"), primary_key=True)
    patient_id: Named[str] = Column(Text, primary_key=True)
    first_name: Named[str] = Column(Text)
    phone: Named[str | None] = Column(Text, index=True)
    phone_problem: Named[str] = Column(Text)
    email: Named[str | None] = Column(Text, index=True)
    email_problem: Named[str] = Column(Text)
    language: Named[str] = Column(Text)
    time_zone: Named[str] = Column(Text)
    sms_consent: Named[bool]
    email_consent: Named[bool]
    marketing_consent: Named[bool]
    #: Why the patient must never be contacted (deceased, "never contact"); empty when they may be.
    blocked: Named[str] = Column(Text)
    #: Why permissions and invitations wait for staff; empty when they do not.
    clinical_hold: Named[str] = Column(Text)
    #: Why the patient gets nothing more on a channel, whatever the number or address; empty when
    #: they never said stop there. The clinic's rows do not touch it.
    sms_stopped: Named[str] = Column(Text)
    email_stopped: Named[str] = Column(Text)
    #: Why the patient gets no more invitations to book; empty when they may.
    invitations_stopped: Named[str] = Column(Text)
    #: The age of the row these facts come from: an older row never overwrites a newer one.
    as_of: Named[datetime] = Column(UtcDateTime)
    erased_at: Named[datetime | None] = Column(UtcDateTime)


PATIENTS = Table(
    "patients",
    METADATA,
    _PatientColumns,
    _partial_index("ix_patients_on_hold", "clinic", where=IS_ON_HOLD),
)


class _SessionColumns(TypedColumns):
    """A completed session, as the source describes it."""

    session_id: Named[str] = Column(Text, primary_key=True)
    clinic: Named[str] = Column(Text)
    patient_id: Named[str] = Column(Text)
    #: ``sql``, ``csv`` or ``http``: only a sweep of the same source may withdraw it.
    source: Named[str] = Column(Text)
    treatment: Named[str] = Column(Text)
    completed_at: Named[datetime] = Column(UtcDateTime)
    session_number: Named[int | None]
    sessions_planned: Named[int | None]
    next_session_at: Named[datetime | None] = Column(UtcDateTime)
    #: Why it does not count any more; empty while it does.
    withdrawn: Named[str] = Column(Text)
    #: What is wrong with the present row; empty while nothing is.
    fault: Named[str] = Column(Text)
    #: Completed before go-live: recorded, never planned.
    before_go_live: Named[bool]
    #: A digest of the source row: an unchanged row costs no write.
    fingerprint: Named[str] = Column(Text)
    needs_plan: Named[bool]
    #: What it was planned with: the protocol's version.
    plan_version: Named[str] = Column(Text)
    #: Until when something can still happen to one of its messages.
    open_until: Named[datetime] = Column(UtcDateTime)
    collected_at: Named[datetime] = Column(UtcDateTime)


SESSIONS = Table(
    "sessions",
    METADATA,
    _SessionColumns,
    ForeignKeyConstraint(["clinic", "patient_id"], ["patients.clinic", "patients.patient_id"]),
    Index("ix_sessions_patient", "clinic", "patient_id"),
    Index("ix_sessions_open", "open_until"),
    _partial_index("ix_sessions_to_plan", "session_id", where=TO_PLAN),
)


class _MessageColumns(TypedColumns):
    """One message: a milestone of a session on one channel."""

    id: Named[int] = Column(primary_key=True)
    session_id: Named[str] = Column(Text, ForeignKey("sessions.session_id"))
    milestone: Named[str] = Column(Text)
    channel: Named[Channel] = Column(_enum(Channel))
    kind: Named[Kind] = Column(_enum(Kind))
    status: Named[Status] = Column(_enum(Status))
    #: Why it is in this status, to count by and to read.
    cause: Named[Cause] = Column(_enum(Cause, checked=False))
    reason: Named[str] = Column(Text)
    due_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime] = Column(UtcDateTime)
    #: When to look at it next: its due time, or later while it waits.
    next_at: Named[datetime] = Column(UtcDateTime)
    #: Attempts that count: a channel that is down costs none.
    attempts: Named[int]
    #: How often a worker died while it looked at it, as far as that is known.
    stumbles: Named[int] = Column(default=0)
    #: Of the attempt under way or the last one: travels to the provider and back.
    attempt_id: Named[str | None] = Column(Text)
    lease_until: Named[datetime | None] = Column(UtcDateTime)
    worker: Named[str | None] = Column(Text)
    #: The words as they left, fixed at the claim.
    address: Named[str | None] = Column(Text)
    language: Named[str | None] = Column(Text)
    subject: Named[str | None] = Column(Text)
    body: Named[str | None] = Column(Text)
    html: Named[str | None] = Column(PackedText())
    calendar: Named[str | None] = Column(Text)
    #: An e-mail's Message-ID: made once, the same at every attempt.
    message_ref: Named[str | None] = Column(Text)
    provider_id: Named[str | None] = Column(Text)
    #: When each restriction ends by its words, which may speak for other sessions of its day.
    told: Named[dict[str, Any] | None] = Column(JSON)
    #: It will not arrive, and planning has yet to see what goes in its place.
    follow_up: Named[bool] = Column(default=False)
    #: The protocol and templates it was made from.
    version: Named[str | None] = Column(Text)
    claimed_at: Named[datetime | None] = Column(UtcDateTime)
    sent_at: Named[datetime | None] = Column(UtcDateTime)
    #: When to ask the provider what became of it; empty when there is nothing left to ask.
    ask_at: Named[datetime | None] = Column(UtcDateTime)
    ended_at: Named[datetime | None] = Column(UtcDateTime)
    created_at: Named[datetime] = Column(UtcDateTime)


MESSAGES = Table(
    "messages",
    METADATA,
    _MessageColumns,
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


class _MessageEventColumns(TypedColumns):
    """What happened to a message and why. Append-only."""

    id: Named[int] = Column(primary_key=True)
    message_id: Named[int] = Column(ForeignKey("messages.id"), index=True)
    at: Named[datetime] = Column(UtcDateTime)
    #: The transition's name.
    event: Named[str] = Column(Text)
    from_status: Named[Status | None] = Column(_enum(Status, checked=False))
    to_status: Named[Status] = Column(_enum(Status, checked=False))
    cause: Named[Cause] = Column(_enum(Cause, checked=False))
    reason: Named[str] = Column(Text)
    attempt_id: Named[str | None] = Column(Text)
    #: ``worker``, or the person who decided.
    actor: Named[str] = Column(Text)


MESSAGE_EVENTS = Table(
    "message_events",
    METADATA,
    _MessageEventColumns,
    _partial_index("ix_message_events_claims", "attempt_id", where=IS_CLAIM),
)


class _PatientEventColumns(TypedColumns):
    """What was decided about reaching a patient: who, when, how and why. Append-only."""

    id: Named[int] = Column(primary_key=True)
    clinic: Named[str] = Column(Text)
    patient_id: Named[str] = Column(Text)
    at: Named[datetime] = Column(UtcDateTime)
    event: Named[Decision] = Column(_enum(Decision))
    #: Which channel it is about; None for all of them.
    channel: Named[Channel | None] = Column(_enum(Channel))
    #: A sentence for staff.
    reason: Named[str] = Column(Text)
    #: ``patient``, ``provider``, ``source`` or the name of a member of staff.
    actor: Named[str] = Column(Text)
    #: ``reply``, ``unsubscribe link``, ``command``, ``provider code``, ``bounce``, ``source row``.
    how: Named[str] = Column(Text)


PATIENT_EVENTS = Table(
    "patient_events",
    METADATA,
    _PatientEventColumns,
    ForeignKeyConstraint(["clinic", "patient_id"], ["patients.clinic", "patients.patient_id"]),
    Index("ix_patient_events_patient", "clinic", "patient_id"),
)


class _ReplyColumns(TypedColumns):
    """What a patient wrote back, the answer to it, and whether staff know."""

    id: Named[int] = Column(primary_key=True)
    provider_id: Named[str] = Column(Text, unique=True)
    channel: Named[Channel] = Column(_enum(Channel))
    address: Named[str | None] = Column(Text)
    #: Our own number, which it came to.
    recipient: Named[str] = Column(Text)
    body: Named[str | None] = Column(Text)
    meaning: Named[Meaning] = Column(_enum(Meaning))
    emergency: Named[bool]
    #: Messages end, whatever else it means.
    stops: Named[bool]
    #: Whose staff read it; None when nobody knows, then every clinic's do.
    clinic: Named[str | None] = Column(Text)
    patient_id: Named[str | None] = Column(Text)
    received_at: Named[datetime] = Column(UtcDateTime)
    #: What was done about it, in sentences for staff.
    note: Named[str] = Column(Text)
    #: The template that answers it; empty when none does.
    answer: Named[str] = Column(Text)
    answer_state: Named[Answer] = Column(_enum(Answer))
    #: Later than this the answer would come as a surprise.
    answer_until: Named[datetime | None] = Column(UtcDateTime)
    answer_why: Named[str] = Column(Text)
    answered_at: Named[datetime | None] = Column(UtcDateTime)
    #: When to tell staff by e-mail, or try again; None when there is nothing left to tell.
    tell_at: Named[datetime | None] = Column(UtcDateTime)
    #: That e-mail's Message-ID, the same at every attempt.
    message_ref: Named[str | None] = Column(Text)
    told_at: Named[datetime | None] = Column(UtcDateTime)
    #: When it needed nobody any more; None while a red flag waits for staff.
    handled_at: Named[datetime | None] = Column(UtcDateTime)


REPLIES = Table(
    "replies",
    METADATA,
    _ReplyColumns,
    Index("ix_replies_address", "address"),
    Index("ix_replies_patient", "clinic", "patient_id"),
    _partial_index("ix_replies_to_answer", "answer_until", where=ANSWER_WAITS),
    _partial_index("ix_replies_to_tell", "tell_at", where=TO_TELL),
)


class _SuppressionColumns(TypedColumns):
    """An address that gets nothing, and why. Lifted, never deleted."""

    id: Named[int] = Column(primary_key=True)
    channel: Named[Channel] = Column(_enum(Channel))
    #: An e-mail address in lower case: one mailbox, however it is typed.
    address: Named[str] = Column(Text)
    kind: Named[SuppressionKind] = Column(_enum(SuppressionKind))
    reason: Named[str] = Column(Text)
    #: ``provider``, ``patient`` or the name of a member of staff; and how they said it.
    actor: Named[str] = Column(Text)
    how: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(UtcDateTime)
    expires_at: Named[datetime | None] = Column(UtcDateTime)
    lifted_at: Named[datetime | None] = Column(UtcDateTime)
    lifted_by: Named[str] = Column(Text)


SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    _SuppressionColumns,
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


class _SourceStateColumns(TypedColumns):
    """How far reading has come, and how it went."""

    name: Named[str] = Column(Text, primary_key=True)
    go_live_at: Named[datetime] = Column(UtcDateTime)
    #: The newest ``updated_at`` seen; reading starts a day and more before it.
    watermark: Named[datetime | None] = Column(UtcDateTime)
    swept_at: Named[datetime | None] = Column(UtcDateTime)
    #: How many rows the last sweep read: a large view is swept less often.
    swept_rows: Named[int | None]
    #: Why the last sweep withdrew nothing; empty when it was believed.
    doubt: Named[str] = Column(Text)
    read_at: Named[datetime | None] = Column(UtcDateTime)
    #: The present fault, in words for an operator; empty when reading works.
    problem: Named[str] = Column(Text)
    problem_since: Named[datetime | None] = Column(UtcDateTime)


SOURCE_STATE = Table("source_state", METADATA, _SourceStateColumns)


class _RejectedColumns(TypedColumns):
    """A row of the source with a fault, kept until it is mended."""

    id: Named[int] = Column(primary_key=True)
    source: Named[str] = Column(Text)
    #: The session id, or a digest of a row that has none.
    row_key: Named[str] = Column(Text)
    fate: Named[RowFate] = Column(_enum(RowFate))
    reason: Named[str] = Column(Text)
    row: Named[dict[str, Any] | None] = Column(JSON)
    first_seen_at: Named[datetime] = Column(UtcDateTime)
    last_changed_at: Named[datetime] = Column(UtcDateTime)
    mended_at: Named[datetime | None] = Column(UtcDateTime)
    #: Who said that nobody will mend it: as it is, it is not told again.
    dismissed_by: Named[str] = Column(Text, default="")


REJECTED_ROWS = Table(
    "rejected_rows",
    METADATA,
    _RejectedColumns,
    UniqueConstraint("source", "row_key"),
)


class _LeaseColumns(TypedColumns):
    """A job that runs once at a time, who holds it, and how its last run went."""

    name: Named[str] = Column(Text, primary_key=True)
    holder: Named[str] = Column(Text)
    expires_at: Named[datetime] = Column(UtcDateTime)
    started_at: Named[datetime] = Column(UtcDateTime)
    finished_at: Named[datetime | None] = Column(UtcDateTime)
    #: The last run's fault, in words for an operator; empty when it went well.
    problem: Named[str] = Column(Text)


LEASES = Table("leases", METADATA, _LeaseColumns)


class _ChannelStateColumns(TypedColumns):
    """A channel, or one clinic's sender on it, that is paused because it is in trouble."""

    channel: Named[Channel] = Column(_enum(Channel), primary_key=True)
    #: A clinic's own sender; empty for the whole channel.
    sender: Named[str] = Column(Text, primary_key=True)
    paused_until: Named[datetime | None] = Column(UtcDateTime)
    problem: Named[str] = Column(Text)
    problem_since: Named[datetime | None] = Column(UtcDateTime)


CHANNEL_STATE = Table("channel_state", METADATA, _ChannelStateColumns)


class _ApprovalColumns(TypedColumns):
    """Who signed off which version of a treatment's messages. Append-only."""

    id: Named[int] = Column(primary_key=True)
    treatment: Named[str] = Column(Text, index=True)
    version: Named[str] = Column(Text)
    approved_by: Named[str] = Column(Text)
    approved_at: Named[datetime] = Column(UtcDateTime)
    note: Named[str] = Column(Text)
    #: The files as they were signed off, by path: what an edit is compared with.
    contents: Named[dict[str, Any]] = Column(JSON)


APPROVALS = Table("approvals", METADATA, _ApprovalColumns)
