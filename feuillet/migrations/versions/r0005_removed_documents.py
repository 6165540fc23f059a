"""What is remembered of documents that were removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# SQLite counts rows only through a column of exactly this type.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "removed_document",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("blob_key", sa.String(length=36), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_removed_document")),
        sa.UniqueConstraint("blob_key", name=op.f("uq_removed_document_blob_key")),
    )
    op.create_index("ix_removed_document_unique_id", "removed_document", ["unique_id"], unique=False)
    op.create_index("ix_removed_document_state", "removed_document", ["state", "removed_at"], unique=False)


def downgrade() -> None:
    """Forget what was removed."""
    op.drop_table("removed_document")
