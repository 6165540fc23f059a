"""The registry's tables, one schema for SQLite and PostgreSQL.

What can be queried has its own column or its own indexed row; the object as a whole is its `fragment`
(`schemas.ebrim.fragment`). Times are DTM texts padded to 14 digits, so that text order is time order. Codes are
`code^^scheme`, the form in which queries ask for them. Text that is compared is in Unicode NFC (ITI TF-2: Appendix F).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

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

patient: Final = Table(
    "patient",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("patient_id", String(256), nullable=False, unique=True),
    # The surviving patient when this one was merged away (ITI TF-2: 3.8.4.2.3); null while it is active.
    Column("survivor_pk", RowId, ForeignKey("patient.pk")),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

submission_set: Final = Table(
    "submission_set",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("entry_uuid", String(64), nullable=False, unique=True),
    Column("unique_id", String(256), nullable=False, unique=True),
    Column("patient_pk", RowId, ForeignKey("patient.pk"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("submission_time", String(14), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("content_type", Text, nullable=False),
    Column("home", String(256)),
    # What was submitted, so that a retry of the same submission is recognised.
    Column("digest", String(64), nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("fragment", LargeBinary, nullable=False),
    Index("ix_submission_set_patient", "patient_pk", "submission_time"),
)

submission_set_author: Final = Table(
    "submission_set_author",
    metadata,
    Column("submission_set_pk", RowId, ForeignKey("submission_set.pk"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("person", Text, nullable=False),
)

#: What was found of the signature of a submission; no row where there is none. No foreign key: a repository whose
#: registry is elsewhere keeps what it found here, too.
signature_finding: Final = Table(
    "signature_finding",
    metadata,
    # SubmissionSet.uniqueId in Unicode NFC (ITI TF-2: Appendix F).
    Column("submission_set_unique_id", String(256), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", String(512), nullable=False),
    Column("signer_national_id", String(128), nullable=False),
    Column("signer_structure_id", String(64), nullable=False),
    Column("signer_name", String(256), nullable=False),
    Column("certificate_fingerprint", String(64), nullable=False),
    Column("signed_at", DateTime(timezone=True)),
    Column("algorithm", String(128), nullable=False),
    Column("xades", String(8), nullable=False),
    Column("legacy_sha1", Boolean, nullable=False),
    Column("stale_revocation", Boolean, nullable=False),
    Column("examined_at", DateTime(timezone=True), nullable=False),
)

document_entry: Final = Table(
    "document_entry",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("entry_uuid", String(64), nullable=False, unique=True),
    Column("logical_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unique_id", String(256), nullable=False),
    Column("patient_pk", RowId, ForeignKey("patient.pk"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("on_demand", SmallInteger, nullable=False),
    # documentAvailability is Offline
    Column("offline", SmallInteger, nullable=False, server_default="0"),
    Column("creation_time", String(14)),
    Column("service_start_time", String(14)),
    Column("service_stop_time", String(14)),
    Column("class_code", Text, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("format_code", Text, nullable=False),
    Column("facility_type_code", Text, nullable=False),
    Column("practice_setting_code", Text, nullable=False),
    Column("repository_unique_id", String(64), nullable=False),
    Column("size", BigInteger),
    Column("hash", String(40)),
    Column("home", String(256)),
    # Confidentiality marks of the latest version (`dmp.rights.marks.Marks`): they hide every version of the document.
    Column("marks", SmallInteger, nullable=False, server_default="0"),
    # Whose document it is: the authors and their institutions, in the form of `encoding.owners`.
    Column("owners", Text, nullable=False, server_default=""),
    Column("fragment", LargeBinary, nullable=False),
    UniqueConstraint("logical_id", "version"),
    Index("ix_document_entry_patient", "patient_pk", "status", "on_demand", "creation_time"),
    Index("ix_document_entry_unique_id", "unique_id"),
    Index("ix_document_entry_class_code", "class_code"),
    Index("ix_document_entry_facility_type_code", "facility_type_code"),
)

document_entry_code: Final = Table(
    "document_entry_code",
    metadata,
    Column("document_entry_pk", RowId, ForeignKey("document_entry.pk"), primary_key=True),
    Column("attribute", SmallInteger, primary_key=True),
    Column("code", String(520), primary_key=True),
    Index("ix_document_entry_code_code", "code", "attribute"),
)

document_entry_author: Final = Table(
    "document_entry_author",
    metadata,
    Column("document_entry_pk", RowId, ForeignKey("document_entry.pk"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("person", Text, nullable=False),
)

document_entry_reference: Final = Table(
    "document_entry_reference",
    metadata,
    Column("document_entry_pk", RowId, ForeignKey("document_entry.pk"), primary_key=True),
    Column("reference_id", String(256), primary_key=True),
    Index("ix_document_entry_reference_id", "reference_id"),
)

folder: Final = Table(
    "folder",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("entry_uuid", String(64), nullable=False, unique=True),
    Column("logical_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("unique_id", String(256), nullable=False),
    Column("patient_pk", RowId, ForeignKey("patient.pk"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("last_update_time", String(14), nullable=False),
    Column("home", String(256)),
    Column("fragment", LargeBinary, nullable=False),
    UniqueConstraint("logical_id", "version"),
    UniqueConstraint("unique_id", "version"),
    Index("ix_folder_patient", "patient_pk", "last_update_time"),
)

folder_code: Final = Table(
    "folder_code",
    metadata,
    Column("folder_pk", RowId, ForeignKey("folder.pk"), primary_key=True),
    Column("code", String(520), primary_key=True),
    Index("ix_folder_code_code", "code"),
)

association: Final = Table(
    "association",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("entry_uuid", String(64), nullable=False, unique=True),
    Column("association_type", SmallInteger, nullable=False),
    Column("source", String(64), nullable=False),
    Column("target", String(64), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("home", String(256)),
    Column("fragment", LargeBinary, nullable=False),
    Index("ix_association_source", "source", "association_type"),
    Index("ix_association_target", "target", "association_type"),
)
