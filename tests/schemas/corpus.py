"""The sample messages beside the project, and systematic ways to spoil each of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from schemas import vocabulary as v
from soap.xml import parse_trusted

#: Texts that some type or other refuses: empty, blank, too long for each bound, no URI, no boolean, no number.
_VALUES = (
    "",
    " ",
    "x" * 65,
    "x" * 257,
    "x" * 1025,
    "a b",
    "%zz",
    "http://[",
    "\u00e9\U0001f469",
    "true",
    "-1",
    "9" * 25,
    "fr",
    "f_r",
)
_PATIENT = "P-2026^^^&1.3.6.1.4.1.21367.2005.13.20.1000&ISO"
_STRANGER = "{urn:example:unknown}stranger"


@dataclass(frozen=True, slots=True)
class Document:
    """A message and what to call it."""

    name: str
    root: etree._Element


def documents(shared: Path) -> list[Document]:
    """Every message of the conformance material, its metadata prepared as when the cases are run.

    Metadata of ebRIM 2.1 is converted to 3.0, and identifiers take the place of the material's placeholders.
    """
    conversion = _conversion(shared / "conformance" / "ebrim.py")
    found = []
    for path in sorted((shared / "conformance" / "testkit").rglob("*.xml")):
        data = path.read_bytes()
        if not data.strip():
            continue
        root = conversion.to_version3(parse_trusted(data))
        conversion.assign_patient_id(root, _PATIENT)
        conversion.assign_unique_ids(root, None)
        conversion.assign_source_id(root, "1.3.6.1.4.1.21367.4")
        # ITI-86: the official schema does not compile, it refers to an element that is declared nowhere.
        if etree.QName(root).namespace in (v.LCM, v.QUERY, v.RS, v.XDSB):
            found.append(Document(path.relative_to(shared).as_posix(), root))
    return found


def _conversion(path: Path):  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("conformance_ebrim", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(slots=True)
class Spoiler:
    """Makes wrong documents of right ones. A kind of change at a kind of place is made once, whatever the number of
    documents that have such a place: where an element lies, which scheme or slot it is, and what is done to it.
    """

    seen: set[tuple[str, ...]] = field(default_factory=set)

    def spoil(self, document: Document) -> Iterator[Document]:
        """Each change that was not made before."""
        places = [element for element in document.root.iter() if isinstance(element.tag, str)]
        for index, element in enumerate(places):
            where = _where(element)
            for change in _changes(element):
                signature = (where, *change)
                if signature in self.seen:
                    continue
                self.seen.add(signature)
                copied = deepcopy(document.root)
                copy = [element for element in copied.iter() if isinstance(element.tag, str)][index]
                _apply(copy, change)
                yield Document(f"{document.name}: {' '.join(map(repr, change))} at {where}", copied)


def _where(element: etree._Element) -> str:
    names = [_kind(ancestor) for ancestor in (element, *element.iterancestors())]
    return " < ".join(names)


def _kind(element: etree._Element) -> str:
    name = etree.QName(element).localname
    special = (element.get(key) for key in ("classificationScheme", "classificationNode", "identificationScheme"))
    marks = [mark[-6:] for mark in special if mark]
    if name == "Slot" and not element.get("name", "").startswith("$"):
        marks.append(element.get("name", ""))
    return "/".join([name, *marks])


def _changes(element: etree._Element) -> Iterator[tuple[str, ...]]:
    root = element.getparent() is None
    if not root:
        yield ("drop",)
        yield ("duplicate",)
        yield ("move to the end",)
        yield ("move to the front",)
    yield ("empty",)
    yield ("rename",)
    yield ("change namespace",)
    yield ("add child",)
    yield ("add attribute",)
    yield ("add xml:lang",)
    yield ("add text",)
    yield ("add comment",)
    for name in element.attrib:
        yield ("drop attribute", str(name))
        for value in _VALUES:
            yield ("set attribute", str(name), value)
    if not len(element):
        for value in _VALUES:
            yield ("set text", value)


def _apply(element: etree._Element, change: tuple[str, ...]) -> None:
    parent = element.getparent()
    match change:
        case ("drop",) if parent is not None:
            parent.remove(element)
        case ("duplicate",):
            element.addnext(deepcopy(element))
        case ("move to the end",) if parent is not None:
            parent.append(element)
        case ("move to the front",) if parent is not None:
            parent.insert(0, element)
        case ("empty",):
            for child in list(element):
                element.remove(child)
            element.text = None
        case ("rename",):
            element.tag = f"{{{etree.QName(element).namespace}}}Unheard"
        case ("change namespace",):
            element.tag = f"{{urn:example:unknown}}{etree.QName(element).localname}"
        case ("add child",):
            etree.SubElement(element, _STRANGER)
        case ("add attribute",):
            element.set("stranger", "x")
        case ("add xml:lang",):
            element.set(f"{{{v.XML}}}lang", "fr")
        case ("add text",):
            element.text = (element.text or "") + "text"
        case ("add comment",):
            element.insert(0, etree.Comment("note"))
        case ("drop attribute", name):
            del element.attrib[name]
        case ("set attribute", name, value):
            element.set(name, value)
        case ("set text", value):
            element.text = value
