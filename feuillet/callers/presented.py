"""The assertions that were presented, in the database: each counts once, for all processes and after a restart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, DateTime, Engine, LargeBinary, MetaData, Table, delete

from xds_registry.database import writing

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

#: `key` is a digest of what makes an assertion the same one; after `until` it is too old to count anyway. What is too
#: old is found by reading the whole table, which holds some minutes: an index would cost every request a page more.
presented_assertion: Final = Table(
    "presented_assertion",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    sqlite_with_rowid=False,
)

# Plain SQL for the driver itself: it is part of every request, and all else costs more than it does. What is remembered
# and still counts stays as it is, and is missing in the number of rows.
_REMEMBER: Final = (
    "INSERT INTO presented_assertion (key, until) VALUES {rows}"
    " ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE presented_assertion.until <= {place}"
)


class PresentedAssertions:
    """A `card_auth.vihf.ReplayGuard` that the processes of all nodes share through their database.

    What is admitted is committed before anything is done for the request. On SQLite that commit does not wait for the
    disk: the next one does, that of the request's own event or change, and takes it along
    (docs/decisions/0010-presented-assertions.md).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._postgresql = engine.dialect.name == "postgresql"
        self._idle: deque[Any] = deque()

    def admit(self, keys: Sequence[bytes], *, until: datetime, at: datetime) -> bool:
        """See ReplayGuard. Raises what the database's driver raises when it does not answer: then nobody is admitted.

        Of two calls with a key in common the database makes one wait for the other's end. `keys` come in one order of
        their kinds, so that no two wait for each other.
        """
        place = "%s" if self._postgresql else "?"
        statement = _REMEMBER.format(rows=", ".join([f"({place}, {place})"] * len(keys)), place=place)
        end = self._stored(until)
        values = (*(value for key in keys for value in (key, end)), self._stored(at))
        if self._postgresql:
            # what is not committed is rolled back when the connection returns to the pool
            with closing(self._engine.raw_connection()) as pooled, closing(pooled.cursor()) as cursor:
                cursor.execute(statement, values)
                if cursor.rowcount != len(keys):
                    return False
                pooled.commit()
            return True
        with self._unhurried() as connection:
            connection.execute("BEGIN IMMEDIATE")
            first = bool(connection.execute(statement, values).rowcount == len(keys))
            connection.execute("COMMIT" if first else "ROLLBACK")
        return first

    def forget(self, at: datetime) -> int:
        """Remove what is too old to count; how many."""
        with writing(self._engine) as connection:
            return connection.execute(
                delete(presented_assertion).where(presented_assertion.c.until <= at.astimezone(UTC))
            ).rowcount

    @contextmanager
    def _unhurried(self) -> Iterator[Any]:
        """A connection to SQLite of our own, whose commits wait for no disk; closed when something goes wrong on it."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._apart()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _apart(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()  # never again one of those that must wait for the disk
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _stored(self, moment: datetime) -> Any:
        """A moment as the column holds it: text in SQLite, which sorts as the moments do."""
        moment = moment.astimezone(UTC)
        return moment if self._postgresql else moment.replace(tzinfo=None).isoformat(" ", "microseconds")
