"""PRPA_IN201305UV02 and PRPA_IN201306UV02: the search of a patient by traits (TD0.5).

Source: ITI TF-2: 3.47.4.1, 3.47.4.2 (Patient Demographics Query HL7 V3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from dmp.services.messages.patient import Patient, read_patient, write_patient
from dmp.services.messages.reading import MessageRefused, member, optional, required, several, text_of, value_of
from dmp.services.messages.wrapper import (
    Acknowledgement,
    Head,
    Identifier,
    read_acknowledgement,
    read_head,
    read_identifier,
    write_acknowledgement,
    write_custodian,
    write_identifier,
    write_message,
)
from dmp.services.messages.writing import element, stated, text
from dmp.services.vocabulary import CANDIDATES, FIND_CANDIDATES, INTERACTIONS, ResponseCode
from schemas.vocabulary import HL7V3

_BIRTH: Final = re.compile(r"[0-9]{4,8}", re.ASCII)
#: The parameters that are understood; another one would have the answer hold more than was asked.
_KNOWN: Final = ("livingSubjectName", "livingSubjectBirthTime", "livingSubjectAdministrativeGender", "patientAddress")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoughtTraits:
    """What is known of the patient sought; `family` is a birth name or a usual one, `birth_date` YYYY to YYYYMMDD."""

    family: str = field(repr=False)
    given: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    city: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuery:
    """Who is sought."""

    head: Head
    query_id: Identifier
    sought: SoughtTraits = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Those who are found, and the query again."""

    head: Head
    acknowledgement: Acknowledgement
    query_id: Identifier
    sought: SoughtTraits = field(repr=False)
    found: ResponseCode
    patients: tuple[Patient, ...] = field(default=(), repr=False)


def read_candidate_query(message: etree._Element) -> CandidateQuery:
    """Read a PRPA_IN201305UV02."""
    query = required(message, HL7V3, "controlActProcess/queryByParameter")
    return CandidateQuery(
        head=read_head(message, FIND_CANDIDATES),
        query_id=read_identifier(required(query, HL7V3, "queryId")),
        sought=_read_sought(query),
    )


def write_candidate_query(query: CandidateQuery) -> bytes:
    """Write a PRPA_IN201305UV02."""
    act = _act("PRPA_TE201305UV02", _written_query(query.query_id, query.sought))
    return write_message(FIND_CANDIDATES, query.head, act, request=True)


def read_candidates(message: etree._Element) -> Candidates:
    """Read a PRPA_IN201306UV02."""
    act = required(message, HL7V3, "controlActProcess")
    ack = required(act, HL7V3, "queryAck")
    return Candidates(
        head=read_head(message, CANDIDATES),
        acknowledgement=read_acknowledgement(message),
        query_id=read_identifier(required(ack, HL7V3, "queryId")),
        sought=_read_sought(required(act, HL7V3, "queryByParameter")),
        found=member(ResponseCode, value_of(required(ack, HL7V3, "queryResponseCode"), "code"), "queryResponseCode"),
        patients=tuple(read_patient(one) for one in several(act, HL7V3, "subject/registrationEvent/subject1/patient")),
    )


def write_candidates(answer: Candidates) -> bytes:
    """Write a PRPA_IN201306UV02; every candidate has every trait that was asked for."""
    count = str(len(answer.patients))
    ack = element(
        "queryAck",
        write_identifier("queryId", answer.query_id),
        stated("queryResponseCode", answer.found.value, "code"),
        stated("resultTotalQuantity", count),
        stated("resultCurrentQuantity", count),
        stated("resultRemainingQuantity", "0"),
    )
    subjects = "".join(_written_candidate(one) for one in answer.patients)
    act = _act("PRPA_TE201306UV02", subjects, ack, _written_query(answer.query_id, answer.sought))
    acknowledgement = write_acknowledgement(answer.acknowledgement, code_element=True)
    return write_message(CANDIDATES, answer.head, acknowledgement, act, request=False)


def _act(trigger: str, *content: str) -> str:
    code = stated("code", trigger, "code", codeSystem=INTERACTIONS)
    return element("controlActProcess", code, *content, classCode="CACT", moodCode="EVN")


def _read_sought(query: etree._Element) -> SoughtTraits:
    parameters = required(query, HL7V3, "parameterList")
    others = [one for one in parameters.iterchildren(etree.Element) if one.tag not in _TAGS]
    if others:
        raise MessageRefused(f"a parameter is none of {', '.join(_KNOWN)}")
    name = required(parameters, HL7V3, "livingSubjectName/value")
    address = optional(parameters, HL7V3, "patientAddress/value")
    sought = SoughtTraits(
        family=text_of(required(name, HL7V3, "family")),
        given=text_of(optional(name, HL7V3, "given")),
        birth_date=value_of(optional(parameters, HL7V3, "livingSubjectBirthTime/value")),
        sex=value_of(optional(parameters, HL7V3, "livingSubjectAdministrativeGender/value"), "code"),
        postal_code="" if address is None else text_of(optional(address, HL7V3, "postalCode")),
        city="" if address is None else text_of(optional(address, HL7V3, "city")),
    )
    if not sought.family:
        raise MessageRefused("the family name is empty")
    if sought.birth_date and not _BIRTH.fullmatch(sought.birth_date):
        raise MessageRefused("the birth date has not four to eight digits")
    return sought


_TAGS: Final = frozenset(f"{{{HL7V3}}}{name}" for name in _KNOWN)


def _written_query(query_id: Identifier, sought: SoughtTraits) -> str:
    name = element("value", text("given", sought.given), text("family", sought.family))
    address = text("postalCode", sought.postal_code) + text("city", sought.city)
    parameters = element(
        "parameterList",
        _parameter(
            "livingSubjectAdministrativeGender",
            stated("value", sought.sex, "code"),
            "LivingSubject.administrativeGender",
        ),
        _parameter("livingSubjectBirthTime", stated("value", sought.birth_date), "LivingSubject.birthTime"),
        _parameter("livingSubjectName", name, "LivingSubject.name"),
        _parameter("patientAddress", element("value", address) if address else "", "Patient.addr"),
    )
    return element(
        "queryByParameter", write_identifier("queryId", query_id), stated("statusCode", "new", "code"), parameters
    )


def _parameter(name: str, value: str, semantics: str) -> str:
    return element(name, value, text("semanticsText", semantics)) if value else ""


def _written_candidate(patient: Patient) -> str:
    subject = element("subject1", write_patient(patient, candidate=True), typeCode="SBJ")
    registration = element(
        "registrationEvent",
        stated("statusCode", "active", "code"),
        subject,
        write_custodian(),
        classCode="REG",
        moodCode="EVN",
    )
    return element("subject", registration, typeCode="SUBJ", contextConductionInd="false")
