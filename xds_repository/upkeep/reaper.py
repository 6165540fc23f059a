"""Clearing away what unfinished writes left, blobs that nobody can register any more and old intents, and the blobs of
removed documents.

A blob goes only when its intent has expired, its row says so under a lock that every registration needs too, no
document refers to it, and the registry knows no such entry. When a registry elsewhere does know it, the answer to the
registration was lost: the document is then kept, unless it was removed since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from schemas.errors import XdsErrors
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.crash_points import CrashPoint, reached
from xds_repository.ledger import Intent, IntentState, Ledger, delete_finished, writing
from xds_repository.registry_port import RegistryPort, RegistryUnreachable
from xds_repository.stores import ObjectStore

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReaperReport:
    """What one run did: intents `cleaned` away as finished, documents `adopted`, blobs `collected`, intents `deferred`
    because the registry could not be asked, blobs of removed documents `erased`."""

    cleaned: int
    adopted: int
    collected: int
    deferred: int
    erased: int = 0


class Reaper:
    """Several processes may run it at a time."""

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        registry: RegistryPort,
        configuration: RepositoryConfiguration,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._registry = registry
        self._configuration = configuration
        self._clock = clock

    def run(self) -> ReaperReport:
        """One pass over all intents. Raises `StoreUnavailable` when a blob cannot be deleted; the next run goes on."""
        now = self._clock()
        adopted = collected = deferred = 0
        # A shared transaction leaves no doubt: only where the registry is elsewhere can an answer be lost.
        doubtful = None if self._registry.shares_transactions else now - self._configuration.settle_after
        for intent in self._ledger.unfinished(now, doubtful):
            try:
                if intent.state is IntentState.PENDING and self._registered(intent):
                    adopted += self._adopt(intent, now)
                elif intent.expired and self._ledger.claim(intent, now):
                    self._collect(intent)
                    collected += 1
            except RegistryUnreachable:
                deferred += 1
        with writing(self._ledger.engine) as connection:
            cleaned = delete_finished(connection)
            reached(CrashPoint.INTENT_CLEANED)
        erased = self._erase(now)
        report = ReaperReport(cleaned, adopted, collected, deferred, erased)
        log.info("reaper.done", cleaned=cleaned, adopted=adopted, collected=collected, deferred=deferred, erased=erased)
        return report

    def _registered(self, intent: Intent) -> bool:
        """Whether the registry knows this document although the ledger does not."""
        document = intent.document
        if self._ledger.documents([document.unique_id]):
            return False
        # Where transactions are shared, only a removal leaves an entry without its document.
        since = None if self._registry.shares_transactions else intent.created_at
        if self._ledger.removed([document.unique_id], since):
            return False
        return any(
            entry.sha1 == document.sha1 and entry.size == document.size
            for entry in self._registry.entries_of([document.unique_id], self._configuration.repository_unique_id)
        )

    def _adopt(self, intent: Intent, now: datetime) -> int:
        if self._store.stat(intent.document.blob_key) is None:
            # It is not given up either: somebody who brings the document again will be asked for nothing else.
            log.error("reaper.registered_without_blob", blob=intent.document.blob_key.text)
            return 0
        try:
            self._ledger.adopt(intent, now)
        except XdsErrors:
            # Another attempt of the same submission was faster.
            return 0
        log.warning("reaper.adopted", blob=intent.document.blob_key.text)
        return 1

    def _erase(self, now: datetime) -> int:
        """Delete blobs of removed documents: as long as that is not noted, and once more when nobody can have written
        them again any more, since a write that had found the document before its removal has ended by then."""
        erased = 0
        for batch in self._ledger.erasures(now - self._configuration.intent_lifetime):
            for erasure in batch:
                self._store.delete(erasure.blob_key)
                reached(CrashPoint.BLOB_ERASED)
                self._ledger.note_erased(erasure)
                erased += 1
        return erased

    def _collect(self, intent: Intent) -> None:
        self._store.delete(intent.document.blob_key)
        reached(CrashPoint.BLOB_COLLECTED)
        self._ledger.forget(intent)
