"""The repository's tables, one schema for SQLite and PostgreSQL.

They usually lie in the registry's database, so that one transaction registers a document and says that it is kept. No
foreign key leads across: a registry elsewhere is as good.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, SmallInteger, String, Table

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite counts rows only through a column of exactly this type.
RowId: Final = BigInteger().with_variant(Integer, "sqlite")

stored_document: Final = Table(
    "stored_document",
    metadata,
    Column("pk", RowId, primary_key=True),
    # DocumentEntry.uniqueId in Unicode NFC (ITI TF-2: Appendix F).
    Column("unique_id", String(256), nullable=False, unique=True),
    Column("blob_key", String(36), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("sha1", String(40), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("mime_type", String(256), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
)

#: What is kept no more: remembered for ever, so that nobody takes its absence for damage.
removed_document: Final = Table(
    "removed_document",
    metadata,
    Column("pk", RowId, primary_key=True),
    # May be that of a document which was provided again since.
    Column("unique_id", String(256), nullable=False),
    Column("blob_key", String(36), nullable=False, unique=True),
    Column("state", SmallInteger, nullable=False),
    Column("removed_at", DateTime(timezone=True), nullable=False),
    Index("ix_removed_document_unique_id", "unique_id"),
    Index("ix_removed_document_state", "state", "removed_at"),
)

write_intent: Final = Table(
    "write_intent",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("blob_key", String(36), nullable=False, unique=True),
    Column("unique_id", String(256), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha1", String(40), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("mime_type", String(256), nullable=False),
    # What was sent, as `DocumentSet.digest`: tells which attempts were one and the same submission.
    Column("digest", String(64), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_write_intent_state", "state", "expires_at"),
)
