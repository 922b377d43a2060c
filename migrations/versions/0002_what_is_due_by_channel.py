"""What is due is found channel by channel, in the order in which it leaves.

An index on the time alone left PostgreSQL to sort all that falls due at the same moment: for 20,000
messages at nine o'clock that took half of each batch's time.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IS_PLANNED = sa.text("status = 'planned'")


def upgrade() -> None:
    """Bring the database up to this revision."""
    _replace(["channel", "next_at", "id"])


def downgrade() -> None:
    """Go back to the revision before."""
    _replace(["next_at"])


def _replace(columns: list[str]) -> None:
    op.drop_index("ix_messages_due", table_name="messages")
    op.create_index(
        "ix_messages_due",
        "messages",
        columns,
        sqlite_where=_IS_PLANNED,
        postgresql_where=_IS_PLANNED,
    )
