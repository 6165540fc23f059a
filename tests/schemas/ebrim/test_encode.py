"""What is encoded and decoded again is equal, and valid against the official schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from lxml import etree

from schemas import metadata as m
from schemas.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET
from schemas.datatypes import Cx, Dtm, UniqueId
from schemas.ebrim import reading as r
from schemas.ebrim.decode import decode_association, decode_document_entry, decode_folder, decode_submission_set
from schemas.ebrim.encode import encode, encode_submission
from schemas.ebrim.reading import Problems
from schemas.ebrim.submission import decode_submission
from schemas.vocabulary import RIM, AssociationType
from soap.xml import parse_untrusted
from tests.examples import some
from tests.schemas import strategies as s

DECODERS: dict[type, Callable[[etree._Element, Problems], Any]] = {
    m.DocumentEntry: decode_document_entry,
    m.SubmissionSet: decode_submission_set,
    m.Folder: decode_folder,
    m.Association: decode_association,
}
PLACES = (r.SLOT, r.NAME, r.DESCRIPTION, r.VERSION_INFO, r.CLASSIFICATION, r.EXTERNAL_IDENTIFIER)
UNHURRIED = settings(max_examples=some(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def travelled(element: etree._Element) -> etree._Element:
    """The element after a journey as bytes."""
    return parse_untrusted(etree.tostring(element))


def decoded(element: etree._Element, kind: type) -> Any:
    problems = Problems()
    item = DECODERS[kind](element, problems)
    assert problems.found == []
    return item


@pytest.mark.parametrize("kind", DECODERS, ids=lambda kind: kind.__name__)
def test_an_object_that_was_encoded_decodes_to_itself(kind: type) -> None:
    strategy = {
        m.DocumentEntry: s.document_entries,
        m.SubmissionSet: s.submission_sets,
        m.Folder: s.folders,
        m.Association: s.associations,
    }[kind]

    @UNHURRIED
    @given(strategy)
    def check(item: m.RegistryObject) -> None:
        assert decoded(travelled(encode(item)), kind) == item

    check()


@settings(
    max_examples=some(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(s.submissions)
def test_a_submission_that_was_encoded_decodes_to_itself(submission: m.Submission) -> None:
    problems = Problems()
    result = decode_submission(travelled(encode_submission(submission)), problems)
    assert problems.found == []
    assert result.submission == submission


@UNHURRIED
@given(s.registry_objects)
def test_children_stand_in_the_order_of_the_schema_and_name_their_owner(item: m.RegistryObject) -> None:
    element = encode(item)
    places = [PLACES.index(child.tag) for child in element]
    assert places == sorted(places)
    nested = [child for child in element if child.tag in (r.CLASSIFICATION, r.EXTERNAL_IDENTIFIER)]
    event(f"{len(nested)} nested objects" if len(nested) < 5 else "many nested objects")
    assert {child.get("classifiedObject") or child.get("registryObject") for child in nested} <= {item.entry_uuid}
    assert len({child.get("id") for child in nested}) == len(nested)


def test_nested_objects_get_symbolic_ids_that_the_registry_replaces() -> None:
    entry = m.DocumentEntry(
        entry_uuid=m.EntryId("urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf"), unique_id=UniqueId("1.2.3")
    )
    (identifier,) = encode(entry).findall(r.EXTERNAL_IDENTIFIER)
    assert not identifier.get("id", "").startswith("urn:")


def test_a_time_keeps_its_precision() -> None:
    for text in ("2024", "202405", "20240517", "2024051713", "202405171342", "20240517134205"):
        entry = m.DocumentEntry(entry_uuid=m.EntryId("doc"), creation_time=Dtm.parse(text))
        assert decoded(travelled(encode(entry)), m.DocumentEntry).creation_time.value == text


@pytest.mark.parametrize("text", s.AWKWARD)
def test_awkward_text_arrives_as_it_was_written(text: str) -> None:
    kept = f"a{text}b"
    entry = m.DocumentEntry(
        entry_uuid=m.EntryId("doc"),
        title=(m.LocalizedText(kept),),
        class_code=m.CodedValue(kept, kept, (m.LocalizedText(kept, "fr"),)),
        extra_slots=(m.Slot("urn:example:note", (kept,)),),
        extra_identifiers=(m.ExtraIdentifier("urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf", kept),),
    )
    assert decoded(travelled(encode(entry)), m.DocumentEntry) == entry


def test_composed_and_decomposed_accents_stay_apart() -> None:
    titles = (m.LocalizedText("\u00e9t\u00e9"), m.LocalizedText("e\u0301te\u0301"))
    folder = m.Folder(entry_uuid=m.EntryId("folder"), title=titles)
    assert decoded(travelled(encode(folder)), m.Folder).title == titles


def test_a_no_break_space_is_part_of_a_value_and_a_line_break_around_it_is_not() -> None:
    element = etree.Element(r.EXTRINSIC_OBJECT, {"id": "doc"})
    slot = etree.SubElement(element, r.SLOT, {"name": "urn:example:note"})
    etree.SubElement(etree.SubElement(slot, r.VALUE_LIST), r.VALUE).text = "\n  \u00a0note\u00a0\n"
    assert decoded(element, m.DocumentEntry).extra_slots[0].values == ("\u00a0note\u00a0",)


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_carry_is_refused(text: str) -> None:
    folder = m.Folder(entry_uuid=m.EntryId("folder"), title=(m.LocalizedText(text),))
    with pytest.raises(ValueError, match=r"XML compatible|surrogates"):
        encode(folder)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (m.DocumentEntry, DOCUMENT_ENTRY),
        (m.SubmissionSet, SUBMISSION_SET),
        (m.Folder, FOLDER),
        (m.Association, ASSOCIATION),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_field_of_the_tables_is_a_field_of_the_model(kind: Any, table: Any) -> None:
    named = {a.field for place in (table.slots, table.codes, table.identifiers) for a in place.values()}
    assert named <= {field.name for field in fields(kind)}


def test_an_identifier_carries_the_name_that_the_standard_fixes() -> None:
    entry = m.DocumentEntry(entry_uuid=m.EntryId("doc"), patient_id=Cx.of("1", "1.2.3"), unique_id=UniqueId("1.2.3"))
    names = [text.get("value") for text in encode(entry).iter(r.LOCALIZED_STRING)]
    assert names == ["XDSDocumentEntry.patientId", "XDSDocumentEntry.uniqueId"]


def test_unknown_identifiers_of_an_association_are_kept() -> None:
    extra = m.ExtraIdentifier("urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf", "X-1")
    association = m.Association(
        entry_uuid=m.EntryId("a"),
        association_type=AssociationType.REPLACE,
        source=m.EntryId("b"),
        target=m.EntryId("c"),
        extra_identifiers=(extra,),
    )
    assert decoded(travelled(encode(association)), m.Association).extra_identifiers == (extra,)


def test_elements_use_the_prefix_rim() -> None:
    assert encode(m.Folder(entry_uuid=m.EntryId("folder"))).nsmap == {"rim": RIM}
