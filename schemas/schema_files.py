"""Where the XML schemas, the WSDL, the value sets and the affinity domains of this package lie on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent

XSD_DIRECTORY: Final = _PACKAGE / "xsd"
WSDL_DIRECTORY: Final = _PACKAGE / "wsdl"
VALUE_SET_DIRECTORY: Final = _PACKAGE / "valuesets"
AFFINITY_DOMAIN_DIRECTORY: Final = _PACKAGE / "affinity"

XML_XSD: Final = XSD_DIRECTORY / "xml.xsd"
RIM_XSD: Final = XSD_DIRECTORY / "rim.xsd"
RS_XSD: Final = XSD_DIRECTORY / "rs.xsd"
LCM_XSD: Final = XSD_DIRECTORY / "lcm.xsd"
QUERY_XSD: Final = XSD_DIRECTORY / "query.xsd"
XDSB_XSD: Final = XSD_DIRECTORY / "xdsb.xsd"
RMD_XSD: Final = XSD_DIRECTORY / "rmd.xsd"
HL7V3_XSD: Final = XSD_DIRECTORY / "hl7v3.xsd"
DMP_GDP_XSD: Final = XSD_DIRECTORY / "dmp_gdp.xsd"
DMP_HABILITATIONS_XSD: Final = XSD_DIRECTORY / "dmp_habilitations.xsd"
DMP_PATIENTS_XSD: Final = XSD_DIRECTORY / "dmp_patients.xsd"

REGISTRY_WSDL: Final = WSDL_DIRECTORY / "XDS.b_DocumentRegistry.wsdl"
REPOSITORY_WSDL: Final = WSDL_DIRECTORY / "XDS.b_DocumentRepository.wsdl"
SUBSCRIPTIONS_WSDL: Final = WSDL_DIRECTORY / "DocumentMetadataNotificationBroker.wsdl"
DMP_PATIENTS_WSDL: Final = WSDL_DIRECTORY / "DMP.Patients.wsdl"
DMP_PATIENTS_SPECIFIC_WSDL: Final = WSDL_DIRECTORY / "DMP.PatientsSpecific.wsdl"
DMP_PATIENTS_PDQ_WSDL: Final = WSDL_DIRECTORY / "DMP.PatientsPDQ.wsdl"
DMP_HABILITATIONS_WSDL: Final = WSDL_DIRECTORY / "DMP.Habilitations.wsdl"
