"""ITI-57: Associations that follow an object to its new version, and those that are submitted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.metadata import Association
from schemas.vocabulary import AssociationType
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes
from tests.xds_registry.conftest import Clock
from tests.xds_registry.submissions import association, code, entry, folder, member, patient, replaces
from tests.xds_registry.update.messages import (
    APPROVED,
    DEPRECATED,
    appends,
    becomes,
    ends,
    history,
    holder_of,
    links,
    next_version,
    status,
    submits,
    symbol,
    updates,
    versions,
    whole,
)
from xds_registry.query.catalogue import QueryId

LATER = ["20260101010000"]


def updated(client: Client, holder: Any) -> list[str]:
    """lastUpdateTime of the latest version of a Folder."""
    return s.select(history(client, holder)[-1], "rim:Slot[@name='lastUpdateTime']//rim:Value/text()")


def contents(client: Client, holder: Any) -> set[str]:
    """The documents of a Folder at the first level."""
    by_id = {"$XDSFolderEntryUUID": f"'{holder.entry_uuid}'"}
    objects = client.ask(QueryId.GET_FOLDER_AND_CONTENTS, by_id).objects
    return {x.get("id", "") for x in objects if x.tag.endswith("ExtrinsicObject")}


def test_a_new_version_of_a_document_is_in_the_folders_of_the_one_before(client: Client, clock: Clock) -> None:
    document, holder, other = entry(), folder(), folder()
    client.accept(document, holder, other, member(holder, document))
    clock.advance(hours=1)
    new = next_version(document)
    client.change(updates(new))
    assert contents(client, holder) == {new.entry_uuid}
    assert updated(client, holder) == LATER
    assert updated(client, other) == ["20260101000000"]
    (membership,) = (x for x in client.associations(new) if x.get("sourceObject") == holder.entry_uuid)
    (outer,) = (x for x in client.associations(membership.get("id")) if x.get("targetObject") == membership.get("id"))
    sets = client.ask(QueryId.GET_SUBMISSION_SETS, {"$uuid": s.quoted(new.entry_uuid)})
    assert outer.get("sourceObject") in sets.ids


def test_without_propagation_a_new_version_stands_alone(client: Client, clock: Clock) -> None:
    document, second, holder = entry(), entry(), folder()
    client.accept(document, second, holder, member(holder, document), appends(second, document))
    clock.advance(hours=1)
    new, newer = next_version(document), next_version(holder)
    client.change(updates(new, propagation="no"))
    assert ends(client, new) == set()
    assert updated(client, holder) == ["20260101000000"]
    client.change(updates(newer, propagation="no"))
    assert contents(client, newer) == set()


@pytest.mark.parametrize("propagation", [None, "yes"])
def test_a_new_version_of_a_document_keeps_its_relationships(client: Client, propagation: str | None) -> None:
    document, second, third = entry(), entry(), entry()
    client.accept(document, second, third)
    documented = appends(second, document, documentation=code("why"), comments=document.comments)
    signs = association(AssociationType.SIGNS, document, third)
    client.change(links(documented, signs))
    new = next_version(document)
    client.change(updates(new, propagation=propagation))
    assert ends(client, new) == {
        ("APND", second.entry_uuid, new.entry_uuid),
        ("signs", new.entry_uuid, third.entry_uuid),
    }
    copies = [x for x in client.associations(new) if x.get("associationType") == AssociationType.APPEND]
    assert [s.select(x, "rim:Classification/@nodeRepresentation") for x in copies] == [["why"]]
    assert s.select(copies[0], "rim:Classification/@classifiedObject") == [copies[0].get("id")]
    originals = [x for x in client.associations(document) if x.get("id") == documented.entry_uuid]
    assert s.select(originals[0], "rim:Classification/@id") != s.select(copies[0], "rim:Classification/@id")


def test_a_relationship_that_ended_does_not_come_back(client: Client) -> None:
    document, second, holder = entry(), entry(), folder()
    link, membership = appends(second, document), member(holder, document)
    client.accept(document, second, holder, link, membership)
    for one in (link, membership):
        client.change(becomes(one, APPROVED, DEPRECATED))
    new = next_version(document)
    client.change(updates(new))
    assert ends(client, new, level="2") == set()


def test_relationships_do_not_multiply_with_the_versions_of_both_ends(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second, appends(first, second))
    for previous in (1, 2, 3):
        one, other = next_version(first), next_version(second)
        client.change(updates(one, previous=previous))
        client.change(updates(other, previous=previous))
    # One with the version that the other end had when this one was made, one with the version it has now.
    assert len(ends(client, one)) == 2
    assert ends(client, other) == {("APND", one.entry_uuid, other.entry_uuid)}


def test_a_new_version_of_a_folder_keeps_its_documents(client: Client) -> None:
    current, archived, gone, holder = entry(), entry(), entry(), folder()
    client.accept(current, archived, gone, holder, *(member(holder, x) for x in (current, archived, gone)))
    client.change(becomes(gone, APPROVED, DEPRECATED))
    new = next_version(holder)
    client.change(updates(new))
    assert contents(client, new) == {current.entry_uuid, archived.entry_uuid}
    assert versions(client, holder) == [(1, "Deprecated"), (2, "Approved")]


def test_a_folder_and_its_document_are_updated_together(client: Client) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder, member(holder, document))
    new, newer = next_version(document), next_version(holder)
    client.change(updates(new, newer))
    assert contents(client, newer) == {new.entry_uuid}
    assert ends(client, new, newer) == {("HasMember", newer.entry_uuid, new.entry_uuid)}


def test_a_document_moves_to_another_patient_with_all_it_is_linked_to(client: Client) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder, member(holder, document))
    for alone in (document, holder):
        moved = next_version(alone, patient_id=patient("P2"))
        assert codes(client.update(updates(moved))) == ["XDSPatientIDReconciliationError"]
    new, newer = (next_version(x, patient_id=patient("P2")) for x in (document, holder))
    client.change(updates(new, newer))
    assert ends(client, new) == {("HasMember", newer.entry_uuid, new.entry_uuid)}


def test_a_document_moves_to_another_patient_when_it_leaves_its_links_behind(client: Client) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder, member(holder, document))
    moved = next_version(document, patient_id=patient("P2"))
    client.change(updates(moved, propagation="no"))
    assert ends(client, moved) == set()


def test_documents_of_one_episode_are_linked_later(client: Client, clock: Clock) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first)
    client.accept(second, holder)
    clock.advance(hours=1)
    client.change(links(member(holder, first), member(holder, second), appends(first, second)))
    assert contents(client, holder) == {first.entry_uuid, second.entry_uuid}
    assert updated(client, holder) == LATER
    assert ends(client, first) == {
        ("HasMember", holder.entry_uuid, first.entry_uuid),
        ("APND", first.entry_uuid, second.entry_uuid),
    }


def test_an_association_links_what_is_registered_and_approved(client: Client) -> None:
    first, second, gone, unknown = entry(), entry(), entry(), entry()
    client.accept(first, second, gone)
    client.change(becomes(gone, APPROVED, DEPRECATED))
    client.change(updates(next_version(second)))
    assert codes(client.update(links(appends(first, unknown)))) == ["UnresolvedReferenceException"]
    for one, other in ((first, gone), (gone, first), (first, second)):
        assert codes(client.update(links(appends(one, other)))) == ["XDSMetadataUpdateError"]
    assert codes(client.update(links(appends(first, "symbolic")))) == ["XDSMetadataUpdateError"]


@pytest.mark.parametrize("kind", sorted(AssociationType))
def test_an_association_links_what_its_type_is_for(client: Client, kind: AssociationType) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, second, holder)
    triggers = (AssociationType.UPDATE_AVAILABILITY_STATUS, AssociationType.SUBMIT_ASSOCIATION)
    good = (holder, first) if kind is AssociationType.HAS_MEMBER else (first, second)
    for ends_ in ((first, second), (holder, first), (first, holder), (holder, folder())):
        outcome = client.update(links(association(kind, *ends_)))
        snapshot = kind is AssociationType.IS_SNAPSHOT_OF
        assert outcome.succeeded == (ends_ == good and kind not in triggers and not snapshot), (ends_, outcome.errors)


def test_nothing_is_added_to_a_submission_set(client: Client) -> None:
    document, other, holder = entry(), entry(), s.submission_set()
    client.accept(holder, document)
    client.accept(other)
    assert codes(client.update(links(member(holder, other)))) == ["XDSMetadataUpdateError"]
    inner = holder_of(other)
    found = client.update(whole(inner, member(inner, other, "Reference")))
    assert codes(found) == ["XDSMetadataUpdateOperationError"]


def test_what_is_linked_already_is_not_linked_again(client: Client) -> None:
    document, holder = entry(), folder()
    client.accept(document, holder, member(holder, document))
    assert codes(client.update(links(member(holder, document)))) == ["XDSMetadataUpdateError"]
    other = entry()
    client.accept(other)
    assert codes(client.update(links(appends(document, other), appends(document, other)))) == ["XDSMetadataUpdateError"]


def test_what_is_of_different_patients_is_not_linked(client: Client) -> None:
    first, second, holder = entry(), entry(patient_id=patient("P2")), folder()
    client.accept(first, holder)
    client.accept(second)
    for new in (appends(first, second), member(holder, second)):
        assert codes(client.update(links(new))) == ["XDSPatientIDReconciliationError"]
    other = entry()
    client.accept(other)
    about = s.submission_set(patient_id=patient("P2"))
    assert codes(client.update(links(appends(first, other), holder=about))) == ["XDSPatientIdDoesNotMatch"]


def test_a_new_version_is_linked_by_hand_or_by_propagation_and_not_by_both(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    for propagation in (None, "yes", "no"):
        new = next_version(first)
        holder, link = holder_of(new), appends(new, second)
        submission = updates(new, propagation=propagation, more=(holder, link, submits(holder, link)))
        if propagation != "no":
            assert codes(client.update(submission)) == ["XDSMetadataUpdateOperationError"]
        else:
            client.change(submission)
            assert ends(client, second) == {("APND", new.entry_uuid, second.entry_uuid)}


def test_an_association_is_propagated_or_ended_and_not_both(client: Client) -> None:
    first, second = entry(), entry()
    link = appends(first, second)
    client.accept(first, second, link)
    for propagation in ("yes", "no"):
        new = next_version(first)
        holder = holder_of(new)
        submission = updates(new, propagation=propagation, more=(holder, status(holder, link, APPROVED, DEPRECATED)))
        if propagation == "yes":
            assert codes(client.update(submission)) == ["XDSMetadataUpdateOperationError"]
        else:
            client.change(submission)
    assert ends(client, second) == set()


def test_the_version_before_is_not_linked_in_the_update_that_ends_it(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    for propagation, wanted in (("yes", "XDSMetadataUpdateOperationError"), ("no", "XDSMetadataUpdateError")):
        new = next_version(first)
        holder, link = holder_of(new), appends(first, second)
        submission = updates(new, propagation=propagation, more=(holder, link, submits(holder, link)))
        assert codes(client.update(submission)) == [wanted]


def test_every_association_of_an_update_belongs_to_an_operation(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    holder, link = s.submission_set(), appends(first, second)
    trigger = submits(holder, link)
    for wrong in (
        whole(holder, link),
        whole(holder, trigger),
        whole(holder, link, trigger, submits(holder, link)),
        whole(holder, link, replace(trigger, source=first.entry_uuid)),
    ):
        assert "XDSMetadataUpdateOperationError" in codes(client.update(wrong))
    assert codes(client.update(whole(holder))) == ["XDSMetadataUpdateError"]


def test_symbolic_ids_are_resolved_in_every_operation(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    holder = s.submission_set(entry_uuid=symbol("set"))
    link = appends(symbol("new"), second, entry_uuid=symbol("link"))
    new = next_version(first, entry_uuid=symbol("new"))
    client.change(updates(new, propagation="no", more=(holder, link, submits(holder, link))))
    latest = history(client, first)[-1].get("id")
    assert ends(client, second) == {("APND", latest, second.entry_uuid)}


def test_the_history_of_a_document_does_not_follow_who_replaces_it(client: Client) -> None:
    document, holder, new = entry(), folder(), entry()
    client.accept(document, holder, member(holder, document))
    second = next_version(document)
    client.change(updates(second))
    client.accept(new, replaces(new, second))
    assert contents(client, holder) == {second.entry_uuid, new.entry_uuid}


def test_an_addendum_to_an_updated_document_goes_when_that_is_replaced(client: Client) -> None:
    document, addendum, new = entry(), entry(), entry()
    client.accept(document, addendum, appends(addendum, document))
    second = next_version(document)
    client.change(updates(second))
    client.accept(new, replaces(new, second))
    assert versions(client, addendum) == [(1, "Deprecated")]


def test_triggers_are_not_kept(client: Client) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    link = appends(first, second)
    submission = links(link)
    client.change(submission)
    (trigger,) = (x for x in submission.associations if isinstance(x, Association) and x is not link)
    by_set = {"$XDSSubmissionSetEntryUUID": f"'{submission.submission_sets[0].entry_uuid}'"}
    assert client.ask(QueryId.GET_SUBMISSION_SET_AND_CONTENTS, by_set).ids == {submission.submission_sets[0].entry_uuid}
    assert trigger.entry_uuid not in {x.get("id") for x in client.associations(first, link)}
