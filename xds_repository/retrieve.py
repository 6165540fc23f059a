"""ITI-43 Retrieve Document Set: documents by their identifiers, streamed and verified on the way.

Everything that can be known beforehand is: small documents are read and proven before the answer starts, large ones are
looked at. What goes wrong later cuts the connection; a document that is not what was stored is never delivered whole.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterator
from typing import Final

import structlog

from dmp.audit import AuditNotWritten, Event, Occasion, Trail, Transaction
from schemas import markup
from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.errors import (
    XDSDocumentUniqueIdError,
    XdsError,
    XdsErrors,
    XDSRepositoryBusy,
    XDSRepositoryError,
)
from schemas.responses import RegistryOutcome, registry_response
from schemas.vocabulary import ResponseStatus
from soap.message import IncomingMessage, OutgoingPart, Reply
from soap.parts import include
from xds_repository import audited
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.document_requests import DocumentRequest, check_addressed, document_requests
from xds_repository.ledger import DATABASE_AWAY, Document, Ledger, normal
from xds_repository.registry_port import RegistryPort
from xds_repository.stores import BlobCorrupt, BlobMissing, ObjectStore, StoreError

log: Final = structlog.get_logger(__name__)

#: Which of some documents (uniqueIds in NFC) the sender of a message may read; the others do not exist for it.
Readable = Callable[[Collection[str], IncomingMessage], Collection[str]]

# RFC 6838 §4.2. The type was sent by a stranger: only what is safe in a header goes into one.
_MEDIA_TYPE: Final = re.compile(r"(?!multipart/|message/)[A-Za-z0-9][\w!#$&^.+-]{0,126}/[\w!#$&^.+-]{1,127}", re.ASCII)
#: A document of at most so many bytes may be proven before the answer starts.
_SMALL: Final = 524_288


#: A request, the document that it means, and that document on its way out.
Given = tuple[DocumentRequest, Document, OutgoingPart]


def everybody(unique_ids: Collection[str], _message: IncomingMessage) -> Collection[str]:
    """Every document may be read by everybody."""
    return unique_ids


class Retriever:
    """Answers ITI-43. Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        registry: RegistryPort,
        configuration: RepositoryConfiguration,
        readable: Readable,
        *,
        trail: Trail,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._configuration = configuration
        self._registry = registry
        self._readable = readable
        self._trail = trail

    def retrieve(self, message: IncomingMessage) -> Reply:
        """The documents that are there, and an error for each one that is not (ITI TF-2: 3.43.4.1.3, 3.43.4.2.2).

        What is given and what is not is in the audit trail before any of it leaves.
        """
        occasion = Occasion.of(Transaction.RETRIEVE, message)
        outcome, found = self._decided(message, occasion)
        try:
            self._record(occasion, outcome, found)
        except (AuditNotWritten, *DATABASE_AWAY) as error:
            log.error("audit.not_written", kind=str(error), correlation_id=message.correlation_id)
            for _, _, part in found:
                _give_up(part)
            busy = XDSRepositoryBusy("the repository cannot work at present; try again")
            return _reply(RegistryOutcome.failure((busy,)), [])
        return _reply(outcome, found)

    def _record(self, occasion: Occasion, outcome: RegistryOutcome, found: list[Given]) -> None:
        """Say what is given and what is not: one event for each patient, and one for what went wrong."""
        now, own = self._trail.clock(), self._configuration.repository_unique_id
        events: list[Event] = []
        if found:
            given = [document.unique_id for _, document, _ in found]
            events += audited.retrieved(occasion, own, self._registry.patients_of(given), given, now)
        if outcome.errors:
            missing = dict.fromkeys(error.location for error in outcome.errors if error.location)
            documents = [location[: r.LONG_NAME] for location in missing]
            events.append(audited.not_retrieved(occasion, own, documents, outcome.errors, now))
        self._trail.record(*events)

    def _decided(self, message: IncomingMessage, occasion: Occasion) -> tuple[RegistryOutcome, list[Given]]:
        errors: list[XdsError] = []
        found: list[Given] = []
        try:
            requests = document_requests(message.body, self._configuration)
            wanted = [normal(request.document_unique_id) for request in requests]
            # What is not there and what may not be seen are one answer, and one way to it: neither is looked up.
            readable = frozenset(self._readable(wanted, message))
            known = self._ledger.documents([unique_id for unique_id in wanted if unique_id in readable])
        except XdsErrors as wrong:
            return RegistryOutcome.failure(wrong.errors), []
        except DATABASE_AWAY as error:
            log.error("retrieve.database_failed", kind=type(error).__name__, correlation_id=message.correlation_id)
            return RegistryOutcome.failure((XDSRepositoryBusy("the database does not answer; try again"),)), []
        budget = self._configuration.proven_ahead
        for request in requests:
            try:
                document = self._chosen(request, known)
                small = document.size <= min(_SMALL, budget)
                part = self._proven(document) if small else self._looked_at(document, occasion)
                budget -= document.size if small else 0
            except XdsError as error:
                errors.append(error)
            except StoreError as error:
                if isinstance(error, BlobMissing) and self._was_removed(document):
                    # It went between the look at the ledger and the look at the store.
                    named = request.document_unique_id
                    errors.append(XDSDocumentUniqueIdError(named, location=named))
                    continue
                # Whoever looks after the store finds the blob by its key; the requester is told nothing of it.
                log.error(
                    "retrieve.blob_failed",
                    kind=type(error).__name__,
                    blob=document.blob_key.text,
                    correlation_id=message.correlation_id,
                )
                errors.append(XDSRepositoryError(_reason(error), location=request.document_unique_id))
            else:
                found.append((request, document, part))
        status = ResponseStatus.SUCCESS
        if errors:
            status = ResponseStatus.PARTIAL_SUCCESS if found else ResponseStatus.FAILURE
        log.info(
            "retrieve.answering",
            status=status.name,
            documents=len(found),
            codes=[error.code for error in errors],
            correlation_id=message.correlation_id,
        )
        return RegistryOutcome(status, tuple(errors)), found

    def _chosen(self, request: DocumentRequest, known: dict[str, Document]) -> Document:
        """The document that a request means. Raises `XdsError` (ITI TF-3: Table 4.2.4.1-2)."""
        check_addressed(request, self._configuration)
        document = known.get(normal(request.document_unique_id))
        if document is None:
            raise XDSDocumentUniqueIdError(request.document_unique_id, location=request.document_unique_id)
        return document

    def _proven(self, document: Document) -> OutgoingPart:
        """A small document, read to its end: its hash is known to be right."""
        stream = self._store.open(document.blob_key, document.digest)
        try:
            content = list(stream)
        finally:
            stream.close()
        return _part(document, iter(content))

    def _looked_at(self, document: Document, occasion: Occasion) -> OutgoingPart:
        """A large document, there and of the right size; it is opened when its turn comes."""
        found = self._store.stat(document.blob_key)
        if found is None:
            raise BlobMissing(f"blob {document.blob_key} is not in the store")
        if found.size != document.size or found.sha256 not in (None, document.sha256):
            raise BlobCorrupt(f"blob {document.blob_key} is not what was stored")
        return _part(document, self._stream(document, occasion))

    def _stream(self, document: Document, occasion: Occasion) -> Iterator[bytes]:
        try:
            stream = self._store.open(document.blob_key, document.digest)
            try:
                yield from stream
            finally:
                stream.close()
        except StoreError as error:
            log.error("retrieve.stream_failed", kind=type(error).__name__, blob=document.blob_key.text)
            self._cut(document, occasion, error)
            raise

    def _was_removed(self, document: Document) -> bool:
        """Whether the ledger has stopped keeping a document since it was asked for."""
        try:
            return not self._ledger.keeps(document)
        except DATABASE_AWAY:
            return False

    def _cut(self, document: Document, occasion: Occasion, error: StoreError) -> None:
        """Say that a document which was to be given out was not given whole; there is nobody to answer any more."""
        wrong: tuple[XdsError, ...] = (XDSRepositoryError(_reason(error)),)
        if isinstance(error, BlobMissing) and self._was_removed(document):
            wrong = (XDSDocumentUniqueIdError(document.unique_id),)
        own, now = self._configuration.repository_unique_id, self._trail.clock()
        try:
            self._trail.record(audited.not_retrieved(occasion, own, [document.unique_id], wrong, now))
        except AuditNotWritten as not_written:
            log.error("audit.not_written", kind=str(not_written), correlation_id=occasion.correlation_id)


def _part(document: Document, chunks: Iterator[bytes]) -> OutgoingPart:
    media_type = document.mime_type if _MEDIA_TYPE.fullmatch(document.mime_type) else "application/octet-stream"
    return OutgoingPart(f"{uuid.uuid4()}@feuillet", media_type, document.size, chunks)


def _reason(error: StoreError) -> str:
    if isinstance(error, BlobMissing | BlobCorrupt):
        return "the document is damaged and cannot be given out"
    return "the document store does not answer; try again"


def _give_up(part: OutgoingPart) -> None:
    closing = getattr(part.chunks, "close", None)
    if closing is not None:
        closing()


def _reply(outcome: RegistryOutcome, found: list[Given]) -> Reply:
    """ITI TF-2: 3.43.4.2.2: the ids as they were asked for, the mimeType as it was registered."""
    body = [f'<xdsb:RetrieveDocumentSetResponse xmlns:xdsb="{v.XDSB}">'.encode(), registry_response(outcome)]
    for request, document, part in found:
        home = ""
        if request.home_community_id is not None:
            home = f"<xdsb:HomeCommunityId>{markup.text(request.home_community_id)}</xdsb:HomeCommunityId>"
        head = (
            f"<xdsb:DocumentResponse>{home}"
            f"<xdsb:RepositoryUniqueId>{markup.text(request.repository_unique_id)}</xdsb:RepositoryUniqueId>"
            f"<xdsb:DocumentUniqueId>{markup.text(request.document_unique_id)}</xdsb:DocumentUniqueId>"
            f"<xdsb:mimeType>{markup.text(document.mime_type)}</xdsb:mimeType><xdsb:Document>"
        )
        body += [head.encode(), include(part.content_id), b"</xdsb:Document></xdsb:DocumentResponse>"]
    body.append(b"</xdsb:RetrieveDocumentSetResponse>")
    return Reply(body, [part for _, _, part in found])
