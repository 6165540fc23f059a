"""The assertions that were presented, in the database: each counts once, for all processes and after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, DateTime, Engine, Index, LargeBinary, MetaData, Table, delete, insert
from sqlalchemy.exc import IntegrityError

from xds_registry.database import writing

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

#: `key` is a digest of what makes an assertion the same one; after `until` it is too old to count anyway.
presented_assertion: Final = Table(
    "presented_assertion",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    Index("ix_presented_assertion_until", "until"),
)


class PresentedAssertions:
    """A `card_auth.vihf.ReplayGuard` that the processes of all nodes share through their database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def admit(self, keys: Sequence[bytes], *, until: datetime, at: datetime) -> bool:
        """See ReplayGuard. Raises what the database raises when it does not answer: then nobody is admitted."""
        table = presented_assertion
        try:
            with writing(self._engine) as connection:
                connection.execute(delete(table).where(table.c.key.in_(keys), table.c.until <= at.astimezone(UTC)))
                connection.execute(insert(table), [{"key": key, "until": until.astimezone(UTC)} for key in keys])
        except IntegrityError:
            return False
        return True

    def forget(self, at: datetime) -> int:
        """Remove what is too old to count; how many."""
        with writing(self._engine) as connection:
            return connection.execute(
                delete(presented_assertion).where(presented_assertion.c.until <= at.astimezone(UTC))
            ).rowcount
