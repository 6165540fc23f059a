"""What a CDA document says of itself, as the metadata of its submission.

This is a demo's reading of well-made documents of the French framework; a production source fills the metadata itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from feuillet.demo.identities import HOSPITAL
from schemas.datatypes import Cx, Dtm, LanguageTag, MimeType, Oid, SourcePatientInfoItem, UniqueId, Xcn, Xon
from schemas.datatypes.hl7 import escape
from schemas.metadata import (
    Association,
    Author,
    CodedValue,
    DocumentEntry,
    EntryId,
    LocalizedText,
    Submission,
    SubmissionSet,
)
from schemas.vocabulary import AssociationType, DocumentEntryType
from soap.xml import parse_trusted

DOCUMENT: Final = EntryId("Document01")
_SET: Final = EntryId("SubmissionSet01")
_CDA: Final = {"c": "urn:hl7-org:v3"}
_SOURCE: Final = Oid("1.2.250.1.213.4.1.1.1.1")
_FRENCH: Final = "fr-FR"
_CLASS_SCHEME: Final = "1.2.250.1.213.1.1.4.1"
#: The national authorities of patient identities: INS-NIR, INS-NIA, and the one for tests.
_PATIENT_AUTHORITIES: Final = ("1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10")
_REPORT: Final = ("10", "Compte rendu")
_CLASSES: Final = {
    "SYNTH": ("11", "Synthèse"),
    "34133-9": ("11", "Synthèse"),
    "89235-6": ("11", "Synthèse"),
    "57833-6": ("42", "Prescription"),
    "60593-1": ("43", "Dispensation"),
    "87273-9": ("45", "Traitement administré"),
}
# The document's form is said well enough by its media type.
_FORMAT: Final = CodedValue(
    "urn:ihe:iti:xds:2017:mimeTypeSufficient",
    "1.3.6.1.4.1.19376.1.2.3",
    (LocalizedText("Format identified by mimeType", "en"),),
)
_CONTENT_TYPE: Final = CodedValue("03", "1.2.250.1.213.2.2", (LocalizedText("Hospitalisation de jour", _FRENCH),))


#: Who files: the demo's hospital, for whoever wrote.
_FILER: Final = Author(
    institutions=(Xon.parse(f"Hôpital de démonstration^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{HOSPITAL}"),)
)


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    """A CDA document, and the submission that announces it."""

    content: bytes
    submission: Submission

    @property
    def patient(self) -> Cx:
        patient = self.submission.document_entries[0].patient_id
        assert patient is not None  # noqa: S101 - `read` states one
        return patient

    @property
    def family_and_given_name(self) -> tuple[str, str]:
        """The patient's name, empty where the document has none."""
        header = parse_trusted(self.content)
        family = _text(header, "c:recordTarget/c:patientRole/c:patient/c:name/c:family")
        return family, _text(header, "c:recordTarget/c:patientRole/c:patient/c:name/c:given")

    @property
    def birth_date(self) -> str:
        """YYYYMMDD; empty where the document does not tell."""
        born = parse_trusted(self.content).find("c:recordTarget/c:patientRole/c:patient/c:birthTime", _CDA)
        value = "" if born is None else born.get("value", "")[:8]
        return value if len(value) == 8 and value.isdigit() else ""


def read(content: bytes) -> ClinicalDocument:
    """The submission of a document. The same document always makes the same submission: sent twice, it is kept once.

    Raises `ValueError` (or lxml's syntax error, which is one) when the document's header does not say what is needed.
    """
    header = parse_trusted(content)
    patient, unique_id = _patient(header), _only(header, "c:id").get("root", "")
    created = _utc(_only(header, "c:effectiveTime").get("value", ""))
    author = _author(header)
    title = (LocalizedText(_text(header, "c:title") or "Document", _FRENCH),)
    kind = _only(header, "c:code")
    entry = DocumentEntry(
        entry_uuid=DOCUMENT,
        object_type=DocumentEntryType.STABLE,
        mime_type=MimeType("text/xml"),
        title=title,
        authors=(author, _FILER),
        class_code=_class(kind),
        type_code=_coded(kind),
        format_code=_FORMAT,
        healthcare_facility_type_code=_coded(
            _only(header, "c:componentOf/c:encompassingEncounter/c:location/c:healthCareFacility/c:code")
        ),
        practice_setting_code=_coded(_only(header, ".//c:standardIndustryClassCode")),
        confidentiality_codes=(_coded(_only(header, "c:confidentialityCode")),),
        creation_time=created,
        language_code=LanguageTag(_only(header, "c:languageCode").get("code", _FRENCH)),
        patient_id=patient,
        source_patient_id=patient,
        source_patient_info=tuple(_patient_info(header)),
        unique_id=UniqueId.parse(unique_id),
    )
    submission_set = SubmissionSet(
        entry_uuid=_SET,
        title=title,
        authors=(author, _FILER),
        content_type_code=_CONTENT_TYPE,
        patient_id=patient,
        source_id=_SOURCE,
        submission_time=created,
        unique_id=UniqueId.parse(f"{unique_id}.41"),
    )
    member = Association(
        entry_uuid=EntryId("Association01"),
        association_type=AssociationType.HAS_MEMBER,
        source=_SET,
        target=DOCUMENT,
        submission_set_status="Original",
    )
    return ClinicalDocument(
        content, Submission(submission_sets=(submission_set,), document_entries=(entry,), associations=(member,))
    )


def _only(header: etree._Element, path: str) -> etree._Element:
    found = header.find(path, _CDA)
    if found is None:
        raise ValueError(f"the document's header has no {path}")
    return found


def _text(element: etree._Element, path: str) -> str:
    found = element.find(path, _CDA)
    return "" if found is None else " ".join("".join(str(text) for text in found.itertext()).split())


def _patient(header: etree._Element) -> Cx:
    for identifier in header.iterfind("c:recordTarget/c:patientRole/c:id", _CDA):
        if identifier.get("root") in _PATIENT_AUTHORITIES:
            return Cx.of(identifier.get("extension", ""), identifier.get("root", ""))
    raise ValueError("the document's patient has no national identity")


def _patient_info(header: etree._Element) -> Iterator[SourcePatientInfoItem]:
    person = _only(header, "c:recordTarget/c:patientRole/c:patient")
    family, given = _text(person, "c:name/c:family"), _text(person, "c:name/c:given")
    if family:
        yield SourcePatientInfoItem.parse(f"PID-5|{escape(family)}^{escape(given)}^^^^^L")
    born = person.find("c:birthTime", _CDA)
    if born is not None and born.get("value", "").isdigit():
        yield SourcePatientInfoItem.parse(f"PID-7|{born.get('value', '')[:8]}")


def _author(header: etree._Element) -> Author:
    role = _only(header, "c:author/c:assignedAuthor")
    family, given = _text(role, "c:assignedPerson/c:name/c:family"), _text(role, "c:assignedPerson/c:name/c:given")
    institution = _text(role, "c:representedOrganization/c:name")
    return Author(
        person=Xcn.parse(f"^{escape(family)}^{escape(given)}") if family else None,
        institutions=(Xon.parse(escape(institution)),) if institution else (),
    )


def _coded(element: etree._Element) -> CodedValue:
    code = element.get("code", "")
    name = LocalizedText(element.get("displayName", code), _FRENCH)
    return CodedValue(code, element.get("codeSystem", ""), (name,))


def _class(kind: etree._Element) -> CodedValue:
    code, name = _CLASSES.get(kind.get("code", ""), _REPORT)
    return CodedValue(code, _CLASS_SCHEME, (LocalizedText(name, _FRENCH),))


def _utc(time: str) -> Dtm:
    """A CDA time (`YYYYMMDDhhmmss+zzzz`) in UTC; without a zone it is taken as it stands."""
    if "+" not in time and "-" not in time:
        return Dtm.parse(time[:14])
    return Dtm.parse(datetime.strptime(time, "%Y%m%d%H%M%S%z").astimezone(UTC).strftime("%Y%m%d%H%M%S"))
