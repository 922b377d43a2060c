"""The tables of the first release.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_treatment"), "approvals", ["treatment"], unique=False)
    op.create_table(
        "channel_state",
        sa.Column(
            "channel",
            sa.Enum(
                "sms", "email", name="channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("channel", "sender", name=op.f("pk_channel_state")),
    )
    op.create_table(
        "clinics",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("booking_url", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=False),
        sa.Column("sms_from", sa.Text(), nullable=False),
        sa.Column("mail_from", sa.Text(), nullable=False),
        sa.Column("zone_from_phone", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_clinics")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "rejected_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column(
            "fate",
            sa.Enum(
                "rejected",
                "used_in_part",
                "held",
                name="rowfate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("row", sa.JSON(), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_rows")),
        sa.UniqueConstraint("source", "row_key", name=op.f("uq_rejected_rows_source_row_key")),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "sms", "email", name="channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column(
            "meaning",
            sa.Enum(
                "stop",
                "start",
                "help",
                "red_flag",
                "staff",
                name="meaning",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("stops", sa.Boolean(), nullable=False),
        sa.Column("clinic", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column(
            "answer_state",
            sa.Enum(
                "none",
                "waiting",
                "sending",
                "sent",
                "not_sent",
                "unknown",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_why", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_ref", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_replies_provider_id")),
    )
    op.create_index("ix_replies_address", "replies", ["address"], unique=False)
    op.create_index("ix_replies_patient", "replies", ["clinic", "patient_id"], unique=False)
    op.create_index(
        "ix_replies_to_answer",
        "replies",
        ["answer_until"],
        unique=False,
        sqlite_where=sa.text("answer_state = 'waiting'"),
        postgresql_where=sa.text("answer_state = 'waiting'"),
    )
    op.create_index(
        "ix_replies_to_tell",
        "replies",
        ["tell_at"],
        unique=False,
        sqlite_where=sa.text("tell_at IS NOT NULL"),
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.create_table(
        "source_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("go_live_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_rows", sa.Integer(), nullable=True),
        sa.Column("doubt", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("problem_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source_state")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "sms", "email", name="channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "opted_out",
                "unreachable",
                name="suppressionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "uq_suppressions_in_force",
        "suppressions",
        ["channel", "address", "kind"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "patients",
        sa.Column("clinic", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_problem", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_problem", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("sms_consent", sa.Boolean(), nullable=False),
        sa.Column("email_consent", sa.Boolean(), nullable=False),
        sa.Column("marketing_consent", sa.Boolean(), nullable=False),
        sa.Column("blocked", sa.Text(), nullable=False),
        sa.Column("clinical_hold", sa.Text(), nullable=False),
        sa.Column("sms_stopped", sa.Text(), nullable=False),
        sa.Column("email_stopped", sa.Text(), nullable=False),
        sa.Column("invitations_stopped", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clinic"], ["clinics.key"], name=op.f("fk_patients_clinic")),
        sa.PrimaryKeyConstraint("clinic", "patient_id", name=op.f("pk_patients")),
    )
    op.create_index(op.f("ix_patients_email"), "patients", ["email"], unique=False)
    op.create_index(
        "ix_patients_on_hold",
        "patients",
        ["clinic"],
        unique=False,
        sqlite_where=sa.text("clinical_hold <> ''"),
        postgresql_where=sa.text("clinical_hold <> ''"),
    )
    op.create_index(op.f("ix_patients_phone"), "patients", ["phone"], unique=False)
    op.create_table(
        "patient_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("clinic", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "consent",
                "stopped",
                "started",
                "invitations_stopped",
                "invitations_started",
                "held",
                "released",
                "never_contact",
                "contact_again",
                "unreachable",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "sms", "email", name="channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic", "patient_id"],
            ["patients.clinic", "patients.patient_id"],
            name=op.f("fk_patient_events_clinic_patient_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_events")),
    )
    op.create_index(
        "ix_patient_events_patient", "patient_events", ["clinic", "patient_id"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("clinic", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_number", sa.Integer(), nullable=True),
        sa.Column("sessions_planned", sa.Integer(), nullable=True),
        sa.Column("next_session_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("before_go_live", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("needs_plan", sa.Boolean(), nullable=False),
        sa.Column("plan_version", sa.Text(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic", "patient_id"],
            ["patients.clinic", "patients.patient_id"],
            name=op.f("fk_sessions_clinic_patient_id"),
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_open", "sessions", ["open_until"], unique=False)
    op.create_index("ix_sessions_patient", "sessions", ["clinic", "patient_id"], unique=False)
    op.create_index(
        "ix_sessions_to_plan",
        "sessions",
        ["session_id"],
        unique=False,
        sqlite_where=sa.text("needs_plan"),
        postgresql_where=sa.text("needs_plan"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "sms", "email", name="channel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "advice",
                "permission",
                "invitation",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "held",
                "sending",
                "unknown",
                "sent",
                "delivered",
                "failed",
                "skipped",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "protocol",
                "rescheduled",
                "withdrawn",
                "faulty_row",
                "before_go_live",
                "not_in_protocol",
                "condition",
                "no_address",
                "no_consent",
                "too_late",
                "superseded",
                "blocked",
                "opted_out",
                "suppressed",
                "clinical_hold",
                "overlap",
                "joined",
                "fallback",
                "quiet_hours",
                "daily_limit",
                "template",
                "unapproved",
                "claimed",
                "accepted",
                "try_again",
                "channel_down",
                "refused",
                "gave_up",
                "unknown",
                "receipt",
                "staff",
                name="cause",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stumbles", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("calendar", sa.Text(), nullable=True),
        sa.Column("message_ref", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("follow_up", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_messages_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "session_id",
            "milestone",
            "channel",
            name=op.f("uq_messages_session_id_milestone_channel"),
        ),
    )
    op.create_index(
        "ix_messages_due",
        "messages",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("status = 'planned'"),
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.create_index(
        "ix_messages_held",
        "messages",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'held'"),
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index(
        "ix_messages_leased",
        "messages",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.create_index(
        "ix_messages_message_ref",
        "messages",
        ["message_ref"],
        unique=False,
        sqlite_where=sa.text("message_ref IS NOT NULL"),
        postgresql_where=sa.text("message_ref IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_provider_id",
        "messages",
        ["provider_id"],
        unique=False,
        sqlite_where=sa.text("provider_id IS NOT NULL"),
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_sent",
        "messages",
        ["sent_at"],
        unique=False,
        sqlite_where=sa.text("status = 'sent'"),
        postgresql_where=sa.text("status = 'sent'"),
    )
    op.create_index(
        "ix_messages_ended",
        "messages",
        ["ended_at", "status"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_to_ask",
        "messages",
        ["ask_at"],
        unique=False,
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_to_follow_up",
        "messages",
        ["id"],
        unique=False,
        sqlite_where=sa.text("follow_up"),
        postgresql_where=sa.text("follow_up"),
    )
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("status = 'unknown'"),
        postgresql_where=sa.text("status = 'unknown'"),
    )
    op.create_table(
        "message_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "from_status",
            sa.Enum(
                "planned",
                "held",
                "sending",
                "unknown",
                "sent",
                "delivered",
                "failed",
                "skipped",
                name="status",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "planned",
                "held",
                "sending",
                "unknown",
                "sent",
                "delivered",
                "failed",
                "skipped",
                name="status",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "cause",
            sa.Enum(
                "protocol",
                "rescheduled",
                "withdrawn",
                "faulty_row",
                "before_go_live",
                "not_in_protocol",
                "condition",
                "no_address",
                "no_consent",
                "too_late",
                "superseded",
                "blocked",
                "opted_out",
                "suppressed",
                "clinical_hold",
                "overlap",
                "joined",
                "fallback",
                "quiet_hours",
                "daily_limit",
                "template",
                "unapproved",
                "claimed",
                "accepted",
                "try_again",
                "channel_down",
                "refused",
                "gave_up",
                "unknown",
                "receipt",
                "staff",
                name="cause",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_events_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_events")),
    )
    op.create_index(
        "ix_message_events_claims",
        "message_events",
        ["attempt_id"],
        unique=False,
        sqlite_where=sa.text("event = 'claimed'"),
        postgresql_where=sa.text("event = 'claimed'"),
    )
    op.create_index(
        op.f("ix_message_events_message_id"), "message_events", ["message_id"], unique=False
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_index(op.f("ix_message_events_message_id"), table_name="message_events")
    op.drop_index(
        "ix_message_events_claims",
        table_name="message_events",
        sqlite_where=sa.text("event = 'claimed'"),
        postgresql_where=sa.text("event = 'claimed'"),
    )
    op.drop_table("message_events")
    op.drop_index(
        "ix_messages_unsettled",
        table_name="messages",
        sqlite_where=sa.text("status = 'unknown'"),
        postgresql_where=sa.text("status = 'unknown'"),
    )
    op.drop_index(
        "ix_messages_to_follow_up",
        table_name="messages",
        sqlite_where=sa.text("follow_up"),
        postgresql_where=sa.text("follow_up"),
    )
    op.drop_index(
        "ix_messages_ended",
        table_name="messages",
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_messages_sent",
        table_name="messages",
        sqlite_where=sa.text("status = 'sent'"),
        postgresql_where=sa.text("status = 'sent'"),
    )
    op.drop_index(
        "ix_messages_to_ask",
        table_name="messages",
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_messages_provider_id",
        table_name="messages",
        sqlite_where=sa.text("provider_id IS NOT NULL"),
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_messages_message_ref",
        table_name="messages",
        sqlite_where=sa.text("message_ref IS NOT NULL"),
        postgresql_where=sa.text("message_ref IS NOT NULL"),
    )
    op.drop_index(
        "ix_messages_leased",
        table_name="messages",
        sqlite_where=sa.text("status = 'sending'"),
        postgresql_where=sa.text("status = 'sending'"),
    )
    op.drop_index(
        "ix_messages_held",
        table_name="messages",
        sqlite_where=sa.text("status = 'held'"),
        postgresql_where=sa.text("status = 'held'"),
    )
    op.drop_index(
        "ix_messages_due",
        table_name="messages",
        sqlite_where=sa.text("status = 'planned'"),
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.drop_table("messages")
    op.drop_index(
        "ix_sessions_to_plan",
        table_name="sessions",
        sqlite_where=sa.text("needs_plan"),
        postgresql_where=sa.text("needs_plan"),
    )
    op.drop_index("ix_sessions_patient", table_name="sessions")
    op.drop_index("ix_sessions_open", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_patient_events_patient", table_name="patient_events")
    op.drop_table("patient_events")
    op.drop_index(op.f("ix_patients_phone"), table_name="patients")
    op.drop_index(
        "ix_patients_on_hold",
        table_name="patients",
        sqlite_where=sa.text("clinical_hold <> ''"),
        postgresql_where=sa.text("clinical_hold <> ''"),
    )
    op.drop_index(op.f("ix_patients_email"), table_name="patients")
    op.drop_table("patients")
    op.drop_index(
        "uq_suppressions_in_force",
        table_name="suppressions",
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.drop_table("suppressions")
    op.drop_table("source_state")
    op.drop_index(
        "ix_replies_to_tell",
        table_name="replies",
        sqlite_where=sa.text("tell_at IS NOT NULL"),
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_replies_to_answer",
        table_name="replies",
        sqlite_where=sa.text("answer_state = 'waiting'"),
        postgresql_where=sa.text("answer_state = 'waiting'"),
    )
    op.drop_index("ix_replies_patient", table_name="replies")
    op.drop_index("ix_replies_address", table_name="replies")
    op.drop_table("replies")
    op.drop_table("rejected_rows")
    op.drop_table("leases")
    op.drop_table("clinics")
    op.drop_table("channel_state")
    op.drop_index(op.f("ix_approvals_treatment"), table_name="approvals")
    op.drop_table("approvals")
