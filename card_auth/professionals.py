"""What the certificates of cards and establishments say of their holder (IGC-CPS and IGC-Santé).

The two families of certificates spell it differently. In both, the holder's national identifier is the common name of a
person and an organisational unit of a structure, and private extensions hold the profession and the savoir-faire.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from card_auth import der, names
from card_auth.certificates import Certificate
from card_auth.errors import CertificateUnreadable

EXT_CARD_TYPE: Final = "1.2.250.1.71.1.2.2"  # INTEGER
EXT_CARD_NUMBER: Final = "1.2.250.1.71.1.2.3"  # "issuer/serial"
EXT_PROFESSION: Final = "1.2.250.1.71.1.2.7"  # INTEGER, a code of TRE_G15
EXT_FUTURE_PROFESSION: Final = "1.2.250.1.71.1.2.8"  # INTEGER, of those in training
EXT_SPECIALITIES: Final = "1.2.250.1.71.4.2.5"  # SEQUENCE OF UTF8String, codes of TRE_R38

# PS_IdNat: its first digit names the register, the rest is the number there, or a structure's and an internal one
_PROFESSIONAL: Final = re.compile(r"0[0-9A-Z]{9}|8[0-9]{11}", re.ASCII)
_EMPLOYEE: Final = re.compile(r"[13456][0-9A-Z]{9,15}/\S{1,64}", re.ASCII)
_NUMBERED: Final = re.compile(r"[0-9A-Z]{1,32}/\S{1,64}", re.ASCII)  # of cards without a holder's name
# Struct_IdNat: 0 ADELI surgery, 1 FINESS, 2 SIREN, 3 SIRET, 4 RPPS and rank
_STRUCTURE: Final = re.compile(r"0[0-9A-Z]{9,13}|1[0-9A-Z]{9}|2[0-9]{9}|3[0-9]{14}|4[0-9]{14}", re.ASCII)
_MOST_SPECIALITIES: Final = 32


class HolderKind(enum.StrEnum):
    """Who holds the certificate."""

    PROFESSIONAL = "CPS"  # a health professional, under their own national number
    EMPLOYEE = "CPE"  # a person under their establishment's number; the card may bear no name
    ORGANISATION = "ORG"  # a structure, or a service of it
    UNKNOWN = "unknown"  # nothing that these rules know


@dataclass(frozen=True, slots=True)
class ProfessionalCertificate:
    """The holder of a certificate, in that certificate's words. Codes are as they stand there."""

    certificate: Certificate
    kind: HolderKind
    national_id: str | None  # PS_IdNat of a person
    name: str  # "GIVEN FAMILY" of a person, else the organisation's, else the common name
    family_name: str | None
    given_name: str | None
    profession: str | None  # TRE_G15: "10" is a doctor
    profession_label: str | None
    future_profession: str | None  # TRE_G16
    specialities: tuple[str, ...]  # TRE_R38: "SM26"
    structure_id: str | None  # Struct_IdNat
    structure_name: str | None
    service: str | None  # the common name of a structure's certificate
    card_type: int | None
    card_issuer: str | None
    card_serial: str | None

    @property
    def is_person(self) -> bool:
        """Whether a person, and not a structure, holds it."""
        return self.kind in {HolderKind.PROFESSIONAL, HolderKind.EMPLOYEE}


def read_professional(certificate: Certificate) -> ProfessionalCertificate:
    """Read the holder of a certificate. Raises CertificateUnreadable when an extension is not what it should be."""
    subject = certificate.subject
    common_name = subject.one(names.COMMON_NAME)
    structure_id = _only(unit for unit in subject.values(names.ORGANISATIONAL_UNIT) if _STRUCTURE.fullmatch(unit))
    try:
        card_type = _integer(certificate, EXT_CARD_TYPE)
        card_number = _text(certificate, EXT_CARD_NUMBER)
        profession = _integer(certificate, EXT_PROFESSION)
        future_profession = _integer(certificate, EXT_FUTURE_PROFESSION)
        specialities = _specialities(certificate)
    except der.DerError as error:
        raise CertificateUnreadable(f"A private extension of the certificate cannot be read: {error}.") from None
    family_name, given_name = subject.one(names.SURNAME), subject.one(names.GIVEN_NAME)
    on_a_card = card_type is not None or card_number is not None or profession is not None
    kind = _kind(common_name or "", structure_id, named=family_name is not None, on_a_card=on_a_card)
    person = kind in {HolderKind.PROFESSIONAL, HolderKind.EMPLOYEE}
    organisation = subject.one(names.ORGANISATION)
    issuer, slash, serial = (card_number or "").partition("/")
    return ProfessionalCertificate(
        certificate=certificate,
        kind=kind,
        national_id=common_name if person else None,
        name=" ".join(filter(None, (given_name, family_name))) or organisation or common_name or str(subject),
        family_name=family_name,
        given_name=given_name,
        profession=None if profession is None else str(profession),
        profession_label=_profession_label(subject) if person else None,
        future_profession=None if future_profession is None else str(future_profession),
        specialities=specialities,
        structure_id=structure_id,
        structure_name=organisation if structure_id else None,
        service=common_name if kind is HolderKind.ORGANISATION else None,
        card_type=card_type,
        card_issuer=issuer if slash else None,
        card_serial=serial if slash else None,
    )


def _kind(common_name: str, structure_id: str | None, *, named: bool, on_a_card: bool) -> HolderKind:
    """A structure may choose the common name of its service: only marks that an authority sets make a person."""
    if (named or on_a_card) and _PROFESSIONAL.fullmatch(common_name):
        return HolderKind.PROFESSIONAL
    if named and _EMPLOYEE.fullmatch(common_name):
        return HolderKind.EMPLOYEE
    if on_a_card and _NUMBERED.fullmatch(common_name):
        return HolderKind.EMPLOYEE
    if structure_id is not None and not named and not on_a_card:
        return HolderKind.ORGANISATION
    return HolderKind.UNKNOWN


def _only(values: Iterable[str]) -> str | None:
    found = list(values)
    return found[0] if len(found) == 1 else None


def _profession_label(subject: names.Name) -> str | None:
    """IGC-Santé puts it in the title, IGC-CPS in an organisational unit."""
    if title := subject.one(names.TITLE):
        return title
    return _only(unit for unit in subject.values(names.ORGANISATIONAL_UNIT) if not unit[:1].isdigit())


def _integer(certificate: Certificate, oid: str) -> int | None:
    extension = certificate.extensions.get(oid)
    return None if extension is None else der.read(extension.value).integer()


def _text(certificate: Certificate, oid: str) -> str | None:
    extension = certificate.extensions.get(oid)
    return None if extension is None else der.read(extension.value).text()


def _specialities(certificate: Certificate) -> tuple[str, ...]:
    extension = certificate.extensions.get(EXT_SPECIALITIES)
    if extension is None:
        return ()
    codes = tuple(code.text() for code in der.read(extension.value).expect(der.SEQUENCE).children())
    if len(codes) > _MOST_SPECIALITIES:
        raise der.DerError("too many savoir-faire")
    return codes
