"""ITI-57: UpdateAvailabilityStatus of DocumentEntries, Folders and Associations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from schemas.affinity_domain import load_affinity_domain
from schemas.vocabulary import AvailabilityStatus
from tests.services.trail import make_trail
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only
from tests.xds_registry.conftest import Clock
from tests.xds_registry.submissions import entry, folder, member, patient, replaces
from tests.xds_registry.update.messages import (
    APPROVED,
    ARCHIVED,
    DELETED,
    DEPRECATED,
    LEVEL_2,
    appends,
    becomes,
    ends,
    history,
    holder_of,
    links,
    next_version,
    status,
    submits,
    updates,
    versions,
    whole,
)
from xds_registry.configuration import RegistryConfiguration
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry

ALL = (APPROVED, DEPRECATED, ARCHIVED, DELETED)
ALLOWED = {
    (APPROVED, DEPRECATED),
    (DEPRECATED, APPROVED),
    (APPROVED, ARCHIVED),
    (ARCHIVED, APPROVED),
    (APPROVED, DELETED),
    (ARCHIVED, DELETED),
}


@pytest.fixture
def national(client: Client, registry: Registry) -> Client:
    """A client of a registry whose domain knows Archived and Deleted, and every code."""
    statuses = load_affinity_domain("ci-sis").availability_statuses
    domain = replace(load_affinity_domain("ihe"), availability_statuses=statuses)
    beside = Registry(
        registry.engine, RegistryConfiguration(domain), trail=make_trail(registry.engine), clock=registry.clock
    )
    return Client(beside, client._schemas)


@pytest.mark.parametrize("maker", [entry, folder])
def test_an_object_is_deprecated_and_approved_again(client: Client, maker: Any) -> None:
    item = maker()
    client.accept(item)
    client.change(becomes(item, APPROVED, DEPRECATED))
    assert versions(client, item) == [(1, "Deprecated")]
    client.change(becomes(item, DEPRECATED, APPROVED))
    assert versions(client, item) == [(1, "Approved")]


@pytest.mark.parametrize("new", ALL)
@pytest.mark.parametrize("original", ALL)
def test_a_document_goes_the_ways_of_the_national_domain_and_no_other(
    national: Client, original: AvailabilityStatus, new: AvailabilityStatus
) -> None:
    item = entry()
    national.accept(item)
    if original is not APPROVED:
        national.change(becomes(item, APPROVED, original))
    outcome = national.update(becomes(item, original, new))
    if (original, new) in ALLOWED:
        assert outcome.succeeded
        assert versions(national, item) == [(1, new.value.rpartition(":")[2])]
    else:
        wanted = "XDSMetadataUpdateOperationError" if original is new else "XDSMetadataUpdateError"
        assert codes(outcome) == [wanted]
        assert versions(national, item) == [(1, original.value.rpartition(":")[2])]


def test_a_status_that_the_domain_does_not_know_is_refused(client: Client) -> None:
    item = entry()
    client.accept(item)
    for original, new in (
        (APPROVED, ARCHIVED),
        (ARCHIVED, APPROVED),
        (APPROVED, "urn:x:Gone"),
        ("Approved", DEPRECATED),
    ):
        assert set(codes(client.update(becomes(item, original, new)))) == {"XDSMetadataUpdateOperationError"}


def test_only_documents_are_archived_and_deleted(national: Client) -> None:
    document, holder = entry(), folder()
    membership = member(holder, document)
    national.accept(document, holder, membership)
    for target in (holder, membership):
        found = national.update(becomes(target, APPROVED, ARCHIVED))
        assert codes(found) == ["XDSMetadataUpdateOperationError"]


def test_what_is_archived_or_deleted_is_found_by_who_asks_for_it(national: Client) -> None:
    archived, deleted = entry(), entry()
    national.accept(archived, deleted)
    national.change(becomes(archived, APPROVED, ARCHIVED))
    national.change(becomes(deleted, APPROVED, DELETED))
    for wanted, found in ((s.APPROVED, set()), (ARCHIVED, {archived.entry_uuid}), (DELETED, {deleted.entry_uuid})):
        asked = {"$XDSDocumentEntryPatientId": s.quoted(patient()), "$XDSDocumentEntryStatus": s.quoted(wanted)}
        assert national.ask(QueryId.FIND_DOCUMENTS, asked).ids == found


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ("original_status", None),
        ("new_status", None),
        ("original_status", "nonsense"),
        ("new_status", "nonsense"),
        ("new_status", APPROVED),
        ("previous_version", "1"),
        ("association_propagation", "yes"),
    ],
)
def test_a_change_of_status_states_both_and_nothing_else(client: Client, slot: str, value: Any) -> None:
    item = entry()
    client.accept(item)
    submission = becomes(item, APPROVED, DEPRECATED)
    (trigger,) = submission.associations
    wrong = replace(submission, associations=(replace(trigger, **{slot: value}),))
    assert codes(client.update(wrong)) == ["XDSMetadataUpdateOperationError"]
    assert versions(client, item) == [(1, "Approved")]


def test_a_status_has_one_value(client: Client) -> None:
    item = entry()
    client.accept(item)
    message = s.request(becomes(item, APPROVED, DEPRECATED))
    (holder,) = s.select(message, "//rim:Slot[@name='NewStatus']/rim:ValueList")
    holder.append(etree.fromstring(etree.tostring(holder[0])))
    assert codes(client.send_update(message)) == ["XDSMetadataUpdateOperationError"]


def test_the_status_was_what_the_sender_thinks(client: Client) -> None:
    item = entry()
    client.accept(item)
    code, text = only(client.update(becomes(item, DEPRECATED, APPROVED)))
    assert (code, text) == ("XDSMetadataUpdateError", f"{item.entry_uuid}: is Approved, not Deprecated")


def test_only_the_latest_version_has_a_status_to_change(client: Client) -> None:
    for item in (entry(), folder()):
        client.accept(item)
        client.change(updates(next_version(item)))
        assert codes(client.update(becomes(item, DEPRECATED, APPROVED))) == ["XDSMetadataUpdateError"]
        assert versions(client, item) == [(1, "Deprecated"), (2, "Approved")]


def test_a_status_belongs_to_something(client: Client) -> None:
    assert codes(client.update(becomes(entry(), APPROVED, DEPRECATED))) == ["UnresolvedReferenceException"]


def test_the_status_of_a_submission_set_and_of_its_members_does_not_change(client: Client) -> None:
    document, holder = entry(), s.submission_set()
    membership = member(holder, document, "Original")
    client.accept(holder, document, membership)
    for target in (holder, membership):
        assert codes(client.update(becomes(target, APPROVED, DEPRECATED))) == ["XDSMetadataUpdateError"]


def test_the_member_of_a_submission_set_that_is_a_membership_stays_too(client: Client) -> None:
    document, holder = entry(), folder()
    membership = member(holder, document)
    client.accept(document, holder, membership)
    (outer,) = (x for x in client.associations(membership) if x.get("targetObject") == membership.entry_uuid)
    assert codes(client.update(becomes(outer.get("id"), APPROVED, DEPRECATED))) == ["XDSMetadataUpdateError"]


def test_a_change_of_status_is_about_the_patient_of_its_submission(client: Client) -> None:
    item = entry(patient_id=patient("P2"))
    client.accept(item)
    holder = s.submission_set()
    found = client.update(whole(holder, status(holder, item, APPROVED, DEPRECATED)))
    assert codes(found) == ["XDSPatientIdDoesNotMatch"]


def test_one_object_gets_one_status(client: Client) -> None:
    item = entry()
    client.accept(item)
    holder = s.submission_set()
    twice = (status(holder, item, APPROVED, DEPRECATED), status(holder, item, DEPRECATED, APPROVED))
    assert codes(client.update(whole(holder, *twice))) == ["XDSMetadataUpdateOperationError"]


def test_an_association_is_deprecated_and_then_told_at_the_second_level_only(client: Client) -> None:
    first, second = entry(), entry()
    link = appends(first, second)
    client.accept(first, second, link)
    client.change(becomes(link, APPROVED, DEPRECATED))
    related = {
        "$XDSDocumentEntryEntryUUID": f"'{first.entry_uuid}'",
        "$AssociationTypes": s.quoted(link.association_type),
    }
    assert client.ask(QueryId.GET_RELATED_DOCUMENTS, related).ids == set()
    everything = {first.entry_uuid, second.entry_uuid, link.entry_uuid}
    answer = client.ask(QueryId.GET_RELATED_DOCUMENTS, related | LEVEL_2)
    assert answer.ids == everything
    assert answer.object(link.entry_uuid).get("status") == s.DEPRECATED
    for wanted, found in ((s.APPROVED, set()), (s.DEPRECATED, everything)):
        of_status = {"$XDSAssociationStatus": s.quoted(wanted)}
        assert client.ask(QueryId.GET_RELATED_DOCUMENTS, related | LEVEL_2 | of_status).ids == found
    client.change(becomes(link, DEPRECATED, APPROVED))
    assert client.ask(QueryId.GET_RELATED_DOCUMENTS, related).ids == everything


def test_a_folder_whose_membership_ends_was_updated(client: Client, clock: Clock) -> None:
    document, holder = entry(), folder()
    membership = member(holder, document)
    client.accept(document, holder, membership)
    clock.advance(hours=1)
    client.change(becomes(membership, APPROVED, DEPRECATED))
    (found,) = history(client, holder)
    assert s.select(found, "rim:Slot[@name='lastUpdateTime']//rim:Value/text()") == ["20260101010000"]
    by_id = {"$XDSFolderEntryUUID": f"'{holder.entry_uuid}'"}
    assert client.ask(QueryId.GET_FOLDER_AND_CONTENTS, by_id).ids == {holder.entry_uuid}


def test_two_objects_are_not_linked_twice_by_a_change_of_status(client: Client) -> None:
    first, second = entry(), entry()
    old = appends(first, second)
    client.accept(first, second, old)
    client.change(becomes(old, APPROVED, DEPRECATED))
    client.change(links(appends(first, second)))
    assert codes(client.update(becomes(old, DEPRECATED, APPROVED))) == ["XDSMetadataUpdateError"]


@pytest.mark.parametrize("maker", [entry, folder])
def test_a_new_version_and_its_status_come_in_one_update(client: Client, maker: Any) -> None:
    item = maker()
    client.accept(item)
    new = next_version(item)
    holder = holder_of(new)
    client.change(updates(new, more=(holder, status(holder, new, APPROVED, DEPRECATED))))
    assert versions(client, item) == [(1, "Deprecated"), (2, "Deprecated")]


@pytest.mark.parametrize("maker", [entry, folder])
def test_a_new_version_is_approved_whatever_was_submitted(client: Client, maker: Any) -> None:
    item = maker()
    client.accept(item)
    new = next_version(item, availability_status=DEPRECATED)
    holder = holder_of(new)
    wrong = updates(new, more=(holder, status(holder, new, DEPRECATED, APPROVED)))
    assert codes(client.update(wrong)) == ["XDSMetadataUpdateError"]
    assert versions(client, item) == [(1, "Approved")]
    client.change(updates(new))
    assert versions(client, item) == [(1, "Deprecated"), (2, "Approved")]


def test_the_version_before_is_left_alone_by_a_change_of_status(client: Client) -> None:
    item = entry()
    client.accept(item)
    new = next_version(item)
    holder = holder_of(new)
    wrong = updates(new, more=(holder, status(holder, item, APPROVED, DEPRECATED)))
    assert codes(client.update(wrong)) == ["XDSMetadataUpdateError"]


def test_a_new_association_and_its_status_come_in_one_update(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    new, holder = appends(first, second), s.submission_set()
    client.change(whole(holder, new, submits(holder, new), status(holder, new, APPROVED, DEPRECATED)))
    assert ends(client, first) == set()
    assert ends(client, first, level="2") == {("APND", first.entry_uuid, second.entry_uuid)}


def test_a_document_that_comes_back_can_be_referred_to_again(client: Client) -> None:
    item = entry()
    client.accept(item)
    client.change(becomes(item, APPROVED, DEPRECATED))
    client.change(becomes(item, DEPRECATED, APPROVED))
    new = entry()
    client.accept(new, replaces(new, item))
    assert versions(client, item) == [(1, "Deprecated")]
