"""The trail's tables: rows that are only ever added, the head of each chain, checkpoints, and how far was delivered.

The trail is divided into shards, each a chain of its own, so that writers on PostgreSQL do not wait for one row. What
counts is `content`, the canonical form; the other columns repeat parts of it for searching. Times are microseconds
since 1970, UTC.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    event,
    insert,
)

from dmp.audit.chain import genesis

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

#: How many chains there are. SQLite has one writer at a time, hence one chain.
SHARDS: Final = {"sqlite": 1, "postgresql": 8}

audit_event: Final = Table(
    "audit_event",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # from 1, without gaps
    Column("happened_at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # the value of Transaction
    Column("outcome", SmallInteger, nullable=False),
    Column("patient", String(256), nullable=False),
    Column("person", String(128), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("ix_audit_event_happened_at", "happened_at"),
    Index("ix_audit_event_patient", "patient", "happened_at"),
    Index("ix_audit_event_person", "person", "happened_at"),
    sqlite_with_rowid=False,  # one page less to write for each event
)

audit_chain: Final = Table(
    "audit_chain",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("length", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),  # empty until a server signs the empty chain
)

audit_checkpoint: Final = Table(
    "audit_checkpoint",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("length", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
)

#: The number of the last event that a receiver has, for each receiver and shard.
audit_delivery: Final = Table(
    "audit_delivery",
    metadata,
    Column("receiver", String(32), primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)


def empty_heads(dialect: str) -> list[dict[str, Any]]:
    """The rows of `audit_chain` in a database that has no events yet."""
    return [{"shard": n, "length": 0, "hash": genesis(n), "signature": b""} for n in range(SHARDS[dialect])]


@event.listens_for(audit_chain, "after_create")
def _begin_chains(_table: Table, connection: Connection, **_: Any) -> None:
    connection.execute(insert(audit_chain), empty_heads(connection.dialect.name))
