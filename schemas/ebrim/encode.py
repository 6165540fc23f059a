"""The metadata model to ebRIM (ITI TF-3: 4.2.1, 4.2.3), driven by the tables of `schemas.attributes`.

The inverse of `schemas.ebrim.decode`: what is encoded and decoded again is equal. Children stand in the order of
rim.xsd. Classifications and identifiers get symbolic ids, so that the registry replaces them by its own (ebRS 3.0).

Every function raises ValueError when a text holds a character that XML cannot carry (XML 1.0, 2.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from schemas import vocabulary as v
from schemas.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, ObjectTable
from schemas.ebrim import reading as r
from schemas.metadata import (
    Association,
    Author,
    CodedValue,
    DocumentEntry,
    Folder,
    LocalizedText,
    RegistryObject,
    Slot,
    Submission,
    SubmissionSet,
)

_SUBMIT: Final = f"{{{v.LCM}}}SubmitObjectsRequest"
_LANG: Final = f"{{{v.XML}}}lang"
_NAMES: Final = {"rim": v.RIM}


@dataclass(frozen=True, slots=True)
class _Form:
    """How objects of one kind are written: their element, their table, the node that marks a package."""

    tag: str
    table: ObjectTable
    node: str | None = None


_FORMS: Final[dict[type, _Form]] = {
    DocumentEntry: _Form(r.EXTRINSIC_OBJECT, DOCUMENT_ENTRY),
    SubmissionSet: _Form(r.REGISTRY_PACKAGE, SUBMISSION_SET, v.SUBMISSION_SET_NODE),
    Folder: _Form(r.REGISTRY_PACKAGE, FOLDER, v.FOLDER_NODE),
    Association: _Form(r.ASSOCIATION, ASSOCIATION),
}


def encode_submission(submission: Submission) -> etree._Element:
    """The `lcm:SubmitObjectsRequest` of a submission: references, documents, folders, sets, then what links them."""
    request = etree.Element(_SUBMIT, nsmap={"lcm": v.LCM, **_NAMES})
    holder = etree.SubElement(request, r.REGISTRY_OBJECT_LIST)
    for reference in submission.references:
        etree.SubElement(holder, r.OBJECT_REF, {"id": str(reference)})
    objects: tuple[Iterable[RegistryObject], ...] = (
        submission.document_entries,
        submission.folders,
        submission.submission_sets,
        submission.associations,
    )
    for kind in objects:
        for item in kind:
            holder.append(encode(item))
    return request


def encode(item: RegistryObject) -> etree._Element:
    """The element of one object: `rim:ExtrinsicObject`, `rim:RegistryPackage` or `rim:Association`."""
    form = _FORMS[type(item)]
    table = form.table
    element = etree.Element(form.tag, _attributes(item), nsmap=_NAMES)
    for name, attribute in table.slots.items():
        value = getattr(item, attribute.field)
        values = value if attribute.many else () if value is None else (value,)
        if values:
            _slot(element, Slot(name, tuple(str(one) for one in values)))
    _slots(element, item.extra_slots)
    _texts(element, r.NAME, item.title)
    _texts(element, r.DESCRIPTION, item.comments)
    if not isinstance(item, Association) and item.version is not None:
        etree.SubElement(element, r.VERSION_INFO, {"versionName": str(item.version)})
    _classifications(element, item, form)
    _identifiers(element, item, table)
    return element


def _attributes(item: RegistryObject) -> dict[str, str]:
    given: dict[str, str | None] = {
        "id": item.entry_uuid,
        "home": item.home_community_id,
        "status": None if item.availability_status is None else item.availability_status.value,
    }
    if isinstance(item, Association):
        given["objectType"] = v.ASSOCIATION_OBJECT_TYPE
        given["associationType"] = item.association_type.value
        given["sourceObject"] = item.source
        given["targetObject"] = item.target
    elif isinstance(item, DocumentEntry):
        given["lid"] = item.logical_id
        given["objectType"] = None if item.object_type is None else item.object_type.value
        given["mimeType"] = None if item.mime_type is None else str(item.mime_type)
    else:
        given["lid"] = item.logical_id
        given["objectType"] = v.REGISTRY_PACKAGE_TYPE
    return {name: value for name, value in given.items() if value is not None}


def _slots(element: etree._Element, slots: Iterable[Slot]) -> None:
    for slot in slots:
        _slot(element, slot)


def _slot(element: etree._Element, slot: Slot) -> None:
    written = etree.SubElement(element, r.SLOT, {"name": slot.name})
    if slot.slot_type is not None:
        written.set("slotType", slot.slot_type)
    values = etree.SubElement(written, r.VALUE_LIST)
    for value in slot.values:
        etree.SubElement(values, r.VALUE).text = value


def _texts(element: etree._Element, tag: str, texts: tuple[LocalizedText, ...]) -> None:
    if not texts:
        return
    holder = etree.SubElement(element, tag)
    for text in texts:
        written = etree.SubElement(holder, r.LOCALIZED_STRING, {"value": text.value})
        if text.language is not None:
            written.set(_LANG, text.language)


def _classifications(element: etree._Element, item: RegistryObject, form: _Form) -> None:
    if form.node is not None:
        _classification(element, {"classificationNode": form.node})
    if form.table.limited_metadata is not None and getattr(item, "limited_metadata", False):
        _classification(element, {"classificationNode": form.table.limited_metadata})
    if form.table.author_scheme is not None:
        for author in getattr(item, "authors", ()):
            _author(element, form.table.author_scheme, author)
    for attribute in form.table.codes.values():
        value: Any = getattr(item, attribute.field)
        for code in value if attribute.many else () if value is None else (value,):
            _code(element, attribute.scheme, code)
    for extra in item.extra_classifications:
        stated = {
            "classificationScheme": extra.scheme,
            "classificationNode": extra.node,
            "nodeRepresentation": extra.representation,
        }
        written = _classification(element, {name: value for name, value in stated.items() if value is not None})
        _slots(written, extra.slots)
        _texts(written, r.NAME, extra.name)


def _classification(element: etree._Element, attributes: dict[str, str]) -> etree._Element:
    owner = element.get("id", "")
    stated = {"id": _nested_id(element), "classifiedObject": owner, "objectType": v.CLASSIFICATION_TYPE}
    return etree.SubElement(element, r.CLASSIFICATION, {**stated, **attributes})


def _author(element: etree._Element, scheme: str, author: Author) -> None:
    # ITI TF-3: 4.2.3.1.4: an author is all slots, its nodeRepresentation is empty
    written = _classification(element, {"classificationScheme": scheme, "nodeRepresentation": ""})
    slots = (
        ("authorPerson", () if author.person is None else (str(author.person),)),
        ("authorInstitution", tuple(str(institution) for institution in author.institutions)),
        ("authorRole", author.roles),
        ("authorSpecialty", author.specialties),
        ("authorTelecommunication", tuple(str(address) for address in author.telecommunications)),
    )
    _slots(written, (Slot(name, values) for name, values in slots if values))
    _slots(written, author.extra_slots)


def _code(element: etree._Element, scheme: str, code: CodedValue) -> None:
    written = _classification(element, {"classificationScheme": scheme, "nodeRepresentation": code.code})
    _slot(written, Slot("codingScheme", (code.scheme,)))
    _slots(written, code.extra_slots)
    _texts(written, r.NAME, code.display_name)


def _identifiers(element: etree._Element, item: RegistryObject, table: ObjectTable) -> None:
    for attribute in table.identifiers.values():
        value = getattr(item, attribute.field)
        if value is not None:
            _identifier(element, attribute.scheme, str(value), (LocalizedText(attribute.label),))
    for extra in item.extra_identifiers:
        _identifier(element, extra.scheme, extra.value, extra.name)


def _identifier(element: etree._Element, scheme: str, value: str, name: tuple[LocalizedText, ...]) -> None:
    written = etree.SubElement(
        element,
        r.EXTERNAL_IDENTIFIER,
        {
            "id": _nested_id(element),
            "registryObject": element.get("id", ""),
            "identificationScheme": scheme,
            "value": value,
            "objectType": v.EXTERNAL_IDENTIFIER_TYPE,
        },
    )
    _texts(written, r.NAME, name)


def _nested_id(element: etree._Element) -> str:
    """A symbolic id, unique in a submission whose objects have unique ids."""
    return f"part-{len(element)}-of-{element.get('id', '').removeprefix('urn:uuid:')}"
