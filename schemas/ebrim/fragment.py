"""The stored form of a registry object: one serialised element that answers are concatenated from.

A fragment uses the prefix `rim` without declaring it (the answer's RegistryObjectList does), holds children in the
order of rim.xsd, and starts with its `status` attribute, so that a change of status replaces a prefix of known length
and touches nothing else. What a sender wrote is kept: unknown slots, classifications, identifiers, languages.
"""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Callable
from typing import Final, cast

from lxml import etree

from schemas import vocabulary as v
from schemas.datatypes import is_uuid_urn
from schemas.ebrim import reading as r
from schemas.ebrim.reading import Problems
from schemas.markup import attribute, text
from schemas.metadata import Association, Slot
from schemas.vocabulary import AvailabilityStatus

_ORDER: Final = {
    r.SLOT: 0,
    r.NAME: 1,
    r.DESCRIPTION: 2,
    r.VERSION_INFO: 3,
    r.CLASSIFICATION: 4,
    r.EXTERNAL_IDENTIFIER: 5,
    r.CONTENT_VERSION_INFO: 6,
}
_DECLARATION: Final = f' xmlns:rim="{v.RIM}"'.encode()
_FOREIGN: Final = etree.XPath("descendant-or-self::*[@*[namespace-uri()]]")
_XML_PREFIX: Final = f"{{{v.XML}}}"
_NESTED_TYPE: Final = {
    r.CLASSIFICATION: v.CLASSIFICATION_TYPE,
    r.EXTERNAL_IDENTIFIER: v.EXTERNAL_IDENTIFIER_TYPE,
}
_OBJECT_TYPE: Final = {
    r.REGISTRY_PACKAGE: v.REGISTRY_PACKAGE_TYPE,
    r.ASSOCIATION: v.ASSOCIATION_OBJECT_TYPE,
}


def new_uuid() -> str:
    """A fresh `urn:uuid:` identifier."""
    return uuid.uuid4().urn


def status_prefix(tag: str, status: AvailabilityStatus) -> str:
    """How every fragment of an element begins: `<rim:NAME status="URN"`."""
    return f'<rim:{tag} status="{status.value}"'


def with_status(fragment: bytes, status: AvailabilityStatus) -> bytes:
    """The same object with another availabilityStatus."""
    head, rest = fragment.split(b'"', 2)[0::2]
    return head + b'"' + status.value.encode() + b'"' + rest


def with_identifier(fragment: bytes, scheme: str, value: str) -> bytes:
    """The same object with another value of the external identifier of a scheme.

    Fragments are written by this module alone: an identifier's element is found by its scheme, which no text can
    imitate because `<` is escaped in texts and attribute values.
    """
    start = 0
    while True:
        begin = fragment.find(b"<rim:ExternalIdentifier ", start)
        if begin < 0:
            return fragment
        end = fragment.find(b">", begin)
        tag = fragment[begin:end]
        if f' identificationScheme="{scheme}"'.encode() in tag:
            head, _, tail = tag.partition(b' value="')
            rest = tail.partition(b'"')[2]
            return fragment[:begin] + head + b' value="' + attribute(value).encode() + b'"' + rest + fragment[end:]
        start = end


def with_slot(fragment: bytes, name: str, value: str) -> bytes:
    """The same object with another single value of a slot that `serialise` wrote as a replaced slot."""
    begin = fragment.find(f'<rim:Slot name="{attribute(name)}">'.encode())
    if begin < 0:
        return fragment
    close = b"</rim:Slot>"
    end = fragment.index(close, begin) + len(close)
    return fragment[:begin] + slot(name, value).encode() + fragment[end:]


def serialise(
    element: etree._Element,
    *,
    entry_uuid: str,
    status: AvailabilityStatus,
    resolve: Callable[[str], str],
    version: int | None,
    logical_id: str | None = None,
    replaced_slots: dict[str, str] | None = None,
) -> bytes:
    """The fragment of a top-level object; `element` stays as it is.

    `resolve` turns symbolic ids into entryUUIDs; `version` becomes VersionInfo of an object that has versions (None for
    an Association), and `logical_id` its lid, which is the entryUUID itself where none is given; `replaced_slots` are
    slots whose single value the registry itself states.
    """
    # Inside this list the copy takes over its prefix; libxml2 does so for all that stands in the copy.
    holder = etree.Element(r.REGISTRY_OBJECT_LIST, nsmap={"rim": v.RIM})
    holder.append(copy.deepcopy(element))
    root = holder[0]
    _drop_what_says_nothing(root)
    _state_attributes(root, entry_uuid, status, resolve, None if version is None else logical_id or entry_uuid)
    for nested in root.iter(*_NESTED_TYPE):
        _own(nested)
    for owner in (root, *root.iter(*_NESTED_TYPE)):
        if len(owner):
            _arrange(owner)
    for name in replaced_slots or ():
        for said in [child for child in root if child.tag == r.SLOT and child.get("name") == name]:
            root.remove(said)
    for place, (name, value) in enumerate((replaced_slots or {}).items()):
        root.insert(place, _slot_element(name, value))
    if version is not None:
        _state_version(root, version)
    return etree.tostring(root, encoding="utf-8", with_tail=False).replace(_DECLARATION, b"", 1)


def _drop_what_says_nothing(root: etree._Element) -> None:
    """Take out comments, blanks between elements and around values, attributes for schema processors."""
    etree.strip_elements(root, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    root.tail = None
    for part in root.iter():
        if part.tail is not None:
            part.tail = None
        if part.text is not None:
            part.text = part.text.strip(r.BLANKS) or None if part.tag == r.VALUE else None
    for part in cast("list[etree._Element]", _FOREIGN(root)):
        for name in [str(name) for name in part.attrib if str(name)[0] == "{"]:
            if not name.startswith(_XML_PREFIX):
                del part.attrib[name]
    etree.cleanup_namespaces(root)


def _state_attributes(
    root: etree._Element,
    entry_uuid: str,
    status: AvailabilityStatus,
    resolve: Callable[[str], str],
    logical_id: str | None,
) -> None:
    """The attributes that the registry decides on, `status` first of all."""
    said = cast("dict[str, str]", dict(root.attrib))
    stated = {"status": status.value, "id": entry_uuid}
    if logical_id is not None:
        stated["lid"] = logical_id
    if root.tag in _OBJECT_TYPE:
        stated["objectType"] = _OBJECT_TYPE[root.tag]
    for name in ("sourceObject", "targetObject"):
        if name in said:
            stated[name] = resolve(said[name])
    said.pop("lid", None)
    root.attrib.clear()
    for name, value in (stated | {name: value for name, value in said.items() if name not in stated}).items():
        root.set(name, value)


def _own(nested: etree._Element) -> None:
    """Classifications and identifiers get their owner, their type and an id of their own."""
    parent = nested.getparent()
    if not is_uuid_urn(nested.get("id", "")):
        nested.set("id", new_uuid())
    nested.set("objectType", _NESTED_TYPE[nested.tag])
    if parent is not None:
        nested.set("classifiedObject" if nested.tag == r.CLASSIFICATION else "registryObject", parent.get("id", ""))


def _arrange(owner: etree._Element) -> None:
    """Children in the order of rim.xsd, without slots that say again what one before them said."""
    places = [_ORDER.get(child.tag, 9) for child in owner]
    names = [child.get("name") for child in owner if child.tag == r.SLOT]
    if len(set(names)) < len(names):
        first: dict[str | None, etree._Element] = {}
        for child in list(owner):
            said = first.setdefault(child.get("name"), child) if child.tag == r.SLOT else child
            if said is not child and _says(said) == _says(child):
                owner.remove(child)
    if any(before > after for before, after in itertools.pairwise(places)):
        owner[:] = sorted(owner, key=lambda child: _ORDER.get(child.tag, 9))


def _state_version(root: etree._Element, version: int) -> None:
    for said in [child for child in root if child.tag == r.VERSION_INFO]:
        root.remove(said)
    place = sum(_ORDER.get(child.tag, 9) < _ORDER[r.VERSION_INFO] for child in root)
    stated = etree.Element(r.VERSION_INFO, {"versionName": str(version)}, nsmap={"rim": v.RIM})
    root.insert(place, stated)


def _says(element: etree._Element) -> Slot:
    return r.read_slot(element, "", Problems())


def _slot_element(name: str, value: str) -> etree._Element:
    stated = etree.Element(r.SLOT, {"name": name}, nsmap={"rim": v.RIM})
    etree.SubElement(etree.SubElement(stated, r.VALUE_LIST), r.VALUE).text = value
    return stated


def slot(name: str, value: str) -> str:
    """A `rim:Slot` of one value."""
    values = f"<rim:ValueList><rim:Value>{text(value)}</rim:Value></rim:ValueList>"
    return f'<rim:Slot name="{attribute(name)}">{values}</rim:Slot>'


def association(item: Association, status: AvailabilityStatus) -> bytes:
    """The fragment of an Association that the registry itself makes, without slots."""
    home = f' home="{attribute(item.home_community_id)}"' if item.home_community_id else ""
    return (
        f'{status_prefix("Association", status)} id="{attribute(item.entry_uuid)}"{home} '
        f'objectType="{v.ASSOCIATION_OBJECT_TYPE}" associationType="{item.association_type.value}" '
        f'sourceObject="{attribute(item.source)}" targetObject="{attribute(item.target)}"/>'
    ).encode()
