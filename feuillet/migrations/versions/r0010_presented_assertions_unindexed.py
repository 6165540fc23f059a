"""The memory of presented assertions without its index of ends: each request writes a page less."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index; on SQLite also the row numbers, and nothing of what is remembered."""
    op.drop_index("ix_presented_assertion_until", table_name="presented_assertion")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sqlite_with_rowid=False)


def downgrade() -> None:
    """Bring them back."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(sqlite_with_rowid=True)
    op.create_index("ix_presented_assertion_until", "presented_assertion", ["until"], unique=False)


def _rebuild(*, sqlite_with_rowid: bool) -> None:
    op.rename_table("presented_assertion", "presented_assertion_before")
    op.create_table(
        "presented_assertion",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_presented_assertion")),
        sqlite_with_rowid=sqlite_with_rowid,
    )
    op.execute("INSERT INTO presented_assertion (key, until) SELECT key, until FROM presented_assertion_before")
    op.drop_table("presented_assertion_before")
