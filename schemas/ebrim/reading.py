"""Reading the plain parts of an ebRIM object: slots, texts, classifications, identifiers (ebRIM 3.0 §2).

Reading collects problems instead of stopping at the first, so that one answer names all that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from lxml import etree

from schemas import vocabulary as v
from schemas.datatypes import DataTypeError
from schemas.metadata import LocalizedText, Slot

T = TypeVar("T")

EXTRINSIC_OBJECT: Final = f"{{{v.RIM}}}ExtrinsicObject"
REGISTRY_PACKAGE: Final = f"{{{v.RIM}}}RegistryPackage"
ASSOCIATION: Final = f"{{{v.RIM}}}Association"
CLASSIFICATION: Final = f"{{{v.RIM}}}Classification"
EXTERNAL_IDENTIFIER: Final = f"{{{v.RIM}}}ExternalIdentifier"
OBJECT_REF: Final = f"{{{v.RIM}}}ObjectRef"
REGISTRY_OBJECT_LIST: Final = f"{{{v.RIM}}}RegistryObjectList"
SLOT: Final = f"{{{v.RIM}}}Slot"
VALUE_LIST: Final = f"{{{v.RIM}}}ValueList"
VALUE: Final = f"{{{v.RIM}}}Value"
NAME: Final = f"{{{v.RIM}}}Name"
DESCRIPTION: Final = f"{{{v.RIM}}}Description"
VERSION_INFO: Final = f"{{{v.RIM}}}VersionInfo"
CONTENT_VERSION_INFO: Final = f"{{{v.RIM}}}ContentVersionInfo"
LOCALIZED_STRING: Final = f"{{{v.RIM}}}LocalizedString"
_LANG: Final = f"{{{v.XML}}}lang"

#: XML 1.0, 2.3: what may stand around a value; a no-break space is part of it
BLANKS: Final = " \t\r\n"

#: rim.xsd LongName: the longest value of a slot, a code or an external identifier, in characters.
LONG_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the metadata of one object; `value` is what offends."""

    object_id: str
    attribute: str
    reason: str
    value: str | None = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f": {self.value[:LONG_NAME]!r}"
        return f"{self.object_id} {self.attribute}: {self.reason}{shown}"


@dataclass(slots=True)
class Problems:
    """Collects what is wrong while a submission is read."""

    found: list[Problem] = field(default_factory=list)

    def add(self, object_id: str, attribute: str, reason: str, value: str | None = None) -> None:
        self.found.append(Problem(object_id, attribute, reason, value))

    def parse(self, object_id: str, attribute: str, parser: Callable[[str], T], value: str) -> T | None:
        """The typed value, or None with the problem noted."""
        try:
            return parser(value)
        except DataTypeError as error:
            self.add(object_id, attribute, error.reason, value)
            return None


def children(element: etree._Element) -> Iterator[etree._Element]:
    """Child elements, without comments and processing instructions."""
    for child in element:
        if isinstance(child.tag, str):
            yield child


def value_text(element: etree._Element) -> str | None:
    """The text of an element that may hold text only; None when it holds any child node."""
    if len(element):
        return None
    return element.text or ""


def read_slot(element: etree._Element, owner: str, problems: Problems) -> Slot:
    """A `rim:Slot`, its values without the blanks around them."""
    name = element.get("name", "")
    values: list[str] = []
    for value_list in children(element):
        if value_list.tag != VALUE_LIST:
            continue  # the shape of the object forbids it
        for value in children(value_list):
            text = value_text(value)
            if text is None:
                problems.add(owner, name, "a value is text, without comments in it")
            else:
                values.append(text.strip(BLANKS))
    return Slot(name, tuple(values), element.get("slotType"))


def read_slots(element: etree._Element, owner: str, problems: Problems) -> dict[str, Slot]:
    """The slots of an object by name; two slots of one name are a problem (ITI TF-3: 4.2.1.2).

    A slot that is merely repeated, with the same values, leaves no doubt: senders do so, and it is read once.
    """
    found: dict[str, Slot] = {}
    for child in element:
        if child.tag == SLOT:
            slot = read_slot(child, owner, problems)
            if not slot.name:
                problems.add(owner, "Slot", "a slot has no name")
            elif found.setdefault(slot.name, slot) != slot:
                problems.add(owner, slot.name, "the slot appears twice, with different values")
    return found


def read_texts(element: etree._Element | None) -> tuple[LocalizedText, ...]:
    """The texts of `rim:Name` or `rim:Description`; an empty text is no text."""
    if element is None:
        return ()
    texts = []
    for child in element:
        if child.tag == LOCALIZED_STRING:
            value = child.get("value", "")
            if value:
                texts.append(LocalizedText(value, child.get(_LANG)))
    return tuple(texts)


def child(element: etree._Element, tag: str) -> etree._Element | None:
    """The first child of a tag, or None."""
    for candidate in element:
        if candidate.tag == tag:
            return candidate
    return None
