"""What the files of a Vitale card say, from their octets alone. They are a stranger's: nothing about them is believed.

Texts and dates are ASCII in BER data objects: `65` a beneficiary { `80` surname, `81` given name, `82` birth date,
`90` nationality, `93` NIR }, `66` the card { `80` first day of validity }.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from card_auth import der, errors
from schemas.datatypes import DataTypeError
from schemas.datatypes.ins import InsC, Nir

_BENEFICIARY: Final = 0x65
_CARD: Final = 0x66
_SURNAME, _GIVEN_NAME, _BIRTH_DATE, _NATIONALITY, _NIR = 0x80, 0x81, 0x82, 0x90, 0x93
_VALID_FROM: Final = 0x80
_POINTERS, _APPLICATIONS, _APPLICATION, _FILE = 0xE0, 0xA0, 0x82, 0x80
_MOST_BENEFICIARIES: Final = 32
_MOST_POINTERS: Final = 64
_MOST_ELEMENTS: Final = 512
_LONGEST_TEXT: Final = 80  # characters
_DATE: Final = re.compile(r"[0-9]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """A person on the card. Patient data: never to be logged, and not shown by `repr`."""

    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    birth_date: str = field(repr=False)  # YYYYMMDD as on the card; month and day may be 00, or of another calendar
    nir: Nir | None = field(repr=False)  # their own; dependants of the general regime have none on the card
    rank: int | None = field(default=None, repr=False)  # of birth, among twins; None when the reader does not give it
    nationality: str | None = field(default=None, repr=False)
    is_holder: bool = False

    def ins_c(self) -> InsC:
        """The INS-C of this person, computed from what the card says.

        Raises CardUnreadable when they have no NIR of their own on the card, or the card gives no given name.
        """
        if self.nir is None:
            raise errors.CardUnreadable("The card gives no NIR of this person's own: there is no INS-C from it.")
        try:
            return InsC.compute(self.given_name, self.birth_date[2:], self.nir)
        except DataTypeError as error:
            raise errors.CardUnreadable(f"The INS-C cannot be computed from the card: {error.reason}.") from None


@dataclass(frozen=True, slots=True)
class VitaleCard:
    """A Vitale card: its holder first among the beneficiaries."""

    beneficiaries: tuple[Beneficiary, ...] = field(repr=False)  # one at least
    serial: str | None = field(default=None, repr=False)
    valid_from: datetime.date | None = None
    regime: str | None = None  # two digits, "01" the general regime; None where the reader cannot read rights

    @property
    def holder(self) -> Beneficiary:
        """The insured person."""
        return self.beneficiaries[0]


@dataclass(frozen=True, slots=True)
class FilePointer:
    """Where a file is: the application that holds it, and its identifier there."""

    name: str
    application: bytes  # AID
    identifier: int


def read_pointers(content: bytes) -> tuple[FilePointer, ...]:
    """The files that the card's directory (EF 2001) lists. Raises CardUnreadable."""
    applications: dict[int, bytes] = {}
    files: list[tuple[str, int, int]] = []
    try:
        for tag, value in _pointer_elements(content):
            if tag == _APPLICATION and 9 <= len(value) <= 20:  # an AID has 5 to 16 octets
                applications.setdefault(value[0], value[4:])
            elif tag == _FILE and len(value) >= 12:
                name = _text(value[:8])
                files.append((name, value[8], int.from_bytes(value[10:12], "big")))
            if len(applications) + len(files) > _MOST_POINTERS:
                raise errors.CardUnreadable("The card's directory lists too many files.")
    except der.DerError as error:
        raise errors.CardUnreadable(f"The card's directory cannot be read: {error}.") from None
    return tuple(FilePointer(name, applications[entry], ef) for name, entry, ef in files if entry in applications)


def _pointer_elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    for outer in _elements(content):
        if outer.tag != _POINTERS:
            continue
        for element in outer.children():
            if element.tag == _APPLICATIONS:
                for inner in element.children():
                    yield inner.tag, inner.content
            else:
                yield element.tag, element.content


@dataclass(frozen=True, slots=True)
class Identification:
    """What one file says of persons and the card."""

    beneficiaries: tuple[Beneficiary, ...]
    valid_from: datetime.date | None


def is_empty(content: bytes) -> bool:
    """Whether a file was never written: its content starts 00, or 04 00."""
    return not content or content[0] == 0 or content[:2] == b"\x04\x00"


def read_identification(content: bytes) -> Identification:
    """The beneficiaries of a file, none when it is about something else. Raises CardUnreadable."""
    beneficiaries: list[Beneficiary] = []
    valid_from = None
    try:
        for number, element in enumerate(_elements(content)):
            if number == _MOST_ELEMENTS or len(beneficiaries) > _MOST_BENEFICIARIES:
                raise errors.CardUnreadable("A file of the card holds too many data objects.")
            if element.tag == _BENEFICIARY:
                beneficiaries.append(_beneficiary(element, is_holder=not beneficiaries))
            elif element.tag == _CARD:
                valid_from = _day(_values(element).get(_VALID_FROM, ""))
    except der.DerError as error:
        raise errors.CardUnreadable(f"A file of the card cannot be read: {error}.") from None
    return Identification(tuple(beneficiaries), valid_from)


def read_serial(content: bytes) -> str | None:
    """The card's serial of EF 2F02 (PAN), as hexadecimal digits; None when there is none."""
    try:
        first = next(der.read_all(content), None)
    except der.DerError:
        return None
    return first.content.hex().upper().rstrip("F") or None if first and first.tag == 0x5A else None


def _beneficiary(element: der.Element, *, is_holder: bool) -> Beneficiary:
    values = _values(element)
    family_name, given_name = values.get(_SURNAME, ""), values.get(_GIVEN_NAME, "")
    birth_date = values.get(_BIRTH_DATE, "")
    if not family_name and not given_name:
        raise errors.CardUnreadable("The card names no person where it should.")
    if birth_date and not _DATE.fullmatch(birth_date):
        raise errors.CardUnreadable("A birth date on the card is none.")
    number = values.get(_NIR, "").replace(" ", "")
    try:
        nir = Nir.parse(number) if len(number) == 15 else Nir.with_key(number) if number else None
    except DataTypeError as error:
        raise errors.CardUnreadable(f"A NIR on the card is none: {error.reason}.") from None
    return Beneficiary(
        family_name,
        given_name,
        birth_date or "00000000",
        nir,
        nationality=values.get(_NATIONALITY) or None,
        is_holder=is_holder,
    )


def _values(element: der.Element) -> dict[int, str]:
    """The texts of an element's children, the first of each tag."""
    values: dict[int, str] = {}
    for number, child in enumerate(element.children()):
        if number == _MOST_POINTERS:
            raise der.DerError("too many data objects in one")
        values.setdefault(child.tag, _text(child.content))
    return values


def _elements(content: bytes) -> Iterator[der.Element]:
    """The data objects of a file up to the padding after them."""
    for element in der.read_all(content.rstrip(b"\xff")):
        if element.tag == 0:
            return
        yield element


def _text(content: bytes) -> str:
    """Texts are ISO 8859-1 at the most; what cannot be printed is dropped."""
    text = content[:_LONGEST_TEXT].decode("latin-1")
    return "".join(character for character in text if character.isprintable()).strip()


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text, "%Y%m%d").date() if _DATE.fullmatch(text) else None
    except ValueError:
        return None
