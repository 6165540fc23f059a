"""An audit trail for tests: its tables made, a key that lasts as long as the process."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, select

from dmp.audit import Event, Trail
from dmp.audit.canonical import decode
from dmp.audit.tables import audit_chain, audit_event, empty_heads, metadata

KEY = Ed25519PrivateKey.generate()


def make_trail(engine: Engine) -> Trail:
    """The trail of a database, which gets its tables if it has none."""
    metadata.create_all(engine)
    return Trail(engine, KEY)


def wipe_trail(engine: Engine) -> None:
    """Begin anew; the tables have no triggers."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
        connection.execute(audit_chain.insert(), empty_heads(engine.dialect.name))


def events_of(engine: Engine) -> list[Event]:
    """Every event of the trail, in the order of the chains."""
    columns = audit_event.c
    with engine.connect() as connection:
        rows = connection.execute(select(columns.content).order_by(columns.shard, columns.number))
        return [decode(row.content) for row in rows]


def changes_of(engine: Engine) -> list[Event]:
    """The events that say that something was changed."""
    return [event for event in events_of(engine) if event.succeeded and not event.unchanged and event.action in "CUD"]
