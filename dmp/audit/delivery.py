"""Handing the trail's events on: its rows are the spool, and each receiver has a cursor for each chain.

A cursor moves when the receiver has the events, in a transaction of its own: after any crash some come twice, none is
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from sqlalchemy import Engine, bindparam, insert, select, text, update

from dmp.audit.atna import AuditSource, Position, message
from dmp.audit.canonical import NoEvent, decode
from dmp.audit.event import Event
from dmp.audit.syslog import SyslogServer, formatted, send
from dmp.audit.tables import audit_chain, audit_delivery, audit_event

BATCH: Final = 500
_NEXT: Final = (
    select(audit_event.c.shard, audit_event.c.number, audit_event.c.hash, audit_event.c.content)
    .where(audit_event.c.shard == bindparam("shard"), audit_event.c.number > bindparam("number"))
    .order_by(audit_event.c.number)
    .limit(BATCH)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its place in the trail. `event` is None where the row does not hold one: `verify` finds those."""

    position: Position
    event: Event | None


#: Takes events; has them for good when it returns. What it raises leaves the cursor where it is.
Receiver = Callable[[Sequence[Entry]], None]


def deliver(engine: Engine, name: str, receive: Receiver, *, received: Callable[[], None] = lambda: None) -> int:
    """Hand a receiver all events that it has not got yet; how many. `received` is called before its cursor moves.

    No transaction is open while the receiver works. Of several nodes one delivers, the others do nothing.
    """
    delivered = 0
    if not _waiting(engine, name):
        return 0
    with _alone(engine, name) as alone:
        if not alone:
            return 0
        for shard, (last, _) in _waiting(engine, name).items():
            number = last
            while entries := _entries(engine, shard, number):
                receive(entries)
                received()
                _move(engine, name, shard, number, entries[-1].position.number)
                number = entries[-1].position.number
                delivered += len(entries)
                if len(entries) < BATCH:
                    break
    return delivered


def to_syslog(server: SyslogServer, source: AuditSource) -> Receiver:
    """A receiver that sends each event to a syslog server as an ATNA message. It raises `NotDelivered`."""

    def receive(entries: Sequence[Entry]) -> None:
        send(
            server,
            (
                formatted(
                    message(entry.event, entry.position, source),
                    happened_at=entry.event.happened_at,
                    host=source.host,
                    process=source.process,
                )
                for entry in entries
                if entry.event is not None
            ),
        )

    return receive


def backlog(engine: Engine, name: str) -> int:
    """How many events a receiver has not got yet."""
    return sum(last - number for number, last in _waiting(engine, name).values())


def _waiting(engine: Engine, name: str) -> dict[int, tuple[int, int]]:
    """The chains that a receiver has not got to the end of: the number of the last event that it has, and of the last
    that there is."""
    of_receiver = select(audit_delivery.c.shard, audit_delivery.c.number).where(audit_delivery.c.receiver == name)
    with engine.connect() as connection:
        chains = connection.execute(select(audit_chain.c.shard, audit_chain.c.length).order_by(audit_chain.c.shard))
        ends: dict[int, int] = {row.shard: row.length for row in chains}
        moved: dict[int, int] = {row.shard: row.number for row in connection.execute(of_receiver)}
    return {shard: (moved.get(shard, 0), end) for shard, end in ends.items() if end > moved.get(shard, 0)}


def _entries(engine: Engine, shard: int, number: int) -> list[Entry]:
    with engine.connect() as connection:
        rows = connection.execute(_NEXT, {"shard": shard, "number": number}).all()
    return [Entry(Position(row.shard, row.number, row.hash.hex()), _readable(row.content)) for row in rows]


def _readable(content: bytes) -> Event | None:
    try:
        return decode(content)
    except NoEvent:
        return None


def _move(engine: Engine, name: str, shard: int, before: int, after: int) -> None:
    columns = audit_delivery.c
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        moved = connection.execute(
            update(audit_delivery)
            .where(columns.receiver == name, columns.shard == shard, columns.number == before)
            .values(number=after)
        )
        if not moved.rowcount:
            connection.execute(insert(audit_delivery), {"receiver": name, "shard": shard, "number": after})


@contextmanager
def _alone(engine: Engine, name: str) -> Iterator[bool]:
    """Whether this process may deliver now. SQLite's file is used by one server, which has one process for this."""
    if engine.dialect.name != "postgresql":
        yield True
        return
    key = {"key": crc32(b"feuillet audit " + name.encode())}
    with engine.connect() as connection:
        # Its own, not one of the pool's few; the lock ends with it, whatever happens.
        connection.detach()
        locked: bool = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one()
        connection.commit()
        yield locked
