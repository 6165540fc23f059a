"""Relationships between documents: what may refer to what, and what becomes of the one referred to."""

from __future__ import annotations

import pytest

from schemas.metadata import DocumentEntry, EntryId
from schemas.vocabulary import RELATIONSHIPS, AssociationType
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only, row_counts
from tests.xds_registry.submissions import association, entry, folder, member, on_demand_entry, patient, replaces

KINDS = sorted(RELATIONSHIPS)
REPLACING = (AssociationType.REPLACE, AssociationType.TRANSFORM_REPLACE)
KEEPING = (AssociationType.APPEND, AssociationType.TRANSFORM, AssociationType.SIGNS)
REGISTERED_ONLY = (*REPLACING, AssociationType.IS_SNAPSHOT_OF)


def registered(client: Client, kind: AssociationType, **changes: object) -> DocumentEntry:
    """A registered entry that an association of this kind may lead to."""
    if kind is AssociationType.IS_SNAPSHOT_OF:
        document = on_demand_entry(**changes)
        client.accept_on_demand(document)
        return document
    document = entry(**changes)
    client.accept(document)
    return document


@pytest.mark.parametrize("kind", KINDS)
def test_a_relationship_to_a_registered_document_is_stored(client: Client, kind: AssociationType) -> None:
    old, new = registered(client, kind), entry()
    link = association(kind, new, old)
    client.accept(new, link)
    (found,) = (x for x in client.associations(old) if x.get("id") == link.entry_uuid)
    assert found.get("associationType") == kind.value
    assert (found.get("sourceObject"), found.get("targetObject")) == (new.entry_uuid, old.entry_uuid)
    assert found.get("status") == s.APPROVED


@pytest.mark.parametrize("kind", REPLACING)
def test_what_is_replaced_is_deprecated(client: Client, kind: AssociationType) -> None:
    old, new = entry(), entry()
    client.accept(old)
    client.accept(new, association(kind, new, old))
    assert client.statuses(old, new) == ["Deprecated", "Approved"]


@pytest.mark.parametrize("kind", KEEPING)
def test_what_is_not_replaced_stays_approved(client: Client, kind: AssociationType) -> None:
    old, new = entry(), entry()
    client.accept(old)
    client.accept(new, association(kind, new, old))
    assert client.statuses(old, new) == ["Approved", "Approved"]


@pytest.mark.parametrize("replacing", REPLACING)
@pytest.mark.parametrize("kind", KEEPING)
def test_addenda_and_transforms_go_with_what_they_belong_to_signatures_do_not(
    client: Client, replacing: AssociationType, kind: AssociationType
) -> None:
    old, dependent, unrelated, new = entry(), entry(), entry(), entry()
    client.accept(old, unrelated)
    client.accept(dependent, association(kind, dependent, old))
    client.accept(new, association(replacing, new, old))
    expected = "Approved" if kind is AssociationType.SIGNS else "Deprecated"
    assert client.statuses(old, dependent, unrelated, new) == ["Deprecated", expected, "Approved", "Approved"]


def test_only_what_hangs_on_the_replaced_document_itself_is_deprecated(client: Client) -> None:
    old, source, new = entry(), entry(), entry()
    client.accept(source)
    client.accept(old, association(AssociationType.TRANSFORM, old, source))
    client.accept(new, replaces(new, old))
    assert client.statuses(old, source) == ["Deprecated", "Approved"]


def test_a_document_and_its_addendum_are_replaced_together(client: Client) -> None:
    for first in (0, 1):
        old, addendum = entry(), entry()
        client.accept(old)
        client.accept(addendum, association(AssociationType.APPEND, addendum, old))
        new, new_addendum = entry(), entry()
        links = [replaces(new, old), replaces(new_addendum, addendum)]
        client.accept(new, new_addendum, links[first], links[1 - first])
        assert client.statuses(old, addendum, new, new_addendum) == ["Deprecated"] * 2 + ["Approved"] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["unknown", "symbolic", "folder", "set"])
def test_the_target_is_a_document(client: Client, kind: AssociationType, target: str) -> None:
    holder = folder()
    set_ = s.submission_set()
    client.accept(set_, holder)
    name = {
        "unknown": s.new_id(),
        "symbolic": EntryId("no-such-object"),
        "folder": holder.entry_uuid,
        "set": set_.entry_uuid,
    }[target]
    new = entry()
    code, context = only(client.submit(new, association(kind, new, name)))
    assert code == "UnresolvedReferenceException"
    assert context.startswith(f"{name}: ")


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_is_a_document_of_the_submission(client: Client, kind: AssociationType) -> None:
    old, source = registered(client, kind), entry()
    client.accept(source)
    for name in (source.entry_uuid, s.new_id()):
        code, context = only(client.submit(entry(), association(kind, name, old)))
        assert code == "UnresolvedReferenceException"
        assert context.startswith(f"{name}: ")


@pytest.mark.parametrize("kind", REGISTERED_ONLY)
def test_what_replaces_leads_to_a_registered_document(client: Client, kind: AssociationType) -> None:
    first, second = entry(), entry()
    code, context = only(client.submit(first, second, association(kind, second, first)))
    assert code == "UnresolvedReferenceException"
    assert context.startswith(f"{first.entry_uuid}: ")


@pytest.mark.parametrize("kind", KEEPING)
def test_other_relationships_stay_inside_a_submission(client: Client, kind: AssociationType) -> None:
    first, second = entry(entry_uuid=EntryId("one")), entry(entry_uuid=EntryId("two"))
    client.accept(first, second, association(kind, "two", "one", entry_uuid=EntryId("link")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_deprecated_document_is_no_target(client: Client, kind: AssociationType) -> None:
    old = registered(client, kind)
    newer = registered(client, AssociationType.APPEND)
    if kind is AssociationType.IS_SNAPSHOT_OF:
        newest = on_demand_entry()
        client.accept_on_demand(newest, replaces(newest, old))
    else:
        newest = entry()
        client.accept(newest, replaces(newest, old))
    late = entry()
    before = row_counts(client.registry.engine)
    code, context = only(client.submit(late, association(kind, late, old)))
    assert code == "XDSRegistryDeprecatedDocumentError"
    assert context.startswith(old.entry_uuid)
    assert row_counts(client.registry.engine) == before
    assert client.statuses(newer, newest) == ["Approved", "Approved"]


def test_a_document_is_replaced_once_in_a_submission(client: Client) -> None:
    old, first, second = entry(), entry(), entry()
    client.accept(old)
    code, context = only(client.submit(first, second, replaces(first, old), replaces(second, old)))
    assert code == "XDSRegistryDeprecatedDocumentError"
    assert context.startswith(old.entry_uuid)
    assert client.statuses(old) == ["Approved"]


@pytest.mark.parametrize("kind", KINDS)
def test_both_ends_are_about_one_patient(client: Client, kind: AssociationType) -> None:
    old, new = registered(client, kind, patient_id=patient("P2")), entry()
    code, context = only(client.submit(new, association(kind, new, old)))
    assert code == "XDSPatientIdDoesNotMatch"
    assert context.startswith(f"{old.entry_uuid}: ")
    assert client.statuses(old) == ["Approved"]


@pytest.mark.parametrize("kind", KINDS)
def test_patients_that_were_merged_are_one(client: Client, kind: AssociationType) -> None:
    old = registered(client, kind, patient_id=patient("P2"))
    client.merge("P1", "P2")
    new = entry()
    client.accept(new, association(kind, new, old))


def test_a_snapshot_is_a_stable_document_of_an_on_demand_one(client: Client) -> None:
    stable, on_demand = entry(), on_demand_entry()
    client.accept(stable)
    client.accept_on_demand(on_demand)
    for new, old in ((entry(), stable), (on_demand_entry(), on_demand)):
        link = association(AssociationType.IS_SNAPSHOT_OF, new, old)
        message = s.request(new, link)
        code, context = only(client.send(message, on_demand=old is on_demand))
        assert code == "XDSRegistryMetadataError"
        assert context.startswith(link.entry_uuid)


def test_a_relationship_carries_its_documentation(client: Client) -> None:
    old, new = entry(), entry()
    client.accept(old)
    link = association(AssociationType.TRANSFORM, new, old, documentation=s.code("LangEng"))
    client.accept(new, link)
    (found,) = (x for x in client.associations(new) if x.get("id") == link.entry_uuid)
    assert s.select(found, "rim:Classification/@nodeRepresentation") == ["LangEng"]


def test_membership_carries_no_documentation(client: Client) -> None:
    holder, document = folder(), entry()
    link = member(holder, document, documentation=s.code("LangEng"))
    code, context = only(client.submit(holder, document, link))
    assert code == "XDSRegistryMetadataError"
    assert context.startswith(link.entry_uuid)


def test_an_object_is_not_related_to_itself(client: Client) -> None:
    document = entry()
    link = association(AssociationType.APPEND, document, document)
    code, context = only(client.submit(document, link))
    assert (code, context.partition(":urn")[0].startswith(link.entry_uuid)) == ("XDSRegistryMetadataError", True)


def test_a_link_is_submitted_once(client: Client) -> None:
    old, new = entry(), entry()
    client.accept(old)
    assert codes(client.submit(new, replaces(new, old), replaces(new, old))) == ["XDSRegistryMetadataError"]


def test_everything_that_is_wrong_is_said_at_once(client: Client) -> None:
    new = entry()
    unknown = [s.new_id() for _ in range(3)]
    outcome = client.submit(new, *(association(AssociationType.APPEND, new, name) for name in unknown))
    assert codes(outcome) == ["UnresolvedReferenceException"] * 3
    assert {error.code_context.partition(": ")[0] for error in outcome.errors} == set(unknown)
