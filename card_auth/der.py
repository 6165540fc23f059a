"""A reader of tag-length-value data: DER for certificates and revocation lists, BER for the files of cards.

It checks the form of each element that is looked at and nothing of what is never opened, keeps the exact bytes of
each, and never recurses: nesting costs nothing. The order of a SET's members is not checked, since cards hold
certificates whose names are not sorted as X.690 11.6 asks. Indefinite lengths are refused.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTF8_STRING: Final = 0x0C
PRINTABLE_STRING: Final = 0x13
TELETEX_STRING: Final = 0x14
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
BMP_STRING: Final = 0x1E
SEQUENCE: Final = 0x30
SET: Final = 0x31

_CHARSETS: Final = {
    UTF8_STRING: "utf-8",
    PRINTABLE_STRING: "ascii",
    TELETEX_STRING: "latin-1",
    IA5_STRING: "ascii",
    BMP_STRING: "utf-16-be",
    0x12: "ascii",  # NumericString
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
}
_UTC_TIME: Final = re.compile(rb"\d{12}Z", re.ASCII)
_GENERALIZED_TIME: Final = re.compile(rb"\d{14}Z", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_LENGTH: Final = 4  # octets: 4 GB, more than any file here
_LONGEST_TAG: Final = 3  # octets
_LONGEST_OID: Final = 64  # octets: no identifier in use comes near


class DerError(ValueError):
    """Bytes that are not what the encoding or the caller asks for. The message never repeats them."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag octets as a number (0x30, 0x7F21), its content, and itself with its header."""

    tag: int
    content: bytes
    encoded: bytes

    def expect(self, tag: int) -> Element:
        """Itself, when it has that tag. Raises DerError."""
        if self.tag != tag:
            raise DerError(f"tag {tag:X} expected, {self.tag:X} found")
        return self

    def children(self) -> Iterator[Element]:
        """The elements that its content is made of. Raises DerError."""
        return read_all(self.content)

    def sequence(self, tag: int = SEQUENCE) -> Reader:
        """Its children one after the other, when it has that tag. Raises DerError."""
        return Reader(self.expect(tag).children())

    def integer(self) -> int:
        """An INTEGER. Raises DerError."""
        if not self.expect(INTEGER).content:
            raise DerError("an INTEGER without content")
        return int.from_bytes(self.content, "big", signed=True)

    def boolean(self) -> bool:
        """A BOOLEAN; any octet but 00 is true (X.690 8.2.2). Raises DerError."""
        if len(self.expect(BOOLEAN).content) != 1:
            raise DerError("a BOOLEAN that is not one octet")
        return self.content != b"\0"

    def octets(self) -> bytes:
        """The content of an OCTET STRING. Raises DerError."""
        return self.expect(OCTET_STRING).content

    def bits(self) -> bytes:
        """The octets of a BIT STRING; unused bits at its end must be zero. Raises DerError."""
        content = self.expect(BIT_STRING).content
        if not content or content[0] > 7 or (content[0] and len(content) == 1):
            raise DerError("a BIT STRING whose unused bits make no sense")
        if content[0] and content[-1] & ((1 << content[0]) - 1):
            raise DerError("a BIT STRING whose unused bits are not zero")
        return content[1:]

    def oid(self) -> str:
        """An OBJECT IDENTIFIER in dotted form. Raises DerError."""
        return _dotted(self.expect(OBJECT_IDENTIFIER).content)

    def text(self) -> str:
        """A character string of any of X.520's kinds. Raises DerError, also for control characters."""
        charset = _CHARSETS.get(self.tag)
        if charset is None:
            raise DerError(f"a character string expected, tag {self.tag:X} found")
        try:
            text = self.content.decode(charset)
        except UnicodeDecodeError:
            raise DerError("a character string that its character set does not know") from None
        if _CONTROL.search(text):
            raise DerError("a character string with control characters")
        return text

    def time(self) -> datetime.datetime:
        """A UTCTime or GeneralizedTime to the second, in UTC (RFC 5280: 4.1.2.5). Raises DerError."""
        digits = self.content[:-1]
        if self.tag == UTC_TIME and _UTC_TIME.fullmatch(self.content):
            digits = (b"19" if digits[:1] >= b"5" else b"20") + digits
        elif self.tag != GENERALIZED_TIME or not _GENERALIZED_TIME.fullmatch(self.content):
            raise DerError("a time that is not given to the second in UTC")
        year = int(digits[:4])
        month, day, hour, minute, second = (int(digits[start : start + 2]) for start in range(4, 14, 2))
        try:
            return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
        except ValueError:
            raise DerError("a time that does not exist") from None


class Reader:
    """The members of a SEQUENCE, taken one after the other."""

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements = elements
        self._next = next(elements, None)

    def peek(self) -> int | None:
        """The next member's tag; None at the end."""
        return self._next.tag if self._next else None

    def take(self, tag: int | None = None) -> Element:
        """The next member, which must be there and have that tag. Raises DerError."""
        element = self._next
        if element is None:
            raise DerError("a member is missing")
        if tag is not None:
            element.expect(tag)
        self._next = next(self._elements, None)
        return element

    def take_optional(self, tag: int) -> Element | None:
        """The next member when it has that tag."""
        return self.take() if self.peek() == tag else None

    def end(self) -> None:
        """Nothing may follow. Raises DerError."""
        if self._next is not None:
            raise DerError("a member too many")


def read(data: bytes) -> Element:
    """The one element that `data` is. Raises DerError, also for bytes after it."""
    element, end = _element_at(data, 0)
    if end != len(data):
        raise DerError("bytes after the end")
    return element


def read_all(data: bytes) -> Iterator[Element]:
    """The elements that `data` is made of, read as they are asked for. Raises DerError."""
    position = 0
    while position < len(data):
        element, position = _element_at(data, position)
        yield element


def encode(tag: int, *contents: bytes) -> bytes:
    """An element of that tag with that content, its length in the shortest form."""
    content = b"".join(contents)
    length = len(content)
    header = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    if length < 0x80:
        return header + bytes((length,)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return header + bytes((0x80 | len(octets),)) + octets + content


def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER. Raises ValueError when `dotted` is none."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *others):
        octets = [arc & 0x7F]
        while arc := arc >> 7:
            octets.append(arc & 0x7F | 0x80)
        content += bytes(reversed(octets))
    return encode(OBJECT_IDENTIFIER, bytes(content))


@lru_cache(maxsize=1024)
def _dotted(content: bytes) -> str:
    """The OBJECT IDENTIFIER of that content; certificates repeat a few of them."""
    if not content or content[-1] & 0x80 or len(content) > _LONGEST_OID:
        raise DerError("an OBJECT IDENTIFIER that is empty, cut or too long")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        if not arc and octet == 0x80:
            raise DerError("an OBJECT IDENTIFIER with padding")
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _element_at(data: bytes, start: int) -> tuple[Element, int]:
    """The element that begins at `start`, and where the next one begins."""
    try:
        tag, position = data[start], start + 1
        if tag & 0x1F == 0x1F:  # more octets of tag follow (X.690 8.1.2.4)
            while True:
                octet = data[position]
                tag, position = tag << 8 | octet, position + 1
                if not octet & 0x80:
                    break
                if position - start >= _LONGEST_TAG:
                    raise DerError("a tag that is too long")
        length, position = data[position], position + 1
    except IndexError:
        raise DerError("cut in a header") from None
    if length >= 0x80:
        octets = length & 0x7F
        if not octets or octets > _LONGEST_LENGTH or position + octets > len(data):
            raise DerError("a length that is indefinite, too long or cut")
        length = int.from_bytes(data[position : position + octets], "big")
        position += octets
    end = position + length
    if end > len(data):
        raise DerError("cut in a content")
    return Element(tag, data[position:end], data[start:end]), end
