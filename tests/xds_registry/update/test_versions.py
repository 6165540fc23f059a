"""ITI-57: new versions of DocumentEntries and Folders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Oid, Sha1Hash, UniqueId
from schemas.metadata import EntryId, LocalizedText
from schemas.vocabulary import EMPTY_SHA1, DocumentEntryType
from tests.services.trail import changes_of, make_trail
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only, row_counts
from tests.xds_registry.conftest import Clock
from tests.xds_registry.submissions import code, entry, folder, member, on_demand_entry, patient, replaces
from tests.xds_registry.update.messages import (
    DEPRECATED,
    LEVEL_2,
    becomes,
    history,
    holder_of,
    next_version,
    number,
    updates,
    versions,
    whole,
)
from xds_registry.configuration import RegistryConfiguration
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry

UPDATED = [(1, "Deprecated"), (2, "Approved")]


@pytest.mark.parametrize("maker", [entry, folder, on_demand_entry])
def test_a_new_version_follows_the_one_before_which_is_deprecated(client: Client, maker: Any) -> None:
    first = maker()
    (client.accept_on_demand if maker is on_demand_entry else client.accept)(first)
    second = next_version(first, title=(LocalizedText("another title"),))
    client.change(updates(second))
    if maker is on_demand_entry:
        return
    old, new = history(client, first)
    assert (old.get("id"), new.get("id")) == (first.entry_uuid, second.entry_uuid)
    assert old.get("lid") == new.get("lid") == first.entry_uuid
    assert versions(client, first) == UPDATED
    assert s.select(new, "rim:Name/rim:LocalizedString/@value") == ["another title"]
    assert s.select(old, "rim:ExternalIdentifier/@value") == s.select(new, "rim:ExternalIdentifier/@value")


def test_versions_follow_each_other_without_a_gap(client: Client) -> None:
    first = entry()
    client.accept(first)
    for previous in range(1, 4):
        client.change(updates(next_version(first), previous=previous))
    assert versions(client, first) == [(1, "Deprecated"), (2, "Deprecated"), (3, "Deprecated"), (4, "Approved")]


@pytest.mark.parametrize("maker", [entry, folder])
@pytest.mark.parametrize("previous", ["0", "2", "999999999"])
def test_an_update_starts_from_the_latest_version(client: Client, maker: Any, previous: str) -> None:
    first = maker()
    client.accept(first)
    assert codes(client.update(updates(next_version(first), previous=previous))) == ["XDSMetadataVersionError"]
    client.change(updates(next_version(first)))
    assert codes(client.update(updates(next_version(first)))) == ["XDSMetadataVersionError"]
    assert versions(client, first) == UPDATED


def test_what_is_not_registered_has_no_next_version(client: Client) -> None:
    unknown = entry()
    code_, text = only(client.update(updates(next_version(unknown))))
    assert code_ == "XDSMetadataVersionError"
    assert unknown.entry_uuid in text


def test_a_logical_object_stays_an_entry_or_a_folder(client: Client) -> None:
    first = entry()
    client.accept(first)
    assert codes(client.update(updates(folder(logical_id=first.entry_uuid)))) == ["XDSMetadataVersionError"]


@pytest.mark.parametrize("maker", [entry, folder])
@pytest.mark.parametrize("lid", [None, "same", "symbolic", "urn:uuid:no-uuid"])
def test_a_first_version_is_registered_and_not_updated(client: Client, maker: Any, lid: str | None) -> None:
    item = maker()
    item = replace(item, logical_id=item.entry_uuid if lid == "same" else lid)
    assert "XDSMetadataUpdateError" in codes(client.update(updates(item)))


def test_an_update_has_a_submission_set_and_links_it_to_the_new_version(client: Client) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first)
    assert codes(client.update(whole(holder_of(new), new))) == ["XDSMetadataUpdateError"]
    assert codes(client.send_update(s.without(s.request(updates(new)), "//rim:RegistryPackage"))) == [
        "XDSRegistryMetadataError"
    ]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("previous_version", None),
        ("previous_version", "one"),
        ("previous_version", "-1"),
        ("previous_version", "1.0"),
        ("association_propagation", "perhaps"),
        ("association_propagation", "Yes"),
        ("submission_set_status", None),
        ("submission_set_status", "Reference"),
        ("original_status", DEPRECATED),
        ("new_status", DEPRECATED),
    ],
)
def test_the_annotations_of_an_update_are_exact(client: Client, annotation: str, value: str | None) -> None:
    first = entry()
    client.accept(first)
    submission = updates(next_version(first))
    (link,) = submission.associations
    wrong = replace(submission, associations=(replace(link, **{annotation: value}),))
    assert codes(client.update(wrong)) == ["XDSMetadataUpdateOperationError"]
    assert versions(client, first) == [(1, "Approved")]


def test_a_new_version_is_complete(client: Client) -> None:
    first, holder = entry(), folder()
    client.accept(first, holder)
    assert codes(client.update(updates(next_version(first, class_code=None)))) == ["XDSRegistryMetadataError"]
    assert codes(client.update(updates(next_version(holder, title=())))) == ["XDSRegistryMetadataError"]


def test_a_document_stays_the_document_it_is(client: Client) -> None:
    first = entry()
    client.accept(first)
    other = next_version(first, unique_id=UniqueId.parse("1.2.3.4.5"))
    assert codes(client.update(updates(other))) == ["XDSMetadataUpdateError"]
    other = next_version(first, object_type=DocumentEntryType.ON_DEMAND, creation_time=None, size=None, hash=None)
    assert codes(client.update(updates(other))) == ["XDSMetadataUpdateError"]
    assert versions(client, first) == [(1, "Approved")]


def test_only_what_is_approved_is_updated(client: Client) -> None:
    first, holder = entry(), folder()
    client.accept(first, holder)
    for item in (first, holder):
        client.change(becomes(item, "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved", DEPRECATED))
        assert codes(client.update(updates(next_version(item)))) == ["XDSMetadataUpdateError"]


def test_a_logical_object_is_updated_once(client: Client) -> None:
    first = entry()
    client.accept(first)
    found = codes(client.update(updates(next_version(first), next_version(first))))
    assert "XDSMetadataUpdateOperationError" in found
    assert versions(client, first) == [(1, "Approved")]


def test_an_update_is_done_whole_or_not_at_all(client: Client, registry: Registry) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, second, holder, member(holder, first))
    before = row_counts(registry.engine)
    wrong = updates(next_version(first), next_version(holder), next_version(second, unique_id=s.unique_id()))
    assert codes(client.update(wrong)) == ["XDSMetadataUpdateError"]
    assert row_counts(registry.engine) == before
    assert changes_of(registry.engine)[-1].transaction.value == "ITI-42"


def test_the_same_update_sent_again_is_answered_success_and_not_done_again(client: Client, registry: Registry) -> None:
    first = entry()
    client.accept(first)
    message = s.request(updates(next_version(first)))
    assert not client.send_update(message).replayed
    before = row_counts(registry.engine)
    again = client.send_update(message)
    assert again.succeeded
    assert again.replayed
    assert row_counts(registry.engine) == before


def test_a_submission_set_is_new(client: Client) -> None:
    first, used = entry(), s.submission_set()
    client.accept(used, first)
    holder = s.submission_set(unique_id=used.unique_id)
    found = client.update(updates(next_version(first), more=(holder,)))
    assert codes(found) == ["XDSDuplicateUniqueIdInRegistry"]


def test_the_entry_uuid_of_a_new_version_is_new(client: Client) -> None:
    first, other = entry(), entry()
    client.accept(first, other)
    taken = next_version(first, entry_uuid=other.entry_uuid)
    assert codes(client.update(updates(taken))) == ["XDSRegistryMetadataError"]
    client.change(updates(next_version(first, entry_uuid=EntryId("symbolic"))))
    assert versions(client, first) == UPDATED


def test_the_patient_of_an_update_is_known(client: Client) -> None:
    first = entry()
    client.accept(first)
    assert codes(client.update(updates(next_version(first, patient_id=patient("P9"))))) == ["XDSUnknownPatientId"]


def test_an_entry_that_stands_alone_moves_to_another_patient(client: Client) -> None:
    first = entry()
    client.accept(first)
    moved = next_version(first, patient_id=patient("P2"))
    client.change(updates(moved))
    status = {"$XDSDocumentEntryStatus": s.quoted(s.APPROVED)}
    for name, expected in (("P1", set[str]()), ("P2", {moved.entry_uuid})):
        asked = {"$XDSDocumentEntryPatientId": s.quoted(patient(name)), **status}
        assert client.ask(QueryId.FIND_DOCUMENTS, asked).ids == expected
    by_lid = {"$XDSDocumentEntryLogicalID": s.quoted(first.entry_uuid), **LEVEL_2}
    assert client.ask(QueryId.GET_DOCUMENTS, by_lid).error[0] == "XDSResultNotSinglePatient"
    assert len(client.ask(QueryId.GET_DOCUMENTS, by_lid, return_type="ObjectRef").ids) == 2


def test_the_objects_of_an_update_are_of_one_patient(client: Client) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first)
    found = client.update(updates(new, more=(holder_of(new, patient_id=patient("P2")),)))
    assert codes(found) == ["XDSPatientIdDoesNotMatch"]


def test_the_latest_version_alone_is_told_unless_the_history_is_asked_for(client: Client) -> None:
    first = entry()
    client.accept(first)
    second = next_version(first)
    client.change(updates(second))
    by_unique_id = {"$XDSDocumentEntryUniqueId": s.quoted(first.unique_id)}
    assert client.ask(QueryId.GET_DOCUMENTS, by_unique_id).ids == {second.entry_uuid}
    both = {first.entry_uuid, second.entry_uuid}
    assert client.ask(QueryId.GET_DOCUMENTS, by_unique_id | LEVEL_2).ids == both
    of_patient = {
        "$XDSDocumentEntryPatientId": s.quoted(patient()),
        "$XDSDocumentEntryStatus": s.quoted(s.APPROVED, s.DEPRECATED),
    }
    assert client.ask(QueryId.FIND_DOCUMENTS, of_patient).ids == {second.entry_uuid}
    assert client.ask(QueryId.FIND_DOCUMENTS, of_patient | LEVEL_2).ids == both


def test_a_document_that_was_replaced_is_told_at_the_first_level(client: Client) -> None:
    first, new = entry(), entry()
    client.accept(first)
    second = next_version(first)
    client.change(updates(second))
    client.accept(new, replaces(new, second))
    of_patient = {
        "$XDSDocumentEntryPatientId": s.quoted(patient()),
        "$XDSDocumentEntryStatus": s.quoted(s.APPROVED, s.DEPRECATED),
    }
    assert client.ask(QueryId.FIND_DOCUMENTS, of_patient).ids == {second.entry_uuid, new.entry_uuid}
    assert versions(client, first) == [(1, "Deprecated"), (2, "Deprecated")]


def test_an_earlier_version_cannot_be_replaced(client: Client) -> None:
    first, new = entry(), entry()
    client.accept(first)
    client.change(updates(next_version(first)))
    assert codes(client.submit(new, replaces(new, first))) == ["XDSRegistryDeprecatedDocumentError"]


def test_a_mask_is_a_version_with_other_confidentiality_codes(client: Client) -> None:
    first = entry()
    client.accept(first)
    masked = next_version(first, confidentiality_codes=(code("N"), code("MASQUE_PS")))
    client.change(updates(masked))
    asked = {
        "$XDSDocumentEntryPatientId": s.quoted(patient()),
        "$XDSDocumentEntryStatus": s.quoted(s.APPROVED),
        "$XDSDocumentEntryConfidentialityCode": s.quoted("MASQUE_PS^^1.2.3"),
    }
    assert client.ask(QueryId.FIND_DOCUMENTS, asked).ids == {masked.entry_uuid}


def test_a_folder_says_when_it_got_its_new_version(client: Client, clock: Clock) -> None:
    holder = folder()
    client.accept(holder)
    clock.advance(hours=1)
    client.change(updates(next_version(holder)))
    times = "rim:Slot[@name='lastUpdateTime']/rim:ValueList/rim:Value/text()"
    assert [s.select(x, times) for x in history(client, holder)] == [["20260101000000"], ["20260101010000"]]


def test_an_offline_document_is_told_at_the_second_level_only(client: Client) -> None:
    first = entry()
    client.accept(first)
    second = next_version(first, document_availability="urn:ihe:iti:2010:DocumentAvailability:Offline")
    client.change(updates(second))
    asked = {
        "$XDSDocumentEntryPatientId": s.quoted(patient()),
        "$XDSDocumentEntryStatus": s.quoted(s.APPROVED),
    }
    assert client.ask(QueryId.FIND_DOCUMENTS, asked).ids == set()
    assert client.ask(QueryId.FIND_DOCUMENTS, asked | LEVEL_2).ids == {second.entry_uuid}
    name = "$XDSDocumentEntryDocumentAvailability"
    for value, found in (("Offline", {second.entry_uuid}), ("Online", set[str]())):
        given = {name: s.quoted(f"urn:ihe:iti:2010:DocumentAvailability:{value}")}
        assert client.ask(QueryId.FIND_DOCUMENTS, asked | LEVEL_2 | given).ids == found
    wrong = next_version(second, document_availability="Nearby")
    assert codes(client.update(updates(wrong, previous=2))) == ["XDSRegistryMetadataError"]


@pytest.fixture
def own(client: Client, registry: Registry) -> Client:
    """A client of a registry beside the repository of the entries that tests make."""
    domain = load_affinity_domain("ihe")
    beside = RegistryConfiguration(domain, own_repositories=frozenset({s.REPOSITORY}))
    return Client(
        Registry(registry.engine, beside, trail=make_trail(registry.engine), clock=registry.clock), client._schemas
    )


OTHER_HASH = Sha1Hash.parse("e543712c0e10501972de13a5bfcbe826c49feb75")


@pytest.mark.parametrize("changed", [{"size": 5}, {"hash": OTHER_HASH}, {"repository_unique_id": Oid.parse("1.2.3")}])
def test_what_a_document_of_our_own_repository_is_cannot_be_said_otherwise(
    own: Client, client: Client, changed: dict[str, Any]
) -> None:
    first = entry()
    own.accept(first)
    assert codes(own.update(updates(next_version(first, **changed)))) == ["XDSMetadataUpdateError"]
    client.change(updates(next_version(first, **changed)))  # a document that is kept elsewhere


def test_a_document_of_another_repository_does_not_move_into_ours(own: Client) -> None:
    first = entry(repository_unique_id=Oid.parse("1.2.3"))
    own.accept(first)
    moved = next_version(first, repository_unique_id=Oid.parse(s.REPOSITORY))
    assert codes(own.update(updates(moved))) == ["XDSMetadataUpdateError"]


def test_a_document_that_was_registered_before_it_was_assembled_gets_its_bytes(own: Client) -> None:
    first = entry(size=0, hash=Sha1Hash.parse(EMPTY_SHA1))
    own.accept(first)
    assembled = next_version(first, size=4, hash=Sha1Hash.parse(s.HASH))
    own.change(updates(assembled))
    assert codes(own.update(updates(next_version(assembled, size=5), previous=2))) == ["XDSMetadataUpdateError"]
    # The same document once more is the same as the latest version, not as the first one.
    own.accept(entry(unique_id=first.unique_id))
    assert list(own.registry.document_entries_of(s.REPOSITORY)) == [(str(first.unique_id), 4, s.HASH)] * 2


def test_an_update_is_in_the_audit_trail(client: Client, registry: Registry) -> None:
    first = entry()
    client.accept(first)
    client.change(updates(next_version(first, patient_id=patient("P2"))))
    events = changes_of(registry.engine)[-2:]
    assert [event.transaction.value for event in events] == ["ITI-57", "ITI-57"]
    assert {event.action.value for event in events} == {"U"}
    assert {event.patient for event in events} == {str(patient("P1")), str(patient("P2"))}
    assert {event.documents for event in events} == {(str(first.unique_id),)}


def test_the_merge_of_patients_takes_every_version_along(client: Client) -> None:
    first = entry()
    client.accept(first)
    client.change(updates(next_version(first)))
    client.merge("P2", "P1")
    found = history(client, first)
    assert [number(x) for x in found] == [1, 2]
    scheme = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
    path = f"rim:ExternalIdentifier[@identificationScheme='{scheme}']/@value"
    assert [s.select(x, path) for x in found] == [[str(patient("P2"))]] * 2
    new = next_version(first, patient_id=patient("P2"))
    client.change(updates(new, previous=2))
    assert codes(client.update(updates(next_version(first), previous=3))) == ["XDSUnknownPatientId"]
