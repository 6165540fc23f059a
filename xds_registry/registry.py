"""The Document Registry as one object: a database, a configuration, and the transactions it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import structlog
from lxml import etree
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.errors import XdsErrors, XDSRegistryBusy, XDSRegistryError
from schemas.responses import RegistryOutcome
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import writing
from xds_registry.query.stored_query import multi_patient_stored_query, stored_query
from xds_registry.register import Prepared, prepare, register
from xds_registry.validation.structure import Transaction
from xds_registry.visibility import EVERYTHING, Visibility

log = structlog.get_logger(__name__)

#: A submission that met another one in the database is tried again so many times in all.
ATTEMPTS = 3


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """Registers and answers; safe to use from several threads and processes at once.

    `clock` gives the time in UTC.
    """

    def __init__(
        self,
        engine: Engine,
        configuration: RegistryConfiguration,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.engine = engine
        self.configuration = configuration
        self.clock = clock

    def register_document_set(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None = None,
        correlation_id: str = "",
    ) -> RegistryOutcome:
        """ITI-42: register an `lcm:SubmitObjectsRequest` of stable entries, whole or not at all.

        `digest` identifies what was sent: the same submission sent again is answered Success with `replayed`, and
        nothing is done. `within` runs in the transaction just before it commits.
        """
        return self._register(request, Transaction.REGISTER_DOCUMENT_SET, digest, within, correlation_id)

    def register_on_demand(self, request: etree._Element, *, digest: str, correlation_id: str = "") -> RegistryOutcome:
        """ITI-61: register on-demand DocumentEntries."""
        return self._register(request, Transaction.REGISTER_ON_DEMAND, digest, None, correlation_id)

    def stored_query(self, request: etree._Element, visibility: Visibility = EVERYTHING) -> list[bytes]:
        """ITI-18: the chunks of the `query:AdhocQueryResponse` to a `query:AdhocQueryRequest`."""
        return stored_query(self.engine, request, self.configuration, visibility)

    def multi_patient_stored_query(self, request: etree._Element, visibility: Visibility = EVERYTHING) -> list[bytes]:
        """ITI-51: the same for queries over several patients."""
        return multi_patient_stored_query(self.engine, request, self.configuration, visibility)

    def document_entries_of(self, repository_unique_id: str) -> Iterator[tuple[str, int | None, str | None]]:
        """uniqueId, size and hash of every stable entry that a repository holds, for reconciliation."""
        columns = t.document_entry.c
        statement = select(columns.unique_id, columns.size, columns.hash).where(
            columns.repository_unique_id == repository_unique_id, columns.on_demand == 0
        )
        with self.engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(statement):
                yield row.unique_id, row.size, row.hash

    def _register(
        self,
        request: etree._Element,
        transaction: Transaction,
        digest: str,
        within: Callable[[Connection], None] | None,
        correlation_id: str,
    ) -> RegistryOutcome:
        try:
            prepared = prepare(request, self.configuration, transaction, digest)
        except XdsErrors as wrong:
            return RegistryOutcome.failure(wrong.errors)
        return self._commit(prepared, within, correlation_id)

    def _commit(
        self, prepared: Prepared, within: Callable[[Connection], None] | None, correlation_id: str
    ) -> RegistryOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with writing(self.engine) as connection:
                    return register(
                        connection,
                        prepared,
                        self.configuration,
                        now=self.clock(),
                        correlation_id=correlation_id,
                        within=within,
                    )
            except XdsErrors as wrong:
                return RegistryOutcome.failure(wrong.errors)
            except IntegrityError:
                # Another submission took an identifier between our look and our write: look again.
                log.info("registration.conflict", attempt=attempt, correlation_id=correlation_id)
                time.sleep(0.01 * attempt)
            except (OperationalError, PoolTimeout):
                log.warning("registration.database_unavailable", correlation_id=correlation_id)
                return RegistryOutcome.failure((XDSRegistryBusy("the database does not answer; try again"),))
        return RegistryOutcome.failure((XDSRegistryError("the submission conflicts with others; try again"),))
