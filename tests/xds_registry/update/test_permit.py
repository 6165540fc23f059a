"""What the law is asked before an update, and what it hides from who asks."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from schemas.datatypes import Xcn, Xon
from schemas.errors import LocalPolicyRestrictionError, XdsErrors
from schemas.metadata import Author, LocalizedText
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only, row_counts
from tests.xds_registry.submissions import code, entry, folder, member, patient
from tests.xds_registry.test_visibility import Without
from tests.xds_registry.update.messages import (
    APPROVED,
    DEPRECATED,
    appends,
    becomes,
    holder_of,
    links,
    next_version,
    status,
    updates,
    versions,
)
from xds_registry import tables as t
from xds_registry.changes import Change, ChangeKind
from xds_registry.registry import Registry

PERSON = "801234567897^DUPONT^JEAN^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
HOUSE = "CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750000001"


class Asked:
    """Keeps what it was asked, and refuses when it is told to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.changes: tuple[Change, ...] = ()
        self.registered = 0
        self._refuses = refuses

    def __call__(self, connection: Connection, changes: tuple[Change, ...]) -> None:
        self.changes = changes
        self.registered = connection.scalar(select(func.count()).select_from(t.submission_set)) or 0
        if self._refuses:
            raise XdsErrors((LocalPolicyRestrictionError("not for you"),))


def test_the_law_sees_a_document_before_and_after(client: Client) -> None:
    author = Author(person=Xcn.parse(PERSON), institutions=(Xon.parse(HOUSE),))
    first = entry(authors=(author,))
    client.accept(first)
    asked = Asked()
    masked = next_version(first, confidentiality_codes=(code("MASQUE_PS"), code("N")))
    assert client.update(updates(masked), permit=asked).succeeded
    (change,) = asked.changes
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    assert change.kind is ChangeKind.UPDATE_ENTRY
    assert (before.entry_uuid, after.entry_uuid) == (first.entry_uuid, masked.entry_uuid)
    assert (before.version, after.version) == (1, 2)
    assert before.logical_id == after.logical_id == first.entry_uuid
    assert before.unique_id == after.unique_id == str(first.unique_id)
    assert before.patient == after.patient == str(patient())
    assert before.confidentiality_codes == {"N^^1.2.3"}
    assert after.confidentiality_codes == {"N^^1.2.3", "MASQUE_PS^^1.2.3"}
    assert (before.class_code, before.type_code) == ("class^^1.2.3", "type^^1.2.3")
    assert (before.authors, before.institutions) == ((PERSON,), (HOUSE,))
    assert before.status is after.status is APPROVED
    assert change.differing == {"confidentialityCode"}
    assert asked.registered == 1  # nothing of the update is written yet


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, set()),
        ({"title": (LocalizedText("x"),), "comments": (LocalizedText("y"),)}, {"title", "comments"}),
        ({"authors": (Author(person=Xcn.parse(PERSON)),)}, {"author"}),
        ({"patient_id": patient("P2")}, {"patientId"}),
        ({"class_code": code("other"), "type_code": code("other")}, {"classCode", "typeCode"}),
        ({"extra_slots": (s.slot("urn:x:y", "z"),)}, {"extra"}),
        ({"service_start_time": s.Dtm.parse("2024")}, {"serviceStartTime"}),
        ({"document_availability": "urn:ihe:iti:2010:DocumentAvailability:Online"}, set()),
    ],
)
def test_the_law_is_told_which_attributes_differ(client: Client, changed: dict[str, Any], names: set[str]) -> None:
    first = entry()
    client.accept(first)
    asked = Asked()
    assert client.update(updates(next_version(first, **changed)), permit=asked).succeeded
    (change,) = asked.changes
    assert change.differing == names


def test_codes_in_another_order_do_not_differ(client: Client) -> None:
    first = entry(confidentiality_codes=(code("N"), code("V")))
    client.accept(first)
    asked = Asked()
    client.update(updates(next_version(first, confidentiality_codes=(code("V"), code("N")))), permit=asked)
    assert [change.differing for change in asked.changes] == [frozenset()]


def test_the_law_sees_every_change_of_an_update(client: Client) -> None:
    first, second, holder = entry(), entry(), folder()
    link = appends(first, second)
    client.accept(first, second, holder, link)
    newer = next_version(holder)
    about = holder_of(newer)
    asked = Asked()
    more = (about, status(about, newer, APPROVED, DEPRECATED), status(about, link, APPROVED, DEPRECATED))
    assert client.update(updates(newer, more=more), permit=asked).succeeded
    kinds = [change.kind for change in asked.changes]
    assert kinds == [ChangeKind.UPDATE_FOLDER, ChangeKind.CHANGE_STATUS, ChangeKind.CHANGE_STATUS]
    update, of_folder, of_link = asked.changes
    assert update.after == of_folder.before
    assert of_folder.differing == of_link.differing == {"availabilityStatus"}
    assert [end.unique_id for end in of_link.ends] == [str(first.unique_id), str(second.unique_id)]
    assert of_link.before is not None
    assert of_link.before.patient == str(patient())


def test_the_law_sees_what_is_linked(client: Client) -> None:
    first, holder = entry(), folder()
    client.accept(first)
    client.accept(holder)
    asked = Asked()
    new = member(holder, first)
    assert client.update(links(new), permit=asked).succeeded
    (change,) = asked.changes
    assert change.kind is ChangeKind.ASSOCIATE
    assert change.before is None
    assert change.after is not None
    assert change.after.entry_uuid == new.entry_uuid
    assert [end.entry_uuid for end in change.ends] == [holder.entry_uuid, first.entry_uuid]


def test_what_the_law_refuses_is_not_done(client: Client, registry: Registry) -> None:
    first, second = entry(), entry()
    client.accept(first, second)
    before = row_counts(registry.engine)
    for submission in (
        updates(next_version(first)),
        becomes(first, APPROVED, DEPRECATED),
        links(appends(first, second)),
    ):
        outcome = client.update(submission, permit=Asked(refuses=True))
        assert only(outcome) == ("LocalPolicyRestrictionError", "not for you")
    assert row_counts(registry.engine) == before
    assert versions(client, first) == [(1, "Approved")]


def test_what_is_wrong_is_refused_before_the_law_is_asked(client: Client) -> None:
    asked = Asked(refuses=True)
    assert codes(client.update(updates(next_version(entry())), permit=asked)) == ["XDSMetadataVersionError"]
    assert asked.changes == ()


def test_what_is_hidden_is_answered_as_what_is_not_there(client: Client) -> None:
    seen, hidden, holder, unknown = entry(), entry(), folder(), entry()
    client.accept(seen, hidden, holder)
    without = Without({hidden.entry_uuid})

    def answers(target: Any) -> list[tuple[str, str]]:
        outcomes = [
            client.update(updates(next_version(target)), visibility=without),
            client.update(becomes(target, APPROVED, DEPRECATED), visibility=without),
            client.update(links(appends(seen, target)), visibility=without),
            client.update(links(member(holder, target)), visibility=without),
        ]
        return [(code, text.replace(target.entry_uuid, "…")) for code, text in map(only, outcomes)]

    assert answers(hidden) == answers(unknown)
    assert versions(client, hidden) == [(1, "Approved")]


def test_a_hidden_member_of_a_folder_follows_it_all_the_same(client: Client) -> None:
    hidden, holder = entry(), folder()
    client.accept(hidden, holder, member(holder, hidden))
    newer = next_version(holder)
    assert client.update(updates(newer), visibility=Without({hidden.entry_uuid})).succeeded
    found = {x.get("targetObject") for x in client.associations(newer) if x.get("sourceObject") == newer.entry_uuid}
    assert found == {hidden.entry_uuid}


def test_an_association_of_something_hidden_is_not_there(client: Client) -> None:
    hidden, second = entry(), entry()
    link = appends(hidden, second)
    client.accept(hidden, second, link)
    outcome = client.update(becomes(link, APPROVED, DEPRECATED), visibility=Without({hidden.entry_uuid}))
    assert codes(outcome) == ["UnresolvedReferenceException"]
