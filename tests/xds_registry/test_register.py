"""ITI-42 and ITI-61 as a whole: what is stored, under which identifiers, all of it or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Connection

from schemas import vocabulary as v
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Cxi, Dtm, Oid, Sha1Hash, UniqueId
from schemas.metadata import EntryId, ExtraIdentifier, LocalizedText
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, codes, only, row_counts
from tests.xds_registry.submissions import entry, folder, member, patient, request, select, submission_set
from xds_registry.configuration import RegistryConfiguration
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry

HOME = "urn:oid:1.2.250.1.99"


def stored(client: Client, item: Any) -> etree._Element:
    """A DocumentEntry as the registry gives it back."""
    by_id = {"$XDSDocumentEntryUniqueId": s.quoted(item.unique_id)}
    (found,) = client.ask(QueryId.GET_DOCUMENTS, by_id).objects
    return found


def test_a_submission_is_found_as_it_was_submitted(client: Client) -> None:
    document, holder = entry(), folder()
    membership = member(holder, document)
    client.accept(document, holder, membership)
    everything = client.ask(
        QueryId.GET_ALL,
        {
            "$patientId": s.quoted(patient()),
            **{f"$XDS{kind}Status": s.quoted(s.APPROVED) for kind in ("DocumentEntry", "SubmissionSet", "Folder")},
        },
    )
    assert {document.entry_uuid, holder.entry_uuid, membership.entry_uuid} < everything.ids
    # and the SubmissionSet, with its three HasMember associations
    assert len(everything.ids) == 3 + 1 + 3


def test_every_symbolic_id_becomes_one_uuid_wherever_it_stands(client: Client) -> None:
    document, holder = entry(entry_uuid=EntryId("doc")), folder(entry_uuid=EntryId("folder"))
    membership = member("folder", "doc", entry_uuid=EntryId("link"))
    client.accept(document, holder, membership)
    found = stored(client, document)
    uuid = found.get("id", "")
    assert uuid.startswith("urn:uuid:")
    assert found.get("lid") == uuid
    assert set(select(found, ".//@classifiedObject") + select(found, ".//@registryObject")) == {uuid}
    links = client.associations(uuid)
    assert {link.get("targetObject") for link in links} == {uuid}
    nested = select(found, "rim:Classification/@id | rim:ExternalIdentifier/@id")
    assert all(one.startswith("urn:uuid:") for one in nested)
    assert len(nested) == len(set(nested))
    (inner,) = (x for x in links if x.find(f"{{{v.RIM}}}Slot") is None)
    (outer,) = (x for x in client.associations(inner.get("id")) if x.get("targetObject") == inner.get("id"))
    assert outer.get("id", "").startswith("urn:uuid:")


def test_a_uuid_is_kept_for_ever(client: Client) -> None:
    document = entry()
    client.accept(document)
    assert stored(client, document).get("id") == document.entry_uuid


def test_a_first_version_is_its_own_logical_object(client: Client) -> None:
    document = entry()
    client.accept(document)
    assert select(stored(client, document), "rim:VersionInfo/@versionName") == ["1"]


def test_what_the_standard_does_not_know_is_kept_and_given_back(client: Client) -> None:
    extra = s.slot("urn:example:colour", "blue & <green>", "", "é" * 100)
    identifier = ExtraIdentifier(s.new_id(), "x-1", (LocalizedText("other"),))
    client.accept(entry(extra_slots=(extra,), extra_identifiers=(identifier,), unique_id=UniqueId.parse("1.2.3")))
    found = stored(client, entry(unique_id=UniqueId.parse("1.2.3")))
    values = select(found, "rim:Slot[@name='urn:example:colour']/rim:ValueList/rim:Value")
    assert [value.text or "" for value in values] == list(extra.values)
    path = f"rim:ExternalIdentifier[@identificationScheme='{identifier.scheme}']/@value"
    assert select(found, path) == ["x-1"]


@pytest.mark.parametrize("stated", [None, AvailabilityStatus.DEPRECATED, AvailabilityStatus.APPROVED])
def test_whatever_status_is_submitted_a_new_object_is_approved(
    client: Client, stated: AvailabilityStatus | None
) -> None:
    document = entry(availability_status=stated)
    holder = folder(availability_status=stated)
    set_ = submission_set(availability_status=stated)
    client.accept(set_, document, holder)
    found = client.ask(QueryId.GET_SUBMISSION_SET_AND_CONTENTS, {"$XDSSubmissionSetEntryUUID": f"'{set_.entry_uuid}'"})
    assert {item.get("status") for item in found.objects} == {s.APPROVED}


def test_a_document_of_no_bytes_is_registered(client: Client) -> None:
    client.accept(entry(size=0, hash=Sha1Hash.parse(v.EMPTY_SHA1)))


def test_a_second_entry_of_the_same_bytes_is_a_second_entry(client: Client) -> None:
    first = entry(hash=Sha1Hash.parse(s.HASH.upper()))
    second = entry(unique_id=first.unique_id, hash=Sha1Hash.parse(s.HASH.lower()))
    client.accept(first)
    client.accept(second)
    by_id = {"$XDSDocumentEntryUniqueId": s.quoted(first.unique_id)}
    assert client.ask(QueryId.GET_DOCUMENTS, by_id).ids == {first.entry_uuid, second.entry_uuid}


@pytest.mark.parametrize(
    ("change", "code"),
    [({"size": 5}, "XDSNonIdenticalSize"), ({"hash": Sha1Hash.parse("b" * 40)}, "XDSNonIdenticalHash")],
)
def test_a_unique_id_means_the_same_bytes_for_ever(client: Client, change: dict[str, Any], code: str) -> None:
    first = entry()
    client.accept(first)
    assert only(client.submit(entry(unique_id=first.unique_id, **change))) == (code, str(first.unique_id))


def test_two_objects_of_a_message_do_not_share_a_unique_id(client: Client) -> None:
    first = entry()
    for second in (entry, folder, submission_set):
        outcome = client.submit(first, second(unique_id=first.unique_id))
        assert only(outcome) == ("XDSRegistryDuplicateUniqueIdInMessage", str(first.unique_id))


@pytest.mark.parametrize("taken", ["SubmissionSet", "Folder", "DocumentEntry"])
@pytest.mark.parametrize("kind", ["SubmissionSet", "Folder"])
def test_the_unique_id_of_a_set_or_folder_is_new_in_the_registry(client: Client, taken: str, kind: str) -> None:
    makers: dict[str, Any] = {"SubmissionSet": submission_set, "Folder": folder, "DocumentEntry": entry}
    known = makers[taken]()
    client.accept(known, *([folder()] if taken == "SubmissionSet" else []))
    again = makers[kind](unique_id=known.unique_id)
    code, context = only(client.submit(again, entry()))
    assert code == "XDSDuplicateUniqueIdInRegistry"
    assert context.startswith(f"{kind}.uniqueId {known.unique_id} ")


@pytest.mark.parametrize("upper", [False, True])
def test_an_entry_uuid_is_given_once(client: Client, upper: bool) -> None:
    document, holder = entry(), folder()
    link = member(holder, document)
    set_ = submission_set()
    client.accept(set_, document, holder, link)
    for known in (document, holder, link, set_):
        name = known.entry_uuid.upper().replace("URN:UUID:", "urn:uuid:") if upper else known.entry_uuid
        code, context = only(client.submit(entry(entry_uuid=EntryId(name))))
        assert code == "XDSRegistryMetadataError"
        assert known.entry_uuid in context


def test_two_ids_that_differ_in_case_only_are_one_uuid(client: Client) -> None:
    first = entry(entry_uuid=EntryId("urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"))
    second = entry(entry_uuid=EntryId("urn:uuid:AAAAAAAA-0000-4000-8000-000000000001"))
    code, context = only(client.submit(first, second))
    assert code == "XDSRegistryMetadataError"
    assert first.entry_uuid in context


def test_an_unknown_patient_is_refused_by_name(client: Client) -> None:
    stranger = patient("stranger<&>'\"")
    assert only(client.submit(entry(patient_id=stranger))) == ("XDSUnknownPatientId", str(stranger))


def test_a_patient_of_another_authority_is_unknown(client: Client) -> None:
    foreign = patient("P1", "1.2.3.4.5")
    code, context = only(client.submit(entry(patient_id=foreign)))
    assert code == "XDSUnknownPatientId"
    assert context.startswith(str(foreign))


def test_a_patient_that_was_merged_away_is_unknown(client: Client) -> None:
    client.merge("P1", "P2")
    merged = patient("P2")
    assert only(client.submit(entry(patient_id=merged))) == ("XDSUnknownPatientId", str(merged))
    client.accept(entry())


@pytest.mark.parametrize("maker", [entry, folder])
def test_every_object_of_a_submission_is_about_one_patient(client: Client, maker: Any) -> None:
    other = maker(patient_id=patient("P2"))
    code, context = only(client.submit(submission_set(), entry(), other))
    assert code == "XDSPatientIdDoesNotMatch"
    assert str(patient("P2")) in context
    assert str(patient("P1")) in context


def test_a_registry_without_a_feed_takes_patients_as_they_come(registry: Registry, client: Client) -> None:
    open_registry = Registry(
        registry.engine, replace(registry.configuration, register_unknown_patients=True), trail=registry.trail
    )
    document = entry(patient_id=patient("newcomer"))
    Client(open_registry, None).accept(document)
    assert stored(client, document).get("id") == document.entry_uuid


def test_the_same_submission_again_is_a_success_that_does_nothing(client: Client) -> None:
    message = request(entry(), folder())
    again = s.parsed(etree.tostring(message))
    assert not client.send(message).replayed
    before = row_counts(client.registry.engine)
    outcome = client.registry.register_document_set(again, digest="another")
    assert codes(outcome)[0] == "XDSDuplicateUniqueIdInRegistry"
    first = s.parsed(etree.tostring(again))
    outcome = client.send(first)
    assert outcome.succeeded
    assert outcome.replayed
    assert row_counts(client.registry.engine) == before


FAILURES: dict[str, Any] = {
    "an attribute is missing": lambda: (entry(repository_unique_id=None),),
    "the second entry is wrong": lambda: (entry(), entry(class_code=None)),
    "the patient is unknown": lambda: (entry(patient_id=patient("nobody")),),
    "a reference leads nowhere": lambda: ((d := entry()), folder(), s.replaces(d, s.new_id())),
    "a folder is unknown": lambda: ((d := entry()), member(s.new_id(), d)),
    "an entry is another patient's": lambda: (entry(), entry(patient_id=patient("P2"))),
}


@pytest.mark.parametrize("reason", FAILURES)
def test_nothing_at_all_is_left_of_a_failure(client: Client, reason: str) -> None:
    client.accept(entry(), folder())
    before = row_counts(client.registry.engine)
    assert not client.submit(*FAILURES[reason]()).succeeded
    assert row_counts(client.registry.engine) == before


def test_what_runs_within_the_transaction_fails_with_it(client: Client) -> None:
    before = row_counts(client.registry.engine)

    def fail(_: Connection) -> None:
        raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        client.registry.register_document_set(request(entry()), digest="x", within=fail)
    assert row_counts(client.registry.engine) == before


def test_the_home_of_the_registry_is_put_on_what_has_none(registry: Registry, client: Client) -> None:
    at_home = Registry(registry.engine, replace(registry.configuration, home_community_id=HOME), trail=registry.trail)
    foreign = entry(home_community_id="urn:oid:1.2.3")
    own = entry()
    Client(at_home, None).accept(own, foreign)
    assert stored(client, own).get("home") == HOME
    assert stored(client, foreign).get("home") == "urn:oid:1.2.3"
    references = client.ask(
        QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": s.quoted(own.unique_id)}, return_type="ObjectRef"
    )
    assert [item.get("home") for item in references.objects] == [HOME]


def test_on_demand_entries_are_registered_without_bytes(client: Client) -> None:
    document = s.on_demand_entry()
    client.accept_on_demand(document)
    assert stored(client, document).get("objectType") == DocumentEntryType.ON_DEMAND.value
    client.accept_on_demand(s.on_demand_entry(unique_id=document.unique_id))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("creationTime", {"creation_time": Dtm.parse("2024")}),
        ("hash", {"hash": Sha1Hash.parse(s.HASH)}),
        ("size", {"size": 0}),
    ],
)
def test_an_on_demand_entry_states_nothing_about_bytes(client: Client, name: str, change: dict[str, Any]) -> None:
    document = s.on_demand_entry(**change)
    code, context = only(client.send(request(document), on_demand=True))
    assert code == "XDSRegistryMetadataError"
    assert context.startswith(f"{document.entry_uuid} {name}: ")


def test_an_on_demand_entry_needs_its_repository(client: Client) -> None:
    code, context = only(client.send(request(s.on_demand_entry(repository_unique_id=None)), on_demand=True))
    assert (code, "repositoryUniqueId" in context) == ("XDSRegistryMetadataError", True)


def test_each_transaction_registers_its_own_type_only(client: Client) -> None:
    assert codes(client.submit(s.on_demand_entry())) == ["XDSRegistryMetadataError"]
    assert codes(client.send(request(entry()), on_demand=True)) == ["XDSRegistryMetadataError"]
    assert codes(client.send(request(folder()), on_demand=True)) == ["XDSRegistryMetadataError"]


def test_an_on_demand_entry_does_not_take_the_unique_id_of_a_stable_one(client: Client) -> None:
    stable = entry()
    client.accept(stable)
    code, context = only(client.send(request(s.on_demand_entry(unique_id=stable.unique_id)), on_demand=True))
    assert code == "XDSRegistryMetadataError"
    assert str(stable.unique_id) in context


def test_an_on_demand_entry_may_replace_a_stable_one(client: Client) -> None:
    old, new = entry(), s.on_demand_entry()
    client.accept(old)
    client.accept_on_demand(new, s.replaces(new, old))
    assert client.statuses(old) == ["Deprecated"]


def test_codes_outside_the_value_sets_are_refused(registry: Registry) -> None:
    french = load_affinity_domain("ci-sis", patient_authorities=[s.AUTHORITY])
    client = Client(Registry(registry.engine, RegistryConfiguration(french), trail=registry.trail), None)
    client.announce("P1")
    document = entry(type_code=s.code("no-such-code", "1.2.3.4"))
    outcome = client.submit(document)
    contexts = [error.code_context for error in outcome.errors]
    assert set(codes(outcome)) == {"XDSRegistryMetadataError"}
    assert any(x.startswith(f"{document.entry_uuid} typeCode: no-such-code^^1.2.3.4 ") for x in contexts)


def test_a_language_or_format_outside_the_domain_is_refused(registry: Registry) -> None:
    domain = replace(
        registry.configuration.affinity_domain, languages=frozenset({"en-us"}), mime_types=frozenset({"text/plain"})
    )
    client = Client(
        Registry(registry.engine, replace(registry.configuration, affinity_domain=domain), trail=registry.trail), None
    )
    client.announce("P1")
    document = entry()
    contexts = [error.code_context for error in client.submit(document).errors]
    assert any(x.startswith(f"{document.entry_uuid} mimeType: text/xml ") for x in contexts)
    assert any(x.startswith(f"{document.entry_uuid} languageCode: fr-FR ") for x in contexts)


def test_a_source_that_repeats_a_slot_is_stored_once(client: Client) -> None:
    document = entry()
    message = request(document)
    (written,) = select(message, "//rim:Slot[@name='languageCode']")
    written.addnext(s.parsed(etree.tostring(written, with_tail=False)))
    assert client.send(message).succeeded
    assert len(select(stored(client, document), "rim:Slot[@name='languageCode']")) == 1


def test_relationships_are_not_put_into_the_set(client: Client) -> None:
    old, new, set_ = entry(), entry(), submission_set()
    client.accept(old)
    link = s.replaces(new, old)
    code, context = only(client.submit(set_, new, link, member(set_, link)))
    assert code == "XDSRegistryMetadataError"
    assert "relationship association is not a member" in context


def test_an_oid_of_another_repository_is_no_matter(client: Client) -> None:
    document = entry(repository_unique_id=Oid.parse("2.999.1"))
    client.accept(document)
    assert select(stored(client, document), "rim:Slot[@name='repositoryUniqueId']//rim:Value/text()") == ["2.999.1"]


def test_an_update_is_no_registration(client: Client) -> None:
    set_, document = submission_set(), entry()
    link = s.association(AssociationType.UPDATE_AVAILABILITY_STATUS, set_, s.new_id())
    assert "XDSRegistryMetadataError" in codes(client.submit(set_, document, link))
    code, context = only(client.submit(set_, document, member(set_, document, "Original", previous_version="1")))
    assert code == "XDSRegistryMetadataError"
    assert "PreviousVersion" in context


def test_a_unique_id_that_grows_when_it_is_normalised_is_refused_not_a_failure_of_the_database(
    client: Client,
) -> None:
    grows = "\ufb2c" * 200
    outcome = client.submit(entry(unique_id=UniqueId.parse(grows)))
    assert codes(outcome) == ["XDSRegistryMetadataError"]
    outcome = client.submit(entry(event_codes=(s.code(grows, grows),)))
    assert set(codes(outcome)) == {"XDSRegistryMetadataError"}
    outcome = client.submit(entry(reference_ids=(Cxi.parse(f"{grows}^^^^urn:ihe:iti:xds:2013:order"),)))
    assert set(codes(outcome)) == {"XDSRegistryMetadataError"}


def test_a_long_home_of_an_association_is_refused_not_a_failure_of_the_database(client: Client) -> None:
    document, holder = entry(), folder()
    link = member(holder, document, home_community_id="urn:oid:1." + "2" * 500)
    assert codes(client.submit(document, holder, link)) == ["XDSRegistryMetadataError"]
