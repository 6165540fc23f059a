"""The memory of the assertions that were presented."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "presented_assertion",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_presented_assertion")),
    )
    op.create_index("ix_presented_assertion_until", "presented_assertion", ["until"], unique=False)


def downgrade() -> None:
    """Remove it."""
    op.drop_index("ix_presented_assertion_until", table_name="presented_assertion")
    op.drop_table("presented_assertion")
