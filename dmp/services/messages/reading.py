"""Reading elements strictly: each in its place, as often as it may stand there, and not longer than it may be.

What is said of a message that is refused names places and rules; nothing of the message is in it.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from lxml import etree

from dmp.services.vocabulary import XSI
from soap.xml import XmlRefused, text_only

E = TypeVar("E", bound=enum.StrEnum)

#: XML 1.0 §2.3; a no-break space is part of a value.
BLANKS: Final = " \t\r\n"
#: The longest text or attribute that is taken, in characters, and the most elements of one name in one place.
LONGEST: Final = 1_000
MOST: Final = 100
#: The most rows of an answer.
MOST_ROWS: Final = 100_000

_NIL: Final = f"{{{XSI}}}nil"
_TYPE: Final = f"{{{XSI}}}type"
#: An instant without an offset is legal time in France.
LEGAL_TIME: Final = ZoneInfo("Europe/Paris")
_FORMATS: Final = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


class MessageRefused(Exception):
    """A message that is not what it must be."""


def several(parent: etree._Element, namespace: str, path: str, most: int = MOST) -> list[etree._Element]:
    """The elements at a path of local names, without those that say they are nil."""
    found = parent.findall("/".join(f"{{{namespace}}}{step}" for step in path.split("/")))
    if len(found) > most:
        raise MessageRefused(f"there are more than {most} {path}")
    return [element for element in found if element.get(_NIL) not in ("true", "1")]


def optional(parent: etree._Element, namespace: str, path: str) -> etree._Element | None:
    """The element at a path, which stands there once at most."""
    found = several(parent, namespace, path)
    if len(found) > 1:
        raise MessageRefused(f"there are several {path}")
    return found[0] if found else None


def required(parent: etree._Element, namespace: str, path: str) -> etree._Element:
    """The element at a path, which stands there once."""
    found = optional(parent, namespace, path)
    if found is None:
        raise MessageRefused(f"{path} is missing")
    return found


def text_of(element: etree._Element | None) -> str:
    """The text of an element without the blanks around it; "" where there is none."""
    if element is None:
        return ""
    try:
        return _bounded(text_only(element), element)
    except XmlRefused:
        raise MessageRefused(f"{_local(element)} holds more than text") from None


def value_of(element: etree._Element | None, attribute: str = "value") -> str:
    """An attribute without the blanks around it; "" where there is none."""
    return "" if element is None else _bounded(element.get(attribute, ""), element)


def boolean(element: etree._Element | None) -> bool | None:
    """`@value` of a BL; None where it is not stated."""
    value = value_of(element)
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    if value or element is None:
        return _refuse_boolean(element)
    return None


def member(kind: type[E], value: str, place: str) -> E:
    """The member of an enumeration that a code is."""
    try:
        return kind(value)
    except ValueError:
        raise MessageRefused(f"{place} is none of {', '.join(kind)}") from None


def type_of(element: etree._Element) -> str:
    """The local name of xsi:type."""
    return element.get(_TYPE, "").rpartition(":")[2]


def moment(text: str, place: str) -> datetime:
    """An instant of HL7 (`yyyyMMddHHmmss`, shortened or with an offset) in UTC; "" is refused."""
    digits, sign, offset = text.partition("+")
    if not sign:
        digits, sign, offset = text.partition("-")
    digits = digits.partition(".")[0]
    layout = _FORMATS.get(len(digits))
    plain = digits.isascii() and digits.isdigit() and (not sign or (len(offset) == 4 and _digits(offset)))
    if layout is None or not plain:
        raise MessageRefused(f"{place} is no date and time")
    try:
        local = datetime.strptime(digits, layout)
        if not sign:
            return local.replace(tzinfo=LEGAL_TIME).astimezone(UTC)
        distance = timedelta(hours=int(offset[:2]), minutes=int(offset[2:]))
        return local.replace(tzinfo=timezone(distance if sign == "+" else -distance)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MessageRefused(f"{place} is no date and time") from None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _refuse_boolean(element: etree._Element | None) -> bool | None:
    if element is None:
        return None
    raise MessageRefused(f"{_local(element)} is neither true nor false")


def _bounded(value: str, element: etree._Element) -> str:
    if len(value) > LONGEST:
        raise MessageRefused(f"{_local(element)} is longer than {LONGEST} characters")
    return value.strip(BLANKS)


def _local(element: etree._Element) -> str:
    """The name of an element that we asked for, hence one of ours."""
    return etree.QName(element).localname
