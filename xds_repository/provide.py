"""ITI-41 Provide and Register Document Set-b: nothing is acknowledged that a crash could lose.

Intent, blob, verification, one transaction, acknowledgement: each step is durable before the next one begins
(`crash_points` names them). What a crash leaves behind is an intent and perhaps a blob that nothing refers to; the
reaper collects both. A retry of the same request ends in the same state as one request.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from card_auth.dsg import SignatureFinding
from dmp.audit import AuditNotWritten, Occasion, Trail, Transaction
from schemas.errors import (
    XDSDuplicateUniqueIdInRegistry,
    XdsError,
    XdsErrors,
    XDSRepositoryBusy,
    XDSRepositoryError,
    XDSRepositoryOutOfResources,
)
from schemas.responses import RegistryOutcome
from soap.message import IncomingMessage
from soap.parts import Spool
from xds_repository import audited
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.crash_points import CrashPoint, reached
from xds_repository.document_set import DocumentSet, ProvidedDocument, complete, receive
from xds_repository.ledger import DATABASE_AWAY, Document, Ledger, differences, record
from xds_repository.registry_port import RegistryPort
from xds_repository.signatures import SignatureExamination
from xds_repository.stores import BlobKey, ObjectStore, StoreError, StoreFull, StoreUnavailable

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Placement:
    """A document and where its bytes go, or already are."""

    document: Document
    provided: ProvidedDocument
    fresh: bool


class Provider:
    """Answers ITI-41. Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        registry: RegistryPort,
        configuration: RepositoryConfiguration,
        *,
        spool: Spool,
        trail: Trail,
        signatures: SignatureExamination,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._registry = registry
        self._configuration = configuration
        self._spool = spool
        self._trail = trail
        self._signatures = signatures
        self._clock = clock

    def provide(self, message: IncomingMessage) -> RegistryOutcome:
        """Store and register the documents of a request, all of them or none.

        A Failure leaves nothing visible; the same request may be sent again. Raises `SoapFault` when an inline document
        does not fit the spool.
        """
        reached(CrashPoint.REQUEST_ACCEPTED)
        occasion = Occasion.of(Transaction.PROVIDE_AND_REGISTER, message)
        try:
            outcome = self._provided(message, occasion)
        except AuditNotWritten as error:
            log.error("audit.not_written", kind=str(error), correlation_id=message.correlation_id)
            outcome = RegistryOutcome.failure((XDSRepositoryBusy("the repository cannot work at present; try again"),))
        log.info(
            "provide.answered",
            status=outcome.status.name,
            replayed=outcome.replayed,
            codes=[error.code for error in outcome.errors],
            correlation_id=message.correlation_id,
        )
        return outcome

    def _provided(self, message: IncomingMessage, occasion: Occasion) -> RegistryOutcome:
        """What became of the request; it is in the audit trail. Raises `AuditNotWritten`."""
        try:
            with ExitStack() as held:
                received = receive(message.body, message.parts, self._spool, held)
                reached(CrashPoint.CONTENT_RECEIVED)
                document_set = complete(received, self._configuration.repository_unique_id)
                examined = self._signatures.examine(document_set, occasion.caller, self._clock())
                if examined is not None:
                    occasion = _told(examined.finding, occasion)
                self._signatures.admit(examined)
                return self._keep(document_set, None if examined is None else examined.finding, occasion)
        except XdsErrors as wrong:
            outcome = RegistryOutcome.failure(wrong.errors)
        except StoreError as error:
            log.error("provide.store_failed", kind=type(error).__name__, correlation_id=message.correlation_id)
            outcome = RegistryOutcome.failure((_of_store(error),))
        except DATABASE_AWAY as error:
            log.error("provide.database_failed", kind=type(error).__name__, correlation_id=message.correlation_id)
            outcome = RegistryOutcome.failure((XDSRepositoryBusy("the database does not answer; try again"),))
        self._trail.record(audited.provided(occasion, message.body, outcome, self._clock()))
        return outcome

    def _keep(
        self, document_set: DocumentSet, signature: SignatureFinding | None, occasion: Occasion
    ) -> RegistryOutcome:
        accepted = self._registry.accept(document_set.request, digest=document_set.digest, occasion=occasion)
        placements = self._place(document_set)
        reached(CrashPoint.CHECKED)
        fresh = [placement.document for placement in placements if placement.fresh]
        reused = [placement.document for placement in placements if not placement.fresh]
        if fresh:
            now = self._clock()
            expires = now + self._configuration.intent_lifetime
            self._ledger.open_intents(fresh, document_set.digest, occasion.correlation_id, now, expires)
            reached(CrashPoint.INTENT_COMMITTED)
        for placement in placements:
            self._write(placement)

        def within(connection: Connection) -> None:
            record(connection, fresh, reused, self._clock())
            reached(CrashPoint.ROWS_WRITTEN)

        outcome = self._registry.register(
            document_set.request,
            digest=document_set.digest,
            within=within,
            occasion=occasion,
            signature=signature,
            accepted=accepted,
        )
        reached(CrashPoint.COMMITTED)
        if outcome.replayed:
            self._check_kept(fresh)
        return outcome

    def _check_kept(self, documents: list[Document]) -> None:
        """A submission that was registered before and whose documents were removed since is no success any more."""
        kept = self._ledger.documents([document.unique_id for document in documents])
        if any(document.unique_id not in kept for document in documents):
            raise XdsErrors(
                (
                    XDSDuplicateUniqueIdInRegistry(
                        "the submission is registered, and documents of it were removed since"
                    ),
                )
            )

    def _place(self, document_set: DocumentSet) -> list[_Placement]:
        """A new blob for each document, or the one that holds the same uniqueId with the same bytes."""
        known = self._ledger.documents([provided.unique_id for provided in document_set.documents])
        placements: list[_Placement] = []
        errors: list[XdsError] = []
        for provided in document_set.documents:
            content = provided.content
            existing = known.get(provided.unique_id)
            if existing is None:
                document = Document(
                    provided.unique_id, BlobKey.new(), content.size, content.sha1, content.sha256, provided.mime_type
                )
                placements.append(_Placement(document, provided, fresh=True))
                continue
            errors += differences(existing, provided.unique_id, content.size, content.sha256, provided.entry_id)
            placements.append(_Placement(existing, provided, fresh=False))
        if errors:
            raise XdsErrors(tuple(errors))
        return placements

    def _write(self, placement: _Placement) -> None:
        key = placement.document.blob_key
        # A blob that was lost since is written again when somebody brings its bytes.
        if placement.fresh or self._store.stat(key) is None:
            reached(CrashPoint.BLOB_STARTED)
            self._store.put(key, placement.provided.content)
            reached(CrashPoint.BLOB_DURABLE)
        found = self._store.stat(key)
        digest = placement.document.digest
        if found is None or found.size != digest.size or found.sha256 not in (None, digest.sha256):
            raise StoreUnavailable(f"blob {key} is not what was written")
        reached(CrashPoint.BLOB_VERIFIED)


def _of_store(error: StoreError) -> XdsError:
    if isinstance(error, StoreFull):
        return XDSRepositoryOutOfResources("there is no room for the documents at present")
    if isinstance(error, StoreUnavailable):
        return XDSRepositoryError("the document store does not answer; try again")
    return XDSRepositoryError("the documents could not be stored")


def _told(finding: SignatureFinding, occasion: Occasion) -> Occasion:
    """The occasion, with what was found of the signature; it is logged where there is one."""
    if finding.summary:
        log.info(
            "signature.examined",
            verdict=finding.verdict.value,
            reason=None if finding.reason is None else finding.reason.name,
            detail=finding.detail or None,
            certificate=finding.certificate_fingerprint or None,
            legacy_sha1=finding.legacy_sha1,
            stale_revocation=finding.stale_revocation,
            correlation_id=occasion.correlation_id,
        )
    return replace(occasion, signature=finding.summary)
