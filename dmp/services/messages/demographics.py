"""PRPA_IN201307UV02 and PRPA_IN201308UV02: the existence test (TD0.2) and the administrative data (TD1.3a)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from dmp.services.messages.closing import Closing, read_closing, write_closing
from dmp.services.messages.patient import Patient, read_identifier, read_patient, write_patient
from dmp.services.messages.reading import MessageRefused, boolean, member, optional, required, several, value_of
from dmp.services.messages.wrapper import (
    Acknowledgement,
    Head,
    Identifier,
    read_acknowledgement,
    read_head,
    write_acknowledgement,
    write_custodian,
    write_identifier,
    write_message,
)
from dmp.services.messages.wrapper import read_identifier as read_ii
from dmp.services.messages.writing import boolean as write_boolean
from dmp.services.messages.writing import element, stated, text, typed
from dmp.services.vocabulary import (
    AUTHORISATION_KEYWORD,
    AUTHORISATION_VALUES,
    QUERY,
    QUERY_ANSWER,
    REASONS,
    TREATING_KEYWORD,
    Reason,
    ResponseCode,
)
from schemas.datatypes import Cx
from schemas.vocabulary import HL7V3

_AUTHORISATION: Final = "AUTORISATION"
_TREATING: Final = "STATUT_MT"
_REASONS: Final = (Reason.TEST_EXISTENCE, Reason.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemographicsQuery:
    """What is asked about one patient: whether there is a record, or what is kept in its sheet."""

    head: Head
    reason: Reason
    query_id: Identifier
    patient: Cx = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demographics:
    """The answer: `authorisation` and `treating` tell how the caller stands; `closing` why a closed record is."""

    head: Head
    acknowledgement: Acknowledgement
    reason: Reason
    query_id: Identifier
    found: ResponseCode
    authorisation: str = ""
    treating: bool | None = None
    patient: Patient | None = field(default=None, repr=False)
    closing: Closing | None = None


def read_query(message: etree._Element) -> DemographicsQuery:
    """Read a PRPA_IN201307UV02."""
    act = required(message, HL7V3, "controlActProcess")
    reason = read_reason(act)
    if reason not in _REASONS:
        raise MessageRefused("reasonCode is neither TEST_EXST nor CNSLT_DATA")
    query = required(act, HL7V3, "queryByParameter")
    return DemographicsQuery(
        head=read_head(message, QUERY),
        reason=reason,
        query_id=read_ii(required(query, HL7V3, "queryId")),
        patient=read_identifier(required(query, HL7V3, "parameterList/patientIdentifier/value")),
    )


def write_query(query: DemographicsQuery) -> bytes:
    """Write a PRPA_IN201307UV02."""
    parameter = element(
        "patientIdentifier",
        stated("value", query.patient.id, "extension", root=query.patient.authority),
        text("semanticsText", "Patient.id"),
    )
    asked = element(
        "queryByParameter",
        write_identifier("queryId", query.query_id),
        stated("statusCode", "new", "code"),
        element("parameterList", parameter),
    )
    act = element("controlActProcess", write_reason(query.reason), asked, classCode="CACT", moodCode="EVN")
    return write_message(QUERY, query.head, act, request=True)


def read_demographics(message: etree._Element) -> Demographics:
    """Read a PRPA_IN201308UV02."""
    act = required(message, HL7V3, "controlActProcess")
    ack = required(act, HL7V3, "queryAck")
    patient = optional(act, HL7V3, "subject/registrationEvent/subject1/patient")
    lines = _attention_lines(message)
    treating = lines.get(_TREATING)
    return Demographics(
        head=read_head(message, QUERY_ANSWER),
        acknowledgement=read_acknowledgement(message),
        reason=read_reason(act),
        query_id=read_ii(required(ack, HL7V3, "queryId")),
        found=member(ResponseCode, value_of(required(ack, HL7V3, "queryResponseCode"), "code"), "queryResponseCode"),
        authorisation=value_of(lines.get(_AUTHORISATION), "code"),
        treating=boolean(treating),
        patient=None if patient is None else read_patient(patient),
        closing=read_closing(act),
    )


def write_demographics(answer: Demographics) -> bytes:
    """Write a PRPA_IN201308UV02."""
    subject = "" if answer.patient is None else write_subject(write_patient(answer.patient))
    ack = element(
        "queryAck",
        write_identifier("queryId", answer.query_id),
        stated("queryResponseCode", answer.found.value, "code"),
    )
    act = element(
        "controlActProcess",
        write_reason(answer.reason),
        subject,
        write_closing(answer.closing),
        ack,
        classCode="CACT",
        moodCode="EVN",
    )
    lines = _written_lines(answer.authorisation, answer.treating)
    acknowledgement = write_acknowledgement(answer.acknowledgement)
    return write_message(QUERY_ANSWER, answer.head, lines, acknowledgement, act, request=False)


def read_reason(act: etree._Element) -> Reason:
    """Why a message is sent."""
    code = required(act, HL7V3, "reasonCode")
    if value_of(code, "codeSystem") != REASONS:
        raise MessageRefused("reasonCode is of another code system")
    return member(Reason, value_of(code, "code"), "reasonCode")


def write_reason(reason: Reason) -> str:
    """Why a message is sent."""
    return stated("reasonCode", reason.value, "code", codeSystem=REASONS, displayName=reason.display_name)


def write_subject(patient: str) -> str:
    """The registration that an answer is about, with the DMP as custodian."""
    subject = element("subject1", patient, typeCode="SBJ")
    registration = element(
        "registrationEvent",
        stated("statusCode", "completed", "code"),
        subject,
        write_custodian(),
        classCode="REG",
        moodCode="EVN",
    )
    return element("subject", registration, typeCode="SUBJ", contextConductionInd="false")


def _attention_lines(message: etree._Element) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    for line in several(message, HL7V3, "attentionLine"):
        keyword = value_of(required(line, HL7V3, "keyWordText"), "code")
        if keyword in found:
            raise MessageRefused("an attentionLine is stated twice")
        found[keyword] = required(line, HL7V3, "value")
    return found


def _written_lines(authorisation: str, treating: bool | None) -> str:
    lines = ""
    if authorisation:
        keyword = stated("keyWordText", _AUTHORISATION, "code", codeSystem=AUTHORISATION_KEYWORD)
        lines += element(
            "attentionLine", keyword, typed("value", "CV", authorisation, "code", codeSystem=AUTHORISATION_VALUES)
        )
    if treating is not None:
        keyword = stated("keyWordText", _TREATING, "code", codeSystem=TREATING_KEYWORD)
        lines += element("attentionLine", keyword, write_boolean("value", treating))
    return lines
