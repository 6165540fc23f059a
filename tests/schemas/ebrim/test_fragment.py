"""Stored fragments: valid, complete, and changed in one place without touching another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas import metadata as m
from schemas import vocabulary as v
from schemas.ebrim import fragment as f
from schemas.ebrim import reading as r
from schemas.ebrim.encode import encode, encode_submission
from schemas.ebrim.reading import Problems
from schemas.ebrim.submission import DecodedSubmission, decode_submission
from schemas.vocabulary import AssociationType, AvailabilityStatus
from soap.xml import parse_trusted
from tests.examples import some
from tests.schemas import strategies as s
from tests.schemas.corpus import Document, Spoiler, documents
from tests.schemas.ebrim.test_encode import decoded
from tests.schemas.xsd.official import Schemas, faults, official_schemas
from tests.schemas.xsd.samples import OBJECTS, parse

ENTRY = "urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf"
UNHURRIED = settings(max_examples=some(100), deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLOW = settings(
    UNHURRIED, max_examples=some(50), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def official(shared: Path) -> Schemas:
    return official_schemas(shared)


def stored(element: etree._Element, status: AvailabilityStatus = AvailabilityStatus.APPROVED, **replaced: str) -> bytes:
    version = None if element.tag == r.ASSOCIATION else 1
    return f.serialise(
        element, entry_uuid=ENTRY, status=status, resolve=lambda name: name, version=version, replaced_slots=replaced
    )


def listed(*fragments: bytes) -> etree._Element:
    """Fragments in the list that declares their prefix."""
    head = f'<rim:RegistryObjectList xmlns:rim="{v.RIM}">'.encode()
    return parse_trusted(head + b"".join(fragments) + b"</rim:RegistryObjectList>")


def answered(*fragments: bytes) -> etree._Element:
    """Fragments in the answer to a stored query."""
    head = f'<query:AdhocQueryResponse xmlns:query="{v.QUERY}" xmlns:rim="{v.RIM}" status="{v.ResponseStatus.SUCCESS}">'
    body = b"<rim:RegistryObjectList>" + b"".join(fragments) + b"</rim:RegistryObjectList>"
    return parse_trusted(head.encode() + body + b"</query:AdhocQueryResponse>")


def fragments_of(submission: DecodedSubmission) -> list[bytes]:
    """Every object of a submission as the registry would store it."""
    ids: dict[str, str] = {}

    def resolve(name: str) -> str:
        return ids.setdefault(name, f.new_uuid())

    kinds = (submission.submission_sets, submission.document_entries, submission.folders, submission.associations)
    return [
        f.serialise(
            element,
            entry_uuid=resolve(item.entry_uuid),
            status=AvailabilityStatus.APPROVED,
            resolve=resolve,
            version=None if isinstance(item, m.Association) else 1,
        )
        for kind in kinds
        for item, element in kind
    ]


def as_stored(item: Any) -> Any:
    """What an object says once it is stored: its id, its status, its first version."""
    changed = replace(item, entry_uuid=ENTRY, availability_status=AvailabilityStatus.APPROVED)
    return changed if isinstance(item, m.Association) else replace(changed, logical_id=ENTRY, version=1)


@UNHURRIED
@given(s.registry_objects)
def test_a_fragment_says_all_that_its_object_said(item: m.RegistryObject) -> None:
    (element,) = listed(stored(encode(item)))
    assert decoded(element, type(item)) == as_stored(item)


@SLOW
@given(submission=s.submissions)
def test_submissions_and_their_fragments_are_valid(submission: m.Submission, official: Schemas) -> None:
    request = encode_submission(submission)
    assert faults(official, request) == []
    problems = Problems()
    fragments = fragments_of(decode_submission(request, problems))
    assert problems.found == []
    assert faults(official, listed(*fragments)) == []
    assert faults(official, answered(*fragments)) == []


def test_whatever_is_read_without_a_problem_is_valid_once_stored(
    shared: Path, official: Schemas, say: Callable[[str], None]
) -> None:
    whole, clean, wrong = 0, 0, []
    spoiler = Spoiler()
    for document in submissions(shared):
        for changed in (document, *spoiler.spoil(document)):
            whole += 1
            problems = Problems()
            result = decode_submission(changed.root, problems)
            if not problems.found:
                clean += 1
                wrong += [f"{changed.name}: {fault}" for fault in faults(official, answered(*fragments_of(result)))]
    say(f"fragments of {clean} submissions validated, {whole - clean} of {whole} had problems and are not stored")
    assert not wrong, "\n".join(wrong[:10])
    assert clean > 1_000


def submissions(shared: Path) -> Iterator[Document]:
    """Submissions of the conformance cases, and one of every object with everything that ebRIM lets it hold."""
    for document in documents(shared):
        if etree.QName(document.root).localname == "SubmitObjectsRequest":
            yield document
    for text in OBJECTS:
        known = _LIST.format(text.replace('"urn:o"', f'"{v.DocumentEntryType.STABLE}"')).replace(
            'associationType="urn:t"', f'associationType="{AssociationType.REPLACE}"'
        )
        yield Document("sample", parse(f'<lcm:S xmlns:lcm="{v.LCM}" xmlns:rim="{v.RIM}">{known}</lcm:S>'))


_LIST = "<rim:RegistryObjectList>{}</rim:RegistryObjectList>"


@UNHURRIED
@given(s.registry_objects, st.sampled_from(AvailabilityStatus), st.sampled_from(AvailabilityStatus))
def test_a_status_is_replaced_and_nothing_else(
    item: m.RegistryObject, before: AvailabilityStatus, after: AvailabilityStatus
) -> None:
    fragment = stored(encode(item), before)
    changed = f.with_status(fragment, after)
    (element,) = listed(changed)
    assert element.get("status") == after.value
    assert f.with_status(changed, before) == fragment
    name = etree.QName(element).localname
    assert changed.startswith(f.status_prefix(name, after).encode())
    assert changed[len(f.status_prefix(name, after)) :] == fragment[len(f.status_prefix(name, before)) :]


@UNHURRIED
@given(s.document_entries.filter(lambda entry: entry.patient_id is not None), s.texts())
def test_an_identifier_is_replaced_and_nothing_else(entry: m.DocumentEntry, value: str) -> None:
    fragment = stored(encode(entry))
    changed = f.with_identifier(fragment, v.DOCUMENT_ENTRY_PATIENT_ID, value)
    (element,) = listed(changed)
    values = {child.get("identificationScheme"): child.get("value") for child in element.findall(r.EXTERNAL_IDENTIFIER)}
    assert values[v.DOCUMENT_ENTRY_PATIENT_ID] == value
    assert f.with_identifier(changed, v.DOCUMENT_ENTRY_PATIENT_ID, str(entry.patient_id)) == fragment


@UNHURRIED
@given(s.folders, s.texts(), s.texts())
def test_a_slot_of_the_registry_is_replaced_and_nothing_else(folder: m.Folder, before: str, after: str) -> None:
    fragment = stored(encode(folder), lastUpdateTime=before)
    changed = f.with_slot(fragment, "lastUpdateTime", after)
    (element,) = listed(changed)
    slots = [slot for slot in element.findall(r.SLOT) if slot.get("name") == "lastUpdateTime"]
    assert [r.read_slot(slot, "", Problems()).values for slot in slots] == [(after,)]
    assert f.with_slot(changed, "lastUpdateTime", before) == fragment


def test_text_that_looks_like_markup_is_no_place_to_change() -> None:
    bait = f'<rim:ExternalIdentifier identificationScheme="{v.FOLDER_PATIENT_ID}" value="x">'
    bait += '<rim:Slot name="lastUpdateTime">'
    folder = m.Folder(
        entry_uuid=m.EntryId("folder"),
        title=(m.LocalizedText(bait),),
        extra_slots=(m.Slot("urn:example:bait", (bait,)),),
        extra_identifiers=(m.ExtraIdentifier("urn:example:scheme", bait),),
    )
    fragment = stored(encode(folder))
    assert f.with_identifier(fragment, v.FOLDER_PATIENT_ID, "changed") == fragment
    assert f.with_slot(fragment, "lastUpdateTime", "changed") == fragment


def test_an_object_without_the_identifier_or_the_slot_stays_as_it_is() -> None:
    fragment = stored(encode(m.Folder(entry_uuid=m.EntryId("folder"))))
    assert f.with_identifier(fragment, v.FOLDER_PATIENT_ID, "x") == fragment
    assert f.with_slot(fragment, "lastUpdateTime", "x") == fragment


def test_children_out_of_order_are_put_in_order(official: Schemas) -> None:
    entry = m.DocumentEntry(
        entry_uuid=m.EntryId("doc"),
        title=(m.LocalizedText("Été"),),
        comments=(m.LocalizedText("note"),),
        class_code=m.CodedValue("10", "1.2.3", (m.LocalizedText("compte rendu"),)),
        extra_slots=(m.Slot("urn:example:note", ("a",)),),
        extra_identifiers=(m.ExtraIdentifier("urn:example:scheme", "1", (m.LocalizedText("example"),)),),
    )
    element = encode(entry)
    for parent in element.iter(r.EXTRINSIC_OBJECT, r.CLASSIFICATION):
        parent[:] = list(reversed(parent))
    assert faults(official, listed(etree.tostring(element)))
    (written,) = listed(stored(element))
    assert faults(official, listed(etree.tostring(written))) == []
    assert decoded(written, m.DocumentEntry) == as_stored(entry)


def test_a_repeated_slot_is_stored_once() -> None:
    element = encode(m.DocumentEntry(entry_uuid=m.EntryId("doc"), class_code=m.CodedValue("10", "1.2.3"), size=7))
    for slot in list(element.iter(r.SLOT)):
        slot.addnext(deepcopy(slot))
    (written,) = listed(stored(element))
    assert [slot.get("name") for slot in written.iter(r.SLOT)] == ["size", "codingScheme"]


def test_nested_objects_get_an_id_a_type_and_their_owner() -> None:
    entry = m.DocumentEntry(
        entry_uuid=m.EntryId("doc"),
        class_code=m.CodedValue("10", "1.2.3"),
        extra_identifiers=(m.ExtraIdentifier("urn:example:scheme", "1"),),
    )
    (element,) = listed(stored(encode(entry)))
    classification, identifier = element.find(r.CLASSIFICATION), element.find(r.EXTERNAL_IDENTIFIER)
    assert classification is not None
    assert identifier is not None
    assert (classification.get("classifiedObject"), identifier.get("registryObject")) == (ENTRY, ENTRY)
    assert classification.get("objectType") == v.CLASSIFICATION_TYPE
    assert identifier.get("objectType") == v.EXTERNAL_IDENTIFIER_TYPE
    for nested in (classification, identifier):
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", nested.get("id", ""))


def test_an_object_within_a_classification_belongs_to_the_classification() -> None:
    element = encode(m.DocumentEntry(entry_uuid=m.EntryId("doc"), class_code=m.CodedValue("10", "1.2.3")))
    outer = element.find(r.CLASSIFICATION)
    assert outer is not None
    etree.SubElement(outer, r.CLASSIFICATION, {"id": "inner", "classifiedObject": "c", "classificationNode": "urn:x"})
    (written,) = listed(stored(element))
    outer = written.find(r.CLASSIFICATION)
    assert outer is not None
    assert [inner.get("classifiedObject") for inner in outer.findall(r.CLASSIFICATION)] == [outer.get("id")]


def test_ends_of_an_association_are_resolved() -> None:
    link = m.Association(
        entry_uuid=m.EntryId("a"),
        association_type=AssociationType.REPLACE,
        source=m.EntryId("new"),
        target=m.EntryId(ENTRY),
    )
    other = f.new_uuid()
    fragment = f.serialise(
        encode(link),
        entry_uuid=ENTRY,
        status=AvailabilityStatus.APPROVED,
        resolve=lambda name: {"new": other}.get(name, name),
        version=None,
    )
    (element,) = listed(fragment)
    assert (element.get("sourceObject"), element.get("targetObject")) == (other, ENTRY)
    assert element.get("lid") is None


@pytest.mark.parametrize("home", [None, "urn:oid:1.2.3"])
def test_an_association_of_the_registrys_own_is_valid_and_reads_back(home: str | None, official: Schemas) -> None:
    link = m.Association(
        entry_uuid=m.EntryId(ENTRY),
        association_type=AssociationType.HAS_MEMBER,
        source=m.EntryId(f.new_uuid()),
        target=m.EntryId(f.new_uuid()),
        home_community_id=home,
    )
    fragment = f.association(link, AvailabilityStatus.APPROVED)
    assert faults(official, answered(fragment)) == []
    (element,) = listed(fragment)
    assert decoded(element, m.Association) == replace(link, availability_status=AvailabilityStatus.APPROVED)
