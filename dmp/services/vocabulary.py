"""Names fixed by the DMP's own services: namespaces, OIDs, codes, the actions of WS-Addressing.

Source: GIE SESAM-Vitale, DMP: interfaces LPS (WSDL gdp, patients, habilitations); HL7 V3 Normative Edition 2009 (PRPA);
ITI TF-2: 3.47 (Patient Demographics Query HL7 V3).
"""

from __future__ import annotations

import enum
from typing import Final

from schemas.vocabulary import HL7V3

GDP: Final = "asip:ci-sis:gdp:2010"
PATIENTS: Final = "urn:si-dmp-patients"
HABILITATIONS: Final = "urn:si-dmp-habilitations"
PDQ: Final = "urn:ihe:iti:pdqv3:2007"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

# Interactions of HL7 V3
QUERY: Final = "PRPA_IN201307UV02"
QUERY_ANSWER: Final = "PRPA_IN201308UV02"
ADD: Final = "PRPA_IN201311UV02"
ADD_ACCEPTED: Final = "PRPA_IN201312UV02"
ADD_REFUSED: Final = "PRPA_IN201313UV02"
REVISE: Final = "PRPA_IN201314UV02"
REVISE_ACCEPTED: Final = "PRPA_IN201315UV02"
REVISE_REFUSED: Final = "PRPA_IN201316UV02"
FIND_CANDIDATES: Final = "PRPA_IN201305UV02"
CANDIDATES: Final = "PRPA_IN201306UV02"


def interaction_action(interaction: str) -> str:
    """wsa:Action of an interaction: `urn:hl7-org:v3:PRPA_IN201307UV02`."""
    return f"{HL7V3}:{interaction}"


def patients_action(operation: str) -> str:
    """wsa:Action of an operation of patientsSpecific."""
    return f"{PATIENTS}:PatientSpecificEndPoint:{operation}"


def habilitations_action(operation: str) -> str:
    """wsa:Action of an operation of habilitations."""
    return f"{HABILITATIONS}:HabilitationsEndPoint:{operation}"


INTERACTIONS: Final = "2.16.840.1.113883.1.6"
REASONS: Final = "1.2.250.1.213.1.1.4.11"
#: The DMP as a device, and as custodian of the records.
DMP: Final = "1.2.250.1.213.4.1.1.1"
DMP_MESSAGES: Final = "1.2.250.1.213.4.1.1.1.1"
OBSERVATIONS: Final = "1.2.250.1.213.4.1.2.3"
CLOSING_REASONS: Final = "1.2.250.1.213.4.1.2.4"
CONTACT_PARTIES: Final = "1.2.250.1.213.4.1.2.5"
AUTHORISATION_KEYWORD: Final = "1.2.250.1.213.4.1.2.6.1"
AUTHORISATION_VALUES: Final = "1.2.250.1.213.4.1.2.6.2"
TREATING_KEYWORD: Final = "1.2.250.1.213.4.1.2.6.3"
INTERNET_ACCOUNT: Final = "1.2.250.1.213.4.1.2.9"
RELATIONSHIPS: Final = "2.16.840.1.113883.1.11.19579"
PROFESSIONALS: Final = "1.2.250.1.71.4.2.1"
STRUCTURES: Final = "1.2.250.1.71.4.2.2"
SPECIALITIES: Final = "1.2.250.1.213.1.1.4.5"

VITALE_CARD: Final = "CARTE_SESAM_VITALE"


class Reason(enum.StrEnum):
    """Why a message of patient administration is sent (1.2.250.1.213.1.1.4.11)."""

    TEST_EXISTENCE = "TEST_EXST"
    READ = "CNSLT_DATA"
    CREATE = "CREA_RD"
    REACTIVATE = "REAC"
    AMEND = "MODIF_DATA"
    CLOSE = "FERM"

    @property
    def display_name(self) -> str:
        """Its name, as the terminology has it."""
        return _REASON_NAMES[self]


_REASON_NAMES: Final = {
    Reason.TEST_EXISTENCE: "Test d'existence de dossier",
    Reason.READ: "Consultation des données de gestion de dossier",
    Reason.CREATE: "Création de dossier",
    Reason.REACTIVATE: "Réactivation de dossier",
    Reason.AMEND: "Modification des données de gestion du dossier",
    Reason.CLOSE: "Fermeture de dossier",
}


class ObservationCode(enum.StrEnum):
    """What is stated about a patient beside the traits (1.2.250.1.213.4.1.2.3 and .9).

    The last three are ours, in the same code system's manner and optional: what the DMP's messages leave unsaid of a
    reading of the Vitale card.
    """

    OPENING_CONSENT = "CONSENTEMENT_OUVERTURE_DMP"
    REACTIVATION_CONSENT = "CONSENTEMENT_REACTIVATION_DMP"
    BREAK_GLASS_OPPOSITION = "OPPOSITION_BRIS_DE_GLACE"
    REGULATION_OPPOSITION = "OPPOSITION_ACCES_URGENCE"
    INTERNET_ACCOUNT = "COMPTE_INTERNET_OUVERT"
    ATTACHED_TO_ENS = "RATTACHEMENT_ENS"
    DEPENDANT = "VITALE_AYANT_DROIT"  # whether the card is somebody else's
    REGIME = "VITALE_REGIME"  # two digits
    DEFERRAL = "VITALE_UTILISATION_DIFFEREE"  # why the reading is used later than it was made

    @property
    def system(self) -> str:
        """The OID of its code system; empty for ours."""
        if self is ObservationCode.INTERNET_ACCOUNT:
            return INTERNET_ACCOUNT
        return "" if self.name in ("DEPENDANT", "REGIME", "DEFERRAL") else OBSERVATIONS


class PatientStatus(enum.StrEnum):
    """statusCode of a patient: whether the record is open or closed."""

    ACTIVE = "active"
    CLOSED = "terminated"


class Status(enum.StrEnum):
    """The codes that a business answer bears when nothing is wrong; what is wrong has its class in `dmp.errors`."""

    OK = "DMPOk"


class ResponseCode(enum.StrEnum):
    """queryResponseCode (2.16.840.1.113883.5.1067)."""

    FOUND = "OK"
    NOT_FOUND = "NF"
    ERROR = "AE"
