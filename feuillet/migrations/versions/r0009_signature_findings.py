"""What was found of the signatures of submissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "signature_finding",
        sa.Column("submission_set_unique_id", sa.String(length=256), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=512), nullable=False),
        sa.Column("signer_national_id", sa.String(length=128), nullable=False),
        sa.Column("signer_structure_id", sa.String(length=64), nullable=False),
        sa.Column("signer_name", sa.String(length=256), nullable=False),
        sa.Column("certificate_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("algorithm", sa.String(length=128), nullable=False),
        sa.Column("xades", sa.String(length=8), nullable=False),
        sa.Column("legacy_sha1", sa.Boolean(), nullable=False),
        sa.Column("stale_revocation", sa.Boolean(), nullable=False),
        sa.Column("examined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("submission_set_unique_id", name=op.f("pk_signature_finding")),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("signature_finding")
