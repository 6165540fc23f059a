"""Names, numbers, addresses and authors, as the messages of patient administration hold them.

Source: HL7 V3 data types PN, TEL, AD (Implementable Technology Specification, R1).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from dmp.services.messages.reading import MessageRefused, optional, required, several, text_of, value_of
from dmp.services.messages.writing import element, stated, text
from dmp.services.vocabulary import PROFESSIONALS, SPECIALITIES, STRUCTURES
from schemas.vocabulary import HL7V3

_USUAL: Final = "SP"
_BIRTH: Final = "BR"


class TelecomUse(enum.StrEnum):
    """What a number or address is: home, mobile, electronic mail."""

    HOME = "HP"
    MOBILE = "MC"
    MAIL = "mailto"


@dataclass(frozen=True, slots=True)
class Telecom:
    """A number or an address, without the scheme (`tel:`, `mailto:`)."""

    use: TelecomUse
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A name: `usual` has the qualifier SP, `birth` BR, `family` none. Empty parts are not known."""

    given: tuple[str, ...] = field(default=(), repr=False)
    usual: str = field(default="", repr=False)
    birth: str = field(default="", repr=False)
    family: str = field(default="", repr=False)
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """An address, accents kept."""

    lines: tuple[str, ...] = field(default=(), repr=False)
    additional: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    country: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who asks for a registration: PS_IdNat and Struct_IdNat; `family` and `given` are mandatory."""

    national_id: str
    family: str
    given: str
    speciality: str = ""  # G15_10/SM26
    structure_id: str = ""
    structure_name: str = ""


def read_name(holder: etree._Element) -> PersonName | None:
    """The first name of a person; None where there is none."""
    names = several(holder, HL7V3, "name")
    if not names:
        return None
    families: dict[str, str] = {}
    for part in several(names[0], HL7V3, "family"):
        qualifier = value_of(part, "qualifier")
        if qualifier in families or qualifier not in ("", _USUAL, _BIRTH):
            raise MessageRefused("a family name is stated twice, or with a qualifier other than SP and BR")
        families[qualifier] = text_of(part)
    given = tuple(name for part in several(names[0], HL7V3, "given") if (name := text_of(part)))
    return PersonName(
        given=given,
        usual=families.get(_USUAL, ""),
        birth=families.get(_BIRTH, ""),
        family=families.get("", ""),
        prefix=text_of(optional(names[0], HL7V3, "prefix")),
    )


def write_name(name: PersonName | None) -> str:
    """A name; nothing for None."""
    if name is None:
        return ""
    return element(
        "name",
        text("prefix", name.prefix),
        *[text("given", given) for given in name.given],
        text("family", name.usual, qualifier=_USUAL),
        text("family", name.birth, qualifier=_BIRTH),
        text("family", name.family),
    )


def read_telecoms(holder: etree._Element) -> tuple[Telecom, ...]:
    """The numbers and addresses of somebody, each once. A number without a use is a home's."""
    telecoms = []
    for one in several(holder, HL7V3, "telecom"):
        scheme, separator, rest = value_of(one).partition(":")
        use = value_of(one, "use")
        if not separator or not rest:
            continue
        if scheme == "mailto":
            telecoms.append(Telecom(TelecomUse.MAIL, rest))
        elif scheme == "tel" and use in ("", "HP", "H", "MC"):
            telecoms.append(Telecom(TelecomUse.MOBILE if use == "MC" else TelecomUse.HOME, rest))
        else:
            raise MessageRefused("a telecom is neither tel: (HP or MC) nor mailto:")
    return tuple(dict.fromkeys(telecoms))


def write_telecoms(telecoms: tuple[Telecom, ...]) -> str:
    """Numbers and addresses."""
    return "".join(
        stated("telecom", f"mailto:{one.value}")
        if one.use is TelecomUse.MAIL
        else stated("telecom", f"tel:{one.value}", use=one.use.value)
        for one in telecoms
    )


def read_address(place: etree._Element | None) -> PostalAddress | None:
    """An AD; None where there is none, or nothing in it."""
    if place is None:
        return None
    address = PostalAddress(
        lines=tuple(line for part in several(place, HL7V3, "streetAddressLine") if (line := text_of(part))),
        additional=text_of(optional(place, HL7V3, "additionalLocator")),
        postal_code=text_of(optional(place, HL7V3, "postalCode")),
        city=text_of(optional(place, HL7V3, "city")),
        country=text_of(optional(place, HL7V3, "country")),
    )
    return None if address == PostalAddress() else address


def write_address(address: PostalAddress | None) -> str:
    """An AD; nothing for None."""
    if address is None:
        return ""
    return element(
        "addr",
        *[text("streetAddressLine", line) for line in address.lines],
        text("additionalLocator", address.additional),
        text("postalCode", address.postal_code),
        text("city", address.city),
        text("country", address.country),
    )


def read_author(registration: etree._Element) -> Author:
    """The author of a registration request, whose family and given names are mandatory."""
    entity = required(registration, HL7V3, "author/assignedEntity")
    identifier = required(entity, HL7V3, "id")
    if value_of(identifier, "root") != PROFESSIONALS or not value_of(identifier, "extension"):
        raise MessageRefused("the author has no national identifier of a professional")
    name = read_name(required(entity, HL7V3, "assignedPerson"))
    family = "" if name is None else name.family or name.usual or name.birth
    given = "" if name is None else " ".join(name.given)
    if not family or not given:
        raise MessageRefused("the author has no family name, or no given name")
    organisation = optional(entity, HL7V3, "representedOrganization")
    structure = structure_name = ""
    if organisation is not None:
        stated_id = optional(organisation, HL7V3, "id")
        if stated_id is not None and value_of(stated_id, "root") != STRUCTURES:
            raise MessageRefused("the author's organisation has no national identifier of a structure")
        structure = value_of(stated_id, "extension")
        structure_name = text_of(optional(organisation, HL7V3, "name"))
    return Author(
        national_id=value_of(identifier, "extension"),
        family=family,
        given=given,
        speciality=value_of(optional(entity, HL7V3, "code"), "code"),
        structure_id=structure,
        structure_name=structure_name,
    )


def write_author(author: Author) -> str:
    """The author of a registration request."""
    organisation = ""
    if author.structure_id or author.structure_name:
        organisation = element(
            "representedOrganization",
            stated("id", author.structure_id, "extension", root=STRUCTURES),
            text("name", author.structure_name),
            classCode="ORG",
            determinerCode="INSTANCE",
        )
    person = element(
        "assignedPerson",
        element("name", text("family", author.family), text("given", author.given)),
        classCode="PSN",
        determinerCode="INSTANCE",
    )
    entity = element(
        "assignedEntity",
        stated("id", author.national_id, "extension", root=PROFESSIONALS),
        stated("code", author.speciality, "code", codeSystem=SPECIALITIES),
        person,
        organisation,
        classCode="ASSIGNED",
    )
    return element("author", entity, typeCode="AUT")
