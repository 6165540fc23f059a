"""Writing to the trail: in the transaction of a change, or in one of its own before something is disclosed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit.canonical import encode
from dmp.audit.chain import link, signed
from dmp.audit.event import Event, microseconds
from dmp.audit.tables import SHARDS

# Plain SQL for the driver itself: these statements are part of every request, and all else costs more than they do.
_SQLITE: Final = (
    "SELECT length, hash FROM audit_chain WHERE shard = ?",
    "INSERT INTO audit_event (shard, number, happened_at, kind, outcome, patient, person, content, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE audit_chain SET length = ?, hash = ?, signature = ? WHERE shard = ?",
)
_POSTGRESQL: Final = (
    "SELECT length, hash FROM audit_chain WHERE shard = %s FOR UPDATE",
    *(statement.replace("?", "%s") for statement in _SQLITE[1:]),
)
# The same as the second and the third of them, in one round trip.
_POSTGRESQL_BOTH: Final = (
    "WITH moved AS (UPDATE audit_chain SET length = %s, hash = %s, signature = %s WHERE shard = %s)"
    " INSERT INTO audit_event (shard, number, happened_at, kind, outcome, patient, person, content, hash)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class AuditNotWritten(Exception):
    """The trail cannot be written to: what was to be recorded must not happen."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Trail:
    """The trail of one database. Safe to use from several threads and processes at once.

    Without a key nothing can be recorded, hence nothing done. `clock` gives the time of events, in UTC.
    """

    def __init__(
        self, engine: Engine, key: Ed25519PrivateKey | None, *, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self.engine = engine
        self.clock = clock
        self._key = key
        self._shards = SHARDS[engine.dialect.name]
        self._postgresql = engine.dialect.name == "postgresql"
        self._errors = (SQLAlchemyError, engine.dialect.loaded_dbapi.Error)
        self._places = count(os.getpid())
        self._own = threading.local()

    def append(self, connection: Connection, events: Sequence[Event]) -> None:
        """Record events in a transaction under way, as the last thing before it commits.

        A transaction appends to one chain only, whose head it keeps until it ends. Raises `AuditNotWritten`; the
        transaction must then be rolled back.
        """
        try:
            with closing(connection.connection.cursor()) as cursor:
                self._add(cursor, events)
        except self._errors as error:
            raise AuditNotWritten(type(error).__name__) from error

    def record(self, *events: Event) -> None:
        """Record events; committed on return. Raises `AuditNotWritten`."""
        try:
            # What is not committed is rolled back when the connection returns to the pool.
            with closing(self.engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                if not self._postgresql:
                    cursor.execute("BEGIN IMMEDIATE")
                self._add(cursor, events)
                connection.commit()
        except self._errors as error:
            raise AuditNotWritten(type(error).__name__) from error

    def _add(self, cursor: Any, events: Sequence[Event]) -> None:
        if self._key is None:
            raise AuditNotWritten("there is no key to sign the trail with")
        shard = self._shard()
        find, add, move = _POSTGRESQL if self._postgresql else _SQLITE
        cursor.execute(find, (shard,))
        head = cursor.fetchone()
        if head is None:
            raise AuditNotWritten("a chain has no head")
        number, previous = head
        rows: list[tuple[Any, ...]] = []
        for event in events:
            content = encode(event)
            number, previous = number + 1, link(previous, content)
            rows.append((shard, number, *columns(event), content, previous))
        if not rows:
            return
        moved = (number, previous, signed(self._key, shard, number, previous), shard)
        if self._postgresql and len(rows) == 1:
            cursor.execute(_POSTGRESQL_BOTH, moved + rows[0])
        else:
            cursor.executemany(add, rows)
            cursor.execute(move, moved)

    def _shard(self) -> int:
        """The chain of this thread, so that threads seldom wait for each other."""
        if self._shards == 1:
            return 0
        shard: int | None = getattr(self._own, "shard", None)
        if shard is None:
            shard = self._own.shard = next(self._places) % self._shards
        return shard


def columns(event: Event) -> tuple[int, str, int, str, str]:
    """What the columns for searching hold of an event: happened_at, kind, outcome, patient, person."""
    return (
        microseconds(event.happened_at),
        event.transaction.value,
        event.outcome.value,
        event.patient.replace("\0", "")[:256],
        event.national_id.replace("\0", "")[:128],
    )
