"""The patient of a message: identifiers, traits, who answers for a minor, what was read on the Vitale card, consents.

Source: HL7 V3 PRPA_MT201301UV02, PRPA_MT201302UV02, PRPA_MT201303UV02, as the DMP's services constrain them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.services.messages.people import (
    PersonName,
    PostalAddress,
    Telecom,
    read_address,
    read_name,
    read_telecoms,
    write_address,
    write_name,
    write_telecoms,
)
from dmp.services.messages.reading import (
    MessageRefused,
    boolean,
    member,
    moment,
    optional,
    required,
    several,
    text_of,
    type_of,
    value_of,
)
from dmp.services.messages.writing import boolean as write_boolean
from dmp.services.messages.writing import element, stated, text, typed
from dmp.services.messages.writing import moment as write_moment
from dmp.services.vocabulary import (
    CONTACT_PARTIES,
    RELATIONSHIPS,
    VITALE_CARD,
    ObservationCode,
    PatientStatus,
)
from schemas.datatypes import Cx, DataTypeError
from schemas.vocabulary import HL7V3

#: A patient has no more identifiers, nor people who answer for them, than this.
MOST_IDENTIFIERS: Final = 20
MOST_REPRESENTATIVES: Final = 10
_BIRTH: Final = re.compile(r"[0-9]{8}", re.ASCII)
_CARD_BIRTH: Final = re.compile(r"[0-9]{6}(?:[0-9]{2})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalRepresentative:
    """Who answers for the patient: `relationship` is a code of PersonalRelationshipRoleType, such as FTH."""

    relationship: str
    name: PersonName = field(repr=False)
    address: PostalAddress | None = field(default=None, repr=False)
    telecoms: tuple[Telecom, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardIdentity:
    """What was read on a Vitale card; `birth_date` as it stands there, YYMMDD or YYYYMMDD."""

    name: PersonName = field(repr=False)
    birth_date: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Observation:
    """A statement about the patient: true or false, or a text; `at` is when it was made."""

    code: ObservationCode
    value: bool | str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient as a message has it; what is not stated is empty or None. `closed_at`: when the record was closed."""

    identifiers: tuple[Cx, ...] = field(default=(), repr=False)
    status: PatientStatus | None = None
    closed_at: datetime | None = None
    name: PersonName | None = field(default=None, repr=False)
    telecoms: tuple[Telecom, ...] = field(default=(), repr=False)
    sex: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)  # YYYYMMDD, month and day may be 00
    deceased: bool | None = field(default=None, repr=False)
    address: PostalAddress | None = field(default=None, repr=False)
    birth_place: PostalAddress | None = field(default=None, repr=False)
    representatives: tuple[LegalRepresentative, ...] = field(default=(), repr=False)
    card: CardIdentity | None = field(default=None, repr=False)
    observations: tuple[Observation, ...] = ()

    def stated(self, code: ObservationCode) -> Observation | None:
        """The statement of a code; each is made once at most."""
        return next((one for one in self.observations if one.code is code), None)


def read_patient(patient: etree._Element) -> Patient:
    """Read a `patient` element."""
    person = optional(patient, HL7V3, "patientPerson")
    status = value_of(optional(patient, HL7V3, "statusCode"), "code")
    closed = value_of(optional(patient, HL7V3, "effectiveTime/high"))
    base = Patient(
        identifiers=read_identifiers(patient),
        status=member(PatientStatus, status, "statusCode of the patient") if status else None,
        closed_at=moment(closed, "effectiveTime/high") if closed else None,
        observations=_observations(patient),
    )
    return base if person is None else _with_person(base, person)


def read_identifiers(patient: etree._Element) -> tuple[Cx, ...]:
    """The identifiers of a patient, each with root and extension, each once."""
    ids = several(patient, HL7V3, "id")
    if len(ids) > MOST_IDENTIFIERS:
        raise MessageRefused(f"the patient has more than {MOST_IDENTIFIERS} ids")
    return tuple(dict.fromkeys(read_identifier(one) for one in ids))


def read_identifier(element: etree._Element) -> Cx:
    """An II as a CX: the root is the assigning authority, the extension the identifier."""
    root, extension = value_of(element, "root"), value_of(element, "extension")
    if not extension.isascii() or not extension.isalnum():
        raise MessageRefused("an id of a patient is not made of letters and digits")
    try:
        return Cx.of(extension, root)
    except DataTypeError:
        raise MessageRefused("an id of a patient is not an identifier of an authority") from None


def write_patient(patient: Patient, *, candidate: bool = False) -> str:
    """Write a `patient` element; a candidate of a search is stated to be a match, as PDQv3 wants (ITI TF-2: 3.47)."""
    identifiers = [stated("id", one.id, "extension", root=one.authority) for one in patient.identifiers]
    closed = stated("high", write_moment(patient.closed_at))
    return element(
        "patient",
        *identifiers,
        stated("statusCode", patient.status or "", "code"),
        element("effectiveTime", closed) if closed else "",
        _person(patient),
        _MATCH if candidate else "",
        *[_written_observation(one, "subjectOf2" if candidate else "subjectOf") for one in patient.observations],
        classCode="PAT",
    )


#: Names are compared, not weighed: whoever is found is a match.
_MATCH: Final = element(
    "subjectOf1",
    element(
        "queryMatchObservation",
        stated("code", "POURCENTAGE", "code"),
        typed("value", "INT", "100", "value"),
        classCode="COND",
        moodCode="EVN",
    ),
    typeCode="SBJ",
)


def _with_person(base: Patient, person: etree._Element) -> Patient:
    birth_date = value_of(optional(person, HL7V3, "birthTime"))
    if birth_date and not _BIRTH.fullmatch(birth_date[:8]):
        raise MessageRefused("the birth date has not eight digits")
    sex = value_of(optional(person, HL7V3, "administrativeGenderCode"), "code")
    if sex not in ("", "M", "F", "U", "UN"):
        raise MessageRefused("the administrative gender is none of M, F, U")
    relationships = several(person, HL7V3, "personalRelationship")
    if len(relationships) > MOST_REPRESENTATIVES:
        raise MessageRefused(f"there are more than {MOST_REPRESENTATIVES} legal representatives")
    return Patient(
        identifiers=base.identifiers,
        status=base.status,
        closed_at=base.closed_at,
        observations=base.observations,
        name=read_name(person),
        telecoms=read_telecoms(person),
        sex="U" if sex == "UN" else sex,
        birth_date=birth_date[:8],
        deceased=boolean(optional(person, HL7V3, "deceasedInd")),
        address=read_address(optional(person, HL7V3, "addr")),
        birth_place=read_address(optional(person, HL7V3, "birthPlace/addr")),
        representatives=tuple(_representative(one) for one in relationships),
        card=_card(person),
    )


def _representative(relationship: etree._Element) -> LegalRepresentative:
    name = read_name(required(relationship, HL7V3, "relationshipHolder1"))
    code = value_of(optional(relationship, HL7V3, "code"), "code")
    if name is None or not code:
        raise MessageRefused("a legal representative has no name, or no code of the relationship")
    return LegalRepresentative(
        relationship=code,
        name=name,
        address=read_address(optional(relationship, HL7V3, "addr")),
        telecoms=read_telecoms(relationship),
    )


def _card(person: etree._Element) -> CardIdentity | None:
    parties = [
        party
        for party in several(person, HL7V3, "contactParty")
        if value_of(optional(party, HL7V3, "code"), "code") == VITALE_CARD
    ]
    if not parties:
        return None
    if len(parties) > 1:
        raise MessageRefused("there are several readings of a Vitale card")
    reader = required(parties[0], HL7V3, "contactPerson")
    name = read_name(reader)
    birth_date = value_of(optional(reader, HL7V3, "birthTime"))
    if name is None or not name.given or not (name.birth or name.usual) or not _CARD_BIRTH.fullmatch(birth_date):
        raise MessageRefused("the reading of the Vitale card has no name, or no birth date of six or eight digits")
    return CardIdentity(name=name, birth_date=birth_date)


def _observations(patient: etree._Element) -> tuple[Observation, ...]:
    """The statements that are known here; PDQv3 has `subjectOf1` and `subjectOf2`. Others are left alone."""
    found: dict[ObservationCode, Observation] = {}
    known = {code.value: code for code in ObservationCode}
    for place in ("subjectOf", "subjectOf1", "subjectOf2"):
        for one in several(patient, HL7V3, f"{place}/administrativeObservation"):
            code = known.get(value_of(required(one, HL7V3, "code"), "code"))
            if code is None:
                continue
            if value_of(required(one, HL7V3, "code"), "codeSystem") != code.system:
                raise MessageRefused(f"{code} is not of its code system")
            if code in found:
                raise MessageRefused(f"{code} is stated twice")
            found[code] = _observation(one, code)
    return tuple(found.values())


def _observation(one: etree._Element, code: ObservationCode) -> Observation:
    value = required(one, HL7V3, "value")
    at = value_of(optional(one, HL7V3, "effectiveTime"))
    when = moment(at, f"effectiveTime of {code}") if at else None
    if code in (ObservationCode.REGIME, ObservationCode.DEFERRAL):
        return Observation(code, text_of(value), when)
    truth = boolean(value)
    if truth is None or type_of(value) not in ("", "BL"):
        raise MessageRefused(f"{code} is neither true nor false")
    return Observation(code, truth, when)


def _person(patient: Patient) -> str:
    content = (
        write_name(patient.name),
        write_telecoms(patient.telecoms),
        stated("administrativeGenderCode", patient.sex, "code"),
        stated("birthTime", patient.birth_date),
        "" if patient.deceased is None else stated("deceasedInd", str(patient.deceased).lower()),
        write_address(patient.address),
        "" if patient.card is None else _written_card(patient.card),
        *[_written_representative(one) for one in patient.representatives],
        element("birthPlace", write_address(patient.birth_place), classCode="BIRTHPL") if patient.birth_place else "",
    )
    return element("patientPerson", *content, classCode="PSN", determinerCode="INSTANCE") if any(content) else ""


def _written_representative(one: LegalRepresentative) -> str:
    holder = element("relationshipHolder1", write_name(one.name), classCode="PSN", determinerCode="INSTANCE")
    return element(
        "personalRelationship",
        stated("code", one.relationship, "code", codeSystem=RELATIONSHIPS),
        write_address(one.address),
        write_telecoms(one.telecoms),
        holder,
        classCode="PRS",
    )


def _written_card(card: CardIdentity) -> str:
    reading = element("contactPerson", write_name(card.name), stated("birthTime", card.birth_date))
    return element(
        "contactParty", stated("code", VITALE_CARD, "code", codeSystem=CONTACT_PARTIES), reading, classCode="CON"
    )


def _written_observation(one: Observation, place: str) -> str:
    value = write_boolean("value", one.value) if isinstance(one.value, bool) else text("value", one.value)
    observation = element(
        "administrativeObservation",
        stated("code", one.code.value, "code", codeSystem=one.code.system),
        stated("effectiveTime", write_moment(one.at)),
        value,
        classCode="OBS",
        moodCode="EVN",
    )
    return element(place, observation, typeCode="SBJ")
