"""Names of SAML 2.0, XML Signature and the VIHF (CI-SIS, transport layer, and the DMP's use of it)."""

from __future__ import annotations

import enum
from typing import Final

SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
HL7: Final = "urn:hl7-org:v3"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

ENVELOPE: Final = f"{{{SOAP12}}}Envelope"
HEADER: Final = f"{{{SOAP12}}}Header"
SECURITY: Final = f"{{{WSSE}}}Security"
ASSERTION: Final = f"{{{SAML}}}Assertion"
ISSUER: Final = f"{{{SAML}}}Issuer"
SIGNATURE: Final = f"{{{DS}}}Signature"

X509_SUBJECT_NAME: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"

#: Code systems (OIDs of the NOS)
PROFESSIONS: Final = "1.2.250.1.71.1.2.7"  # TRE_G15
FUTURE_PROFESSIONS: Final = "1.2.250.1.71.1.2.8"  # TRE_G16, those in training
SPECIALITIES: Final = "1.2.250.1.71.4.2.5"  # TRE_R38 and the other savoir-faire
NOT_PROFESSIONALS: Final = "1.2.250.1.213.1.1.4.6"  # TRE_A00: automata, secretariats
SECTORS: Final = "1.2.250.1.71.4.2.4"  # TRE_R02
PURPOSES: Final = "1.2.250.1.213.1.1.4.248"  # TRE_R248
#: Of those whose profession alone does not say what they may do, a savoir-faire is asked for: doctors, pharmacists.
SPECIALISED_PROFESSIONS: Final = frozenset({"10", "21"})

DMP_RESOURCE: Final = "urn:dmp"
SECRET_CONNECTION: Final = "INVISIBLE_REPRESENTANTS_LEGAUX"  # noqa: S105 (a code, not a secret)
BROWSER: Final = "APP_BROWSER_AUTH"  # AuthnContextDecl of the reinforced indirect mode


class VihfVersion(enum.StrEnum):
    """The versions of the VIHF that are spoken here."""

    V2_0 = "2.0"
    V3_0 = "3.0"


class AttributeName(enum.StrEnum):
    """Attribute/@Name on the wire."""

    VERSION = "VIHF_Version"
    MODE = "Authentification_Mode"
    STRUCTURE = "Identifiant_Structure"
    SECTOR = "Secteur_Activite"
    ROLE = "urn:oasis:names:tc:xacml:2.0:subject:role"
    SUBJECT = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
    RESOURCE = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
    RESOURCE_URN = "Ressource_URN"
    PURPOSE = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
    PURPOSE_REASON = "Mode_Acces_Raison"
    CONFIDENTIALITY = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
    SOFTWARE = "LPS_Nom"
    SOFTWARE_VERSION = "LPS_Version"
    SOFTWARE_ID = "LPS_ID"
    HOMOLOGATION = "LPS_ID_HOMOLOGATION_DMP"
