"""A registry with a client of it, whose every answer is held against the official schemas."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from schemas import vocabulary as v
from schemas.datatypes import Cx
from schemas.errors import XdsError
from schemas.responses import RegistryOutcome, read_registry_response, registry_response
from schemas.vocabulary import ResponseStatus
from soap.xml import parse_trusted
from tests.schemas.xsd.official import Schemas, faults
from tests.xds_registry.submissions import Given, Item, Submission, patient, query, removal, request
from xds_registry import tables
from xds_registry.changes import Permit, everything_permitted
from xds_registry.database import writing
from xds_registry.patients import MergeResult, add_patient, merge_patients
from xds_registry.query.catalogue import MULTI_PATIENT_QUERIES, QueryId
from xds_registry.registry import Registry
from xds_registry.visibility import EVERYTHING, Visibility

__all__ = ["Answer", "Client", "codes", "only", "row_counts", "wipe"]


@dataclass(frozen=True, slots=True)
class Answer:
    """An `AdhocQueryResponse`."""

    root: etree._Element

    @property
    def raw(self) -> bytes:
        """The message, to compare with another."""
        return etree.tostring(self.root)

    @property
    def succeeded(self) -> bool:
        return self.root.get("status") == ResponseStatus.SUCCESS.value

    @property
    def objects(self) -> list[etree._Element]:
        """The objects or references of the answer."""
        holder = self.root.find(f"{{{v.RIM}}}RegistryObjectList")
        return [] if holder is None else list(holder)

    @property
    def ids(self) -> set[str]:
        """The ids of the objects; each is stated once."""
        assert self.succeeded, self.errors
        found = [item.get("id", "") for item in self.objects]
        assert len(found) == len(set(found))
        return set(found)

    @property
    def errors(self) -> tuple[XdsError, ...]:
        return read_registry_response(self.root).errors

    @property
    def error(self) -> tuple[str, str]:
        """Code and codeContext of the only error of a failure, which has no objects."""
        assert self.root.get("status") == ResponseStatus.FAILURE.value
        assert not self.objects
        (error,) = self.errors
        return error.code, error.code_context

    def object(self, entry_uuid: Any) -> etree._Element:
        """One object of the answer."""
        (found,) = (item for item in self.objects if item.get("id") == entry_uuid)
        return found


class Client:
    """Announces patients, submits and asks."""

    def __init__(self, registry: Registry, schemas: Schemas | None) -> None:
        self.registry = registry
        self._schemas = schemas

    def announce(self, *names: str | Cx) -> None:
        """Make patients known, as the identity feed does."""
        with writing(self.registry.engine) as connection:
            for name in names:
                add_patient(connection, name if isinstance(name, Cx) else patient(name))

    def merge(self, surviving: str, subsumed: str) -> MergeResult:
        with writing(self.registry.engine) as connection:
            return merge_patients(connection, patient(surviving), patient(subsumed))

    def submit(self, *items: Item | Submission) -> RegistryOutcome:
        """ITI-42."""
        return self.send(request(*items))

    def send(self, message: etree._Element, *, on_demand: bool = False) -> RegistryOutcome:
        """ITI-42 or ITI-61 of a message."""
        digest = hashlib.sha256(etree.tostring(message)).hexdigest()
        register = self.registry.register_on_demand if on_demand else self.registry.register_document_set
        outcome = register(message, digest=digest)
        self._valid(parse_trusted(registry_response(outcome)))
        return outcome

    def update(self, *items: Item | Submission, **asked: Any) -> RegistryOutcome:
        """ITI-57; `asked` are visibility and permit."""
        return self.send_update(request(*items), **asked)

    def send_update(self, message: etree._Element, *, restricted: bool = False, **asked: Any) -> RegistryOutcome:
        """ITI-57 or ITI-92 of a message."""
        digest = hashlib.sha256(etree.tostring(message)).hexdigest()
        change = self.registry.restricted_update_document_set if restricted else self.registry.update_document_set
        outcome = change(message, digest=digest, **asked)
        self._valid(parse_trusted(registry_response(outcome)))
        return outcome

    def change(self, *items: Item | Submission) -> None:
        """ITI-57 that is to succeed."""
        outcome = self.update(*items)
        assert outcome.succeeded, outcome.errors

    def accept(self, *items: Item | Submission) -> None:
        """ITI-42 that is to succeed."""
        outcome = self.submit(*items)
        assert outcome.succeeded, outcome.errors

    def accept_on_demand(self, *items: Item | Submission) -> None:
        """ITI-61 that is to succeed."""
        outcome = self.send(request(*items), on_demand=True)
        assert outcome.succeeded, outcome.errors

    def remove(
        self, *items: Any, visibility: Visibility = EVERYTHING, permit: Permit = everything_permitted
    ) -> RegistryOutcome:
        """ITI-62 of objects, or of ids."""
        return self.send_removal(removal(*items), visibility=visibility, permit=permit)

    def send_removal(
        self,
        message: etree._Element,
        *,
        visibility: Visibility = EVERYTHING,
        permit: Permit = everything_permitted,
    ) -> RegistryOutcome:
        """ITI-62 of a message."""
        outcome = self.registry.remove_metadata(message, visibility, permit=permit)
        self._valid(parse_trusted(registry_response(outcome)))
        return outcome

    def ask(
        self,
        query_id: QueryId,
        parameters: Mapping[str, Given],
        *,
        visibility: Visibility = EVERYTHING,
        return_type: str | None = "LeafClass",
        home: str | None = None,
    ) -> Answer:
        """ITI-18, or ITI-51 when the query is one of its own."""
        return self.put(query(query_id, parameters, return_type=return_type, home=home), visibility=visibility)

    def put(self, message: etree._Element, *, visibility: Visibility = EVERYTHING) -> Answer:
        """ITI-18 or ITI-51 of a message."""
        (adhoc,) = message.iter(f"{{{v.RIM}}}AdhocQuery")
        several = adhoc.get("id") in MULTI_PATIENT_QUERIES
        answer = self.registry.multi_patient_stored_query if several else self.registry.stored_query
        root = parse_trusted(b"".join(answer(message, visibility)))
        self._valid(root)
        return Answer(root)

    def statuses(self, *items: Any) -> list[str]:
        """availabilityStatus of entries, as the registry answers it."""
        answer = self.ask(QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryEntryUUID": [f"('{x.entry_uuid}')" for x in items]})
        return [answer.object(item.entry_uuid).get("status", "").rpartition(":")[2] for item in items]

    def associations(self, *items: Any) -> list[etree._Element]:
        """The Associations that touch objects."""
        uuids = [f"('{x if isinstance(x, str) else x.entry_uuid}')" for x in items]
        return self.ask(QueryId.GET_ASSOCIATIONS, {"$uuid": uuids}).objects

    def _valid(self, root: etree._Element) -> None:
        if self._schemas is not None:
            assert faults(self._schemas, root) == []


def row_counts(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables.metadata.sorted_tables
        }


def wipe(engine: Engine) -> None:
    """Take every row out of every table."""
    statements = [f"DELETE FROM {table.name}" for table in reversed(tables.metadata.sorted_tables)]
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            statements = ["; ".join(statements)]  # one way there and back for all
        for statement in statements:
            connection.exec_driver_sql(statement)


def codes(outcome: RegistryOutcome) -> list[str]:
    """The error codes of a failure."""
    assert outcome.status is ResponseStatus.FAILURE
    return [error.code for error in outcome.errors]


def only(outcome: RegistryOutcome) -> tuple[str, str]:
    """Code and codeContext of the only error of a failure."""
    assert outcome.status is ResponseStatus.FAILURE, outcome
    (error,) = outcome.errors
    return error.code, error.code_context
