"""The table of subscriptions (ITI-52). Times are microseconds since 1970, UTC."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"})

subscription: Final = Table(
    "subscription",
    metadata,
    #: SQLite counts rows only through a column of exactly this type.
    Column("pk", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("consumer", Text, nullable=False),
    Column("topic", String(32), nullable=False),
    Column("query", Text, nullable=False),  # the rim:AdhocQuery that filters
    Column("patient", String(256), nullable=False),  # empty: of any patient
    # Who subscribed; each may be empty.
    Column("national_id", String(128), nullable=False),
    Column("structure_id", String(128), nullable=False),
    Column("certificate", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_subscription_patient", "patient"),
)
