"""ITI-86 Remove Documents: documents are kept no more, for good and only by whoever may see them.

One transaction takes the documents out of the ledger, remembers that they were removed, and records it in the audit
trail. From its commit on each of them is answered as one that was never there; then the blobs are deleted, by the
request or, after a crash, by the reaper. The registry's entries are its own affair (ITI-62).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import structlog

from dmp.audit import AuditNotWritten, Event, Occasion, Trail, Transaction
from schemas.ebrim import reading as r
from schemas.errors import (
    XDSDocumentUniqueIdError,
    XdsError,
    XdsErrors,
    XDSRemoveDocumentsError,
    XDSRepositoryBusy,
)
from schemas.responses import RegistryOutcome
from schemas.vocabulary import ResponseStatus
from soap.message import IncomingMessage
from xds_repository import audited
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.crash_points import CrashPoint, reached
from xds_repository.document_requests import DocumentRequest, check_addressed, document_requests
from xds_repository.ledger import (
    DATABASE_AWAY,
    Document,
    Erasure,
    Ledger,
    RemovalState,
    normal,
    take_away,
    writing,
)
from xds_repository.registry_port import RegistryPort
from xds_repository.retrieve import Readable
from xds_repository.stores import ObjectStore, StoreError

log: Final = structlog.get_logger(__name__)

#: Which of some documents (uniqueIds in NFC) that the sender of a message may read it may also remove.
Removable = Callable[[Collection[str], IncomingMessage], Collection[str]]


class Remover:
    """Answers ITI-86. Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        registry: RegistryPort,
        configuration: RepositoryConfiguration,
        *,
        readable: Readable,
        removable: Removable,
        trail: Trail,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._registry = registry
        self._configuration = configuration
        self._readable = readable
        self._removable = removable
        self._trail = trail
        self._clock = clock

    def remove(self, message: IncomingMessage) -> RegistryOutcome:
        """Remove the documents that are there, and an error for each one that is not (ITI TF-2: 3.86.4.1.3).

        What is answered as removed stays removed. A document that was removed before is one that is not there.
        """
        occasion = Occasion.of(Transaction.REMOVE_DOCUMENTS, message)
        gone: list[Document] = []
        try:
            outcome, gone = self._recorded(message, occasion)
        except AuditNotWritten as error:
            log.error("audit.not_written", kind=str(error), correlation_id=message.correlation_id)
            outcome = RegistryOutcome.failure((XDSRepositoryBusy("the repository cannot work at present; try again"),))
        log.info(
            "removal.answering",
            status=outcome.status.name,
            documents=len(gone),
            codes=[error.code for error in outcome.errors],
            correlation_id=message.correlation_id,
        )
        self.erase(gone)
        return outcome

    def erase(self, documents: Iterable[Document]) -> None:
        """Delete the blobs of documents that were taken out of the ledger; what fails, the reaper does."""
        for document in documents:
            self._erase(document)

    def _recorded(self, message: IncomingMessage, occasion: Occasion) -> tuple[RegistryOutcome, list[Document]]:
        """What became of the request; it is in the audit trail. Raises `AuditNotWritten`."""
        try:
            return self._decided(message, occasion)
        except XdsErrors as wrong:
            errors = wrong.errors
        except DATABASE_AWAY as error:
            log.error("removal.database_failed", kind=type(error).__name__, correlation_id=message.correlation_id)
            errors = (XDSRepositoryBusy("the database does not answer; try again"),)
        self._trail.record(self._refused(occasion, errors))
        return RegistryOutcome.failure(errors), []

    def _decided(self, message: IncomingMessage, occasion: Occasion) -> tuple[RegistryOutcome, list[Document]]:
        """What is removed, committed and recorded. Raises `XdsErrors`, `AuditNotWritten`, what the database raises."""
        requests = document_requests(message.body, self._configuration)
        chosen, errors = self._chosen(requests, message)
        patients = self._registry.patients_of(chosen)
        with writing(self._ledger.engine) as connection:
            now = self._clock()
            gone = take_away(connection, chosen.values(), now)
            # Another removal was faster.
            for unique_id in chosen.keys() - {document.unique_id for document in gone}:
                errors.append(XDSDocumentUniqueIdError(unique_id, location=unique_id))
            self._trail.append(connection, self._events(occasion, patients, gone, errors, now))
            reached(CrashPoint.REMOVAL_WRITTEN)
        if gone:
            reached(CrashPoint.REMOVED)
        status = ResponseStatus.SUCCESS
        if errors:
            status = ResponseStatus.PARTIAL_SUCCESS if gone else ResponseStatus.FAILURE
        return RegistryOutcome(status, tuple(errors)), gone

    def _chosen(
        self, requests: Iterable[DocumentRequest], message: IncomingMessage
    ) -> tuple[dict[str, Document], list[XdsError]]:
        """The documents that may be removed, by uniqueId, and what is wrong with the other requests."""
        asked = list(requests)
        wanted = list(dict.fromkeys(normal(request.document_unique_id) for request in asked))
        known = self._ledger.documents(wanted)
        # What is not there and what may not be seen are one answer, and one way to it.
        readable = frozenset(self._readable(wanted, message))
        removable = frozenset(self._removable(wanted, message))
        known = {unique_id: document for unique_id, document in known.items() if unique_id in readable}
        chosen: dict[str, Document] = {}
        errors: list[XdsError] = []
        for request in asked:
            try:
                check_addressed(request, self._configuration)
                document = _permitted(request, known.get(normal(request.document_unique_id)), removable)
            except XdsError as error:
                errors.append(error)
            else:
                chosen[document.unique_id] = document
        return chosen, errors

    def _events(
        self,
        occasion: Occasion,
        patients: Mapping[str, str],
        gone: Iterable[Document],
        errors: list[XdsError],
        now: datetime,
    ) -> list[Event]:
        own = self._configuration.repository_unique_id
        events = audited.removed(occasion, own, patients, [document.unique_id for document in gone], now)
        return [*events, self._refused(occasion, errors)] if errors else events

    def _refused(self, occasion: Occasion, errors: Iterable[XdsError]) -> Event:
        wrong = list(errors)
        named = dict.fromkeys(error.location[: r.LONG_NAME] for error in wrong if error.location)
        own = self._configuration.repository_unique_id
        return audited.not_removed(occasion, own, list(named), wrong, self._clock())

    def _erase(self, document: Document) -> None:
        """Delete the blob of a document that was removed. What fails here, the reaper does."""
        try:
            self._store.delete(document.blob_key)
            reached(CrashPoint.BLOB_ERASED)
            self._ledger.note_erased(Erasure(document.blob_key, RemovalState.ERASED))
        except (StoreError, *DATABASE_AWAY) as error:
            log.warning("removal.left_to_reaper", kind=type(error).__name__, blob=document.blob_key.text)


def _permitted(request: DocumentRequest, document: Document | None, removable: Collection[str]) -> Document:
    named = request.document_unique_id
    if document is None:
        raise XDSDocumentUniqueIdError(named, location=named)
    if document.unique_id not in removable:
        raise XDSRemoveDocumentsError(f"{named} may not be removed", location=named)
    return document
