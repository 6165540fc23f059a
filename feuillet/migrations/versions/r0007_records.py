"""Patients' records, authorisations and internet accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# SQLite counts rows only through a column of exactly this type.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Those that refer to others first.
TABLES = (
    "one_time_code",
    "authorisation_act",
    "account_channel",
    "vitale_reading",
    "record_status",
    "record_sheet",
    "record_name",
    "record_identifier",
    "record_consent",
    "emergency_opening",
    "authorisation",
    "account",
    "record",
    "access_attempt",
)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "access_attempt",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_access_attempt")),
    )
    op.create_index("ix_access_attempt_at", "access_attempt", ["at"], unique=False)
    op.create_index("ix_access_attempt_subject", "access_attempt", ["subject", "kind", "at"], unique=False)
    op.create_table(
        "record",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("birth_date", sa.String(length=8), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("sheet_version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_reason", sa.String(length=64), nullable=False),
        sa.Column("closing_note", sa.Text(), nullable=False),
        sa.Column("opposed_to_break_glass", sa.Boolean(), nullable=False),
        sa.Column("opposed_to_regulation", sa.Boolean(), nullable=False),
        sa.Column("masked_readable_in_emergency", sa.Boolean(), nullable=False),
        sa.Column("legal_hold_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("legal_hold_reason", sa.Text(), nullable=False),
        sa.Column("survivor_pk", ROW_ID, nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("documents_gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_document_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["survivor_pk"], ["record.pk"], name=op.f("fk_record_survivor_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_record")),
    )
    op.create_index("ix_record_closed_at", "record", ["status", "closed_at"], unique=False)
    op.create_table(
        "account",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("login", sa.String(length=32), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_account_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("record_pk", name=op.f("uq_account_record_pk")),
    )
    op.create_table(
        "authorisation",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("holder_kind", sa.SmallInteger(), nullable=False),
        sa.Column("holder_id", sa.String(length=128), nullable=False),
        sa.Column("family_name", sa.String(length=256), nullable=False),
        sa.Column("first_name", sa.String(length=256), nullable=False),
        sa.Column("specialities", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("treating_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_action_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_authorisation_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_authorisation")),
        sa.UniqueConstraint("record_pk", "holder_kind", "holder_id", name=op.f("uq_authorisation_record_pk")),
    )
    op.create_index(
        "ix_authorisation_holder", "authorisation", ["holder_id", "holder_kind", "expires_at"], unique=False
    )
    op.create_table(
        "emergency_opening",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("holder_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("structure_id", sa.String(length=128), nullable=False),
        sa.Column("structure_name", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(length=128), nullable=False),
        sa.Column("review_note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_emergency_opening_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_emergency_opening")),
    )
    op.create_index("ix_emergency_opening_holder", "emergency_opening", ["holder_id", "opened_at"], unique=False)
    op.create_index(
        "ix_emergency_opening_record", "emergency_opening", ["record_pk", "holder_id", "expires_at"], unique=False
    )
    op.create_index("ix_emergency_opening_reviewed", "emergency_opening", ["reviewed_at", "opened_at"], unique=False)
    op.create_table(
        "record_consent",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=256), nullable=False),
        sa.Column("author_structure_id", sa.String(length=128), nullable=False),
        sa.Column("author_structure_name", sa.String(length=256), nullable=False),
        sa.Column("author_profession", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_record_consent_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_record_consent")),
    )
    op.create_index("ix_record_consent_record", "record_consent", ["record_pk", "pk"], unique=False)
    op.create_table(
        "record_identifier",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("identifier", sa.String(length=256), nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_record_identifier_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_record_identifier")),
        sa.UniqueConstraint("identifier", name=op.f("uq_record_identifier_identifier")),
    )
    op.create_index("ix_record_identifier_record", "record_identifier", ["record_pk", "position"], unique=False)
    op.create_table(
        "record_name",
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_record_name_record_pk")),
        sa.PrimaryKeyConstraint("record_pk", "kind", "name", name=op.f("pk_record_name")),
    )
    op.create_index("ix_record_name_name", "record_name", ["name", "kind"], unique=False)
    op.create_table(
        "record_sheet",
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=256), nullable=False),
        sa.Column("author_structure_id", sa.String(length=128), nullable=False),
        sa.Column("author_structure_name", sa.String(length=256), nullable=False),
        sa.Column("author_profession", sa.String(length=16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_record_sheet_record_pk")),
        sa.PrimaryKeyConstraint("record_pk", "version", name=op.f("pk_record_sheet")),
    )
    op.create_table(
        "record_status",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=256), nullable=False),
        sa.Column("author_structure_id", sa.String(length=128), nullable=False),
        sa.Column("author_structure_name", sa.String(length=256), nullable=False),
        sa.Column("author_profession", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_record_status_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_record_status")),
    )
    op.create_index("ix_record_status_record", "record_status", ["record_pk", "pk"], unique=False)
    op.create_table(
        "vitale_reading",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("record_pk", ROW_ID, nullable=False),
        sa.Column("identifier", sa.String(length=256), nullable=False),
        sa.Column("birth_date", sa.String(length=8), nullable=False),
        sa.Column("birth_rank", sa.SmallInteger(), nullable=True),
        sa.Column("regime", sa.String(length=2), nullable=True),
        sa.Column("is_holder", sa.Boolean(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deferral", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record_pk"], ["record.pk"], name=op.f("fk_vitale_reading_record_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_vitale_reading")),
    )
    op.create_index("ix_vitale_reading_record", "vitale_reading", ["record_pk"], unique=False)
    op.create_table(
        "account_channel",
        sa.Column("account_pk", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=256), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_pk"], ["account.pk"], name=op.f("fk_account_channel_account_pk")),
        sa.PrimaryKeyConstraint("account_pk", "kind", name=op.f("pk_account_channel")),
    )
    op.create_table(
        "authorisation_act",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("authorisation_pk", ROW_ID, nullable=False),
        sa.Column("act", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_id", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=256), nullable=False),
        sa.Column("author_structure_id", sa.String(length=128), nullable=False),
        sa.Column("author_structure_name", sa.String(length=256), nullable=False),
        sa.Column("author_profession", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["authorisation_pk"], ["authorisation.pk"], name=op.f("fk_authorisation_act_authorisation_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_authorisation_act")),
    )
    op.create_index("ix_authorisation_act_authorisation", "authorisation_act", ["authorisation_pk", "pk"], unique=False)
    op.create_table(
        "one_time_code",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("account_pk", ROW_ID, nullable=True),
        sa.Column("session", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_pk"], ["account.pk"], name=op.f("fk_one_time_code_account_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_one_time_code")),
        sa.UniqueConstraint("session", "purpose", name=op.f("uq_one_time_code_session")),
    )
    op.create_index("ix_one_time_code_expires_at", "one_time_code", ["expires_at"], unique=False)


def downgrade() -> None:
    """Remove them."""
    for table in TABLES:
        op.drop_table(table)
