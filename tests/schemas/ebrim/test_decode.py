"""What the decoder says about malformed metadata: which object, which attribute, what is wrong, and the value."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from lxml import etree

from schemas import metadata as m
from schemas import vocabulary as v
from schemas.datatypes import Cx, Dtm, MimeType, Oid, Sha1Hash, UniqueId, Xcn, Xon
from schemas.ebrim import reading as r
from schemas.ebrim.encode import encode, encode_submission
from schemas.ebrim.reading import Problem, Problems
from schemas.ebrim.submission import decode_submission, package_nodes, registry_object_list
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType
from tests.schemas.corpus import documents

OID = "1.2.250.1.213.1.4.8"
CODE = m.CodedValue("10", "1.2.3", (m.LocalizedText("compte rendu"),))
ENTRY = m.DocumentEntry(
    entry_uuid=m.EntryId("doc"),
    object_type=DocumentEntryType.STABLE,
    mime_type=MimeType("text/xml"),
    title=(m.LocalizedText("Compte rendu"),),
    authors=(m.Author(Xcn("801^Dupont"), (Xon("CHU de Nîmes"),), ("médecin",), ("biologie",)),),
    class_code=CODE,
    confidentiality_codes=(CODE,),
    creation_time=Dtm("2024"),
    hash=Sha1Hash("a" * 40),
    size=7,
    patient_id=Cx.of("1", OID),
    source_patient_id=Cx.of("1", OID),
    repository_unique_id=Oid("1.2.3"),
    unique_id=UniqueId("1.2.3.4"),
)
SET = m.SubmissionSet(entry_uuid=m.EntryId("set"), unique_id=UniqueId("1.2.3.5"), submission_time=Dtm("2024"))
FOLDER = m.Folder(entry_uuid=m.EntryId("folder"), unique_id=UniqueId("1.2.3.6"), code_list=(CODE,))
LINK = m.Association(
    entry_uuid=m.EntryId("link"),
    association_type=AssociationType.HAS_MEMBER,
    source=m.EntryId("set"),
    target=m.EntryId("doc"),
    submission_set_status="Original",
)
WHOLE = m.Submission(submission_sets=(SET,), document_entries=(ENTRY,), folders=(FOLDER,), associations=(LINK,))


def request() -> etree._Element:
    return encode_submission(WHOLE)


def problems_of(spoil: Callable[[etree._Element], None]) -> list[Problem]:
    """What is said about a submission after one change."""
    spoiled = request()
    spoil(spoiled)
    problems = Problems()
    decode_submission(spoiled, problems)
    return problems.found


def the(root: etree._Element, tag: str, **attributes: str) -> etree._Element:
    """The one element of a tag with these attributes."""
    (found,) = (e for e in root.iter(tag) if all(e.get(name) == value for name, value in attributes.items()))
    return found


def slot_value(root: etree._Element, name: str) -> etree._Element:
    return the(root, r.SLOT, name=name)[0][0]


def set_slot(name: str, text: str) -> Callable[[etree._Element], None]:
    def spoil(root: etree._Element) -> None:
        slot_value(root, name).text = text

    return spoil


def add_value(name: str, text: str) -> Callable[[etree._Element], None]:
    def spoil(root: etree._Element) -> None:
        etree.SubElement(the(root, r.SLOT, name=name)[0], r.VALUE).text = text

    return spoil


def set_attribute(tag: str, name: str, value: str | None, /, **where: str) -> Callable[[etree._Element], None]:
    def spoil(root: etree._Element) -> None:
        element = the(root, tag, **where)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return spoil


def repeat(tag: str, **where: str) -> Callable[[etree._Element], None]:
    def spoil(root: etree._Element) -> None:
        element = the(root, tag, **where)
        element.addnext(deepcopy(element))

    return spoil


def drop(tag: str, **where: str) -> Callable[[etree._Element], None]:
    def spoil(root: etree._Element) -> None:
        element = the(root, tag, **where)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return spoil


def contradict(root: etree._Element) -> None:
    repeat(r.SLOT, name="creationTime")(root)
    slot = next(root.iter(r.SLOT))
    assert slot.get("name") == "creationTime"
    slot[0][0].text = "2025"


def drop_coding_scheme(root: etree._Element) -> None:
    code = the(root, r.CLASSIFICATION, classificationScheme=v.DOCUMENT_ENTRY_CLASS_CODE)
    code.remove(code[0])


def second_coding_scheme(root: etree._Element) -> None:
    code = the(root, r.CLASSIFICATION, classificationScheme=v.DOCUMENT_ENTRY_CLASS_CODE)
    etree.SubElement(code[0][0], r.VALUE).text = "1.2.4"


def second_person(root: etree._Element) -> None:
    etree.SubElement(the(root, r.SLOT, name="authorPerson")[0], r.VALUE).text = "802^Durand"


def nameless_author(root: etree._Element) -> None:
    author = the(root, r.CLASSIFICATION, classificationScheme=v.DOCUMENT_ENTRY_AUTHOR)
    for slot in author.findall(r.SLOT):
        if slot.get("name") in ("authorPerson", "authorInstitution"):
            author.remove(slot)


def comment_in_a_value(root: etree._Element) -> None:
    slot_value(root, "size").insert(0, etree.Comment("7"))


def unclassified_package(root: etree._Element) -> None:
    folder = the(root, r.REGISTRY_PACKAGE, id="folder")
    folder.remove(the(folder, r.CLASSIFICATION, classificationNode=v.FOLDER_NODE))


def doubly_classified_package(root: etree._Element) -> None:
    mark = the(root, r.CLASSIFICATION, classificationNode=v.FOLDER_NODE)
    mark.addnext(deepcopy(mark))
    mark.set("classificationNode", v.SUBMISSION_SET_NODE)


def foreign_object(root: etree._Element) -> None:
    etree.SubElement(root[0], f"{{{v.RIM}}}Person", {"id": "p"})


def loose_classification(root: etree._Element) -> None:
    etree.SubElement(root[0], r.CLASSIFICATION, {"id": "c", "classifiedObject": "nobody"})


def no_list(root: etree._Element) -> None:
    root.remove(root[0])


CLASS = {"classificationScheme": v.DOCUMENT_ENTRY_CLASS_CODE}
PATIENT = {"identificationScheme": v.DOCUMENT_ENTRY_PATIENT_ID}
UNIQUE = {"identificationScheme": v.DOCUMENT_ENTRY_UNIQUE_ID}


@pytest.mark.parametrize(
    ("spoil", "owner", "attribute", "reason"),
    [
        (drop_coding_scheme, "doc", "classCode", "a code needs exactly one codingScheme"),
        (second_coding_scheme, "doc", "classCode", "a code needs exactly one codingScheme"),
        (set_attribute(r.CLASSIFICATION, "nodeRepresentation", "", **CLASS), "doc", "classCode", "needs nodeRepresent"),
        (set_attribute(r.CLASSIFICATION, "nodeRepresentation", None, **CLASS), "doc", "classCode", "needs nodeRepres"),
        (
            set_attribute(r.CLASSIFICATION, "nodeRepresentation", "x" * 257, **CLASS),
            "doc",
            "classCode",
            "257 characters",
        ),
        (
            set_attribute(r.CLASSIFICATION, "classifiedObject", "x", **CLASS),
            "doc",
            "classifiedObject",
            "another object",
        ),
        (
            set_attribute(r.CLASSIFICATION, "objectType", "urn:x", **CLASS),
            "doc",
            "objectType",
            "type of a nested object",
        ),
        (repeat(r.CLASSIFICATION, **CLASS), "doc", "classCode", "one code is allowed, 2 are given"),
        (set_slot("creationTime", "2024-05-17"), "doc", "creationTime", "a time is digits only"),
        (set_slot("creationTime", "20240230"), "doc", "creationTime", "the day is not 01 to 29"),
        (add_value("creationTime", "2025"), "doc", "creationTime", "one value is allowed, 2 are given"),
        (contradict, "doc", "creationTime", "the slot appears twice, with different values"),
        (set_slot("size", "seven"), "doc", "size", "a decimal number of bytes is expected"),
        (set_slot("size", "-1"), "doc", "size", "a decimal number of bytes is expected"),
        (set_slot("size", "\u0667"), "doc", "size", "a decimal number of bytes is expected"),
        (comment_in_a_value, "doc", "size", "a value is text, without comments in it"),
        (set_slot("size", "7" * 300), "doc", "size", "a value has 300 characters, more than 256"),
        (set_slot("hash", "xyz"), "doc", "hash", "a SHA-1 has 40 hexadecimal digits"),
        (set_slot("repositoryUniqueId", "x"), "doc", "repositoryUniqueId", "digits and dots only"),
        (
            set_slot("sourcePatientId", "1"),
            "doc",
            "sourcePatientId",
            "component 4, the assigning authority, is missing",
        ),
        (set_attribute(r.EXTERNAL_IDENTIFIER, "value", "1^^^X", **PATIENT), "doc", "patientId", "component 4"),
        (set_attribute(r.EXTERNAL_IDENTIFIER, "value", "x" * 257, **UNIQUE), "doc", "uniqueId", "more than 256"),
        (
            set_attribute(r.EXTERNAL_IDENTIFIER, "value", None, **UNIQUE),
            "doc",
            "ExternalIdentifier",
            "needs the attribute",
        ),
        (
            set_attribute(r.EXTERNAL_IDENTIFIER, "registryObject", "x", **UNIQUE),
            "doc",
            "registryObject",
            "another object",
        ),
        (repeat(r.EXTERNAL_IDENTIFIER, **UNIQUE), "doc", "uniqueId", "the identifier appears twice"),
        (second_person, "doc", "authorPerson", "one person is allowed in an author, 2 are given"),
        (set_slot("authorPerson", "^^Marie"), "doc", "authorPerson", "component 1, an identifier, or component 2"),
        (set_slot("authorInstitution", "^x"), "doc", "authorInstitution", "component 1, the name of the organisation"),
        (nameless_author, "doc", "author", "needs a person, an institution or a telecommunication address"),
        (set_attribute(r.EXTRINSIC_OBJECT, "mimeType", "xml"), "doc", "mimeType", "a media type is type/subtype"),
        (set_attribute(r.EXTRINSIC_OBJECT, "objectType", "urn:x"), "doc", "objectType", "neither a stable nor"),
        (set_attribute(r.EXTRINSIC_OBJECT, "home", "a b"), "doc", "ExtrinsicObject", "home is no URI"),
        (set_attribute(r.EXTRINSIC_OBJECT, "isOpaque", "no"), "doc", "ExtrinsicObject", "isOpaque is no boolean"),
        (set_attribute(r.EXTRINSIC_OBJECT, "colour", "blue"), "doc", "ExtrinsicObject", "has no attribute colour"),
        (set_attribute(r.EXTRINSIC_OBJECT, "id", "urn:uuid:1"), "urn:uuid:1", "id", "is no UUID"),
        (set_attribute(r.LOCALIZED_STRING, "value", "x" * 129, value="Compte rendu"), "doc", "title", "129 characters"),
        (
            set_attribute(r.LOCALIZED_STRING, "value", "x" * 1025, value="Compte rendu"),
            "doc",
            "LocalizedString",
            "1024",
        ),
        (set_slot("submissionTime", "now"), "set", "submissionTime", "a time is digits only"),
        (unclassified_package, "folder", "RegistryPackage", "must be classified as one of SubmissionSet and Folder"),
        (doubly_classified_package, "folder", "RegistryPackage", "must be classified as one of"),
        (
            set_attribute(r.ASSOCIATION, "associationType", "HasMember"),
            "link",
            "associationType",
            "unknown association type",
        ),
        (set_attribute(r.ASSOCIATION, "targetObject", ""), "link", "Association", "are both required"),
        (set_attribute(r.ASSOCIATION, "sourceObject", None), "link", "Association", "are both required"),
        (set_attribute(r.REGISTRY_PACKAGE, "id", "set", id="folder"), "set", "id", "two objects of the submission"),
        (set_attribute(r.EXTRINSIC_OBJECT, "id", None), "ExtrinsicObject", "id", "is missing"),
        (foreign_object, "p", "Person", "is not an object that a submission may hold"),
        (loose_classification, "nobody", "Classification", "classifies no object of the submission"),
        (no_list, "SubmitObjectsRequest", "RegistryObjectList", "is missing"),
    ],
)
def test_what_is_wrong_is_said_of_the_right_object(
    spoil: Callable[[etree._Element], None], owner: str, attribute: str, reason: str
) -> None:
    found = problems_of(spoil)
    matching = [p for p in found if p.object_id == owner and p.attribute == attribute and reason in p.reason]
    assert matching, [str(problem) for problem in found]


def test_a_submission_without_faults_has_no_problems() -> None:
    problems = Problems()
    assert decode_submission(request(), problems).submission == WHOLE
    assert problems.found == []


def test_a_slot_that_is_merely_repeated_is_read_once() -> None:
    assert problems_of(repeat(r.SLOT, name="creationTime")) == []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    root = request()
    set_slot("creationTime", "now")(root)
    set_slot("size", "big")(root)
    drop_coding_scheme(root)
    problems = Problems()
    decode_submission(root, problems)
    assert {problem.attribute for problem in problems.found} == {"creationTime", "size", "classCode"}


def test_a_problem_reads_as_a_sentence_with_the_value_cut_short() -> None:
    assert str(Problem("doc", "size", "a number is expected", "big")) == "doc size: a number is expected: 'big'"
    assert str(Problem("doc", "size", "is missing")) == "doc size: is missing"
    assert len(str(Problem("doc", "size", "too long", "x" * 10_000))) < 300


def test_a_classification_beside_its_package_is_moved_into_it() -> None:
    root = request()
    mark = the(root, r.CLASSIFICATION, classificationNode=v.FOLDER_NODE)
    root[0].append(mark)
    problems = Problems()
    result = decode_submission(root, problems)
    assert problems.found == []
    assert result.submission.folders == (FOLDER,)
    assert package_nodes(result.folders[0][1]) == {v.FOLDER_NODE}
    assert root[0].find(r.CLASSIFICATION) is None


def test_objects_stand_beside_the_elements_they_were_read_from() -> None:
    root = request()
    result = decode_submission(root, Problems())
    for pairs in (result.submission_sets, result.document_entries, result.folders, result.associations):
        for item, element in pairs:
            assert element.get("id") == item.entry_uuid
    assert [item.entry_uuid for item in result.submission.patient_objects] == ["set", "doc", "folder"]


def test_references_to_registered_objects_are_read() -> None:
    root = request()
    etree.SubElement(root[0], r.OBJECT_REF, {"id": "urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf"})
    result = decode_submission(root, Problems())
    assert result.submission.references == ("urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf",)
    assert registry_object_list(root) is root[0]


def test_the_status_that_a_sender_states_is_read_and_an_unknown_one_is_none() -> None:
    root = request()
    the(root, r.EXTRINSIC_OBJECT).set("status", AvailabilityStatus.DEPRECATED.value)
    the(root, r.REGISTRY_PACKAGE, id="folder").set("status", "urn:example:Draft")
    submission = decode_submission(root, Problems()).submission
    assert submission.document_entries[0].availability_status is AvailabilityStatus.DEPRECATED
    assert submission.folders[0].availability_status is None


@pytest.mark.parametrize(("written", "read"), [("1", 1), ("12", 12), ("1.1", None), ("", None), ("\u0661", None)])
def test_a_version_is_a_number_or_none(written: str, read: int | None) -> None:
    element = encode(m.Folder(entry_uuid=m.EntryId("folder"), version=1))
    the(element, r.VERSION_INFO).set("versionName", written)
    root = etree.Element(f"{{{v.LCM}}}SubmitObjectsRequest")
    etree.SubElement(root, r.REGISTRY_OBJECT_LIST).append(element)
    assert decode_submission(root, Problems()).submission.folders[0].version == read


def test_the_submissions_of_the_conformance_cases_are_read_as_they_are_meant(
    shared: Path, say: Callable[[str], None]
) -> None:
    refused, entries, count = [], 0, 0
    for document in documents(shared):
        if etree.QName(document.root).localname == "SubmitObjectsRequest":
            count += 1
            problems = Problems()
            entries += len(decode_submission(document.root, problems).document_entries)
            refused += [f"{document.name}: {problem.reason}" for problem in problems.found]
    say(f"decoded {count} submissions with {entries} entries; refused: {refused}")
    assert count > 150
    # One case submits metadata that is meant to be refused.
    assert [line.rsplit(": ", 1)[1] for line in refused] == ["unknown association type"]
