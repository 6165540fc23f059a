"""The tables of alerts: who wants which, what happened, and the messages that wait.

Times are microseconds since 1970, UTC. A row of `alert_event` lives until it has been spread, one of `alert_message`
until it has been sent.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s"})

#: SQLite counts rows only through a column of exactly this type.
_RowId: Final = BigInteger().with_variant(Integer, "sqlite")

alert_subscription: Final = Table(
    "alert_subscription",
    metadata,
    Column("pk", _RowId, primary_key=True),
    Column("subscriber_kind", SmallInteger, nullable=False),
    Column("subscriber", String(256), nullable=False),
    Column("patient", String(256), nullable=False),  # empty: every patient who authorises the professional
    Column("kind", SmallInteger, nullable=False),
    Column("medium", String(8), nullable=False),
    Column("address", String(320), nullable=False),
    Column("class_codes", Text, nullable=False),  # code^^scheme, one a line
    Column("type_codes", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("subscriber_kind", "subscriber", "patient", "kind", "medium"),
    Index("ix_alert_subscription_patient", "patient", "kind"),
)

alert_event: Final = Table(
    "alert_event",
    metadata,
    Column("pk", _RowId, primary_key=True),
    Column("happened_at", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
)

alert_message: Final = Table(
    "alert_message",
    metadata,
    Column("pk", _RowId, primary_key=True),
    # Messages of one recipient are sent in the order of their rows.
    Column("recipient", String(80), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("lease", String(36), nullable=False),  # of the process that is sending it; empty while nobody is
    Column("lease_until", BigInteger, nullable=False),
    Column("dead", Boolean, nullable=False),  # given up
    Index("ix_alert_message_recipient", "recipient", "pk"),
    Index("ix_alert_message_due_at", "dead", "due_at"),
)
