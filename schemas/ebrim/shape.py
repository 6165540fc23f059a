"""What the elements of a registry object may hold (ebRIM 3.0, chapter 2): attributes, children, lengths, URIs.

An object that is accepted here can be stored and answered as it was written. The order of children is not looked at:
they are put in order when the object is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, cast

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.reading import Problems

_FREE: Final = 1_000_000  # no bound but the parser's
_FREE_TEXT: Final = 1024  # FreeFormText
_VERSION_NAME: Final = 16  # String16
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
# RFC 3986 without authority's user and IP literals: a scheme with what follows, or a relative reference.
_URI: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://(?:[A-Za-z0-9._~-]+(?::[0-9]{1,5})?)?(?=[/?#]|$))?|(?![^/?#]*:|//))"
    r"(?!//)(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")  # XML Schema, 3.3.3
_BOOLEAN: Final = re.compile("true|false|1|0")
_MEANING: Final = {_URI: "URI", _LANGUAGE: "language tag", _BOOLEAN: "boolean"}


_Form = int | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Attributes with their longest value or their form, children and whether they come once, what must be there."""

    attributes: Mapping[str, _Form] = field(default_factory=dict)
    children: Mapping[str, bool] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    child: str | None = None


_MANY: Final = False
_ONCE: Final = True
_ATTRIBUTES: Final[dict[str, _Form]] = {"id": _FREE, "home": _URI, "lid": _URI, "objectType": _URI, "status": _URI}
_CHILDREN: Final = {
    r.SLOT: _MANY,
    r.NAME: _ONCE,
    r.DESCRIPTION: _ONCE,
    r.VERSION_INFO: _ONCE,
    r.CLASSIFICATION: _MANY,
    r.EXTERNAL_IDENTIFIER: _MANY,
}
_TEXTS: Final = _Shape(children={r.LOCALIZED_STRING: _MANY})
_VERSION: Final = _Shape({"versionName": _VERSION_NAME, "comment": _FREE})
_CLASSIFIED: Final[dict[str, _Form]] = {
    "classifiedObject": _FREE,
    "classificationScheme": _URI,
    "classificationNode": _URI,
    "nodeRepresentation": r.LONG_NAME,
}
_IDENTIFIED: Final[dict[str, _Form]] = {"registryObject": _FREE, "identificationScheme": _URI, "value": r.LONG_NAME}
_LINKED: Final[dict[str, _Form]] = {"associationType": _URI, "sourceObject": _FREE, "targetObject": _FREE}

_SHAPES: Final[Mapping[str, _Shape]] = MappingProxyType(
    {
        r.EXTRINSIC_OBJECT: _Shape(
            {**_ATTRIBUTES, "mimeType": r.LONG_NAME, "isOpaque": _BOOLEAN}, {**_CHILDREN, r.CONTENT_VERSION_INFO: _ONCE}
        ),
        r.REGISTRY_PACKAGE: _Shape(_ATTRIBUTES, _CHILDREN),
        r.ASSOCIATION: _Shape({**_ATTRIBUTES, **_LINKED}, _CHILDREN),
        r.CLASSIFICATION: _Shape({**_ATTRIBUTES, **_CLASSIFIED}, _CHILDREN),
        r.EXTERNAL_IDENTIFIER: _Shape(
            {**_ATTRIBUTES, **_IDENTIFIED}, _CHILDREN, required=("identificationScheme", "value")
        ),
        r.SLOT: _Shape({"name": r.LONG_NAME, "slotType": _URI}, {r.VALUE_LIST: _ONCE}, ("name",), r.VALUE_LIST),
        r.VALUE_LIST: _Shape(children={r.VALUE: _MANY}),
        r.VALUE: _Shape(),
        r.NAME: _TEXTS,
        r.DESCRIPTION: _TEXTS,
        r.LOCALIZED_STRING: _Shape(
            {"value": _FREE_TEXT, "charset": _FREE, f"{{{v.XML}}}lang": _LANGUAGE}, required=("value",)
        ),
        r.VERSION_INFO: _VERSION,
        r.CONTENT_VERSION_INFO: _VERSION,
    }
)


def is_uri(text: str) -> bool:
    """Whether a text is a URI or a relative reference (RFC 3986)."""
    return _URI.fullmatch(text) is not None


def check_shape(element: etree._Element, owner: str, problems: Problems) -> None:
    """Note everything in a top-level object that ebRIM has no place for."""
    for part in element.iter(etree.Element):
        shape = _SHAPES.get(part.tag)
        if shape is None:
            continue  # its parent says so
        for name, value in cast("list[tuple[str, str]]", part.items()):
            form = shape.attributes.get(name)
            if type(form) is int and len(value) <= form:
                continue  # most attributes, quickly
            fault = _attribute_fault(form, name, value)
            if fault is not None:
                problems.add(owner, _name(part), fault, value)
        for name in shape.required:
            if part.get(name) is None:
                problems.add(owner, _name(part), f"needs the attribute {name}")
        if len(part) or shape.child is not None:
            _check_children(part, shape, owner, problems)
        elif part.tag == r.VALUE and part.text and len(part.text) > r.LONG_NAME:
            problems.add(owner, _name(part), f"a value has {len(part.text)} characters, more than {r.LONG_NAME}")


def _attribute_fault(form: _Form | None, name: str, value: str) -> str | None:
    if isinstance(form, int):
        return None if len(value) <= form else f"{_local(name)} has {len(value)} characters, more than {form}"
    if form is None:
        return None if name.startswith(_XSI) else f"has no attribute {_local(name)}"
    return None if form.fullmatch(value) else f"{_local(name)} is no {_MEANING[form]}"


def _check_children(part: etree._Element, shape: _Shape, owner: str, problems: Problems) -> None:
    single: set[str] = set()
    for child in part:
        tag = child.tag
        once = shape.children.get(tag)
        if once is None:
            if isinstance(tag, str):  # comments and processing instructions have no name
                problems.add(owner, _name(part), f"holds no {_local(tag)}")
        elif once:
            if tag in single:
                problems.add(owner, _name(part), f"holds one {_local(tag)} only")
            single.add(tag)
    if shape.child is not None and shape.child not in single:
        problems.add(owner, _name(part), f"needs a {_local(shape.child)}")


def _local(name: str) -> str:
    return etree.QName(name).localname


def _name(part: etree._Element) -> str:
    """What a person calls the part: a slot by its name, everything else by its element."""
    slots = (one for one in (part, *part.iterancestors()) if one.tag == r.SLOT)
    slot = next(slots, None)
    named = None if slot is None else slot.get("name")
    return named[:64] if named else _local(part.tag)
