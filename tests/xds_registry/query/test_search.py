"""How much one answer may hold, and that long lists of identifiers are asked for in parts."""

from __future__ import annotations

from dataclasses import replace

from schemas.metadata import EntryId
from tests.xds_registry.client import Client
from tests.xds_registry.submissions import APPROVED, entry, patient, quoted, submission_set
from xds_registry.query.catalogue import QueryId
from xds_registry.query.search import BATCH
from xds_registry.registry import Registry

TOO_MANY = "XDSTooManyResults"
#: Identifiers of nothing, between those that begin with 0 and with f.
NOTHING = [f"urn:uuid:{number:08x}-0000-4000-8000-000000000000" for number in range(0x70000000, 0x70000000 + BATCH)]


def bounded(client: Client, most: int) -> Client:
    """A client of the same registry when it gives no more than so many objects."""
    configuration = replace(client.registry.configuration, max_results=most)
    return Client(Registry(client.registry.engine, configuration), None)


def test_as_many_objects_as_allowed_are_given_and_one_more_is_refused_without_any(client: Client) -> None:
    client.accept(*(entry() for _ in range(3)))
    asked = {"$XDSDocumentEntryPatientId": quoted(patient()), "$XDSDocumentEntryStatus": quoted(APPROVED)}
    for form in ("LeafClass", "ObjectRef"):
        assert len(bounded(client, 3).ask(QueryId.FIND_DOCUMENTS, asked, return_type=form).ids) == 3
        assert bounded(client, 2).ask(QueryId.FIND_DOCUMENTS, asked, return_type=form).error[0] == TOO_MANY


def test_the_bound_is_on_the_objects_of_every_kind_together(client: Client) -> None:
    client.accept(entry(), entry())
    names = ("$XDSDocumentEntryStatus", "$XDSSubmissionSetStatus", "$XDSFolderStatus")
    asked = {"$patientId": quoted(patient()), **dict.fromkeys(names, quoted(APPROVED))}
    assert len(bounded(client, 5).ask(QueryId.GET_ALL, asked).ids) == 5  # a set, two entries, two members
    assert bounded(client, 4).ask(QueryId.GET_ALL, asked).error[0] == TOO_MANY


def test_an_association_between_objects_of_two_parts_of_a_list_is_given_and_counted_once(client: Client) -> None:
    first, last = (
        EntryId("urn:uuid:00000000-0000-4000-8000-000000000001"),
        EntryId("urn:uuid:ffffffff-0000-4000-8000-000000000001"),
    )
    client.accept(submission_set(entry_uuid=first), entry(entry_uuid=last))
    asked = {"$uuid": quoted(first, *NOTHING, last)}
    assert len(client.ask(QueryId.GET_ASSOCIATIONS, asked).ids) == 1
    assert len(bounded(client, 1).ask(QueryId.GET_ASSOCIATIONS, asked).ids) == 1
    assert bounded(client, 0).ask(QueryId.GET_ASSOCIATIONS, asked).error[0] == TOO_MANY


def test_ten_thousand_identifiers_are_looked_up(client: Client) -> None:
    document = entry()
    client.accept(document)
    many = [f"{NOTHING[0][:-4]}{number:04}" for number in range(9999)]
    for query, name, wanted in (
        (QueryId.GET_DOCUMENTS, "$XDSDocumentEntryEntryUUID", document.entry_uuid),
        (QueryId.GET_DOCUMENTS, "$XDSDocumentEntryUniqueId", document.unique_id),
        (QueryId.GET_ASSOCIATIONS, "$uuid", document.entry_uuid),
        (QueryId.GET_SUBMISSION_SETS, "$uuid", document.entry_uuid),
    ):
        assert client.ask(query, {name: quoted(*many, wanted)}).ids
        assert client.ask(query, {name: quoted(*many, "x", wanted)}).error[0] == "XDSStoredQueryParamNumber"
