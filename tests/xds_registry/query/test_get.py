"""The Get queries: against a reading of the standard in lists, and what is easily got wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.vocabulary import RELATIONSHIPS, AssociationType, DocumentEntryType
from tests.examples import some
from tests.schemas.xsd.official import Schemas
from tests.xds_registry.client import Client
from tests.xds_registry.query.graphs import BY_IDENTIFIER, Plan, asked_by_identifier, compare, plans, subject
from tests.xds_registry.submissions import (
    association,
    code,
    entry,
    folder,
    member,
    on_demand_entry,
    patient,
    quoted,
    replaces,
    submission_set,
)
from xds_registry.query.catalogue import QueryId

ANY_TYPE = {"$XDSDocumentEntryType": quoted(*(kind.value for kind in DocumentEntryType))}


@settings(max_examples=some(30))
@given(plan=plans(), data=st.data())
def test_a_query_by_identifier_finds_what_hangs_on_it(
    opened_database: Engine, official: Schemas | None, plan: Plan, data: Any
) -> None:
    registry = subject(opened_database, official, plan)
    for query in BY_IDENTIFIER:
        compare(data, registry, query, data.draw(asked_by_identifier(query, registry.record)))


@pytest.mark.parametrize("name", ["$XDSDocumentEntryEntryUUID", "$XDSDocumentEntryUniqueId"])
def test_documents_of_every_type_and_status_are_got_by_identifier(client: Client, name: str) -> None:
    old, new, living = entry(), entry(), on_demand_entry()
    client.accept(old)
    client.accept(new, replaces(new, old))
    client.accept_on_demand(living)
    field = "entry_uuid" if name.endswith("UUID") else "unique_id"
    wanted = quoted(*(getattr(item, field) for item in (old, new, living)))
    assert client.ask(QueryId.GET_DOCUMENTS, {name: wanted}).ids == {x.entry_uuid for x in (old, new, living)}


def test_an_entry_uuid_is_the_same_in_capitals(client: Client) -> None:
    document = entry()
    client.accept(document)
    asked = {"$XDSDocumentEntryEntryUUID": quoted(document.entry_uuid.upper())}
    assert client.ask(QueryId.GET_DOCUMENTS, asked).ids == {document.entry_uuid}


def test_a_unique_id_does_not_match_in_another_case_or_by_wildcards(client: Client) -> None:
    document = entry()
    client.accept(document)
    for pattern in ("%", str(document.unique_id)[:-1] + "_", str(document.unique_id) + "%"):
        assert client.ask(QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": quoted(pattern)}).ids == set()


def test_the_contents_of_a_submission_set_are_those_that_pass_the_filters_with_what_links_them(client: Client) -> None:
    holder, holding = submission_set(), folder()
    kept, other = entry(format_code=code("kept")), entry(format_code=code("other"))
    inner = [member(holding, kept), member(holding, other)]
    own = [member(holder, kept, "Original"), member(holder, other, "Original"), member(holder, holding)]
    own += [member(holder, link) for link in inner]
    client.accept(holder, holding, kept, other, *inner, *own)
    asked = {
        "$XDSSubmissionSetUniqueId": quoted(holder.unique_id),
        "$XDSDocumentEntryFormatCode": quoted("kept^^1.2.3"),
    }
    expected = {holder, holding, kept, inner[0], own[0], own[2], own[3]}
    found = client.ask(QueryId.GET_SUBMISSION_SET_AND_CONTENTS, asked).ids
    assert found == {item.entry_uuid for item in expected}


def test_a_document_without_relationships_is_not_related_to_itself(client: Client) -> None:
    document, holding = entry(), folder()
    client.accept(document, holding, member(holding, document))
    asked = {
        "$XDSDocumentEntryEntryUUID": quoted(document.entry_uuid),
        "$AssociationTypes": quoted(*AssociationType),
    }
    assert client.ask(QueryId.GET_RELATED_DOCUMENTS, asked).ids == set()


def test_related_documents_are_one_step_away(client: Client) -> None:
    first, second, third = entry(), entry(), entry()
    client.accept(first)
    client.accept(second, (one := association(AssociationType.APPEND, second, first)))
    client.accept(third, (two := association(AssociationType.APPEND, third, second)))
    for start, expected in ((first, {first, second, one}), (second, {first, second, third, one, two})):
        asked = {"$XDSDocumentEntryUniqueId": quoted(start.unique_id), "$AssociationTypes": quoted(*RELATIONSHIPS)}
        found = client.ask(QueryId.GET_RELATED_DOCUMENTS, asked).ids
        assert found == {item.entry_uuid for item in expected}


def test_a_snapshot_is_related_to_its_on_demand_entry_where_both_types_are_asked_for(client: Client) -> None:
    living, snapshot = on_demand_entry(), entry()
    client.accept_on_demand(living)
    client.accept(snapshot, (link := association(AssociationType.IS_SNAPSHOT_OF, snapshot, living)))
    asked = {
        "$XDSDocumentEntryEntryUUID": quoted(snapshot.entry_uuid),
        "$AssociationTypes": quoted(AssociationType.IS_SNAPSHOT_OF),
    }
    assert client.ask(QueryId.GET_RELATED_DOCUMENTS, asked).ids == set()
    both = client.ask(QueryId.GET_RELATED_DOCUMENTS, {**asked, **ANY_TYPE}).ids
    assert both == {living.entry_uuid, snapshot.entry_uuid, link.entry_uuid}


def test_whole_metadata_of_two_patients_is_not_given_in_one_answer_by_identifier(client: Client) -> None:
    documents = [entry(), entry(patient_id=patient("P2"))]
    for document in documents:
        client.accept(document)
    asked = {"$XDSDocumentEntryEntryUUID": quoted(*(document.entry_uuid for document in documents))}
    for query in (QueryId.GET_DOCUMENTS, QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS):
        assert client.ask(query, asked).error[0] == "XDSResultNotSinglePatient"
        assert {x.entry_uuid for x in documents} <= client.ask(query, asked, return_type="ObjectRef").ids
