"""ebRIM to the metadata model (ITI TF-3: 4.2.1, 4.2.3), driven by the tables of `schemas.attributes`."""

from __future__ import annotations

from typing import Any

from lxml import etree

from schemas import vocabulary as v
from schemas.attributes import ASSOCIATION as ASSOCIATION_TABLE
from schemas.attributes import DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, CodeAttribute, ObjectTable, SlotAttribute
from schemas.datatypes import MimeType, Xcn, Xon, Xtn, is_uuid_urn
from schemas.ebrim import reading as r
from schemas.ebrim.reading import Problems
from schemas.ebrim.shape import check_shape
from schemas.metadata import (
    Association,
    Author,
    CodedValue,
    DocumentEntry,
    EntryId,
    ExtraClassification,
    ExtraIdentifier,
    Folder,
    Slot,
    SubmissionSet,
)
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType

_STATUS = {status.value: status for status in AvailabilityStatus}
_ENTRY_TYPE = {kind.value: kind for kind in DocumentEntryType}
_ASSOCIATION_TYPE = {kind.value: kind for kind in AssociationType}

#: ITI TF-3: 4.2.3.2.24: title is at most 128 characters
TITLE_LENGTH = 128


def decode_document_entry(element: etree._Element, problems: Problems) -> DocumentEntry:
    """The DocumentEntry that a `rim:ExtrinsicObject` states; what is wrong goes to `problems`."""
    fields = _object(element, DOCUMENT_ENTRY, problems)
    owner = fields["entry_uuid"]
    kind = element.get("objectType", "")
    fields["object_type"] = _ENTRY_TYPE.get(kind)
    if kind and fields["object_type"] is None:
        problems.add(owner, "objectType", "neither a stable nor an on-demand DocumentEntry", kind)
    mime = element.get("mimeType")
    fields["mime_type"] = problems.parse(owner, "mimeType", MimeType.parse, mime) if mime else None
    _title_length(fields, TITLE_LENGTH, problems)
    return DocumentEntry(**fields)


def decode_submission_set(element: etree._Element, problems: Problems) -> SubmissionSet:
    """The SubmissionSet that a classified `rim:RegistryPackage` states."""
    fields = _object(element, SUBMISSION_SET, problems)
    _title_length(fields, r.LONG_NAME, problems)
    return SubmissionSet(**fields)


def decode_folder(element: etree._Element, problems: Problems) -> Folder:
    """The Folder that a classified `rim:RegistryPackage` states."""
    fields = _object(element, FOLDER, problems)
    _title_length(fields, r.LONG_NAME, problems)
    return Folder(**fields)


def decode_association(element: etree._Element, problems: Problems) -> Association | None:
    """The Association that a `rim:Association` states, or None when its type is unknown."""
    fields = _object(element, ASSOCIATION_TABLE, problems)
    for unused in ("logical_id", "version", "authors", "limited_metadata"):
        fields.pop(unused, None)
    owner = fields["entry_uuid"]
    kind = element.get("associationType", "")
    association_type = _ASSOCIATION_TYPE.get(kind)
    if association_type is None:
        problems.add(owner, "associationType", "unknown association type", kind)
        return None
    source, target = element.get("sourceObject", ""), element.get("targetObject", "")
    if not source or not target:
        problems.add(owner, "Association", "sourceObject and targetObject are both required")
        return None
    return Association(association_type=association_type, source=EntryId(source), target=EntryId(target), **fields)


def _object(element: etree._Element, table: ObjectTable, problems: Problems) -> dict[str, Any]:
    owner = element.get("id", "")
    status = element.get("status")
    fields: dict[str, Any] = {
        "entry_uuid": EntryId(owner),
        "availability_status": _STATUS.get(status) if status else None,
        "home_community_id": element.get("home"),
        "logical_id": element.get("lid"),
        "title": r.read_texts(r.child(element, r.NAME)),
        "comments": r.read_texts(r.child(element, r.DESCRIPTION)),
    }
    version = r.child(element, r.VERSION_INFO)
    number = version.get("versionName", "") if version is not None else ""
    fields["version"] = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
    check_shape(element, owner, problems)
    if owner.lower().startswith("urn:uuid:") and not is_uuid_urn(owner.lower()):
        problems.add(owner, "id", "starts with urn:uuid: and is no UUID")
    _slots(element, table, owner, fields, problems)
    _classifications(element, table, owner, fields, problems)
    _identifiers(element, table, owner, fields, problems)
    return fields


def _slots(element: etree._Element, table: ObjectTable, owner: str, fields: dict[str, Any], problems: Problems) -> None:
    extra: list[Slot] = []
    for name, slot in r.read_slots(element, owner, problems).items():
        attribute = table.slots.get(name)
        if attribute is None:
            extra.append(slot)
        else:
            _slot(attribute, slot, owner, fields, problems)
    fields["extra_slots"] = tuple(extra)


def _slot(attribute: SlotAttribute, slot: Slot, owner: str, fields: dict[str, Any], problems: Problems) -> None:
    values = [value for value in slot.values if value]
    parsed = [problems.parse(owner, attribute.name, attribute.parse, value) for value in values]
    if attribute.many:
        fields[attribute.field] = tuple(value for value in parsed if value is not None)
        return
    if len(slot.values) > 1:
        problems.add(owner, attribute.name, f"one value is allowed, {len(slot.values)} are given")
    if parsed:
        fields[attribute.field] = parsed[0]


def _classifications(
    element: etree._Element, table: ObjectTable, owner: str, fields: dict[str, Any], problems: Problems
) -> None:
    codes: dict[str, list[CodedValue]] = {}
    authors: list[Author] = []
    extra: list[ExtraClassification] = []
    for child in element:
        if child.tag != r.CLASSIFICATION:
            continue
        scheme, node = child.get("classificationScheme"), child.get("classificationNode")
        _owned(child, "classifiedObject", v.CLASSIFICATION_TYPE, owner, problems)
        if scheme and scheme == table.author_scheme:
            authors.append(_author(child, owner, problems))
        elif scheme and scheme in table.codes:
            code = _code(child, table.codes[scheme], owner, problems)
            if code is not None:
                codes.setdefault(scheme, []).append(code)
        elif node in (v.SUBMISSION_SET_NODE, v.FOLDER_NODE):
            continue
        elif node and node == table.limited_metadata:
            fields["limited_metadata"] = True
        else:
            extra.append(_extra_classification(child, owner, problems))
    for scheme, found in codes.items():
        _coded(table.codes[scheme], found, owner, fields, problems)
    if table.author_scheme:
        fields["authors"] = tuple(authors)
    fields["extra_classifications"] = tuple(extra)


def _coded(
    attribute: CodeAttribute, found: list[CodedValue], owner: str, fields: dict[str, Any], problems: Problems
) -> None:
    if attribute.many:
        fields[attribute.field] = tuple(found)
        return
    if len(found) > 1:
        problems.add(owner, attribute.name, f"one code is allowed, {len(found)} are given")
    fields[attribute.field] = found[0]


def _owned(child: etree._Element, reference: str, object_type: str, owner: str, problems: Problems) -> None:
    """A nested object names its owner and, when it says its type, says the right one (ITI TF-3: 4.2.3.1.2)."""
    named = child.get(reference)
    if named is not None and named != owner:
        problems.add(owner, reference, "names another object than the one it is in", named)
    stated = child.get("objectType")
    if stated and stated != object_type:
        problems.add(owner, "objectType", "wrong type of a nested object", stated)


def _code(child: etree._Element, attribute: CodeAttribute, owner: str, problems: Problems) -> CodedValue | None:
    slots = r.read_slots(child, owner, problems)
    scheme = slots.pop("codingScheme", None)
    code = child.get("nodeRepresentation", "")
    if not code:
        problems.add(owner, attribute.name, "a code needs nodeRepresentation")
        return None
    if len(code) > r.LONG_NAME:
        problems.add(owner, attribute.name, f"a code has {len(code)} characters, more than {r.LONG_NAME}")
        return None
    if scheme is None or len(scheme.values) != 1 or not scheme.values[0]:
        problems.add(owner, attribute.name, "a code needs exactly one codingScheme", code)
        return None
    name = r.read_texts(r.child(child, r.NAME))
    return CodedValue(code, scheme.values[0], name, tuple(slots.values()))


def _author(child: etree._Element, owner: str, problems: Problems) -> Author:
    slots = r.read_slots(child, owner, problems)

    def values(name: str) -> tuple[str, ...]:
        slot = slots.pop(name, None)
        return tuple(value for value in slot.values if value) if slot else ()

    persons = values("authorPerson")
    if len(persons) > 1:
        problems.add(owner, "authorPerson", f"one person is allowed in an author, {len(persons)} are given")
    person = problems.parse(owner, "authorPerson", Xcn.parse, persons[0]) if persons else None
    institutions = [problems.parse(owner, "authorInstitution", Xon.parse, x) for x in values("authorInstitution")]
    addresses = values("authorTelecommunication")
    telecoms = [problems.parse(owner, "authorTelecommunication", Xtn.parse, x) for x in addresses]
    author = Author(
        person,
        tuple(x for x in institutions if x is not None),
        values("authorRole"),
        values("authorSpecialty"),
        tuple(x for x in telecoms if x is not None),
        tuple(slots.values()),
    )
    # ITI TF-3: 4.2.3.1.4.1
    if not (persons or institutions or telecoms):
        problems.add(owner, "author", "an author needs a person, an institution or a telecommunication address")
    return author


def _extra_classification(child: etree._Element, owner: str, problems: Problems) -> ExtraClassification:
    return ExtraClassification(
        child.get("classificationScheme"),
        child.get("classificationNode"),
        child.get("nodeRepresentation"),
        r.read_texts(r.child(child, r.NAME)),
        tuple(r.read_slots(child, owner, problems).values()),
    )


def _identifiers(
    element: etree._Element, table: ObjectTable, owner: str, fields: dict[str, Any], problems: Problems
) -> None:
    extra: list[ExtraIdentifier] = []
    for child in element:
        if child.tag != r.EXTERNAL_IDENTIFIER:
            continue
        _owned(child, "registryObject", v.EXTERNAL_IDENTIFIER_TYPE, owner, problems)
        scheme, value = child.get("identificationScheme", ""), child.get("value", "").strip(r.BLANKS)
        attribute = table.identifiers.get(scheme)
        if attribute is None:
            extra.append(ExtraIdentifier(scheme, value, r.read_texts(r.child(child, r.NAME))))
        elif attribute.field in fields:
            problems.add(owner, attribute.name, "the identifier appears twice")
        elif len(value) > r.LONG_NAME:
            problems.add(owner, attribute.name, f"the identifier has more than {r.LONG_NAME} characters")
        elif value:
            fields[attribute.field] = problems.parse(owner, attribute.name, attribute.parse, value)
    fields["extra_identifiers"] = tuple(extra)


def _title_length(fields: dict[str, Any], limit: int, problems: Problems) -> None:
    for text in fields["title"]:
        if len(text.value) > limit:
            problems.add(fields["entry_uuid"], "title", f"has {len(text.value)} characters, more than {limit}")
