"""Documents of a care episode are shown with each other, and a hidden one is not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from dmp.rights.conditions import Marked, Not, OfPatient, both
from dmp.rights.marks import Marks
from schemas.datatypes import Dtm
from schemas.vocabulary import AvailabilityStatus
from tests.system.professionals import confidentiality
from tests.xds_registry.client import Client
from tests.xds_registry.submissions import entry, folder, member, patient, replaces, submission_set
from tests.xds_registry.test_visibility import Without
from tests.xds_registry.update.messages import appends, becomes, links, next_version, updates
from xds_registry.query.episodes import linked_documents
from xds_registry.visibility import EVERYTHING, OfRecord, Visibility

UNMASKED = OfRecord(str(patient()), both(OfPatient(str(patient())), Not(Marked(Marks.MASKED))))


def shown(engine: Engine, item: Any, visibility: Visibility = EVERYTHING, **asked: Any) -> list[str]:
    """The entryUUIDs of what is shown with a document."""
    with engine.connect() as connection:
        return [one.entry_uuid for one in linked_documents(connection, item.entry_uuid, visibility, **asked)]


def uuids(*items: Any) -> list[str]:
    return [item.entry_uuid for item in items]


def test_documents_that_were_submitted_together_are_shown_together_the_oldest_first(
    client: Client, engine: Engine
) -> None:
    later, report, earlier = (entry(creation_time=Dtm.parse(f"2024010{day}")) for day in (3, 2, 1))
    client.accept(later, report, earlier)
    client.accept(entry())
    assert shown(engine, report) == uuids(earlier, later)
    assert shown(engine, earlier) == uuids(report, later)


def test_a_set_that_refers_to_documents_ties_them(client: Client, engine: Engine) -> None:
    first, second, third = entry(), entry(), entry()
    for one in (first, second):
        client.accept(one)
    assert shown(engine, first) == []
    holder = submission_set()
    client.accept(holder, *(member(holder, one, "Reference") for one in (first, second)))
    assert shown(engine, first) == uuids(second)
    holder = submission_set()
    client.accept(holder, third, member(holder, second, "Reference"))
    assert shown(engine, second) == uuids(first, third)
    assert shown(engine, first) == uuids(second)  # one step, not two


def test_a_folder_ties_its_members_until_one_is_taken_out(client: Client, engine: Engine) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, holder, member(holder, first))
    client.accept(second)
    joining = member(holder, second)
    client.change(links(joining))
    assert shown(engine, first) == uuids(second)
    assert shown(engine, second) == uuids(first)
    client.change(becomes(joining, AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED))
    assert shown(engine, first) == shown(engine, second) == []


def test_a_folder_that_is_deprecated_ties_nothing(client: Client, engine: Engine) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, holder, member(holder, first))
    client.accept(second, member(holder, second))
    assert shown(engine, first) == uuids(second)
    client.change(becomes(holder, AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED))
    assert shown(engine, first) == []


@pytest.mark.parametrize("by_update", [False, True])
def test_related_documents_are_shown_from_both_ends(client: Client, engine: Engine, by_update: bool) -> None:
    first, addendum = entry(), entry()
    client.accept(first)
    if by_update:
        client.accept(addendum)
        client.change(links(appends(addendum, first)))
    else:
        client.accept(addendum, appends(addendum, first))
    assert shown(engine, first) == uuids(addendum)
    assert shown(engine, addendum) == uuids(first)


def test_what_was_replaced_is_shown_to_who_asks_for_it(client: Client, engine: Engine) -> None:
    old, new = entry(), entry()
    client.accept(old)
    client.accept(new, replaces(new, old))
    assert shown(engine, new) == []
    assert shown(engine, new, statuses=[AvailabilityStatus.DEPRECATED]) == uuids(old)
    assert shown(engine, old) == uuids(new)


def test_a_new_version_stays_in_the_episode_and_one_that_leaves_its_folder_does_not(
    client: Client, engine: Engine
) -> None:
    first, second, third, holder = entry(), entry(), entry(), folder()
    client.accept(first, second)
    client.accept(third, holder, member(holder, third))
    client.change(links(member(holder, first)))
    newer = next_version(first)
    client.change(updates(newer))
    assert shown(engine, second) == uuids(newer)
    assert shown(engine, third) == uuids(newer)
    assert shown(engine, newer) == shown(engine, first) == uuids(second, third)
    newest = next_version(newer)
    client.change(updates(newest, previous=2, propagation="no"))
    assert shown(engine, second) == uuids(newest)
    assert shown(engine, third) == []
    assert shown(engine, newest) == uuids(second)


def test_a_hidden_document_is_shown_with_none_and_none_with_it(client: Client, engine: Engine) -> None:
    plain, masked, other = entry(), entry(confidentiality_codes=confidentiality("N", "MASQUE_PS")), entry()
    client.accept(plain, masked, other)
    assert shown(engine, plain) == uuids(masked, other)
    assert shown(engine, plain, UNMASKED) == uuids(other)
    assert shown(engine, masked, UNMASKED) == []
    later = next_version(other, confidentiality_codes=confidentiality("N", "MASQUE_PS"))
    client.change(updates(later))
    assert shown(engine, plain, UNMASKED) == []
    assert shown(engine, other, UNMASKED) == []  # its past is as hidden as itself


@pytest.mark.parametrize("package", ["submission_set", "folder"])
def test_what_ties_documents_must_be_visible_too(client: Client, engine: Engine, package: str) -> None:
    first, second = entry(), entry()
    client.accept(first)
    client.accept(second)
    holder = submission_set() if package == "submission_set" else folder()
    joined = [member(holder, one, "Reference" if package == "submission_set" else None) for one in (first, second)]
    client.accept(holder, *joined)
    assert shown(engine, first) == uuids(second)
    assert shown(engine, first, Without([holder.entry_uuid])) == []


def test_another_patient_s_document_that_a_set_refers_to_is_not_shown(client: Client, engine: Engine) -> None:
    foreign, own = entry(patient_id=patient("P2")), entry()
    client.accept(foreign)
    holder = submission_set()
    client.accept(holder, own, member(holder, foreign, "Reference"))
    assert shown(engine, own) == shown(engine, foreign) == []


def test_a_document_that_is_not_there_has_no_company(client: Client, engine: Engine) -> None:
    assert shown(engine, entry()) == []
