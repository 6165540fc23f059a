"""The one way from the repository to the registry: in process, or over SOAP to a registry anywhere.

In process, registering and saying that the documents are kept is one transaction. Over SOAP the registry commits first;
the repository's own rows follow, and the reaper completes them when the process ends in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import requests
from lxml import etree
from sqlalchemy import Connection, Engine, select

from schemas import markup
from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.errors import XdsErrors, XDSRegistryNotAvailable, XDSRepositoryError
from schemas.responses import RegistryOutcome, read_registry_response
from soap.client.caller import NoAnswer, SoapCaller
from soap.faults import FaultCode, SoapFault
from xds_registry import tables as t
from xds_registry.registry import Registry
from xds_repository.ledger import BATCH, normal, writing

_REGISTER: Final = "urn:ihe:iti:2007:RegisterDocumentSet-b"
_QUERY: Final = "urn:ihe:iti:2007:RegistryStoredQuery"
#: ITI TF-2: Table 3.18.4.1.2.4-1
_GET_DOCUMENTS: Final = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"


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

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None,
        correlation_id: str,
    ) -> RegistryOutcome:
        """ITI-42 for a completed `lcm:SubmitObjectsRequest`; its errors and warnings come back as they are.

        `within` writes the repository's own rows. On Success they are committed, save for a replay in process, where
        they were committed before. `digest` identifies what was sent.
        """

    def document_entries(self, repository_unique_id: str) -> Iterator[RegistryEntry] | None:
        """Every stable entry of a repository, or None when the registry cannot be asked that."""

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """The stable entries of a repository with one of these uniqueIds (in NFC). Raises `RegistryUnreachable`."""


class InProcessRegistry:
    """The registry in the same process and, with its tables, in the same database."""

    shares_transactions = True

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,
        within: Callable[[Connection], None] | None,
        correlation_id: str,
    ) -> RegistryOutcome:
        """See `RegistryPort.register`."""
        return self._registry.register_document_set(
            request, digest=digest, within=within, correlation_id=correlation_id
        )

    def document_entries(self, repository_unique_id: str) -> Iterator[RegistryEntry]:
        """See `RegistryPort.document_entries`."""
        for unique_id, size, sha1 in self._registry.document_entries_of(repository_unique_id):
            yield RegistryEntry(unique_id, size, sha1)

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """See `RegistryPort.entries_of`."""
        columns, wanted, found = t.document_entry.c, list(unique_ids), []
        with self._registry.engine.connect() as connection:
            for start in range(0, len(wanted), BATCH):
                statement = select(columns.unique_id, columns.size, columns.hash).where(
                    columns.unique_id.in_(wanted[start : start + BATCH]),
                    columns.repository_unique_id == repository_unique_id,
                    columns.on_demand == 0,
                )
                found += [RegistryEntry(*row) for row in connection.execute(statement)]
        return found


class SoapRegistry:
    """A registry at a URL, reached by ITI-42 and ITI-18. `engine` is the repository's own database."""

    shares_transactions = False

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = (2.0, 60.0),
        security: Callable[[], bytes] | None = None,
        spool_directory: Path | None = None,
    ) -> None:
        self._caller = SoapCaller(
            url, session=session, timeout=timeout, security=security, spool_directory=spool_directory
        )
        self._engine = engine

    def register(
        self,
        request: etree._Element,
        *,
        digest: str,  # noqa: ARG002 - the registry there makes its own
        within: Callable[[Connection], None] | None,
        correlation_id: str,  # noqa: ARG002 - ends at this process
    ) -> RegistryOutcome:
        """See `RegistryPort.register`. A lost answer is XDSRegistryNotAvailable, whatever the registry did."""
        try:
            with self._caller.call(_REGISTER, request) as answer:
                outcome = read_registry_response(answer.body)
        except NoAnswer:
            return RegistryOutcome.failure((XDSRegistryNotAvailable("the registry does not answer; try again"),))
        except SoapFault as fault:
            return RegistryOutcome.failure((_refused(fault),))
        if outcome.succeeded and within is not None:
            try:
                with writing(self._engine) as connection:
                    within(connection)
            except XdsErrors as wrong:
                return RegistryOutcome.failure(wrong.errors)
        return outcome

    def document_entries(self, repository_unique_id: str) -> None:  # noqa: ARG002 - whichever it is
        """See `RegistryPort.document_entries`. No stored query lists a repository's documents."""
        return

    def entries_of(self, unique_ids: Collection[str], repository_unique_id: str) -> list[RegistryEntry]:
        """See `RegistryPort.entries_of`. ITI TF-2: 3.18.4.1.2.3.7.5 GetDocuments"""
        wanted, found = list(unique_ids), []
        for start in range(0, len(wanted), BATCH):
            try:
                with self._caller.call(_QUERY, _get_documents(wanted[start : start + BATCH])) as answer:
                    outcome = read_registry_response(answer.body)
                    entries = list(answer.body.iter(r.EXTRINSIC_OBJECT))
            except (NoAnswer, SoapFault) as error:
                raise RegistryUnreachable(type(error).__name__) from error
            if not outcome.succeeded:
                raise RegistryUnreachable(f"the registry refuses the query: {outcome.errors[:1]!r}")
            found += [_entry(entry) for entry in entries if _is_of(entry, repository_unique_id)]
        return found


def _is_of(entry: etree._Element, repository_unique_id: str) -> bool:
    stable = entry.get("objectType") != v.DocumentEntryType.ON_DEMAND
    return stable and _slot(entry, "repositoryUniqueId") == repository_unique_id


def _refused(fault: SoapFault) -> XDSRegistryNotAvailable | XDSRepositoryError:
    if fault.code is FaultCode.RECEIVER:
        return XDSRegistryNotAvailable("the registry cannot process requests at present; try again")
    return XDSRepositoryError("the registry does not accept what this repository sends")


def _get_documents(unique_ids: Collection[str]) -> bytes:
    # Quotes inside a value are doubled (ITI TF-2: 3.18.4.1.2.3.5).
    values = "".join(f"<rim:Value>({markup.text(_quoted(unique_id))})</rim:Value>" for unique_id in unique_ids)
    return (
        f'<query:AdhocQueryRequest xmlns:query="{v.QUERY}" xmlns:rim="{v.RIM}">'
        f'<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        f'<rim:AdhocQuery id="{_GET_DOCUMENTS}"><rim:Slot name="$XDSDocumentEntryUniqueId"><rim:ValueList>{values}'
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
