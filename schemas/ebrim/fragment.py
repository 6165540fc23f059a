"""The stored form of a registry object: one serialised element that answers are concatenated from.

A fragment uses the prefix `rim` without declaring it (the answer's RegistryObjectList does), holds children in the
order of rim.xsd, and starts with its `status` attribute, so that a change of status replaces a prefix of known length
and touches nothing else. What a sender wrote is kept: unknown slots, classifications, identifiers, languages.
"""

from __future__ import annotations

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
_PREFIX: Final = f"{{{v.RIM}}}"
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
    replaced_slots: dict[str, str] | None = None,
) -> bytes:
    """The fragment of a top-level object.

    `resolve` turns symbolic ids into entryUUIDs; `version` becomes lid and VersionInfo of an object that has versions
    (None for an Association); `replaced_slots` are slots whose single value the registry itself states.
    """
    tag = etree.QName(element).localname
    out = [status_prefix(tag, status), f' id="{attribute(entry_uuid)}"']
    if version is not None:
        out.append(f' lid="{attribute(entry_uuid)}"')
    attributes = _own_attributes(element)
    for name in ("id", "status", "lid"):
        attributes.pop(name, None)
    if element.tag in _OBJECT_TYPE:
        attributes["objectType"] = _OBJECT_TYPE[element.tag]
    for name in ("sourceObject", "targetObject"):
        if name in attributes:
            attributes[name] = resolve(attributes[name])
    _attributes(attributes, out)
    out.append(">")
    kept = _in_order(element)
    if replaced_slots:
        kept = [c for c in kept if not (c.tag == r.SLOT and c.get("name") in replaced_slots)]
        for name, value in replaced_slots.items():
            out.append(slot(name, value))
    stated = version is None
    for item in kept:
        if item.tag == r.VERSION_INFO:
            continue
        if not stated and _ORDER.get(item.tag, 9) > _ORDER[r.VERSION_INFO]:
            out.append(f'<rim:VersionInfo versionName="{version}"/>')
            stated = True
        _write(item, entry_uuid, out)
    if not stated:
        out.append(f'<rim:VersionInfo versionName="{version}"/>')
    out.append(f"</rim:{tag}>")
    return "".join(out).encode()


def _in_order(element: etree._Element) -> list[etree._Element]:
    """Children in the order of rim.xsd, without slots that say again what one before them said."""
    kept: list[etree._Element] = []
    slots: dict[str | None, etree._Element] = {}
    for child in r.children(element):
        if child.tag == r.SLOT:
            first = slots.setdefault(child.get("name"), child)
            if first is not child and _says(first) == _says(child):
                continue
        kept.append(child)
    kept.sort(key=lambda c: _ORDER.get(c.tag, 9))
    return kept


def _says(element: etree._Element) -> Slot:
    return r.read_slot(element, "", Problems())


def slot(name: str, value: str) -> str:
    """A `rim:Slot` of one value."""
    values = f"<rim:ValueList><rim:Value>{text(value)}</rim:Value></rim:ValueList>"
    return f'<rim:Slot name="{attribute(name)}">{values}</rim:Slot>'


def _own_attributes(element: etree._Element) -> dict[str, str]:
    """The attributes as lxml gives them in Python 3: both names and values are str, whatever its stubs say."""
    return cast("dict[str, str]", dict(element.attrib)) if element.attrib else {}


def _attributes(attributes: dict[str, str], out: list[str]) -> None:
    for name, value in attributes.items():
        if name[0] != "{":
            out.append(f' {name}="{attribute(value)}"')
        elif name.startswith(_XML_PREFIX):
            out.append(f' xml:{name[len(_XML_PREFIX) :]}="{attribute(value)}"')


def _write(element: etree._Element, owner: str, out: list[str]) -> None:
    """One nested element; classifications and identifiers get their owner, their type and an id of their own."""
    tag = element.tag
    if not tag.startswith(_PREFIX):
        return
    name = tag[len(_PREFIX) :]
    out.append(f"<rim:{name}")
    nested_type = _NESTED_TYPE.get(tag)
    if nested_type is None:
        _attributes(_own_attributes(element), out)
    else:
        attributes = _own_attributes(element)
        if not is_uuid_urn(attributes.get("id", "")):
            attributes["id"] = new_uuid()
        attributes["objectType"] = nested_type
        attributes["classifiedObject" if tag == r.CLASSIFICATION else "registryObject"] = owner
        owner = attributes["id"]
        _attributes(attributes, out)
    if len(element):
        out.append(">")
        for child in _in_order(element):
            _write(child, owner, out)
        out.append(f"</rim:{name}>")
    elif element.text and (tag == r.VALUE):
        out.append(f">{text(element.text.strip(r.BLANKS))}</rim:Value>")
    else:
        out.append("/>")


def association(item: Association, status: AvailabilityStatus) -> bytes:
    """The fragment of an Association that the registry itself makes, without slots."""
    home = f' home="{attribute(item.home_community_id)}"' if item.home_community_id else ""
    return (
        f'{status_prefix("Association", status)} id="{attribute(item.entry_uuid)}"{home} '
        f'objectType="{v.ASSOCIATION_OBJECT_TYPE}" associationType="{item.association_type.value}" '
        f'sourceObject="{attribute(item.source)}" targetObject="{attribute(item.target)}"/>'
    ).encode()
