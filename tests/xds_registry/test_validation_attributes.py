"""Attributes of submitted objects: each rule by the error code and the object, attribute and value that it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from schemas import attributes as a
from schemas import vocabulary as v
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Dtm
from schemas.errors import XdsError, XdsErrors
from schemas.metadata import Author, EntryId, LocalizedText
from tests.xds_registry import submissions as s
from tests.xds_registry.submissions import entry, folder, on_demand_entry, patient, request, select, submission_set
from xds_registry.configuration import RegistryConfiguration
from xds_registry.register import prepare
from xds_registry.validation.structure import Transaction

CONFIGURATION = RegistryConfiguration(load_affinity_domain("ihe"))
METADATA = "XDSRegistryMetadataError"
STABLE, ON_DEMAND = Transaction.REGISTER_DOCUMENT_SET, Transaction.REGISTER_ON_DEMAND


def refused(message: etree._Element, transaction: Transaction = STABLE) -> tuple[XdsError, ...]:
    """What is wrong with a message, by the rules that need no database; () when nothing is."""
    try:
        prepare(message, CONFIGURATION, transaction, "digest")
    except XdsErrors as wrong:
        return wrong.errors
    return ()


def only(message: etree._Element, transaction: Transaction = STABLE) -> tuple[str, str]:
    (error,) = refused(message, transaction)
    return error.code, error.code_context


def test_the_smallest_submissions_are_right() -> None:
    assert refused(request(entry())) == ()
    assert refused(request(folder())) == ()
    assert refused(request(on_demand_entry()), ON_DEMAND) == ()


def required(requirements: a.Requirements) -> list[Any]:
    return [pytest.param(name, field, id=name) for name, field in requirements.required]


def _missing(item: Any, field: str) -> Any:
    return replace(item, **{field: () if isinstance(getattr(item, field), tuple) else None})


@pytest.mark.parametrize(("name", "field"), required(a.STABLE_ENTRY_REGISTERED))
def test_a_stable_entry_has_every_required_attribute(name: str, field: str) -> None:
    document = entry()
    code, context = only(request(_missing(document, field)))
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} {name}: is required")


@pytest.mark.parametrize(("name", "field"), required(a.ON_DEMAND_ENTRY_REGISTERED))
def test_an_on_demand_entry_has_every_required_attribute(name: str, field: str) -> None:
    document = on_demand_entry()
    errors = refused(request(_missing(document, field)), ON_DEMAND)
    assert {error.code for error in errors} == {METADATA}
    assert any(x.code_context.startswith(f"{document.entry_uuid} {name}: is required") for x in errors)


@pytest.mark.parametrize(("name", "field"), required(a.SUBMISSION_SET_REGISTERED))
def test_a_submission_set_has_every_required_attribute(name: str, field: str) -> None:
    set_ = submission_set()
    code, context = only(request(_missing(set_, field), entry()))
    assert code == METADATA
    assert context.startswith(f"{set_.entry_uuid} {name}: is required")


@pytest.mark.parametrize(("name", "field"), required(a.FOLDER_REGISTERED))
def test_a_folder_has_every_required_attribute(name: str, field: str) -> None:
    holder = folder()
    code, context = only(request(_missing(holder, field)))
    assert code == METADATA
    assert context.startswith(f"{holder.entry_uuid} {name}: is required")


def test_what_the_tables_require_is_what_the_standard_requires() -> None:
    """ITI TF-3: Table 4.3.1.1-3, so that an omission in the tables does not hide itself."""
    always = {
        *("classCode", "confidentialityCode", "formatCode", "healthcareFacilityTypeCode", "languageCode", "mimeType"),
        *("objectType", "patientId", "practiceSettingCode", "repositoryUniqueId", "sourcePatientId", "typeCode"),
        "uniqueId",
    }
    bytes_only = {"creationTime", "hash", "size"}
    assert {name for name, _ in a.STABLE_ENTRY_REGISTERED.required} == always | bytes_only
    assert {name for name, _ in a.ON_DEMAND_ENTRY_REGISTERED.required} == always
    assert {name for name, _ in a.ON_DEMAND_ENTRY_REGISTERED.forbidden} == {*bytes_only, "limitedMetadata"}
    assert {name for name, _ in a.SUBMISSION_SET_REGISTERED.required} == {
        *("contentTypeCode", "patientId", "sourceId", "submissionTime", "uniqueId")
    }
    assert {name for name, _ in a.FOLDER_REGISTERED.required} == {"patientId", "title", "uniqueId"}


@pytest.mark.parametrize("maker", [entry, folder, submission_set])
def test_limited_metadata_is_not_registered(maker: Callable[..., Any]) -> None:
    limited = maker(limited_metadata=True)
    items = (limited,) if maker is not submission_set else (limited, entry())
    code, context = only(request(*items))
    assert code == METADATA
    assert context.startswith(f"{limited.entry_uuid} limitedMetadata: ")


OFFENDING = {
    "creationTime": "20241301",
    "hash": "not-a-hash",
    "languageCode": "français",
    "repositoryUniqueId": "1.02.3",
    "sourcePatientId": "no-authority",
    "size": "-1",
}


@pytest.mark.parametrize("name", OFFENDING)
def test_a_slot_that_cannot_be_read_is_named_with_its_value(name: str) -> None:
    document = entry()
    message = request(document)
    (value,) = select(message, f"//rim:ExtrinsicObject/rim:Slot[@name='{name}']//rim:Value")
    value.text = OFFENDING[name]
    code, context = only(message)
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} {name}: ")
    assert OFFENDING[name] in context


@pytest.mark.parametrize(
    ("scheme", "name", "value"),
    [
        (v.DOCUMENT_ENTRY_PATIENT_ID, "patientId", "P1"),
        (v.DOCUMENT_ENTRY_PATIENT_ID, "patientId", "P1^^^&&ISO"),
        (v.DOCUMENT_ENTRY_UNIQUE_ID, "uniqueId", "with blank"),
        (v.SUBMISSION_SET_SOURCE_ID, "sourceId", "not-an-oid"),
    ],
)
def test_an_identifier_that_cannot_be_read_is_named_with_its_value(scheme: str, name: str, value: str) -> None:
    message = request(entry())
    (identifier,) = select(message, f"//rim:ExternalIdentifier[@identificationScheme='{scheme}']")
    identifier.set("value", value)
    errors = refused(message)
    assert {error.code for error in errors} == {METADATA}
    assert any(f" {name}: " in error.code_context and value in error.code_context for error in errors)
    assert not any("is required" in error.code_context for error in errors)


@pytest.mark.parametrize(
    ("start", "stop", "right"),
    [
        ("20240101", "20240102", True),
        ("20240101", "20240101", True),
        ("20240102", "20240101", False),
        ("20240101120001", "20240101120000", False),
        ("2024", "20240615", True),
        # a year has not ended before a month of it
        ("202406", "2024", True),
        ("20240615", "202406", True),
        ("202407", "202406", False),
        ("2025", "20241231235959", False),
    ],
)
def test_a_service_does_not_stop_before_it_starts(start: str, stop: str, right: bool) -> None:
    document = entry(service_start_time=Dtm.parse(start), service_stop_time=Dtm.parse(stop))
    errors = refused(request(document))
    assert (errors == ()) is right
    for error in errors:
        assert error.code == METADATA
        assert error.code_context.startswith(f"{document.entry_uuid} serviceStopTime: {stop} ")


@pytest.mark.parametrize("name", ["colour", "Urn", "urn:x", "urn:", "urn:e x:y", "http://example.org/x"])
@pytest.mark.parametrize("maker", [entry, folder, submission_set])
def test_extra_metadata_is_named_by_a_urn(maker: Callable[..., Any], name: str) -> None:
    item = maker(extra_slots=(s.slot(name, "value"),))
    items = (item,) if maker is not submission_set else (item, entry())
    code, context = only(request(*items))
    assert code == METADATA
    assert context.startswith(f"{item.entry_uuid} {name}: ")


def test_a_slot_of_another_ihe_profile_is_no_error() -> None:
    """ITI TF-3: 4.2.3.1.6: the presence of extra metadata is never an error."""
    assert refused(request(entry(extra_slots=(s.slot("urn:ihe:rad:example:2030", "value"),)))) == ()


def test_an_author_is_somebody() -> None:
    document = entry(authors=(Author(roles=("surgeon",)),))
    code, context = only(request(document))
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} author: ")


def test_a_code_has_a_display_name() -> None:
    document = entry(class_code=replace(s.code("c"), display_name=()))
    code, context = only(request(document))
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} classCode: c^^1.2.3 ")


def test_a_code_has_a_scheme() -> None:
    document = entry()
    path = f"//rim:Classification[@classificationScheme='{v.DOCUMENT_ENTRY_TYPE_CODE}']/rim:Slot"
    code, context = only(s.without(request(document), path))
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} typeCode: ")


@pytest.mark.parametrize("home", ["1.2.3", "urn:oid:", "urn:oid:1", "urn:oid:01.2", "urn:oid:1." + "2" * 64])
@pytest.mark.parametrize("maker", [entry, folder, submission_set, s.association])
def test_a_home_is_an_oid(maker: Callable[..., Any], home: str) -> None:
    document, holder = entry(), folder()
    if maker is s.association:
        item: Any = s.member(holder, document, home_community_id=home)
    else:
        item = maker(home_community_id=home)
    code, context = only(request(document, holder, item))
    assert code == METADATA
    assert context.startswith(f"{item.entry_uuid} homeCommunityId: ")
    assert home in context


def test_a_new_entry_is_no_version_of_another() -> None:
    document = entry(logical_id=s.new_id())
    code, context = only(request(document))
    assert code == METADATA
    assert context.startswith(f"{document.entry_uuid} logicalID: ")


@pytest.mark.parametrize(("length", "right"), [(128, True), (129, False)])
def test_a_title_has_at_most_128_characters(length: int, right: bool) -> None:
    document = entry(title=(LocalizedText("é" * length),))
    assert (refused(request(document)) == ()) is right


def test_a_nested_object_names_its_owner() -> None:
    message = request(entry())
    for path, attribute in (("Classification", "classifiedObject"), ("ExternalIdentifier", "registryObject")):
        again = s.parsed(etree.tostring(message))
        select(again, f"//rim:ExtrinsicObject/rim:{path}")[0].set(attribute, "another")
        assert METADATA in {error.code for error in refused(again)}


def test_every_fault_of_a_submission_is_reported() -> None:
    first, second = entry(class_code=None, size=None), entry(creation_time=None)
    contexts = {error.code_context.partition(": ")[0] for error in refused(request(first, second))}
    assert contexts == {
        f"{first.entry_uuid} classCode",
        f"{first.entry_uuid} size",
        f"{second.entry_uuid} creationTime",
    }


def test_the_patient_is_one_that_the_domain_identifies() -> None:
    foreign = patient("P1", "1.2.3.4")
    errors = refused(request(submission_set(patient_id=foreign), entry(patient_id=foreign)))
    assert [error.code for error in errors] == ["XDSUnknownPatientId"]
    assert errors[0].code_context.startswith(str(foreign))


@pytest.mark.parametrize("text", ["\ufb2c", "\U0001d160", "\u0958"])
def test_text_that_grows_when_it_is_normalised_is_held_to_the_same_bounds(text: str) -> None:
    """What is compared is in Unicode NFC, which can be longer than what was sent."""
    fits = entry(entry_uuid=EntryId("symbol"))
    message = request(fits)
    scheme = v.DOCUMENT_ENTRY_UNIQUE_ID
    (identifier,) = select(message, f"//rim:ExternalIdentifier[@identificationScheme='{scheme}']")
    identifier.set("value", text * 200)
    errors = refused(message)
    assert [error.code for error in errors] == [METADATA]
    assert "uniqueId" in errors[0].code_context
