"""The tables of records, authorisations and internet accounts, one schema for SQLite and PostgreSQL.

What changes is kept as it was: statuses, consents, sheets and acts on authorisations are rows that are only added. The
columns of `record` and `authorisation` say how things stand now, for the question that every request asks
(`dmp.authorisations.standing`). A destroyed record keeps its row and its statuses, nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
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


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so that it is taken off and put back. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _record() -> Column[int]:
    return Column("record_pk", RowId, ForeignKey("record.pk"), nullable=False)


def _author() -> tuple[Column[str], ...]:
    return (
        Column("author_id", String(128), nullable=False),
        Column("author_name", String(256), nullable=False),
        Column("author_structure_id", String(128), nullable=False),
        Column("author_structure_name", String(256), nullable=False),
        Column("author_profession", String(16), nullable=False),
    )


record: Final = Table(
    "record",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("status", SmallInteger, nullable=False),
    Column("birth_date", String(8), nullable=False),  # of the sheet; empty once it was destroyed
    Column("sex", String(1), nullable=False),  # of the sheet
    Column("sheet_version", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closing_reason", String(64), nullable=False),
    Column("closing_note", Text, nullable=False),
    Column("opposed_to_break_glass", Boolean, nullable=False),
    Column("opposed_to_regulation", Boolean, nullable=False),
    Column("masked_readable_in_emergency", Boolean, nullable=False),
    Column("legal_hold_since", Instant),
    Column("legal_hold_reason", Text, nullable=False),
    Column("survivor_pk", RowId, ForeignKey("record.pk")),  # where two records turned out to be one patient's
    Column("destroyed_at", Instant),
    Column("documents_gone_at", Instant),
    Column("last_document_at", Instant),  # when one was last added
    Index("ix_record_closed_at", "status", "closed_at"),
)

record_identifier: Final = Table(
    "record_identifier",
    metadata,
    Column("pk", RowId, primary_key=True),
    # `id^^^&OID&ISO` in Unicode NFC, as the registry names patients
    Column("identifier", String(256), nullable=False, unique=True),
    _record(),
    Column("is_local", Boolean, nullable=False),  # an establishment's own (PI), no INS
    Column("position", Integer, nullable=False),  # the record is shown under the lowest
    Column("added_at", Instant, nullable=False),
    Index("ix_record_identifier_record", "record_pk", "position"),
)

record_status: Final = Table(
    "record_status",
    metadata,
    Column("pk", RowId, primary_key=True),
    _record(),
    Column("status", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("note", Text, nullable=False),
    *_author(),
    Index("ix_record_status_record", "record_pk", "pk"),
)

record_consent: Final = Table(
    "record_consent",
    metadata,
    Column("pk", RowId, primary_key=True),
    _record(),
    Column("code", String(64), nullable=False),
    Column("value", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    *_author(),
    Index("ix_record_consent_record", "record_pk", "pk"),
)

record_sheet: Final = Table(
    "record_sheet",
    metadata,
    Column("record_pk", RowId, ForeignKey("record.pk"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    *_author(),
    Column("content", Text, nullable=False),  # JSON, see `sheets`
)

#: The names of patients of records that are not destroyed, as they are searched for: capital letters without accents.
record_name: Final = Table(
    "record_name",
    metadata,
    Column("record_pk", RowId, ForeignKey("record.pk"), primary_key=True),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),  # of NameKind
    Column("name", String(200), primary_key=True),
    Index("ix_record_name_name", "name", "kind"),
)

vitale_reading: Final = Table(
    "vitale_reading",
    metadata,
    Column("pk", RowId, primary_key=True),
    _record(),
    Column("identifier", String(256), nullable=False),
    Column("birth_date", String(8), nullable=False),
    Column("birth_rank", SmallInteger),
    Column("regime", String(2)),
    Column("is_holder", Boolean, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("deferral", Text, nullable=False),
    Index("ix_vitale_reading_record", "record_pk"),
)

#: How a professional or a structure stands to a record. One row each, for ever.
authorisation: Final = Table(
    "authorisation",
    metadata,
    Column("pk", RowId, primary_key=True),
    _record(),
    Column("holder_kind", SmallInteger, nullable=False),  # of HolderKind
    Column("holder_id", String(128), nullable=False),
    Column("family_name", String(256), nullable=False),
    Column("first_name", String(256), nullable=False),
    Column("specialities", Text, nullable=False),  # JSON: pairs of code and label
    Column("granted_at", Instant),
    Column("expires_at", Instant),  # null: none, or revoked
    Column("blocked_at", Instant),
    Column("treating_since", Instant),  # médecin traitant
    Column("last_action_at", Instant, nullable=False),  # of the holder, or about them
    UniqueConstraint("record_pk", "holder_kind", "holder_id"),
    Index("ix_authorisation_holder", "holder_id", "holder_kind", "expires_at"),
)

authorisation_act: Final = Table(
    "authorisation_act",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("authorisation_pk", RowId, ForeignKey("authorisation.pk"), nullable=False),
    Column("act", SmallInteger, nullable=False),  # of ActKind
    Column("at", Instant, nullable=False),
    *_author(),
    Index("ix_authorisation_act_authorisation", "authorisation_pk", "pk"),
)

#: Entries without an authorisation: break-glass and the emergency call centre.
emergency_opening: Final = Table(
    "emergency_opening",
    metadata,
    Column("pk", RowId, primary_key=True),
    _record(),
    Column("mode", String(16), nullable=False),  # of PurposeOfUse
    Column("holder_id", String(128), nullable=False),
    Column("name", String(256), nullable=False),
    Column("structure_id", String(128), nullable=False),
    Column("structure_name", String(256), nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("acknowledged_at", Instant),  # by the patient
    Column("reviewed_at", Instant),
    Column("reviewed_by", String(128), nullable=False),
    Column("review_note", Text, nullable=False),
    Index("ix_emergency_opening_record", "record_pk", "holder_id", "expires_at"),
    Index("ix_emergency_opening_holder", "holder_id", "opened_at"),
    Index("ix_emergency_opening_reviewed", "reviewed_at", "opened_at"),
)

account: Final = Table(
    "account",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("record_pk", RowId, ForeignKey("record.pk"), nullable=False, unique=True),
    Column("login", String(32), nullable=False, unique=True),
    Column("password", LargeBinary, nullable=False),  # salt and scrypt hash
    Column("created_at", Instant, nullable=False),
    Column("renewed_at", Instant),
)

account_channel: Final = Table(
    "account_channel",
    metadata,
    Column("account_pk", RowId, ForeignKey("account.pk"), primary_key=True),
    Column("kind", String(8), primary_key=True),  # SMS, EMAIL
    Column("address", String(256), nullable=False),
    Column("added_at", Instant, nullable=False),
)

one_time_code: Final = Table(
    "one_time_code",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("account_pk", RowId, ForeignKey("account.pk")),  # null: a decoy for a login that is nobody's
    Column("session", LargeBinary(32), nullable=False),  # SHA-256
    Column("purpose", String(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("salt", LargeBinary(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("tries_left", SmallInteger, nullable=False),
    UniqueConstraint("session", "purpose"),
    Index("ix_one_time_code_expires_at", "expires_at"),
)

#: What was asked for or tried, to be counted: by account and by network address, as hashes.
access_attempt: Final = Table(
    "access_attempt",
    metadata,
    Column("pk", RowId, primary_key=True),
    Column("subject", LargeBinary(32), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_access_attempt_subject", "subject", "kind", "at"),
    Index("ix_access_attempt_at", "at"),
)
