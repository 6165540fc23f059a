"""The databases that a run measures on: SQLite files kept in the cache, or a PostgreSQL cluster of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from bench.database import EACH, Filled, Say, postgresql_database, sqlite_database
from bench.rows import Captured


class Databases(Protocol):
    """Databases with a given number of entries."""

    name: str

    def filled(self, entries: int, each: int = EACH) -> Filled:
        """One to read from, of patients with so many entries each."""
        ...

    def copy(self, entries: int) -> Filled:
        """One to write to, of its own."""
        ...


class SqliteDatabases:
    """Files; those to read from outlive the run."""

    name = "SQLite"

    def __init__(self, directory: Path, captured: Captured, say: Say) -> None:
        self._directory = directory
        self._captured = captured
        self._say = say
        self._copies = 0

    def filled(self, entries: int, each: int = EACH) -> Filled:
        """See `Databases.filled`."""
        return sqlite_database(entries, self._captured, self._say, each=each)

    def copy(self, entries: int) -> Filled:
        """See `Databases.copy`."""
        original = self.filled(entries).url.removeprefix("sqlite:///")
        self._copies += 1
        path = self._directory / f"copy{self._copies}.db"
        shutil.copyfile(original, path)
        return Filled(f"sqlite:///{path}", entries)


class PostgresqlDatabases:
    """Databases of a durable cluster that runs while this is measured."""

    def __init__(self, stack: ExitStack, captured: Captured, say: Say) -> None:
        from tests.services import postgresql  # noqa: PLC0415 - needs the driver, an optional extra

        self._stack = stack
        self._captured = captured
        self._say = say
        self._cluster = stack.enter_context(postgresql.run_cluster())
        self.name = f"PostgreSQL {self._cluster.version}"
        self._filled: dict[tuple[int, int], Filled] = {}

    def filled(self, entries: int, each: int = EACH) -> Filled:
        """See `Databases.filled`."""
        if (entries, each) not in self._filled:
            url = self._stack.enter_context(self._cluster.fresh_database())
            self._filled[entries, each] = postgresql_database(url, entries, self._captured, self._say, each=each)
        return self._filled[entries, each]

    def copy(self, entries: int) -> Filled:
        """See `Databases.copy`."""
        url = self._stack.enter_context(self._cluster.fresh_database())
        return postgresql_database(url, entries, self._captured, self._say)


@contextmanager
def databases(*, postgresql: bool, directory: Path, captured: Captured, say: Say) -> Iterator[Databases]:
    """The databases of one kind, and their end."""
    with ExitStack() as stack:
        if postgresql:
            yield PostgresqlDatabases(stack, captured, say)
        else:
            yield SqliteDatabases(directory, captured, say)
