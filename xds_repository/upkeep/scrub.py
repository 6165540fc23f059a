"""Proving that what is kept is right: every blob hashed again, and store, ledger and registry compared both ways.

A scrub changes nothing. It runs beside normal work: what is stored while it runs is not taken for an error.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

from xds_repository.ledger import BATCH, Document, Ledger
from xds_repository.registry_port import RegistryEntry, RegistryPort, RegistryUnreachable
from xds_repository.stores import BlobCorrupt, BlobMissing, BlobStat, ObjectStore

T = TypeVar("T")

#: A progress is given at least every so many bytes.
_STEP: Final = 8_388_608


class ScrubPhase(enum.StrEnum):
    """What is being done; `done` and `total` of a progress count this phase's items."""

    DOCUMENTS = "documents"
    BLOBS = "blobs"
    ENTRIES = "entries"


class ScrubFindingKind(enum.StrEnum):
    """What can be wrong."""

    MISSING = "missing"  # a document's blob is not in the store
    CORRUPT = "corrupt"  # a blob's bytes are not those that were stored
    ORPHAN = "orphan"  # a blob that no document and no write under way speaks of
    UNREGISTERED = "unregistered"  # a document that the registry does not know
    NOT_STORED = "not stored"  # an entry of this repository without a document
    DIFFERENT = "different"  # an entry whose size or hash is not the document's


@dataclass(frozen=True, slots=True)
class ScrubFinding:
    """One thing that is wrong: with a document (by its uniqueId), with a blob (by its key), or with both."""

    kind: ScrubFindingKind
    unique_id: str | None = None
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class ScrubProgress:
    """How far a scrub is. `total` is None where it is not known; `done_bytes` of `total_bytes` have been hashed."""

    phase: ScrubPhase
    done: int
    total: int | None
    done_bytes: int
    total_bytes: int
    findings: int


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What a scrub looked at and found. `registry_compared` says whether the registry could be asked for all entries;
    `documents_compared` whether it could be asked for every document. `removed` counts the entries whose document was
    removed: nothing is wrong with them."""

    started_at: datetime
    finished_at: datetime
    documents: int
    bytes: int
    blobs: int
    entries: int
    registry_compared: bool
    documents_compared: bool
    findings: tuple[ScrubFinding, ...] = field(default=())
    removed: int = 0

    @property
    def clean(self) -> bool:
        return not self.findings

    def count(self, kind: ScrubFindingKind) -> int:
        """How many findings of a kind there are."""
        return sum(finding.kind is kind for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The report in the values that JSON has."""
        return {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "documents": self.documents,
            "bytes": self.bytes,
            "blobs": self.blobs,
            "entries": self.entries,
            "removed": self.removed,
            "registry_compared": self.registry_compared,
            "documents_compared": self.documents_compared,
            "clean": self.clean,
            "counts": {kind.value: self.count(kind) for kind in ScrubFindingKind},
            "findings": [
                {"kind": finding.kind.value, "unique_id": finding.unique_id, "blob": finding.blob}
                for finding in self.findings
            ],
        }


def scrub(
    ledger: Ledger,
    store: ObjectStore,
    registry: RegistryPort,
    repository_unique_id: str,
    *,
    clock: Callable[[], datetime],
    bytes_per_second: float | None = None,
) -> Generator[ScrubProgress, None, ScrubReport]:
    """Prove and compare everything, yielding how far it is; the generator's value is the report.

    `bytes_per_second` bounds the reading. Raises `StoreUnavailable`, and what the database raises: a scrub that could
    not look has found nothing.
    """
    run = _Scrub(ledger, store, registry, repository_unique_id, _Pace(bytes_per_second))
    started_at = clock()
    yield from run.documents()
    yield from run.blobs()
    yield from run.entries()
    return ScrubReport(
        started_at,
        clock(),
        run.document_count,
        run.done_bytes,
        run.blob_count,
        run.entry_count,
        run.registry_compared,
        run.documents_compared,
        tuple(run.findings),
        run.removed_count,
    )


class _Pace:
    """Sleeps as long as reading so many bytes should have taken."""

    def __init__(self, bytes_per_second: float | None) -> None:
        self._rate = bytes_per_second
        self._started = time.monotonic()

    def keep(self, done_bytes: int) -> None:
        if self._rate is not None:
            ahead = done_bytes / self._rate - (time.monotonic() - self._started)
            if ahead > 0:
                time.sleep(ahead)


class _Scrub:
    def __init__(
        self, ledger: Ledger, store: ObjectStore, registry: RegistryPort, repository_unique_id: str, pace: _Pace
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._registry = registry
        self._repository_unique_id = repository_unique_id
        self._pace = pace
        self._total, self._total_bytes = ledger.totals()
        self.findings: list[ScrubFinding] = []
        self.document_count = self.blob_count = self.entry_count = self.removed_count = self.done_bytes = 0
        self.registry_compared = False
        self.documents_compared = True

    def documents(self) -> Iterator[ScrubProgress]:
        """Hash every document again, and ask the registry for each."""
        for batch in self._ledger.all_documents():
            for document in batch:
                yield from self._prove(document)
                self.document_count += 1
            self._compare_documents(batch)
            yield self._progress(ScrubPhase.DOCUMENTS, self.document_count, self._total)

    def blobs(self) -> Iterator[ScrubProgress]:
        """Look for blobs that nothing explains."""
        for batch in _batches(self._store.blobs()):
            # An intent is committed before its blob: what is explained by nothing now has been orphaned for good.
            explained = self._ledger.explained([blob.key.text for blob in batch])
            self._unexplained(batch, explained)
            self.blob_count += len(batch)
            yield self._progress(ScrubPhase.BLOBS, self.blob_count, None)

    def entries(self) -> Iterator[ScrubProgress]:
        """Look for entries whose document is not kept here."""
        entries = self._registry.document_entries(self._repository_unique_id)
        if entries is None:
            return
        self.registry_compared = True
        for batch in _batches(entries):
            kept = self._ledger.documents({entry.unique_id for entry in batch})
            removed = self._ledger.removed({entry.unique_id for entry in batch} - kept.keys())
            for entry in batch:
                document = kept.get(entry.unique_id)
                if document is None and entry.unique_id in removed:
                    self.removed_count += 1
                elif document is None:
                    self.findings.append(ScrubFinding(ScrubFindingKind.NOT_STORED, entry.unique_id))
                elif not _agree(document, entry):
                    self.findings.append(
                        ScrubFinding(ScrubFindingKind.DIFFERENT, entry.unique_id, document.blob_key.text)
                    )
            self.entry_count += len(batch)
            yield self._progress(ScrubPhase.ENTRIES, self.entry_count, None)

    def _prove(self, document: Document) -> Iterator[ScrubProgress]:
        reported = before = self.done_bytes
        try:
            stream = self._store.open(document.blob_key, document.digest)
            try:
                for chunk in stream:
                    self.done_bytes += len(chunk)
                    self._pace.keep(self.done_bytes)
                    if self.done_bytes - reported >= _STEP:
                        reported = self.done_bytes
                        yield self._progress(ScrubPhase.DOCUMENTS, self.document_count, self._total)
            finally:
                stream.close()
        except (BlobMissing, BlobCorrupt) as error:
            self.done_bytes = before
            # What was removed while it was read is no damage.
            if self._ledger.keeps(document):
                kind = ScrubFindingKind.MISSING if isinstance(error, BlobMissing) else ScrubFindingKind.CORRUPT
                self.findings.append(ScrubFinding(kind, document.unique_id, document.blob_key.text))

    def _compare_documents(self, batch: list[Document]) -> None:
        if not self.documents_compared:
            return
        try:
            entries = self._registry.entries_of([document.unique_id for document in batch], self._repository_unique_id)
        except RegistryUnreachable:
            self.documents_compared = False
            return
        registered: dict[str, list[RegistryEntry]] = {}
        for entry in entries:
            registered.setdefault(entry.unique_id, []).append(entry)
        for document in batch:
            if document.unique_id not in registered and self._ledger.keeps(document):
                self.findings.append(
                    ScrubFinding(ScrubFindingKind.UNREGISTERED, document.unique_id, document.blob_key.text)
                )
            elif not self._lists_entries and not all(
                _agree(document, entry) for entry in registered.get(document.unique_id, ())
            ):
                self.findings.append(
                    ScrubFinding(ScrubFindingKind.DIFFERENT, document.unique_id, document.blob_key.text)
                )

    @property
    def _lists_entries(self) -> bool:
        return self._registry.shares_transactions

    def _unexplained(self, batch: list[BlobStat], explained: set[str]) -> None:
        for blob in batch:
            # A blob that was collected between the listing and the look is no orphan.
            if blob.key.text not in explained and self._store.stat(blob.key) is not None:
                self.findings.append(ScrubFinding(ScrubFindingKind.ORPHAN, None, blob.key.text))

    def _progress(self, phase: ScrubPhase, done: int, total: int | None) -> ScrubProgress:
        return ScrubProgress(phase, done, total, self.done_bytes, self._total_bytes, len(self.findings))


def _agree(document: Document, entry: RegistryEntry) -> bool:
    return entry.size == document.size and entry.sha1 == document.sha1


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch
