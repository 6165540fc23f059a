"""The Document Repository as one object: a ledger, an object store, a registry, and the transactions it answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine

from dmp.audit import Trail
from schemas.responses import RegistryOutcome
from soap.message import IncomingMessage, Reply
from soap.parts import Spool
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.ledger import Document, Ledger
from xds_repository.provide import Provider
from xds_repository.registry_port import RegistryPort
from xds_repository.removal import Removable, Remover
from xds_repository.retrieve import Readable, Retriever, everybody
from xds_repository.signatures import UNEXAMINED, SignatureExamination
from xds_repository.stores import ObjectStore
from xds_repository.upkeep.reaper import Reaper, ReaperReport
from xds_repository.upkeep.scrub import ScrubProgress, ScrubReport, scrub


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Repository:
    """Keeps documents and gives them back; safe to use from several threads and processes at once.

    `engine` is the database of `xds_repository.tables`; with an in-process registry it is the registry's too. `spool`
    takes inline documents while their request runs: a store's own spool directory saves a copy. `readable` tells
    which documents the sender of a message may read, `removable` which of those it may remove, `signatures` which
    signed submissions are kept. Every decision is in the `trail` before it has an effect or an answer. `clock` gives
    the time in UTC.
    """

    def __init__(
        self,
        engine: Engine,
        store: ObjectStore,
        registry: RegistryPort,
        configuration: RepositoryConfiguration,
        *,
        spool: Spool,
        trail: Trail,
        readable: Readable = everybody,
        removable: Removable = everybody,
        signatures: SignatureExamination = UNEXAMINED,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.engine = engine
        self.store = store
        self.configuration = configuration
        self._registry = registry
        self._ledger = Ledger(engine)
        self._provider = Provider(
            self._ledger,
            store,
            registry,
            configuration,
            spool=spool,
            trail=trail,
            signatures=signatures,
            clock=clock,
        )
        self._retriever = Retriever(self._ledger, store, registry, configuration, readable, trail=trail)
        self._remover = Remover(
            self._ledger,
            store,
            registry,
            configuration,
            readable=readable,
            removable=removable,
            trail=trail,
            clock=clock,
        )
        self._reaper = Reaper(self._ledger, store, registry, configuration, clock=clock)
        self._clock = clock

    def provide(self, message: IncomingMessage) -> RegistryOutcome:
        """ITI-41: store and register the documents of a message, all or none."""
        return self._provider.provide(message)

    def retrieve(self, message: IncomingMessage) -> Reply:
        """ITI-43: the documents that a message asks for."""
        return self._retriever.retrieve(message)

    def remove(self, message: IncomingMessage) -> RegistryOutcome:
        """ITI-86: stop keeping the documents that a message names."""
        return self._remover.remove(message)

    def erase(self, documents: Iterable[Document]) -> None:
        """Delete the blobs of documents that `ledger.take_away` has taken out, once that is committed."""
        self._remover.erase(documents)

    def reap(self) -> ReaperReport:
        """Clear away what unfinished work left behind; to be called every few minutes by one process or several."""
        return self._reaper.run()

    def scrub(self, *, bytes_per_second: float | None = None) -> Generator[ScrubProgress, None, ScrubReport]:
        """Prove every blob and reconcile store, ledger and registry; the generator's value is the report."""
        return scrub(
            self._ledger,
            self.store,
            self._registry,
            self.configuration.repository_unique_id,
            clock=self._clock,
            bytes_per_second=bytes_per_second,
        )
