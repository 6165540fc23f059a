"""ITI-62: objects are forgotten whole or not at all, and what stays keeps to the metadata model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Connection, Engine, select

from schemas import vocabulary as v
from schemas.attributes import ObjectKind
from schemas.errors import LocalPolicyRestrictionError, XdsErrors
from schemas.metadata import DocumentEntry, Submission
from schemas.responses import RegistryOutcome
from schemas.vocabulary import AssociationType, ResponseStatus
from tests.services.trail import changes_of, events_of
from tests.xds_registry.client import Client, codes, only, row_counts
from tests.xds_registry.conftest import Clock
from tests.xds_registry.submissions import (
    association,
    entry,
    everything_of,
    folder,
    member,
    new_id,
    patient,
    removal,
    replaces,
    request,
    submission,
    submission_set,
)
from tests.xds_registry.test_visibility import Without
from xds_registry import tables as t
from xds_registry.changes import Change, ChangeKind
from xds_registry.database import writing
from xds_registry.query.catalogue import QueryId

REFERENCES, UNREFERENCED = "ReferencesExistException", "XDSUnreferencedObjectException"
UNRESOLVED, MODEL = "UnresolvedReferenceException", "XDSMetadataModelException"


def submitted(client: Client, *items: Any) -> Submission:
    """A submission that was accepted, with the ids of all its objects."""
    whole = submission(*items)
    client.accept(whole)
    return whole


def of_kind(whole: Submission, kind: AssociationType) -> Any:
    """The only association of a kind."""
    (found,) = (link for link in whole.associations if link.association_type is kind)
    return found


def done(outcome: RegistryOutcome) -> None:
    assert outcome.status is ResponseStatus.SUCCESS, outcome.errors


def dangling(engine: Engine) -> list[str]:
    """Associations whose source or target is not registered."""
    with engine.connect() as connection:
        known = {
            name
            for table in (t.document_entry, t.submission_set, t.folder, t.association)
            for name in connection.scalars(select(table.c.entry_uuid))
        }
        links = connection.execute(select(t.association.c.entry_uuid, t.association.c.source, t.association.c.target))
        return [link.entry_uuid for link in links if not {link.source, link.target} <= known]


def test_a_whole_submission_goes_and_leaves_no_row(client: Client, engine: Engine) -> None:
    before = row_counts(engine)
    whole = submitted(client, entry(), folder())
    done(client.remove(*everything_of(whole)))
    assert row_counts(engine) == before
    assert (
        client.ask(
            QueryId.GET_SUBMISSION_SET_AND_CONTENTS,
            {"$XDSSubmissionSetUniqueId": f"'{whole.submission_sets[0].unique_id}'"},
        ).ids
        == set()
    )


def signed(*items: Any) -> Submission:
    """A submission of the items and of a signature of them all."""
    holder, signature = submission_set(), entry()
    return submission(holder, *items, signature, association(AssociationType.SIGNS, signature, holder))


def test_what_was_found_of_a_submission_s_signature_goes_with_it_and_with_it_only(
    client: Client, engine: Engine
) -> None:
    gone, kept = signed(entry()), signed(entry())
    for whole in (gone, kept):
        client.accept(whole)
    assert row_counts(engine)["signature_finding"] == 2
    assert codes(client.remove(gone.submission_sets[0])) == [REFERENCES]
    assert row_counts(engine)["signature_finding"] == 2
    done(client.remove(*everything_of(gone)))
    with engine.connect() as connection:
        left = connection.scalars(select(t.signature_finding.c.submission_set_unique_id)).all()
    assert left == [str(kept.submission_sets[0].unique_id)]


def test_an_object_that_is_not_registered_is_named_and_nothing_goes(client: Client, engine: Engine) -> None:
    whole = submitted(client, entry())
    before, nobody = row_counts(engine), new_id()
    outcome = client.remove(*everything_of(whole), nobody)
    assert only(outcome) == (UNRESOLVED, f"{nobody} is not registered")
    assert outcome.errors[0].location == nobody
    assert row_counts(engine) == before


def test_removing_again_finds_nothing_to_remove(client: Client) -> None:
    whole = submitted(client, entry())
    done(client.remove(*everything_of(whole)))
    assert set(codes(client.remove(*everything_of(whole)))) == {UNRESOLVED}


def test_ids_are_compared_as_uuids_and_counted_once(client: Client) -> None:
    whole = submitted(client, entry())
    names = [str(item.entry_uuid) for item in everything_of(whole)]
    done(client.remove(*names, *("urn:uuid:" + name.removeprefix("urn:uuid:").upper() for name in names)))


@pytest.mark.parametrize("which", ["set", "entry", "folder", "membership"])
def test_what_an_association_that_stays_refers_to_cannot_go(client: Client, engine: Engine, which: str) -> None:
    document, holder = entry(), folder()
    inside = member(holder, document)
    whole = submitted(client, document, holder, inside)
    target = {"set": whole.submission_sets[0], "entry": document, "folder": holder, "membership": inside}[which]
    before = row_counts(engine)
    outcome = client.remove(target)
    assert codes(outcome) == [REFERENCES]
    assert outcome.errors[0].location == target.entry_uuid
    assert row_counts(engine) == before


@pytest.mark.parametrize("content", [entry, folder])
def test_a_submission_set_cannot_be_left_without_members(client: Client, content: Callable[[], Any]) -> None:
    item = content()
    whole = submitted(client, item)
    assert codes(client.remove(item, *whole.associations)) == [UNREFERENCED]
    done(client.remove(item, *whole.associations, *whole.submission_sets))


def test_a_membership_of_a_folder_can_go_and_the_folder_was_modified_then(client: Client, clock: Clock) -> None:
    document, holder = entry(), folder()
    inside = member(holder, document)
    whole = submitted(client, document, holder, inside)
    (told,) = (link for link in whole.associations if link.target == inside.entry_uuid)
    assert codes(client.remove(inside)) == [REFERENCES]
    assert codes(client.remove(told)) == [UNREFERENCED]
    clock.advance(hours=1)
    done(client.remove(inside, told))
    found = client.ask(QueryId.GET_FOLDER_AND_CONTENTS, {"$XDSFolderUniqueId": f"'{holder.unique_id}'"})
    assert found.ids == {holder.entry_uuid}
    assert b"20260101010000" in found.raw


def test_an_object_cannot_lose_the_submission_that_it_came_with(client: Client) -> None:
    document, other, holder = entry(), entry(), folder()
    whole = submitted(client, document, other, holder, member(holder, document))
    ends = (whole.submission_sets[0].entry_uuid, document.entry_uuid)
    (original,) = (link for link in whole.associations if (link.source, link.target) == ends)
    # It is still a member of the Folder, and of another submission by reference.
    second = submission_set()
    client.accept(second, entry(), member(second, document, "Reference"))
    assert codes(client.remove(original)) == [MODEL]


def test_an_entry_that_another_submission_refers_to_can_lose_that_reference(client: Client) -> None:
    document, second = entry(), submission_set()
    client.accept(document)
    reference = member(second, document, "Reference")
    whole = submitted(client, second, entry(), reference)
    done(client.remove(reference))
    assert client.statuses(document) == ["Approved"]
    assert codes(client.remove(*everything_of(whole))) == [UNRESOLVED]


def test_an_addendum_can_go_and_what_it_is_added_to_cannot_before(client: Client) -> None:
    first = submitted(client, entry())
    document, addendum = first.document_entries[0], entry()
    second = submitted(client, addendum, association(AssociationType.APPEND, addendum, document))
    assert codes(client.remove(*everything_of(first))) == [REFERENCES]
    done(client.remove(*everything_of(second)))
    done(client.remove(*everything_of(first)))


def test_a_relationship_between_entries_that_stay_can_go(client: Client) -> None:
    document, addendum = entry(), entry()
    client.accept(document)
    link = association(AssociationType.APPEND, addendum, document)
    client.accept(addendum, link)
    done(client.remove(link))
    assert len(client.associations(document, addendum)) == 2


def test_a_replaced_entry_can_go_with_the_replacement_association(client: Client) -> None:
    first = submitted(client, entry())
    new = entry()
    link = replaces(new, first.document_entries[0])
    client.accept(new, link)
    assert codes(client.remove(*everything_of(first))) == [REFERENCES]
    done(client.remove(*everything_of(first), link))
    assert client.statuses(new) == ["Approved"]


def test_what_a_removed_replacement_replaced_stays_deprecated(client: Client) -> None:
    first = submitted(client, entry())
    old, new = first.document_entries[0], entry()
    second = submitted(client, new, replaces(new, old))
    done(client.remove(*everything_of(second)))
    assert client.statuses(old) == ["Deprecated"]


def test_everything_that_is_wrong_is_told_at_once(client: Client) -> None:
    one, two = submitted(client, entry()), submitted(client, entry())
    outcome = client.remove(one.submission_sets[0], two.document_entries[0], *two.associations)
    assert sorted(codes(outcome)) == sorted([REFERENCES, UNREFERENCED])


# ---- versions ------------------------------------------------------------------------------------------------


def with_versions(client: Client, engine: Engine) -> list[list[str]]:
    """An entry of three versions, each in a submission of its own; the ids of each submission."""
    wholes = [submitted(client, entry()) for _ in range(3)]
    logical = str(wholes[0].document_entries[0].entry_uuid)
    columns = t.document_entry.c
    with writing(engine) as connection:
        for number, whole in enumerate(wholes, start=1):
            connection.execute(
                t.document_entry.update()
                .where(columns.entry_uuid == whole.document_entries[0].entry_uuid)
                .values(logical_id=logical, version=number)
            )
    return [[str(item.entry_uuid) for item in everything_of(whole)] for whole in wholes]


def test_old_versions_can_go_and_the_newest_only_with_all_of_them(client: Client, engine: Engine) -> None:
    first, second, third = with_versions(client, engine)
    assert codes(client.remove(*third)) == [MODEL]
    assert codes(client.remove(*first, *third)) == [MODEL]
    done(client.remove(*second))
    done(client.remove(*first, *third))


# ---- requests ------------------------------------------------------------------------------------------------


def test_a_request_names_objects_and_nothing_else(client: Client) -> None:
    whole = submitted(client, entry())
    empty = removal()
    query, slots, scope = (removal(*everything_of(whole)) for _ in range(3))
    etree.SubElement(query, f"{{{v.RIM}}}AdhocQuery", {"id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"})
    slots.insert(0, etree.Element(f"{{{v.RS}}}RequestSlotList"))
    scope.set("deletionScope", "urn:oasis:names:tc:ebxml-regrep:DeletionScopeType:DeleteRepositoryItemOnly")
    for message in (empty, query, slots, scope):
        assert codes(client.send_removal(message)) == ["XDSInvalidRequestException"]
    stated = removal(*everything_of(whole))
    stated.set("deletionScope", "urn:oasis:names:tc:ebxml-regrep:DeletionScopeType:DeleteAll")
    done(client.send_removal(stated))


@pytest.mark.parametrize("name", ["Document01", "", "urn:uuid:", "x" * 4000])
def test_what_is_no_uuid_is_not_registered(client: Client, name: str) -> None:
    outcome = client.remove(name)
    assert codes(outcome) == [UNRESOLVED]
    assert len(outcome.errors[0].code_context) < 300


def test_a_request_names_no_more_objects_than_an_answer_may_hold(client: Client) -> None:
    client.registry.configuration = replace(client.registry.configuration, max_results=3)
    whole = submitted(client, entry())
    assert codes(client.remove(*everything_of(whole), new_id())) == ["XDSTooManyResults"]
    done(client.remove(*everything_of(whole)))


def test_a_request_may_name_more_objects_than_a_statement_takes_parameters(client: Client) -> None:
    many = [new_id() for _ in range(1200)]
    assert codes(client.remove(*many)) == [UNRESOLVED] * len(many)


# ---- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["entry", "set", "association"])
def test_what_is_hidden_is_answered_as_what_is_not_there(client: Client, engine: Engine, hidden: str) -> None:
    whole = submitted(client, entry())
    item = {"entry": whole.document_entries, "set": whole.submission_sets, "association": whole.associations}[hidden][0]
    blind: Any = Without([item.entry_uuid])
    if hidden == "association":
        blind = Without([whole.document_entries[0].entry_uuid])
    before = row_counts(engine)
    outcome = client.remove(item, visibility=blind)
    assert only(outcome) == (UNRESOLVED, f"{item.entry_uuid} is not registered")
    assert row_counts(engine) == before


def test_what_stands_in_the_way_is_not_named_where_it_is_hidden(client: Client, engine: Engine) -> None:
    first = submitted(client, entry())
    document, addendum = first.document_entries[0], entry()
    link = association(AssociationType.APPEND, addendum, document)
    client.accept(addendum, link)
    before = row_counts(engine)
    seen = client.remove(*everything_of(first))
    blind = client.remove(*everything_of(first), visibility=Without([addendum.entry_uuid]))
    assert only(seen) == only(blind) == (REFERENCES, f"{document.entry_uuid}: an association that stays refers to it")
    assert row_counts(engine) == before


def test_the_law_is_asked_with_every_object_before_anything_is_deleted(client: Client, engine: Engine) -> None:
    whole = submitted(client, entry())
    before, asked = row_counts(engine), list[Change]()

    def refuse(connection: Connection, changes: tuple[Change, ...]) -> None:
        asked.extend(changes)
        assert connection.scalars(select(t.document_entry.c.entry_uuid)).all()
        raise XdsErrors((LocalPolicyRestrictionError("not yours"),))

    assert only(client.remove(*everything_of(whole), permit=refuse)) == ("LocalPolicyRestrictionError", "not yours")
    assert row_counts(engine) == before
    assert {change.before.entry_uuid for change in asked if change.before} == {
        item.entry_uuid for item in everything_of(whole)
    }
    assert {(change.kind, change.after) for change in asked} == {(ChangeKind.REMOVE, None)}
    # An Association is its source's patient's.
    assert {change.before.patient for change in asked if change.before} == {str(patient("P1"))}
    (told,) = (x.before for x in asked if x.before and x.before.kind is ObjectKind.DOCUMENT_ENTRY)
    assert isinstance(told.item, DocumentEntry)
    assert told.item.unique_id == whole.document_entries[0].unique_id


# ---- what is remembered --------------------------------------------------------------------------------------


def test_a_removal_is_in_the_trail_with_its_patient_and_every_object(client: Client, engine: Engine) -> None:
    whole, other = submitted(client, entry()), submitted(client, entry(patient_id=patient("P2")))
    done(client.remove(*everything_of(whole), *everything_of(other)))
    told = {event.patient: event for event in changes_of(engine) if event.transaction == "ITI-62"}
    assert set(told) == {str(patient("P1")), str(patient("P2"))}
    event = told[str(patient("P1"))]
    assert event.action == "D"
    assert set(event.objects) == {item.entry_uuid for item in everything_of(whole)}
    assert event.documents == (str(whole.document_entries[0].unique_id),)


def test_a_refused_removal_is_in_the_trail_with_what_was_asked_for(client: Client, engine: Engine) -> None:
    nobody = new_id()
    client.remove(nobody)
    (event,) = (event for event in events_of(engine) if event.transaction == "ITI-62")
    assert (event.succeeded, event.reason, event.objects) == (False, UNRESOLVED, (nobody,))


def test_the_same_submission_can_be_registered_again_after_its_removal(client: Client) -> None:
    whole = submitted(client, entry(), folder())
    done(client.remove(*everything_of(whole)))
    outcome = client.submit(whole)
    assert (outcome.succeeded, outcome.replayed) == (True, False)
    assert client.statuses(*whole.document_entries) == ["Approved"]


def test_a_unique_id_that_was_freed_may_mean_other_bytes(client: Client) -> None:
    whole = submitted(client, entry(size=4))
    again = entry(unique_id=whole.document_entries[0].unique_id, size=5)
    assert codes(client.submit(again)) == ["XDSNonIdenticalSize"]
    done(client.remove(*everything_of(whole)))
    client.accept(again)


def test_objects_of_a_patient_that_was_merged_are_removed_under_the_survivor(client: Client, engine: Engine) -> None:
    whole = submitted(client, entry(patient_id=patient("P2")))
    client.merge("P1", "P2")
    done(client.remove(*everything_of(whole)))
    assert [event.patient for event in changes_of(engine) if event.transaction == "ITI-62"] == [str(patient("P1"))]


# ---- at the same time ----------------------------------------------------------------------------------------


def at_once(*tasks: Callable[[], RegistryOutcome]) -> list[RegistryOutcome]:
    """Run tasks in threads that start together; their outcomes."""
    start, found = threading.Barrier(len(tasks)), dict[int, RegistryOutcome]()

    def run(number: int, task: Callable[[], RegistryOutcome]) -> None:
        start.wait()
        found[number] = task()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(tasks))]


def test_of_two_removals_of_overlapping_sets_one_is_done(client: Client, engine: Engine) -> None:
    for _ in range(8):
        shared, one, two = (submitted(client, entry()) for _ in range(3))
        outcomes = at_once(
            lambda shared=shared, one=one: client.remove(*everything_of(one), *everything_of(shared)),
            lambda shared=shared, two=two: client.remove(*reversed(everything_of(two)), *everything_of(shared)),
        )
        assert sorted(outcome.succeeded for outcome in outcomes) == [False, True]
        (loser,) = (outcome for outcome in outcomes if not outcome.succeeded)
        assert set(codes(loser)) == {UNRESOLVED}
        assert dangling(engine) == []
    assert len([event for event in changes_of(engine) if event.transaction == "ITI-62"]) == 8


REFERRING = ["replaces it", "adds to it", "of another patient, by reference"]


def referring(client: Client, old: Any, how: str) -> Callable[..., RegistryOutcome]:
    """A submission that refers to an entry."""
    new, second = entry(), submission_set(patient_id=patient("P2"))
    items: Any = {
        "replaces it": (new, replaces(new, old)),
        "adds to it": (new, association(AssociationType.APPEND, new, old)),
        "of another patient, by reference": (
            second,
            entry(patient_id=patient("P2")),
            member(second, old, "Reference"),
        ),
    }[how]
    message = request(*items)

    def send(within: Callable[[Connection], None] | None = None) -> RegistryOutcome:
        return client.registry.register_document_set(message, digest="0" * 64, within=within)

    return send


@pytest.mark.parametrize("how", REFERRING)
def test_a_submission_that_comes_while_its_target_is_removed_finds_it_gone(
    client: Client, engine: Engine, how: str
) -> None:
    whole = submitted(client, entry())
    send, outcomes = referring(client, whole.document_entries[0], how), list[RegistryOutcome]()
    thread = threading.Thread(target=lambda: outcomes.append(send()))

    def meanwhile(_connection: Connection, _changes: tuple[Change, ...]) -> None:
        thread.start()
        thread.join(0.5)

    done(client.remove(*everything_of(whole), permit=meanwhile))
    thread.join()
    assert codes(outcomes[0]) == [UNRESOLVED]
    assert dangling(engine) == []


@pytest.mark.parametrize("how", REFERRING)
def test_a_removal_that_comes_while_its_object_gets_a_reference_is_refused(
    client: Client, engine: Engine, how: str
) -> None:
    whole = submitted(client, entry())
    send, outcomes = referring(client, whole.document_entries[0], how), list[RegistryOutcome]()
    thread = threading.Thread(target=lambda: outcomes.append(client.remove(*everything_of(whole))))

    def meanwhile(_connection: Connection) -> None:
        thread.start()
        thread.join(0.5)

    done(send(within=meanwhile))
    thread.join()
    assert codes(outcomes[0]) == [REFERENCES]
    assert dangling(engine) == []


def test_removals_and_submissions_that_race_leave_no_association_without_its_ends(
    client: Client, engine: Engine
) -> None:
    for round_number in range(9):
        whole = submitted(client, entry())
        send = referring(client, whole.document_entries[0], REFERRING[round_number % 3])
        removed, registered = at_once(lambda whole=whole: client.remove(*everything_of(whole)), send)
        assert removed.succeeded != registered.succeeded
        assert dangling(engine) == []
