"""Distinguished names: read from a certificate, written as RFC 2253 wants them, compared as RFC 5280 wants it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from card_auth import der

COMMON_NAME: Final = "2.5.4.3"
SURNAME: Final = "2.5.4.4"
SERIAL_NUMBER: Final = "2.5.4.5"
COUNTRY: Final = "2.5.4.6"
STATE: Final = "2.5.4.8"
ORGANISATION: Final = "2.5.4.10"
ORGANISATIONAL_UNIT: Final = "2.5.4.11"
TITLE: Final = "2.5.4.12"
GIVEN_NAME: Final = "2.5.4.42"

# RFC 4519 and RFC 4514: 3; the first spelling is the one we write, the others are read
_SPELLINGS: Final = {
    COMMON_NAME: ("CN", "COMMONNAME"),
    SURNAME: ("SN", "SURNAME"),
    SERIAL_NUMBER: ("serialNumber",),
    COUNTRY: ("C", "COUNTRYNAME"),
    "2.5.4.7": ("L", "LOCALITYNAME"),
    STATE: ("ST", "S", "STATEORPROVINCENAME"),
    "2.5.4.9": ("STREET", "STREETADDRESS"),
    ORGANISATION: ("O", "ORGANIZATIONNAME"),
    ORGANISATIONAL_UNIT: ("OU", "ORGANIZATIONALUNITNAME"),
    TITLE: ("title", "T"),
    GIVEN_NAME: ("GN", "G", "GIVENNAME"),
    "0.9.2342.19200300.100.1.25": ("DC", "DOMAINCOMPONENT"),
    "0.9.2342.19200300.100.1.1": ("UID", "USERID"),
    "1.2.840.113549.1.9.1": ("emailAddress", "E", "EMAIL"),
    "2.5.4.97": ("organizationIdentifier",),
}
_OID_OF: Final = {spelling.upper(): oid for oid, spellings in _SPELLINGS.items() for spelling in spellings}
_ESCAPED: Final = frozenset(',+"\\<>;')
_MOST_PARTS: Final = 32
_LONGEST_TEXT: Final = 4096  # characters

CanonicalName = tuple[frozenset[tuple[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a name. A value that is no character string is written `#` and its hexadecimal DER."""

    oid: str
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name: the relative names in the certificate's order, each of one attribute or several."""

    parts: tuple[tuple[Attribute, ...], ...]
    encoded: bytes

    @classmethod
    def from_element(cls, element: der.Element) -> Name:
        """Read a Name, whether or not its SETs are sorted. Raises DerError."""
        parts: list[tuple[Attribute, ...]] = []
        for relative in element.expect(der.SEQUENCE).children():
            attributes = tuple(_attribute(pair) for pair in relative.expect(der.SET).children())
            if not attributes or len(parts) == _MOST_PARTS or len(attributes) > _MOST_PARTS:
                raise der.DerError("a name with an empty part, or too many")
            parts.append(attributes)
        return cls(tuple(parts), element.encoded)

    def __iter__(self) -> Iterator[Attribute]:
        return (attribute for part in self.parts for attribute in part)

    def values(self, oid: str) -> tuple[str, ...]:
        """The values of that attribute, in the certificate's order."""
        return tuple(attribute.value for attribute in self if attribute.oid == oid)

    def one(self, oid: str) -> str | None:
        """The value of that attribute; None when there is none, or more than one to choose from."""
        values = self.values(oid)
        return values[0] if len(values) == 1 else None

    def canonical(self) -> CanonicalName:
        """What two equal names have in common: case, spaces and the order inside a part don't count (RFC 5280: 7.1)."""
        return _canonical(self)

    def is_written_as(self, text: str) -> bool:
        """Whether `text`, in RFC 2253's or RFC 4514's form, is this name."""
        written = _canonical_text(text) if len(text) <= _LONGEST_TEXT else None
        return written is not None and written == self.canonical()

    def __str__(self) -> str:
        """The name as RFC 2253 writes it, the last part first; GN, SN and ST for givenName, surname and state."""
        return ",".join(
            "+".join(
                f"{_SPELLINGS.get(attribute.oid, (attribute.oid,))[0]}={_escaped(attribute.value)}"
                for attribute in reversed(part)
            )
            for part in reversed(self.parts)
        )


@lru_cache(maxsize=1024)
def _canonical(name: Name) -> CanonicalName:
    return tuple(frozenset((attribute.oid, _folded(attribute.value)) for attribute in part) for part in name.parts)


def _attribute(pair: der.Element) -> Attribute:
    members = pair.sequence()
    oid = members.take(der.OBJECT_IDENTIFIER).oid()
    value = members.take()
    members.end()
    try:
        return Attribute(oid, value.text())
    except der.DerError:
        if oid in _SPELLINGS:  # of these we know that they are text: unreadable text is no name
            raise
        return Attribute(oid, "#" + value.encoded.hex())


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _escaped(value: str) -> str:
    written = "".join("\\" + character if character in _ESCAPED else character for character in value)
    if value.endswith(" "):
        written = written[:-1] + "\\ "
    if value.startswith(("#", " ")) and written != "\\ ":
        written = "\\" + written
    return written


@lru_cache(maxsize=1024)
def _canonical_text(text: str) -> CanonicalName | None:
    """The canonical form of a written name, in the certificate's order; None when it is not one."""
    parts: list[list[tuple[str, str]]] = [[]]
    rest = text
    while True:
        spelling, equals, rest = rest.partition("=")
        oid = _oid(spelling.strip())
        value, separator, rest = _cut(rest)
        if not equals or oid is None or value is None:
            return None
        parts[-1].append((oid, _folded(value)))
        if not separator:
            break
        if separator != "+":
            parts.append([])
    return tuple(frozenset(part) for part in reversed(parts))


def _oid(spelling: str) -> str | None:
    upper = spelling.upper().removeprefix("OID.")
    if upper in _OID_OF:
        return _OID_OF[upper]
    arcs = upper.split(".")
    return upper if len(arcs) > 1 and all(arc.isascii() and arc.isdigit() for arc in arcs) else None


def _cut(text: str) -> tuple[str | None, str, str]:
    """The value at the start of `text` without its escapes (None when they are wrong), the separator, and the rest."""
    octets = bytearray()
    position = 0
    quoted = text.lstrip(" ").startswith('"')
    if quoted:
        position = text.index('"') + 1
    while position < len(text):
        character = text[position]
        if character == "\\":
            pair = text[position + 1 : position + 3]
            if len(pair) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in pair):
                octets += bytes.fromhex(pair)
                position += 3
                continue
            if not pair:
                return None, "", ""
            octets += pair[0].encode("utf-8", "surrogatepass")
            position += 2
            continue
        if quoted and character == '"':
            quoted = False
        elif not quoted and character in ",;+":
            break
        else:
            octets += character.encode("utf-8", "surrogatepass")
        position += 1
    try:
        value = None if quoted else octets.decode()
    except UnicodeDecodeError:
        value = None
    return value, text[position : position + 1], text[position + 1 :]
