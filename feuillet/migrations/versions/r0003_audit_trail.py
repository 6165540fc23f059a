"""The audit trail, in the place of the change log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dmp.audit.tables import empty_heads

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# SQLite counts rows only through a column of exactly this type.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A second line behind the signatures: whoever writes by mistake, or with the server's own rights, is stopped at once.
_WHAT = "the audit trail is only ever added to"
_SQLITE = tuple(
    f"CREATE TRIGGER audit_event_no_{word.lower()} BEFORE {word} ON audit_event"
    f" BEGIN SELECT RAISE(ABORT, '{_WHAT}'); END"
    for word in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_WHAT}'; END $$",
    "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event"
    " FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
    "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
)


def upgrade() -> None:
    """Drop the change log, create the trail with its chains."""
    op.drop_table("audit_event")
    op.create_table(
        "audit_event",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("patient", sa.String(length=256), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("shard", "number", name=op.f("pk_audit_event")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_event_happened_at", "audit_event", ["happened_at"], unique=False)
    op.create_index("ix_audit_event_patient", "audit_event", ["patient", "happened_at"], unique=False)
    op.create_index("ix_audit_event_person", "audit_event", ["person", "happened_at"], unique=False)
    chain = op.create_table(
        "audit_chain",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shard", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("length", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shard", "length", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_delivery",
        sa.Column("receiver", sa.String(length=32), nullable=False),
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "shard", name=op.f("pk_audit_delivery")),
    )
    dialect = op.get_bind().dialect.name
    assert chain is not None  # noqa: S101 - it was created above
    op.bulk_insert(chain, empty_heads(dialect))
    for statement in _POSTGRESQL if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Remove the trail, create the change log."""
    for table in ("audit_delivery", "audit_checkpoint", "audit_chain", "audit_event"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_event_refuse()")
    op.create_table(
        "audit_event",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_unpublished", "audit_event", ["published_at", "pk"], unique=False)
