"""Alerts and subscriptions: who wants to be told, what happened, what waits to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite counts rows only through a column of exactly this type.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "alert_subscription",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("subscriber_kind", sa.SmallInteger(), nullable=False),
        sa.Column("subscriber", sa.String(length=256), nullable=False),
        sa.Column("patient", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("medium", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("class_codes", sa.Text(), nullable=False),
        sa.Column("type_codes", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_alert_subscription")),
        sa.UniqueConstraint(
            *("subscriber_kind", "subscriber", "patient", "kind", "medium"), name=op.f("uq_alert_subscription")
        ),
    )
    op.create_index("ix_alert_subscription_patient", "alert_subscription", ["patient", "kind"], unique=False)
    op.create_table(
        "alert_event",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_alert_event")),
    )
    op.create_table(
        "alert_message",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(length=36), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_alert_message")),
    )
    op.create_index("ix_alert_message_recipient", "alert_message", ["recipient", "pk"], unique=False)
    op.create_index("ix_alert_message_due_at", "alert_message", ["dead", "due_at"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("patient", sa.String(length=256), nullable=False),
        sa.Column("national_id", sa.String(length=128), nullable=False),
        sa.Column("structure_id", sa.String(length=128), nullable=False),
        sa.Column("certificate", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_subscription")),
        sa.UniqueConstraint("id", name=op.f("uq_subscription_id")),
    )
    op.create_index("ix_subscription_patient", "subscription", ["patient"], unique=False)


def downgrade() -> None:
    """Remove them."""
    for table in ("subscription", "alert_message", "alert_event", "alert_subscription"):
        op.drop_table(table)
