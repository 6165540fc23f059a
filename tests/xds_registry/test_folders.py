"""Folders and the members of SubmissionSets: who may hold what, and when a Folder was updated."""

from __future__ import annotations

import pytest

from schemas.datatypes import Dtm
from schemas.metadata import Folder, LocalizedText
from schemas.vocabulary import AssociationType
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only
from tests.xds_registry.conftest import Clock
from tests.xds_registry.submissions import association, entry, folder, member, patient, replaces, submission_set
from xds_registry.query.catalogue import QueryId

START, LATER = "20260101000000", "20260101010000"


def updated(client: Client, holder: Folder) -> str:
    """lastUpdateTime of a Folder: the answer's, which is also the one that queries compare."""
    by_id = {"$XDSFolderEntryUUID": s.quoted(holder.entry_uuid)}
    (found,) = client.ask(QueryId.GET_FOLDERS, by_id).objects
    (time,) = s.select(found, "rim:Slot[@name='lastUpdateTime']/rim:ValueList/rim:Value/text()")
    query = {
        "$XDSFolderPatientId": s.quoted(holder.patient_id),
        "$XDSFolderStatus": s.quoted(s.APPROVED),
        "$XDSFolderLastUpdateTimeFrom": time,
        "$XDSFolderLastUpdateTimeTo": time,
    }
    assert holder.entry_uuid in client.ask(QueryId.FIND_FOLDERS, query).ids
    return str(time)


def members(client: Client, holder: Folder) -> list[str]:
    """The targets of a Folder's HasMember associations."""
    links = client.associations(holder)
    return sorted(x.get("targetObject", "") for x in links if x.get("sourceObject") == holder.entry_uuid)


def test_the_registry_alone_says_when_a_folder_was_updated(client: Client) -> None:
    holder, silent = folder(last_update_time=Dtm.parse("20990101000000")), folder()
    client.accept(holder, silent)
    assert updated(client, holder) == START
    assert updated(client, silent) == START


def test_a_folder_that_gains_a_document_was_updated(client: Client, clock: Clock) -> None:
    holder, other, old = folder(), folder(), entry()
    client.accept(holder, other, old)
    clock.advance(hours=1)
    new = entry()
    client.accept(new, member(holder, new))
    assert (updated(client, holder), updated(client, other)) == (LATER, START)
    clock.advance(hours=1)
    client.accept(member(holder, old))
    assert updated(client, holder) == "20260101020000"
    assert members(client, holder) == sorted([new.entry_uuid, old.entry_uuid])


def test_a_refused_submission_updates_no_folder(client: Client, clock: Clock) -> None:
    holder = folder()
    client.accept(holder)
    clock.advance(hours=1)
    new = entry(class_code=None)
    assert not client.submit(new, member(holder, new)).succeeded
    wrong = entry()
    assert not client.submit(wrong, member(holder, wrong), replaces(wrong, s.new_id())).succeeded
    assert updated(client, holder) == START


@pytest.mark.parametrize("kind", [AssociationType.REPLACE, AssociationType.TRANSFORM_REPLACE])
def test_what_replaces_a_document_takes_its_place_in_every_folder(
    client: Client, clock: Clock, kind: AssociationType
) -> None:
    first, second, empty, old = folder(), folder(), folder(), entry()
    client.accept(first, second, empty, old, member(first, old), member(second, old))
    clock.advance(hours=1)
    new, set_ = entry(), submission_set()
    client.accept(set_, new, association(kind, new, old))
    for holder in (first, second):
        assert members(client, holder) == sorted([old.entry_uuid, new.entry_uuid])
        assert updated(client, holder) == LATER
        (link,) = (x for x in client.associations(holder) if x.get("targetObject") == new.entry_uuid)
        assert link.get("status") == s.APPROVED
        # the SubmissionSet has the membership as a member
        assert [x.get("sourceObject") for x in client.associations(link.get("id"))] == [set_.entry_uuid]
    assert (members(client, empty), updated(client, empty)) == ([], START)


def test_a_membership_that_is_stated_is_not_inherited_too(client: Client) -> None:
    holder, old = folder(), entry()
    client.accept(holder, old, member(holder, old))
    new = entry()
    client.accept(new, replaces(new, old), member(holder, new))
    assert members(client, holder) == sorted([old.entry_uuid, new.entry_uuid])


def test_who_replaces_two_documents_of_a_folder_is_its_member_once(client: Client) -> None:
    holder, one, two = folder(), entry(), entry()
    client.accept(holder, one, two, member(holder, one), member(holder, two))
    new = entry()
    client.accept(new, replaces(new, one), replaces(new, two))
    assert members(client, holder) == sorted([one.entry_uuid, two.entry_uuid, new.entry_uuid])


def test_folders_are_inherited_from_version_to_version(client: Client) -> None:
    holder, old = folder(), entry()
    client.accept(holder, old, member(holder, old))
    versions = [old]
    for _ in range(3):
        new = entry()
        client.accept(new, replaces(new, versions[-1]))
        versions.append(new)
    assert members(client, holder) == sorted(version.entry_uuid for version in versions)


def test_an_addendum_takes_no_place_in_a_folder(client: Client, clock: Clock) -> None:
    holder, old = folder(), entry()
    client.accept(holder, old, member(holder, old))
    clock.advance(hours=1)
    new = entry()
    client.accept(new, association(AssociationType.APPEND, new, old))
    assert (members(client, holder), updated(client, holder)) == ([old.entry_uuid], START)


def test_a_folder_holds_no_folder(client: Client) -> None:
    outer, inner, registered = folder(), folder(), folder()
    client.accept(registered)
    for target in (inner, registered):
        outcome = client.submit(outer, inner, member(outer, target))
        assert set(codes(outcome)) == {"XDSRegistryMetadataError"}
        assert any(error.code_context.startswith(target.entry_uuid) for error in outcome.errors)


def test_a_folder_holds_no_set_and_no_association(client: Client) -> None:
    set_, holder, document = submission_set(), folder(), entry()
    link = member(holder, document)
    client.accept(set_, holder, document, link)
    for target in (set_, link):
        code, context = only(client.submit(member(holder, target)))
        assert code == "XDSRegistryMetadataError"
        assert context.startswith(target.entry_uuid)


def test_the_folder_and_the_member_must_be_there(client: Client) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder)
    for source, target in ((s.new_id(), document.entry_uuid), (holder.entry_uuid, s.new_id())):
        missing = source if target == document.entry_uuid else target
        code, context = only(client.submit(member(source, target)))
        assert code == "UnresolvedReferenceException"
        assert context.startswith(f"{missing}: ")


def test_only_sets_and_folders_have_members(client: Client) -> None:
    document, new = entry(), entry()
    client.accept(document)
    for source in (document.entry_uuid, new.entry_uuid):
        outcome = client.submit(new, member(source, entry()))
        assert set(codes(outcome)) == {"XDSRegistryMetadataError"}


def test_a_deprecated_document_does_not_come_into_a_folder(client: Client) -> None:
    old, new, holder = entry(), entry(), folder()
    client.accept(old, holder)
    client.accept(new, replaces(new, old))
    code, context = only(client.submit(member(holder, old)))
    assert code == "XDSRegistryDeprecatedDocumentError"
    assert context.startswith(old.entry_uuid)


def test_a_folder_and_its_members_are_about_one_patient(client: Client) -> None:
    other_folder, other_entry = folder(patient_id=patient("P2")), entry(patient_id=patient("P2"))
    client.accept(other_folder, other_entry)
    for holder, document in ((other_folder, entry()), (folder(), other_entry)):
        new = document if document is not other_entry else holder
        code, context = only(client.submit(new, member(holder, document)))
        assert code == "XDSPatientIdDoesNotMatch"
        assert (other_folder if new is document else other_entry).entry_uuid in context
    set_ = submission_set()
    code, context = only(client.submit(set_, entry(), member(set_, other_folder)))
    assert code == "XDSPatientIdDoesNotMatch"
    assert other_folder.entry_uuid in context


def test_a_set_refers_to_documents_of_any_patient(client: Client) -> None:
    other = entry(patient_id=patient("P2"))
    client.accept(other)
    set_ = submission_set()
    client.accept(set_, entry(), member(set_, other, "Reference"))


def test_a_set_does_not_refer_to_a_deprecated_document(client: Client) -> None:
    old, new = entry(), entry()
    client.accept(old)
    client.accept(new, replaces(new, old))
    set_ = submission_set()
    code, context = only(client.submit(set_, entry(), member(set_, old, "Reference")))
    assert code == "XDSRegistryDeprecatedDocumentError"
    assert context.startswith(old.entry_uuid)


@pytest.mark.parametrize("status", [None, "Original"])
def test_a_registered_document_is_a_member_by_reference(client: Client, status: str | None) -> None:
    old, set_ = entry(), submission_set()
    client.accept(old)
    link = member(set_, old, status)
    code, context = only(client.submit(set_, entry(), link))
    assert code == "XDSRegistryMetadataError"
    assert context.startswith(link.entry_uuid)


@pytest.mark.parametrize("status", [None, "Reference", "original", "Copy"])
def test_a_new_document_is_a_member_as_original(client: Client, status: str | None) -> None:
    set_, document = submission_set(), entry()
    link = member(set_, document, status)
    outcome = client.submit(set_, document, link)
    assert set(codes(outcome)) == {"XDSRegistryMetadataError"}
    assert all(error.code_context.startswith(link.entry_uuid) for error in outcome.errors)


def test_a_set_has_no_members_that_are_sets(client: Client) -> None:
    old_set, set_ = submission_set(), submission_set()
    client.accept(old_set, entry())
    code, context = only(client.submit(set_, entry(), member(set_, old_set)))
    assert code == "XDSRegistryMetadataError"
    assert context.startswith(old_set.entry_uuid)


def test_nothing_is_added_to_a_registered_set(client: Client) -> None:
    old_set, document = submission_set(), entry()
    client.accept(old_set, document)
    code, context = only(client.submit(entry(), member(old_set, document)))
    assert code == "XDSRegistryMetadataError"
    assert context.startswith(old_set.entry_uuid)


def test_titles_and_codes_of_folders_come_back(client: Client) -> None:
    holder = folder(title=(LocalizedText('Suivi <été> & "hiver"', "fr"),), code_list=(s.code("a"), s.code("b")))
    client.accept(holder)
    (found,) = client.ask(QueryId.GET_FOLDERS, {"$XDSFolderUniqueId": s.quoted(holder.unique_id)}).objects
    assert s.select(found, "rim:Name/rim:LocalizedString/@value") == ['Suivi <été> & "hiver"']
    assert s.select(found, "rim:Classification/@nodeRepresentation") == ["a", "b"]
