"""The pages of e-mails are kept compressed.

What is there stays as it is, and can be read; SQLite keeps bytes in the column that there is.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from worker.store.packed import PackedText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_packed = sa.table("messages", sa.column("id"), sa.column("html", PackedText()))
_plain = sa.table("messages", sa.column("id"), sa.column("html"))


def upgrade() -> None:
    """Bring the database up to this revision."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE messages ALTER html TYPE bytea USING convert_to(html, 'UTF8')")


def downgrade() -> None:
    """Go back to the revision before: every page is unpacked again."""
    db = op.get_bind()
    pages = db.execute(sa.select(_packed).where(_packed.c.html.is_not(None))).all()
    postgres = db.dialect.name == "postgresql"
    for row_id, page in pages:
        plain = page.encode() if postgres else page
        db.execute(sa.update(_plain).where(_plain.c.id == row_id).values(html=plain))
    if postgres:
        op.execute("ALTER TABLE messages ALTER html TYPE text USING convert_from(html, 'UTF8')")
