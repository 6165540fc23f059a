"""PRPA_IN201311UV02 (TD1.1) and PRPA_IN201314UV02 (TD1.2, TD1.3b, TD1.4), and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from dmp.services.messages.closing import Closing, read_closing, write_closing
from dmp.services.messages.demographics import read_reason, write_reason, write_subject
from dmp.services.messages.patient import Patient, read_patient, write_patient
from dmp.services.messages.people import Author, read_author, write_author
from dmp.services.messages.reading import MessageRefused, optional, required
from dmp.services.messages.wrapper import (
    Acknowledgement,
    Head,
    read_acknowledgement,
    read_head,
    write_acknowledgement,
    write_message,
)
from dmp.services.messages.writing import element, stated
from dmp.services.vocabulary import (
    ADD,
    ADD_ACCEPTED,
    ADD_REFUSED,
    GDP,
    REVISE,
    REVISE_ACCEPTED,
    REVISE_REFUSED,
    Reason,
)
from schemas.vocabulary import HL7V3


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A request about one record: to open it (CREA_RD), or to reactivate, amend or close it."""

    head: Head
    reason: Reason
    patient: Patient = field(repr=False)
    author: Author
    closing: Closing | None = None

    @property
    def interaction(self) -> str:
        """PRPA_IN201311UV02 to open, PRPA_IN201314UV02 for the others."""
        return ADD if self.reason is Reason.CREATE else REVISE


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationAnswer:
    """Whether it was done, and the patient as then known. `reason` is the request's."""

    head: Head
    acknowledgement: Acknowledgement
    reason: Reason
    patient: Patient | None = field(default=None, repr=False)

    @property
    def interaction(self) -> str:
        """The interaction inside: accepted or refused, of an addition or of a revision."""
        accepted, refused = _ANSWERS[self.reason is Reason.CREATE]
        return accepted if self.acknowledgement.accepted else refused


_ANSWERS = {True: (ADD_ACCEPTED, ADD_REFUSED), False: (REVISE_ACCEPTED, REVISE_REFUSED)}


def read_registration(message: etree._Element) -> Registration:
    """Read a PRPA_IN201311UV02 or a PRPA_IN201314UV02, which its element names."""
    interaction = ADD if message.tag == f"{{{HL7V3}}}{ADD}" else REVISE
    act = required(message, HL7V3, "controlActProcess")
    reason = read_reason(act)
    if (reason is Reason.CREATE) != (interaction == ADD) or reason in (Reason.TEST_EXISTENCE, Reason.READ):
        raise MessageRefused("reasonCode does not belong to this interaction")
    request = required(act, HL7V3, "subject/registrationRequest")
    patient = read_patient(required(request, HL7V3, "subject1/patient"))
    if not patient.identifiers:
        raise MessageRefused("the patient has no id")
    return Registration(
        head=read_head(message, interaction),
        reason=reason,
        patient=patient,
        author=read_author(request),
        closing=read_closing(act),
    )


def write_registration(registration: Registration) -> bytes:
    """Write a PRPA_IN201311UV02 or a PRPA_IN201314UV02."""
    request = element(
        "registrationRequest",
        stated("statusCode", "active", "code"),
        element("subject1", write_patient(registration.patient), typeCode="SBJ"),
        write_author(registration.author),
        classCode="REG",
        moodCode="RQO",
    )
    act = element(
        "controlActProcess",
        write_reason(registration.reason),
        element("subject", request, typeCode="SUBJ", contextConductionInd="false"),
        write_closing(registration.closing),
        classCode="CACT",
        moodCode="EVN",
    )
    return write_message(registration.interaction, registration.head, act, request=True)


def read_registration_answer(response: etree._Element) -> RegistrationAnswer:
    """Read a `PRPA_IN201311UV02_Response` or a `PRPA_IN201314UV02_Response`."""
    inside = [
        (name, found)
        for name in (ADD_ACCEPTED, ADD_REFUSED, REVISE_ACCEPTED, REVISE_REFUSED)
        if (found := optional(response, HL7V3, name)) is not None
    ]
    if len(inside) != 1:
        raise MessageRefused("the response holds no interaction, or several")
    name, message = inside[0]
    act = required(message, HL7V3, "controlActProcess")
    patient = optional(act, HL7V3, "subject/registrationEvent/subject1/patient")
    answer = RegistrationAnswer(
        head=read_head(message, name),
        acknowledgement=read_acknowledgement(message),
        reason=read_reason(act),
        patient=None if patient is None else read_patient(patient),
    )
    if answer.interaction != name:
        raise MessageRefused("the acknowledgement does not fit the interaction")
    return answer


def write_registration_answer(answer: RegistrationAnswer) -> bytes:
    """Write the response of an addition or a revision, in its wrapping element."""
    act = element(
        "controlActProcess",
        write_reason(answer.reason),
        "" if answer.patient is None else write_subject(write_patient(answer.patient)),
        classCode="CACT",
        moodCode="EVN",
    )
    message = write_message(
        answer.interaction, answer.head, write_acknowledgement(answer.acknowledgement), act, request=False
    )
    wrapper = f"{ADD if answer.reason is Reason.CREATE else REVISE}_Response"
    return b"".join((f'<g:{wrapper} xmlns:g="{GDP}">'.encode(), message, f"</g:{wrapper}>".encode()))
