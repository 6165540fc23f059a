"""The Document Registry as one object: a database, a configuration, and the transactions it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from lxml import etree
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from card_auth.dsg import SignatureFinding
from dmp.audit import AuditNotWritten, Event, Occasion, Trail
from dmp.audit import Transaction as Kind
from schemas.errors import XdsError, XdsErrors, XDSRegistryBusy, XDSRegistryError
from schemas.responses import RegistryOutcome
from xds_registry import audited, signatures
from xds_registry import tables as t
from xds_registry.changes import Permit, everything_permitted
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import writing
from xds_registry.patients import MergeFollower, nothing_follows
from xds_registry.query import answer
from xds_registry.query.answer import Answered
from xds_registry.query.stored_query import multi_patient_stored_query, stated_query, stored_query
from xds_registry.references import is_latest
from xds_registry.register import Prepared, prepare, register
from xds_registry.removal import read_request, remove_objects
from xds_registry.subscriptions.announcing import Announcer, documents_added
from xds_registry.update import Applied, Overtaken, UpdateKind, prepare_update, update
from xds_registry.validation.structure import Transaction
from xds_registry.visibility import EVERYTHING, Reach, SubmissionLaw, Visibility, anybody

log = structlog.get_logger(__name__)

#: A submission that met another one in the database is tried again so many times in all.
ATTEMPTS = 3
# Who asks is not known where no occasion is given.
_REGISTER: Final = Occasion(transaction=Kind.REGISTER)
_REGISTER_ON_DEMAND: Final = Occasion(transaction=Kind.REGISTER_ON_DEMAND)
_UPDATE: Final = Occasion(transaction=Kind.UPDATE)
_RESTRICTED_UPDATE: Final = Occasion(transaction=Kind.RESTRICTED_UPDATE)
_QUERY: Final = Occasion(transaction=Kind.STORED_QUERY)
_REMOVE: Final = Occasion(transaction=Kind.REMOVE_METADATA)
_MULTI_QUERY: Final = Occasion(transaction=Kind.MULTI_PATIENT_QUERY)


_Done = tuple[RegistryOutcome, tuple[Event, ...]]
#: What one attempt does in its transaction.
_Work = Callable[[Connection, datetime], _Done]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission that may be registered, as far as that can be said without the objects it refers to."""

    prepared: Prepared
    reach: Reach


class Registry:
    """Registers and answers; safe to use from several threads and processes at once.

    Every decision is in the `trail` before it has an effect or an answer; what cannot be recorded is not done. `law`
    says who may submit what; what it raises that is no `XdsErrors` goes through. `merging` follows when the feed merges
    two patients, in the same transaction. `announce` writes down, in the same transaction, what those who want to be
    alerted are told of; without it nobody is. `clock` gives the time in UTC.
    """

    def __init__(
        self,
        engine: Engine,
        configuration: RegistryConfiguration,
        *,
        trail: Trail,
        law: SubmissionLaw = anybody,
        merging: MergeFollower = nothing_follows,
        announce: Announcer | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.engine = engine
        self.law = law
        self.merging = merging
        self.trail = trail
        self.announce = announce
        self.configuration = configuration
        self.clock = clock

    def accept(self, request: etree._Element, *, digest: str, occasion: Occasion = _REGISTER) -> Accepted:
        """Look at an `lcm:SubmitObjectsRequest` of stable entries before anything is done for it. Raises XdsErrors."""
        return self._accept(request, Transaction.REGISTER_DOCUMENT_SET, digest, occasion)

    def register_document_set(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None = None,
        occasion: Occasion = _REGISTER,
        accepted: Accepted | None = None,
        signature: SignatureFinding | None = None,
    ) -> RegistryOutcome:
        """ITI-42: register an `lcm:SubmitObjectsRequest` of stable entries, whole or not at all.

        `digest` identifies what was sent: the same submission sent again is answered Success with `replayed`, and
        nothing is done. `within` runs in the transaction just before it commits. `accepted` is what `accept` made of
        the same request. `signature` is what somebody who has the documents found of the signature of the set; without
        it one that is there cannot be judged.
        """
        transaction = Transaction.REGISTER_DOCUMENT_SET
        return self._register(
            request, transaction, digest, within, occasion=occasion, accepted=accepted, signature=signature
        )

    def register_on_demand(
        self, request: etree._Element, *, digest: str, occasion: Occasion = _REGISTER_ON_DEMAND
    ) -> RegistryOutcome:
        """ITI-61: register on-demand DocumentEntries."""
        return self._register(request, Transaction.REGISTER_ON_DEMAND, digest, None, occasion=occasion)

    def update_document_set(
        self,
        request: etree._Element,
        *,
        digest: str,
        visibility: Visibility = EVERYTHING,
        permit: Permit = everything_permitted,
        occasion: Occasion = _UPDATE,
    ) -> RegistryOutcome:
        """ITI-57: apply the operations of an `lcm:SubmitObjectsRequest` to what is registered, all or none.

        What `visibility` hides is not there. `permit` is asked within the transaction, with every planned change,
        before anything is written. `digest` is that of `register_document_set`.
        """
        change = partial(update, visibility=visibility, permit=permit)
        return self._update(request, UpdateKind.UPDATE, digest, change, occasion)

    def restricted_update_document_set(
        self,
        request: etree._Element,
        *,
        digest: str,
        visibility: Visibility = EVERYTHING,
        permit: Permit = everything_permitted,
        occasion: Occasion = _RESTRICTED_UPDATE,
    ) -> RegistryOutcome:
        """ITI-92: new versions of DocumentEntries, of which some attributes stay as they are."""
        change = partial(update, visibility=visibility, permit=permit)
        return self._update(request, UpdateKind.RESTRICTED_UPDATE, digest, change, occasion)

    def remove_metadata(
        self,
        request: etree._Element,
        visibility: Visibility = EVERYTHING,
        *,
        permit: Permit = everything_permitted,
        occasion: Occasion = _REMOVE,
    ) -> RegistryOutcome:
        """ITI-62: forget the objects that an `lcm:RemoveObjectsRequest` names, all of them or none.

        `permit` is asked in the transaction before anything is deleted. A request sent again is refused: what it names
        is not registered any more. What was removed can be submitted again under the same identifiers.
        """
        named: tuple[str, ...] = ()
        try:
            named = read_request(request, self.configuration.max_results)
            self._forget(named, visibility, permit, occasion)
        except XdsErrors as wrong:
            outcome = RegistryOutcome.failure(wrong.errors)
        except AuditNotWritten as error:
            return RegistryOutcome.failure((self._not_recorded(error, occasion),))
        except (OperationalError, PoolTimeout):
            log.warning("removal.database_unavailable", correlation_id=occasion.correlation_id)
            outcome = RegistryOutcome.failure((XDSRegistryBusy("the database does not answer; try again"),))
        else:
            return RegistryOutcome.success()
        try:
            self.trail.record(audited.not_removed(occasion, named, outcome.errors, self.clock()))
        except AuditNotWritten as error:
            return RegistryOutcome.failure((self._not_recorded(error, occasion),))
        return outcome

    def _forget(self, named: tuple[str, ...], visibility: Visibility, permit: Permit, occasion: Occasion) -> None:
        """Raises `XdsErrors`, `AuditNotWritten` and what the database raises; then nothing has changed."""
        with writing(self.engine) as connection:
            now = self.clock()
            taken = remove_objects(connection, named, now=now, visibility=visibility, permit=permit)
            self.trail.append(connection, audited.removed(occasion, taken, now))

    def stored_query(
        self, request: etree._Element, visibility: Visibility = EVERYTHING, *, occasion: Occasion = _QUERY
    ) -> list[bytes]:
        """ITI-18: the chunks of the `query:AdhocQueryResponse` to a `query:AdhocQueryRequest`."""
        return self._told(request, stored_query(self.engine, request, self.configuration, visibility), occasion)

    def multi_patient_stored_query(
        self, request: etree._Element, visibility: Visibility = EVERYTHING, *, occasion: Occasion = _MULTI_QUERY
    ) -> list[bytes]:
        """ITI-51: the same for queries over several patients."""
        answered = multi_patient_stored_query(self.engine, request, self.configuration, visibility)
        return self._told(request, answered, occasion)

    def document_entries_of(self, repository_unique_id: str) -> Iterator[tuple[str, int | None, str | None]]:
        """uniqueId, size and hash of every stable entry that a repository holds, as the latest version states them."""
        columns = t.document_entry.c
        statement = select(columns.unique_id, columns.size, columns.hash).where(
            columns.repository_unique_id == repository_unique_id, columns.on_demand == 0, is_latest(t.document_entry)
        )
        with self.engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(statement):
                yield row.unique_id, row.size, row.hash

    def refuse_query(
        self, request: etree._Element, errors: tuple[XdsError, ...], *, occasion: Occasion = _QUERY
    ) -> list[bytes]:
        """The answer to a stored query that is not carried out."""
        return self._told(request, Answered(answer.failed(errors), stated_query(request), errors=errors), occasion)

    def _accept(self, request: etree._Element, transaction: Transaction, digest: str, occasion: Occasion) -> Accepted:
        prepared = prepare(request, self.configuration, transaction, digest)
        return Accepted(prepared, self.law(occasion, prepared.decoded.submission))

    def _register(
        self,
        request: etree._Element,
        transaction: Transaction,
        digest: str,
        within: Callable[[Connection], None] | None,
        *,
        occasion: Occasion,
        accepted: Accepted | None = None,
        signature: SignatureFinding | None = None,
    ) -> RegistryOutcome:
        def begin() -> _Work:
            looked_at = accepted or self._accept(request, transaction, digest, occasion)
            prepared, reach = looked_at.prepared, looked_at.reach
            submission = prepared.decoded.submission
            finding = signature or signatures.unexamined(submission)
            told = replace(occasion, signature=finding.summary)
            keeping = signatures.keeping(finding, submission, self.clock, within)

            def work(connection: Connection, now: datetime) -> _Done:
                outcome = register(connection, prepared, self.configuration, now=now, within=keeping, reach=reach)
                if self.announce is not None and not outcome.replayed:
                    self.announce(connection, documents_added(prepared, now))
                return outcome, (audited.registered(told, prepared, outcome, now),)

            return work

        return self._transact(request, begin, occasion)

    def _update(
        self,
        request: etree._Element,
        kind: UpdateKind,
        digest: str,
        change: Callable[..., Applied],
        occasion: Occasion,
    ) -> RegistryOutcome:
        def begin() -> _Work:
            asked = prepare_update(request, self.configuration, kind, digest)

            def work(connection: Connection, now: datetime) -> _Done:
                done = change(connection, asked, self.configuration, now=now)
                return done.outcome, audited.updated(occasion, asked, done, now)

            return work

        return self._transact(request, begin, occasion)

    def _transact(self, request: etree._Element, begin: Callable[[], _Work], occasion: Occasion) -> RegistryOutcome:
        """What a submission comes to: `begin` looks at the message alone, what it gives does the rest."""
        try:
            outcome = self._commit(begin(), occasion)
        except XdsErrors as wrong:
            outcome = RegistryOutcome.failure(wrong.errors)
        except AuditNotWritten as error:
            return RegistryOutcome.failure((self._not_recorded(error, occasion),))
        if outcome.succeeded:
            return outcome
        try:
            self.trail.record(audited.not_registered(occasion, request, outcome, self.clock()))
        except AuditNotWritten as error:
            return RegistryOutcome.failure((self._not_recorded(error, occasion),))
        return outcome

    def _told(self, request: etree._Element, answered: Answered, occasion: Occasion) -> list[bytes]:
        """An answer, once it is in the trail that it is given."""
        try:
            self.trail.record(*audited.queried(occasion, request, answered, self.clock()))
        except AuditNotWritten as error:
            return answer.failed((self._not_recorded(error, occasion),))
        return answered.chunks

    @staticmethod
    def _not_recorded(error: AuditNotWritten, occasion: Occasion) -> XDSRegistryBusy:
        log.error("audit.not_written", kind=str(error), correlation_id=occasion.correlation_id)
        return XDSRegistryBusy("the registry cannot work at present; try again")

    def _commit(self, work: _Work, occasion: Occasion) -> RegistryOutcome:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with writing(self.engine) as connection:
                    outcome, events = work(connection, self.clock())
                    self.trail.append(connection, events)
                    return outcome
            except (IntegrityError, Overtaken):
                # Another submission took an identifier, or moved an object, between our look and our write: look again.
                log.info("registration.conflict", attempt=attempt, correlation_id=occasion.correlation_id)
                time.sleep(0.01 * attempt)
            except (OperationalError, PoolTimeout):
                log.warning("registration.database_unavailable", correlation_id=occasion.correlation_id)
                return RegistryOutcome.failure((XDSRegistryBusy("the database does not answer; try again"),))
        return RegistryOutcome.failure((XDSRegistryError("the submission conflicts with others; try again"),))
