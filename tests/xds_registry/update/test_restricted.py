"""ITI-92: new versions of DocumentEntries that stay the same in what matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Oid, UniqueId
from schemas.metadata import LocalizedText
from schemas.vocabulary import AvailabilityStatus, DocumentEntryType
from tests.services.trail import changes_of, make_trail
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes
from tests.xds_registry.submissions import code, entry, folder, member, on_demand_entry, patient
from tests.xds_registry.update.messages import (
    APPROVED,
    ARCHIVED,
    DELETED,
    DEPRECATED,
    appends,
    becomes,
    ends,
    history,
    holder_of,
    next_version,
    status,
    submits,
    updates,
    versions,
    whole,
)
from xds_registry.configuration import RegistryConfiguration
from xds_registry.registry import Registry

OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"
ONLINE = "urn:ihe:iti:2010:DocumentAvailability:Online"


def restricted(client: Client, submission: Any) -> Any:
    """ITI-92."""
    return client.send_update(s.request(submission), restricted=True)


def test_a_new_version_follows_the_one_before(client: Client, registry: Registry) -> None:
    first, holder = entry(), folder()
    client.accept(first, holder, member(holder, first))
    new = next_version(first, title=(LocalizedText("new"),), confidentiality_codes=(code("V"),))
    assert restricted(client, updates(new)).succeeded
    assert versions(client, first) == [(1, "Deprecated"), (2, "Approved")]
    assert ends(client, new) == {("HasMember", holder.entry_uuid, new.entry_uuid)}
    event = changes_of(registry.engine)[-1]
    assert (event.transaction.value, event.action.value) == ("ITI-92", "U")


def test_on_demand_documents_are_updated_too(client: Client) -> None:
    first = on_demand_entry()
    client.accept_on_demand(first)
    assert restricted(client, updates(next_version(first, title=(LocalizedText("new"),)))).succeeded


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"patient_id": patient("P2")}, "XDSPatientIDReconciliationError"),
        ({"patient_id": patient("P1", "1.2.3")}, "XDSPatientIDReconciliationError"),
        ({"unique_id": UniqueId.parse("1.2.3.4")}, "XDSMetadataIdentifierError"),
        ({"source_patient_id": patient("other")}, "UnmodifiableMetadataError"),
        ({"repository_unique_id": Oid.parse("1.2.3")}, "UnmodifiableMetadataError"),
        ({"document_availability": OFFLINE}, "UnmodifiableMetadataError"),
        ({"availability_status": DEPRECATED}, "UnmodifiableMetadataError"),
        (
            {"object_type": DocumentEntryType.ON_DEMAND, "creation_time": None, "size": None, "hash": None},
            "UnmodifiableMetadataError",
        ),
    ],
)
@pytest.mark.parametrize("moved", [True, False])
def test_what_matters_stays_as_it_is(client: Client, changed: dict[str, Any], wanted: str, moved: bool) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first, **changed)
    holder = holder_of(new) if moved and new.patient_id.authority == s.AUTHORITY else holder_of(first)
    assert codes(restricted(client, updates(new, more=(holder,)))) == [wanted]
    assert versions(client, first) == [(1, "Approved")]


def test_what_is_said_again_is_no_change(client: Client) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first, availability_status=APPROVED, document_availability=ONLINE)
    assert restricted(client, updates(new)).succeeded


def test_the_patient_of_the_submission_is_that_of_the_document(client: Client) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first)
    found = restricted(client, updates(new, more=(holder_of(new, patient_id=patient("P2")),)))
    assert codes(found) == ["XDSPatientIDReconciliationError"]


@pytest.mark.parametrize("kept", [DEPRECATED, ARCHIVED])
def test_a_document_stays_deprecated_or_archived(registry: Registry, client: Client, kept: AvailabilityStatus) -> None:
    domain = replace(load_affinity_domain("ihe"), availability_statuses=frozenset(AvailabilityStatus))
    registry = Registry(registry.engine, RegistryConfiguration(domain), trail=make_trail(registry.engine))
    national = Client(registry, client._schemas)
    first, gone = entry(), entry()
    national.accept(first, gone)
    national.change(becomes(first, APPROVED, kept))
    assert restricted(national, updates(next_version(first))).succeeded
    assert versions(national, first) == [(1, "Deprecated"), (2, kept.value.rpartition(":")[2])]
    national.change(becomes(gone, APPROVED, DELETED))
    assert codes(restricted(national, updates(next_version(gone)))) == ["XDSMetadataUpdateError"]


def test_a_deprecated_document_stays_in_its_folder(client: Client) -> None:
    first, holder = entry(), folder()
    client.accept(first, holder, member(holder, first))
    client.change(becomes(first, APPROVED, DEPRECATED))
    new = next_version(first)
    assert restricted(client, updates(new)).succeeded
    assert ends(client, new) == {("HasMember", holder.entry_uuid, new.entry_uuid)}


def test_it_starts_from_the_latest_version(client: Client) -> None:
    first = entry()
    client.accept(first)
    assert restricted(client, updates(next_version(first))).succeeded
    for previous in (1, 3):
        found = restricted(client, updates(next_version(first), previous=previous))
        assert codes(found) == ["XDSMetadataVersionError"]
    assert codes(restricted(client, updates(next_version(entry())))) == ["XDSMetadataVersionError"]


def test_a_first_version_is_no_request_of_this_kind(client: Client) -> None:
    assert codes(restricted(client, updates(entry()))) == ["XDSInvalidRequestException"]
    found = codes(restricted(client, s.submission(folder())))
    assert set(found) == {"XDSInvalidRequestException", "XDSObjectTypeError"}


def test_it_changes_documents_and_nothing_else(client: Client) -> None:
    first, second, holder = entry(), entry(), folder()
    client.accept(first, second, holder)
    about, link = holder_of(first), appends(first, second)
    new = next_version(first)
    for more, wanted in (
        ((next_version(holder),), {"XDSObjectTypeError"}),
        ((status(about, second, APPROVED, DEPRECATED),), {"UnmodifiableMetadataError"}),
        ((link, submits(about, link)), {"XDSInvalidRequestException"}),
    ):
        assert set(codes(restricted(client, updates(new, more=(about, *more))))) == wanted


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("previous_version", None),
        ("previous_version", "one"),
        ("submission_set_status", None),
        ("association_propagation", "no"),
        ("association_propagation", "perhaps"),
    ],
)
def test_its_annotations_are_exact(client: Client, annotation: str, value: str | None) -> None:
    first = entry()
    client.accept(first)
    submission = updates(next_version(first))
    (link,) = submission.associations
    wrong = replace(submission, associations=(replace(link, **{annotation: value}),))
    assert codes(restricted(client, wrong)) == ["XDSMetadataAnnotationError"]


def test_its_document_is_a_member_of_the_submission_set(client: Client) -> None:
    first = entry()
    client.accept(first)
    new = next_version(first)
    assert codes(restricted(client, whole(holder_of(new), new))) == ["XDSMetadataAnnotationError"]


def test_a_new_version_is_complete(client: Client) -> None:
    first = entry()
    client.accept(first)
    assert codes(restricted(client, updates(next_version(first, type_code=None)))) == ["XDSRegistryMetadataError"]
    assert len(history(client, first)) == 1
