"""The one way from the repository to the registry: in process, or over SOAP to a registry anywhere.

In process, registering and saying that the documents are kept is one transaction. Over SOAP the registry commits first;
the repository's own rows follow, and the reaper completes them when the process ends in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import requests
from lxml import etree
from sqlalchemy import Connection, Engine, bindparam, select

from card_auth.dsg import SignatureFinding
from dmp.audit import Event, Occasion, Trail
from schemas import markup
from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.identifiers import stated_identifiers
from schemas.errors import XdsErrors, XDSRegistryNotAvailable, XDSRepositoryError, XDSResultNotSinglePatient
from schemas.responses import RegistryOutcome, read_registry_response
from soap.client.caller import NoAnswer, SoapCaller
from soap.faults import FaultCode, SoapFault
from xds_registry import tables as t
from xds_registry.references import is_latest
from xds_registry.registry import Accepted, Registry
from xds_registry.signatures import keep
from xds_repository import audited
from xds_repository.ledger import BATCH, normal, writing

_REGISTER: Final = "urn:ihe:iti:2007:RegisterDocumentSet-b"
_QUERY: Final = "urn:ihe:iti:2007:RegistryStoredQuery"
#: ITI TF-2: Table 3.18.4.1.2.4-1
_GET_DOCUMENTS: Final = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
#: $MetadataLevel (metadata update supplement, ITI TF-2: 3.18.4.1.2.3.5.1.1)
_EVERY_VERSION, _LATEST_VERSION = "2", "1"
_PATIENTS: Final = (
    select(t.document_entry.c.unique_id, t.patient.c.patient_id)
    .join(t.patient, t.patient.c.pk == t.document_entry.c.patient_pk)
    .where(t.document_entry.c.unique_id.in_(bindparam("unique_ids", expanding=True)), is_latest(t.document_entry))
    .order_by(t.document_entry.c.pk)
)


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What the registry says of a document of this repository. `sha1` is in lower case; unknown values are None."""

    unique_id: str
    size: int | None
    sha1: str | None


class RegistryUnreachable(Exception):
    """The registry could not be asked."""


class RegistryPort(Protocol):
    """What the repository asks of a registry."""

    @property
    def shares_transactions(self) -> bool:
        """Whether `within` commits together with the registration."""

    def accept(self, request: etree._Element, *, digest: str, occasion: Occasion) -> Accepted | None:
        """What can be said of a submission before its documents are kept; None when the registry is elsewhere.

        Raises XdsErrors, or a fault, when it is not to be registered.
        """

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None,
        occasion: Occasion,
        accepted: Accepted | None,
        signature: SignatureFinding | None = None,
    ) -> RegistryOutcome:
        """ITI-42 for a completed `lcm:SubmitObjectsRequest`; its errors and warnings come back as they are.

        `within` writes the repository's own rows. On Success they are committed, save for a replay in process, where
        they were committed before. `digest` identifies what was sent. Whatever the outcome is, it is in the audit trail
        on return. Raises `AuditNotWritten` when it is not. `signature` is what was found of the signature of the set:
        it is kept with what is registered, or with the repository's own rows where the registry is elsewhere.
        """

    def document_entries(self, repository_unique_id: str) -> Iterator[RegistryEntry] | None:
        """Every stable entry of a repository, or None when the registry cannot be asked that."""

    def patients_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        """Whose the documents with these uniqueIds (in NFC) are, as far as that is known without asking elsewhere."""

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """The stable entries of a repository with one of these uniqueIds (in NFC). Raises `RegistryUnreachable`."""


class InProcessRegistry:
    """The registry in the same process and, with its tables, in the same database."""

    shares_transactions = True

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def accept(self, request: etree._Element, *, digest: str, occasion: Occasion) -> Accepted:
        """See `RegistryPort.accept`."""
        return self._registry.accept(request, digest=digest, occasion=occasion)

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None,
        occasion: Occasion,
        accepted: Accepted | None,
        signature: SignatureFinding | None = None,
    ) -> RegistryOutcome:
        """See `RegistryPort.register`. The registry records it, in the transaction that registers."""
        return self._registry.register_document_set(
            request, digest=digest, within=within, occasion=occasion, accepted=accepted, signature=signature
        )

    def document_entries(self, repository_unique_id: str) -> Iterator[RegistryEntry]:
        """See `RegistryPort.document_entries`."""
        for unique_id, size, sha1 in self._registry.document_entries_of(repository_unique_id):
            yield RegistryEntry(unique_id, size, sha1)

    def patients_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        """See `RegistryPort.patients_of`."""
        wanted, found = list(unique_ids), dict[str, str]()
        with self._registry.engine.connect() as connection:
            for start in range(0, len(wanted), BATCH):
                rows = connection.execute(_PATIENTS, {"unique_ids": wanted[start : start + BATCH]})
                found |= {row.unique_id: row.patient_id for row in rows}
        return found

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """See `RegistryPort.entries_of`."""
        columns, wanted, found = t.document_entry.c, list(unique_ids), []
        with self._registry.engine.connect() as connection:
            for start in range(0, len(wanted), BATCH):
                statement = select(columns.unique_id, columns.size, columns.hash).where(
                    columns.unique_id.in_(wanted[start : start + BATCH]),
                    columns.repository_unique_id == repository_unique_id,
                    columns.on_demand == 0,
                    is_latest(t.document_entry),
                )
                found += [RegistryEntry(*row) for row in connection.execute(statement)]
        return found


class SoapRegistry:
    """A registry at a URL, reached by ITI-42 and ITI-18. `engine` and `trail` are the repository's own."""

    shares_transactions = False

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        trail: Trail,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = (2.0, 60.0),
        security: Callable[[], bytes] | None = None,
        spool_directory: Path | None = None,
    ) -> None:
        self._caller = SoapCaller(
            url, session=session, timeout=timeout, security=security, spool_directory=spool_directory
        )
        self._url = url
        self._engine = engine
        self._trail = trail

    def accept(self, request: etree._Element, *, digest: str, occasion: Occasion) -> None:  # noqa: ARG002
        """See `RegistryPort.accept`. The registry there looks at it when it gets it."""
        return

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,  # noqa: ARG002 - the registry there makes its own
        within: Callable[[Connection], None] | None,
        occasion: Occasion,
        accepted: Accepted | None,  # noqa: ARG002 - there is none
        signature: SignatureFinding | None = None,
    ) -> RegistryOutcome:
        """See `RegistryPort.register`. A lost answer is XDSRegistryNotAvailable, whatever the registry did."""
        outcome = sent = self._sent(request)
        if outcome.succeeded:
            try:
                with writing(self._engine) as connection:
                    if within is not None:
                        within(connection)
                    if signature is not None:
                        keep(connection, stated_identifiers(request).submission_set, signature, self._trail.clock())
                    self._trail.append(connection, self._events(occasion, request, sent, outcome))
            except XdsErrors as wrong:
                outcome = RegistryOutcome.failure(wrong.errors)
        if not outcome.succeeded:
            self._trail.record(*self._events(occasion, request, sent, outcome))
        return outcome

    def _sent(self, request: etree._Element) -> RegistryOutcome:
        try:
            with self._caller.call(_REGISTER, request) as answer:
                return read_registry_response(answer.body)
        except NoAnswer:
            return RegistryOutcome.failure((XDSRegistryNotAvailable("the registry does not answer; try again"),))
        except SoapFault as fault:
            return RegistryOutcome.failure((_refused(fault),))

    def _events(
        self, occasion: Occasion, request: etree._Element, sent: RegistryOutcome, outcome: RegistryOutcome
    ) -> tuple[Event, Event]:
        """Two transactions: what the registry said to ours, and what became of the sender's."""
        now = self._trail.clock()
        return (
            audited.registered_elsewhere(occasion, request, sent, self._url, now),
            audited.provided(occasion, request, outcome, now),
        )

    def patients_of(self, unique_ids: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002 - whosever they are
        """See `RegistryPort.patients_of`. The registry there would have to be asked."""
        return {}

    def document_entries(self, repository_unique_id: str) -> None:  # noqa: ARG002 - whichever it is
        """See `RegistryPort.document_entries`. No stored query lists a repository's documents."""
        return

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """See `RegistryPort.entries_of`. ITI TF-2: 3.18.4.1.2.3.7.5 GetDocuments"""
        wanted, found = list(unique_ids), []
        for start in range(0, len(wanted), BATCH):
            entries = self._documents(wanted[start : start + BATCH], _EVERY_VERSION)
            found += [_entry(entry) for entry in _latest(entries) if _is_of(entry, repository_unique_id)]
        return found

    def _documents(self, unique_ids: Sequence[str], level: str) -> list[etree._Element]:
        """Every version of the entries with these uniqueIds, as far as one answer may hold them.

        An answer is about one patient (ITI TF-2: 3.18.4.1.2.3.7): documents of several are asked for one by one, and of
        one that moved from patient to patient only the latest version.
        """
        try:
            with self._caller.call(_QUERY, _get_documents(unique_ids, level)) as answer:
                outcome = read_registry_response(answer.body)
                entries = list(answer.body.iter(r.EXTRINSIC_OBJECT))
        except (NoAnswer, SoapFault) as error:
            raise RegistryUnreachable(type(error).__name__) from error
        if outcome.succeeded:
            return entries
        if any(isinstance(error, XDSResultNotSinglePatient) for error in outcome.errors):
            if len(unique_ids) > 1:
                return [entry for one in unique_ids for entry in self._documents([one], level)]
            if level != _LATEST_VERSION:
                return self._documents(unique_ids, _LATEST_VERSION)
        raise RegistryUnreachable(f"the registry refuses the query: {outcome.errors[:1]!r}")


def _latest(entries: Iterable[etree._Element]) -> list[etree._Element]:
    """The latest version of each logical object; where no version is stated, each entry stands alone.

    All are asked for, since an answer with the latest alone leaves out those whose document is Offline at present.
    """
    latest: dict[str, tuple[int, etree._Element]] = {}
    for place, entry in enumerate(entries):
        stated = r.child(entry, r.VERSION_INFO)
        number = "" if stated is None else stated.get("versionName", "")
        version = int(number) if number.isascii() and number.isdigit() else 0
        logical_id = entry.get("lid") or f"{entry.get('id', '')} {place}"
        if logical_id not in latest or latest[logical_id][0] < version:
            latest[logical_id] = (version, entry)
    return [entry for _, entry in latest.values()]


def _is_of(entry: etree._Element, repository_unique_id: str) -> bool:
    stable = entry.get("objectType") != v.DocumentEntryType.ON_DEMAND
    return stable and _slot(entry, "repositoryUniqueId") == repository_unique_id


def _refused(fault: SoapFault) -> XDSRegistryNotAvailable | XDSRepositoryError:
    if fault.code is FaultCode.RECEIVER:
        return XDSRegistryNotAvailable("the registry cannot process requests at present; try again")
    return XDSRepositoryError("the registry does not accept what this repository sends")


def _get_documents(unique_ids: Collection[str], level: str) -> bytes:
    # Quotes inside a value are doubled (ITI TF-2: 3.18.4.1.2.3.5).
    values = "".join(f"<rim:Value>({markup.text(_quoted(unique_id))})</rim:Value>" for unique_id in unique_ids)
    return (
        f'<query:AdhocQueryRequest xmlns:query="{v.QUERY}" xmlns:rim="{v.RIM}">'
        f'<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        f'<rim:AdhocQuery id="{_GET_DOCUMENTS}"><rim:Slot name="$XDSDocumentEntryUniqueId"><rim:ValueList>{values}'
        f'</rim:ValueList></rim:Slot><rim:Slot name="$MetadataLevel"><rim:ValueList><rim:Value>{level}</rim:Value>'
        "</rim:ValueList></rim:Slot></rim:AdhocQuery></query:AdhocQueryRequest>"
    ).encode()


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _entry(entry: etree._Element) -> RegistryEntry:
    unique_id = ""
    for child in entry:
        if child.tag == r.EXTERNAL_IDENTIFIER and child.get("identificationScheme") == v.DOCUMENT_ENTRY_UNIQUE_ID:
            unique_id = normal(child.get("value", "").strip())
    size, sha1 = _slot(entry, "size"), _slot(entry, "hash")
    return RegistryEntry(
        unique_id, int(size) if size and size.isascii() and size.isdigit() else None, sha1.lower() if sha1 else None
    )


def _slot(entry: etree._Element, name: str) -> str | None:
    for child in entry:
        if child.tag == r.SLOT and child.get("name") == name:
            for value in child.iter(r.VALUE):
                return (value.text or "").strip()
    return None
