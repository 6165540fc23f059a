"""The tables of the registry and the repository as they were first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts rows only through a column of exactly this type.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "association",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("entry_uuid", sa.String(length=64), nullable=False),
        sa.Column("association_type", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("home", sa.String(length=256), nullable=True),
        sa.Column("fragment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_association")),
        sa.UniqueConstraint("entry_uuid", name=op.f("uq_association_entry_uuid")),
    )
    op.create_index("ix_association_source", "association", ["source", "association_type"], unique=False)
    op.create_index("ix_association_target", "association", ["target", "association_type"], unique=False)
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
    op.create_table(
        "patient",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("patient_id", sa.String(length=256), nullable=False),
        sa.Column("survivor_pk", ROW_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["survivor_pk"], ["patient.pk"], name=op.f("fk_patient_survivor_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_patient")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_patient_patient_id")),
    )
    op.create_table(
        "document_entry",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("entry_uuid", sa.String(length=64), nullable=False),
        sa.Column("logical_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("patient_pk", ROW_ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("on_demand", sa.SmallInteger(), nullable=False),
        sa.Column("creation_time", sa.String(length=14), nullable=True),
        sa.Column("service_start_time", sa.String(length=14), nullable=True),
        sa.Column("service_stop_time", sa.String(length=14), nullable=True),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("format_code", sa.Text(), nullable=False),
        sa.Column("facility_type_code", sa.Text(), nullable=False),
        sa.Column("practice_setting_code", sa.Text(), nullable=False),
        sa.Column("repository_unique_id", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.String(length=40), nullable=True),
        sa.Column("home", sa.String(length=256), nullable=True),
        sa.Column("fragment", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_pk"], ["patient.pk"], name=op.f("fk_document_entry_patient_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_document_entry")),
        sa.UniqueConstraint("entry_uuid", name=op.f("uq_document_entry_entry_uuid")),
        sa.UniqueConstraint("logical_id", "version", name=op.f("uq_document_entry_logical_id")),
    )
    op.create_index("ix_document_entry_class_code", "document_entry", ["class_code"], unique=False)
    op.create_index("ix_document_entry_facility_type_code", "document_entry", ["facility_type_code"], unique=False)
    op.create_index(
        "ix_document_entry_patient",
        "document_entry",
        ["patient_pk", "status", "on_demand", "creation_time"],
        unique=False,
    )
    op.create_index("ix_document_entry_unique_id", "document_entry", ["unique_id"], unique=False)
    op.create_table(
        "folder",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("entry_uuid", sa.String(length=64), nullable=False),
        sa.Column("logical_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("patient_pk", ROW_ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("last_update_time", sa.String(length=14), nullable=False),
        sa.Column("home", sa.String(length=256), nullable=True),
        sa.Column("fragment", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_pk"], ["patient.pk"], name=op.f("fk_folder_patient_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_folder")),
        sa.UniqueConstraint("entry_uuid", name=op.f("uq_folder_entry_uuid")),
        sa.UniqueConstraint("logical_id", "version", name=op.f("uq_folder_logical_id")),
        sa.UniqueConstraint("unique_id", "version", name=op.f("uq_folder_unique_id")),
    )
    op.create_index("ix_folder_patient", "folder", ["patient_pk", "last_update_time"], unique=False)
    op.create_table(
        "submission_set",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("entry_uuid", sa.String(length=64), nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("patient_pk", ROW_ID, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("submission_time", sa.String(length=14), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("home", sa.String(length=256), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fragment", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["patient_pk"], ["patient.pk"], name=op.f("fk_submission_set_patient_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_submission_set")),
        sa.UniqueConstraint("entry_uuid", name=op.f("uq_submission_set_entry_uuid")),
        sa.UniqueConstraint("unique_id", name=op.f("uq_submission_set_unique_id")),
    )
    op.create_index("ix_submission_set_patient", "submission_set", ["patient_pk", "submission_time"], unique=False)
    op.create_table(
        "document_entry_author",
        sa.Column("document_entry_pk", ROW_ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_entry_pk"], ["document_entry.pk"], name=op.f("fk_document_entry_author_document_entry_pk")
        ),
        sa.PrimaryKeyConstraint("document_entry_pk", "position", name=op.f("pk_document_entry_author")),
    )
    op.create_table(
        "document_entry_code",
        sa.Column("document_entry_pk", ROW_ID, nullable=False),
        sa.Column("attribute", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=520), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_entry_pk"], ["document_entry.pk"], name=op.f("fk_document_entry_code_document_entry_pk")
        ),
        sa.PrimaryKeyConstraint("document_entry_pk", "attribute", "code", name=op.f("pk_document_entry_code")),
    )
    op.create_index("ix_document_entry_code_code", "document_entry_code", ["code", "attribute"], unique=False)
    op.create_table(
        "document_entry_reference",
        sa.Column("document_entry_pk", ROW_ID, nullable=False),
        sa.Column("reference_id", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_entry_pk"], ["document_entry.pk"], name=op.f("fk_document_entry_reference_document_entry_pk")
        ),
        sa.PrimaryKeyConstraint("document_entry_pk", "reference_id", name=op.f("pk_document_entry_reference")),
    )
    op.create_index("ix_document_entry_reference_id", "document_entry_reference", ["reference_id"], unique=False)
    op.create_table(
        "folder_code",
        sa.Column("folder_pk", ROW_ID, nullable=False),
        sa.Column("code", sa.String(length=520), nullable=False),
        sa.ForeignKeyConstraint(["folder_pk"], ["folder.pk"], name=op.f("fk_folder_code_folder_pk")),
        sa.PrimaryKeyConstraint("folder_pk", "code", name=op.f("pk_folder_code")),
    )
    op.create_index("ix_folder_code_code", "folder_code", ["code"], unique=False)
    op.create_table(
        "submission_set_author",
        sa.Column("submission_set_pk", ROW_ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_set_pk"], ["submission_set.pk"], name=op.f("fk_submission_set_author_submission_set_pk")
        ),
        sa.PrimaryKeyConstraint("submission_set_pk", "position", name=op.f("pk_submission_set_author")),
    )
    op.create_table(
        "stored_document",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("blob_key", sa.String(length=36), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha1", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mime_type", sa.String(length=256), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_stored_document")),
        sa.UniqueConstraint("blob_key", name=op.f("uq_stored_document_blob_key")),
        sa.UniqueConstraint("unique_id", name=op.f("uq_stored_document_unique_id")),
    )
    op.create_table(
        "write_intent",
        sa.Column("pk", ROW_ID, nullable=False),
        sa.Column("blob_key", sa.String(length=36), nullable=False),
        sa.Column("unique_id", sa.String(length=256), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha1", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mime_type", sa.String(length=256), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_write_intent")),
        sa.UniqueConstraint("blob_key", name=op.f("uq_write_intent_blob_key")),
    )
    op.create_index("ix_write_intent_state", "write_intent", ["state", "expires_at"], unique=False)


def downgrade() -> None:
    """Drop every table, with all that it holds."""
    op.drop_table("write_intent")
    op.drop_table("stored_document")
    op.drop_table("submission_set_author")
    op.drop_table("folder_code")
    op.drop_table("document_entry_reference")
    op.drop_table("document_entry_code")
    op.drop_table("document_entry_author")
    op.drop_table("submission_set")
    op.drop_table("folder")
    op.drop_table("document_entry")
    op.drop_table("patient")
    op.drop_table("audit_event")
    op.drop_table("association")
