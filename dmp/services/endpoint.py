"""The four services and their addresses: patients, patientsSpecific, patientsPDQ, habilitations."""

from __future__ import annotations

from typing import Any, Final

from dmp.services import accounts, demographics, finding, habilitations, registration
from dmp.services import vocabulary as v
from dmp.services.conversation import Conversation, Setting, converse
from dmp.services.messages.operations.accounts import CREATE, RENEW, UPDATE_CHANNEL
from dmp.services.messages.operations.habilitations import LIST_AUTHORISATIONS, SET_AUTHORISATION
from dmp.services.messages.operations.record_list import PATIENT_LIST
from schemas.schema_files import (
    DMP_HABILITATIONS_WSDL,
    DMP_PATIENTS_PDQ_WSDL,
    DMP_PATIENTS_SPECIFIC_WSDL,
    DMP_PATIENTS_WSDL,
    XSD_DIRECTORY,
)
from schemas.vocabulary import HL7V3
from soap.message import IncomingMessage, Operation, Reply
from soap.service import Service

#: Where the DMP has its services; each answers under its bare name too.
BASE: Final = "/si-dmp-server/v2/services"


def record_services(setting: Setting) -> dict[str, Service]:
    """The services by path."""

    def operation(name: str, action: str, reply_action: str, body: str, conversation: Conversation[Any]) -> Operation:
        def handle(message: IncomingMessage) -> Reply:
            return converse(setting, conversation, message)

        return Operation(name, action, reply_action, body, mtom=False, handler=handle, binaries=frozenset())

    def interaction(name: str, asked: str, reply_action: str, conversation: Conversation[Any]) -> Operation:
        return operation(name, v.interaction_action(asked), reply_action, f"{{{HL7V3}}}{asked}", conversation)

    def of_patients(name: str, conversation: Conversation[Any]) -> Operation:
        action = v.patients_action(name)
        return operation(name, action, f"{action}Response", f"{{{v.PATIENTS}}}{name}", conversation)

    def of_habilitations(name: str, conversation: Conversation[Any]) -> Operation:
        action = v.habilitations_action(name)
        return operation(name, action, f"{action}Response", f"{{{v.HABILITATIONS}}}{name}", conversation)

    registering = registration.registration()
    services = {
        "patients": Service(
            "GestionDossierPatientPartage",
            v.GDP,
            (
                interaction(
                    f"PatientGetDemographics_{v.QUERY}",
                    v.QUERY,
                    v.interaction_action(v.QUERY_ANSWER),
                    demographics.demographics(),
                ),
                interaction(f"PatientAdd_{v.ADD}", v.ADD, f"{HL7V3}:PRPA_IN201311ResponseUV02", registering),
                interaction(f"PatientRevise_{v.REVISE}", v.REVISE, f"{HL7V3}:PRPA_IN201314ResponseUV02", registering),
            ),
            DMP_PATIENTS_WSDL,
            XSD_DIRECTORY,
        ),
        "patientsSpecific": Service(
            "PatientsSpecific",
            v.PATIENTS,
            (
                of_patients(PATIENT_LIST, finding.list_records()),
                of_patients(CREATE, accounts.create_access()),
                of_patients(UPDATE_CHANNEL, accounts.update_channel()),
                of_patients(RENEW, accounts.renew_access()),
            ),
            DMP_PATIENTS_SPECIFIC_WSDL,
            XSD_DIRECTORY,
        ),
        "patientsPDQ": Service(
            "PDQSupplier",
            v.PDQ,
            (
                interaction(
                    "findCandidatesQuery",
                    v.FIND_CANDIDATES,
                    v.interaction_action(v.CANDIDATES),
                    finding.find_candidates(),
                ),
            ),
            DMP_PATIENTS_PDQ_WSDL,
            XSD_DIRECTORY,
        ),
        "habilitations": Service(
            "Habilitations",
            v.HABILITATIONS,
            (
                of_habilitations(SET_AUTHORISATION, habilitations.set_authorisation()),
                of_habilitations(LIST_AUTHORISATIONS, habilitations.list_authorisations()),
            ),
            DMP_HABILITATIONS_WSDL,
            XSD_DIRECTORY,
        ),
    }
    return {f"{base}/{name}": service for name, service in services.items() for base in (BASE, "")}
