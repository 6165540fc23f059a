"""Finding events: who, about whom, when, what, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from dmp.audit.atna import Position
from dmp.audit.canonical import decode
from dmp.audit.event import Event, Outcome, Transaction, microseconds
from dmp.audit.tables import audit_event


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; None is anything. `since` is inclusive, `until` is not."""

    patient: str | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    transaction: Transaction | None = None
    allowed: bool | None = None
    limit: int | None = None

    def __str__(self) -> str:
        """The criteria by their names, and no value of a person or patient."""
        named = [name for name in self.__slots__ if getattr(self, name) is not None]
        return " ".join(named) or "everything"

    def statement(self) -> Select[Any]:
        """The rows, in the order in which they happened."""
        columns = audit_event.c
        statement = select(columns.shard, columns.number, columns.hash, columns.content)
        if self.patient is not None:
            statement = statement.where(columns.patient == self.patient)
        if self.person is not None:
            statement = statement.where(columns.person == self.person)
        if self.since is not None:
            statement = statement.where(columns.happened_at >= microseconds(self.since))
        if self.until is not None:
            statement = statement.where(columns.happened_at < microseconds(self.until))
        if self.transaction is not None:
            statement = statement.where(columns.kind == self.transaction.value)
        if self.allowed is not None:
            success = columns.outcome == Outcome.SUCCESS.value
            statement = statement.where(success if self.allowed else ~success)
        return statement.order_by(columns.happened_at, columns.shard, columns.number).limit(self.limit)


@dataclass(frozen=True, slots=True)
class Found:
    """An event and its place in the trail."""

    position: Position
    event: Event


def find(connection: Connection, search: Search) -> Iterator[Found]:
    """The events that match. Raises `NoEvent` for a row that was tampered with so that it cannot be read."""
    rows = connection.execution_options(yield_per=1000).execute(search.statement())
    for shard, number, digest, content in rows:
        yield Found(Position(shard, number, digest.hex()), decode(content))
