"""The request as a whole: which query, what form of answer, which patient, and that hostile values stay values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.vocabulary import QUERY
from soap.xml import parse_trusted
from tests.xds_registry.client import Answer, Client, row_counts
from tests.xds_registry.submissions import APPROVED, entry, on_demand_entry, parsed, patient, query, quoted
from xds_registry.configuration import UnknownPatientPolicy
from xds_registry.query.catalogue import MULTI_PATIENT_QUERIES, STORED_QUERIES, QueryId
from xds_registry.registry import Registry

FIND = {"$XDSDocumentEntryPatientId": quoted(patient()), "$XDSDocumentEntryStatus": quoted(APPROVED)}
HOSTILE = (
    "'; DROP TABLE document_entry; --",
    "' OR '1'='1",
    "') OR 1=1 --",
    "\\' OR 1=1 --",
    "%' ESCAPE 'x",
    ":patient_id",
    "%(patient_id)s",
    "?",
    "{0}",
    "]]>&<x/>",
    "\u202e\u0000".replace("\u0000", ""),
)


@pytest.mark.parametrize("query_id", ["", "urn:uuid:00000000-0000-0000-0000-000000000000", "FindDocuments"])
def test_an_unknown_query_is_refused(client: Client, query_id: str) -> None:
    assert client.put(query(query_id, FIND)).error[0] == "XDSUnknownStoredQuery"


def test_a_request_without_a_query_is_refused(client: Client) -> None:
    message = parsed(f'<query:AdhocQueryRequest xmlns:query="{QUERY}"/>')
    assert Answer(parse_trusted(b"".join(client.registry.stored_query(message)))).error[0] == "XDSUnknownStoredQuery"


def test_each_transaction_has_queries_of_its_own(client: Client) -> None:
    registry = client.registry
    for answers, foreign in (
        (registry.stored_query, MULTI_PATIENT_QUERIES),
        (registry.multi_patient_stored_query, STORED_QUERIES),
    ):
        for query_id in foreign:
            answer = Answer(parse_trusted(b"".join(answers(query(query_id, FIND)))))
            assert answer.error[0] == "XDSUnknownStoredQuery"


@pytest.mark.parametrize("return_type", [None, "", "RegistryObject", "LeafClassWithRepositoryItem", "leafclass"])
def test_only_two_forms_of_answer_are_known(client: Client, return_type: str | None) -> None:
    assert client.ask(QueryId.FIND_DOCUMENTS, FIND, return_type=return_type).error[0] == "XDSRegistryError"


def test_a_reference_is_the_id_and_the_home_community(client: Client) -> None:
    document = entry(home_community_id="urn:oid:1.2.3")
    client.accept(document)
    (found,) = client.ask(QueryId.FIND_DOCUMENTS, FIND, return_type="ObjectRef").objects
    assert dict(found.attrib) == {"id": document.entry_uuid, "home": "urn:oid:1.2.3"}
    assert client.ask(QueryId.FIND_DOCUMENTS, FIND).object(document.entry_uuid).get("home") == "urn:oid:1.2.3"


def test_a_query_may_name_a_home_community(client: Client) -> None:
    document = entry()
    client.accept(document)
    asked = {"$XDSDocumentEntryEntryUUID": quoted(document.entry_uuid)}
    assert client.ask(QueryId.GET_DOCUMENTS, asked, home="urn:oid:1.2.3").ids == {document.entry_uuid}


def test_nothing_found_is_success(client: Client) -> None:
    answer = client.ask(QueryId.FIND_DOCUMENTS, FIND)
    assert answer.succeeded
    assert answer.objects == []


def test_on_demand_entries_are_found_where_their_type_is_asked_for(client: Client) -> None:
    stable, living = entry(), on_demand_entry()
    client.accept(stable)
    client.accept_on_demand(living)
    assert client.ask(QueryId.FIND_DOCUMENTS, FIND).ids == {stable.entry_uuid}
    kind = {"$XDSDocumentEntryType": quoted(living.object_type.value if living.object_type else "")}
    assert client.ask(QueryId.FIND_DOCUMENTS, {**FIND, **kind}).ids == {living.entry_uuid}


@pytest.mark.parametrize("query_id", [QueryId.FIND_DOCUMENTS, QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS])
def test_an_unknown_or_merged_patient_has_nothing_or_is_an_error_as_the_domain_decides(
    client: Client, query_id: QueryId
) -> None:
    document = entry(patient_id=patient("P2"))
    client.accept(document)
    client.merge("P1", "P2")
    strict = replace(client.registry.configuration, unknown_patient=UnknownPatientPolicy.ERROR)
    strictly = Client(Registry(client.registry.engine, strict), None)
    for name in ("P2", "P3", "p1", "", "P1' OR '1'='1"):
        identifier = str(patient(name)) if name else ""
        asked = {**FIND, "$XDSDocumentEntryPatientId": quoted(identifier)}
        assert client.ask(query_id, asked).ids == set()
        assert strictly.ask(query_id, asked).error == ("XDSUnknownPatientId", identifier)
    assert strictly.ask(query_id, FIND).ids == {document.entry_uuid}


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_values(client: Client, value: str) -> None:
    client.accept(entry())
    before = row_counts(client.registry.engine)
    for query_id, parameters in (
        (QueryId.FIND_DOCUMENTS, {**FIND, "$XDSDocumentEntryAuthorPerson": quoted(value)}),
        (QueryId.FIND_DOCUMENTS, {**FIND, "$XDSDocumentEntryClassCode": quoted(f"{value}^^{value}")}),
        (QueryId.FIND_DOCUMENTS, {**FIND, "$XDSDocumentEntryPatientId": quoted(value)}),
        (QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID, {**FIND, "$XDSDocumentEntryReferenceIdList": quoted(value)}),
        (QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryEntryUUID": quoted(value)}),
        (QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": quoted(value)}),
        (QueryId.GET_ASSOCIATIONS, {"$uuid": quoted(value)}),
    ):
        assert client.ask(query_id, parameters).ids == set()
    assert client.ask(QueryId.FIND_DOCUMENTS, {**FIND, "$XDSDocumentEntryStatus": quoted(value)}).error[0] == (
        "XDSStoredQueryMissingParam"
    )
    assert client.put(query(value, FIND)).error == ("XDSUnknownStoredQuery", value)
    assert row_counts(client.registry.engine) == before
