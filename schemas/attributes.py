"""The attribute tables of ITI TF-3: 4.2.3 as data: where each attribute lives in ebRIM, its type, how often, and when.

The codec (`schemas.ebrim`) and the registry's validation read these tables; neither knows an attribute by name.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas import vocabulary as v
from schemas.affinity_domain import CodedAttribute
from schemas.datatypes import (
    Cx,
    Cxi,
    DataTypeError,
    Dtm,
    LanguageTag,
    Oid,
    RecipientValue,
    Sha1Hash,
    SourcePatientInfoItem,
    UniqueId,
    Uri,
    Xcn,
)


class ObjectKind(enum.Enum):
    """The four kinds of objects that a submission holds."""

    DOCUMENT_ENTRY = "DocumentEntry"
    SUBMISSION_SET = "SubmissionSet"
    FOLDER = "Folder"
    ASSOCIATION = "Association"


@dataclass(frozen=True, slots=True)
class SlotAttribute:
    """An attribute held in a Slot: its slot name, the field of the model, the parser of one value."""

    name: str
    field: str
    parse: Callable[[str], Any]
    many: bool = False


@dataclass(frozen=True, slots=True)
class CodeAttribute:
    """A coded attribute held in a Classification."""

    name: str
    field: str
    scheme: str
    coded: CodedAttribute
    many: bool = False


@dataclass(frozen=True, slots=True)
class IdentifierAttribute:
    """An attribute held in an ExternalIdentifier, with the fixed text of its Name."""

    name: str
    field: str
    scheme: str
    parse: Callable[[str], Any]
    label: str


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """Every attribute of one kind of object, by place."""

    kind: ObjectKind
    slots: dict[str, SlotAttribute]
    codes: dict[str, CodeAttribute]
    identifiers: dict[str, IdentifierAttribute]
    author_scheme: str | None
    limited_metadata: str | None


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise DataTypeError("size", text, "a decimal number of bytes is expected")
    return int(text)


def _plain(text: str) -> str:
    return text


def _by_name(*attributes: SlotAttribute) -> dict[str, SlotAttribute]:
    return {a.name: a for a in attributes}


def _codes(*attributes: CodeAttribute) -> dict[str, CodeAttribute]:
    return {a.scheme: a for a in attributes}


def _identifiers(*attributes: IdentifierAttribute) -> dict[str, IdentifierAttribute]:
    return {a.scheme: a for a in attributes}


DOCUMENT_ENTRY: Final = ObjectTable(
    ObjectKind.DOCUMENT_ENTRY,
    _by_name(
        SlotAttribute("creationTime", "creation_time", Dtm.parse),
        SlotAttribute("hash", "hash", Sha1Hash.parse),
        SlotAttribute("languageCode", "language_code", LanguageTag.parse),
        SlotAttribute("legalAuthenticator", "legal_authenticator", Xcn.parse),
        SlotAttribute("repositoryUniqueId", "repository_unique_id", Oid.parse),
        SlotAttribute("serviceStartTime", "service_start_time", Dtm.parse),
        SlotAttribute("serviceStopTime", "service_stop_time", Dtm.parse),
        SlotAttribute("size", "size", _size),
        SlotAttribute("sourcePatientId", "source_patient_id", Cx.parse),
        SlotAttribute("sourcePatientInfo", "source_patient_info", SourcePatientInfoItem.parse, many=True),
        SlotAttribute("URI", "uri", Uri.parse),
        SlotAttribute(v.REFERENCE_ID_LIST_SLOT, "reference_ids", Cxi.parse, many=True),
        SlotAttribute("documentAvailability", "document_availability", _plain),
    ),
    _codes(
        CodeAttribute("classCode", "class_code", v.DOCUMENT_ENTRY_CLASS_CODE, CodedAttribute.CLASS_CODE),
        CodeAttribute("typeCode", "type_code", v.DOCUMENT_ENTRY_TYPE_CODE, CodedAttribute.TYPE_CODE),
        CodeAttribute("formatCode", "format_code", v.DOCUMENT_ENTRY_FORMAT_CODE, CodedAttribute.FORMAT_CODE),
        CodeAttribute(
            "healthcareFacilityTypeCode",
            "healthcare_facility_type_code",
            v.DOCUMENT_ENTRY_FACILITY_TYPE_CODE,
            CodedAttribute.HEALTHCARE_FACILITY_TYPE_CODE,
        ),
        CodeAttribute(
            "practiceSettingCode",
            "practice_setting_code",
            v.DOCUMENT_ENTRY_PRACTICE_SETTING_CODE,
            CodedAttribute.PRACTICE_SETTING_CODE,
        ),
        CodeAttribute(
            "confidentialityCode",
            "confidentiality_codes",
            v.DOCUMENT_ENTRY_CONFIDENTIALITY_CODE,
            CodedAttribute.CONFIDENTIALITY_CODE,
            many=True,
        ),
        CodeAttribute(
            "eventCodeList", "event_codes", v.DOCUMENT_ENTRY_EVENT_CODE, CodedAttribute.EVENT_CODE_LIST, many=True
        ),
    ),
    _identifiers(
        IdentifierAttribute(
            "patientId", "patient_id", v.DOCUMENT_ENTRY_PATIENT_ID, Cx.parse, "XDSDocumentEntry.patientId"
        ),
        IdentifierAttribute(
            "uniqueId", "unique_id", v.DOCUMENT_ENTRY_UNIQUE_ID, UniqueId.parse, "XDSDocumentEntry.uniqueId"
        ),
    ),
    v.DOCUMENT_ENTRY_AUTHOR,
    v.DOCUMENT_ENTRY_LIMITED_METADATA,
)

SUBMISSION_SET: Final = ObjectTable(
    ObjectKind.SUBMISSION_SET,
    _by_name(
        SlotAttribute("submissionTime", "submission_time", Dtm.parse),
        SlotAttribute("intendedRecipient", "intended_recipients", RecipientValue.parse, many=True),
    ),
    _codes(
        CodeAttribute(
            "contentTypeCode",
            "content_type_code",
            v.SUBMISSION_SET_CONTENT_TYPE_CODE,
            CodedAttribute.CONTENT_TYPE_CODE,
        ),
    ),
    _identifiers(
        IdentifierAttribute(
            "patientId", "patient_id", v.SUBMISSION_SET_PATIENT_ID, Cx.parse, "XDSSubmissionSet.patientId"
        ),
        IdentifierAttribute(
            "sourceId", "source_id", v.SUBMISSION_SET_SOURCE_ID, Oid.parse, "XDSSubmissionSet.sourceId"
        ),
        IdentifierAttribute(
            "uniqueId", "unique_id", v.SUBMISSION_SET_UNIQUE_ID, UniqueId.parse, "XDSSubmissionSet.uniqueId"
        ),
    ),
    v.SUBMISSION_SET_AUTHOR,
    v.SUBMISSION_SET_LIMITED_METADATA,
)

FOLDER: Final = ObjectTable(
    ObjectKind.FOLDER,
    _by_name(SlotAttribute("lastUpdateTime", "last_update_time", Dtm.parse)),
    _codes(CodeAttribute("codeList", "code_list", v.FOLDER_CODE_LIST, CodedAttribute.FOLDER_CODE_LIST, many=True)),
    _identifiers(
        IdentifierAttribute("patientId", "patient_id", v.FOLDER_PATIENT_ID, Cx.parse, "XDSFolder.patientId"),
        IdentifierAttribute("uniqueId", "unique_id", v.FOLDER_UNIQUE_ID, UniqueId.parse, "XDSFolder.uniqueId"),
    ),
    None,
    v.FOLDER_LIMITED_METADATA,
)

ASSOCIATION: Final = ObjectTable(
    ObjectKind.ASSOCIATION,
    _by_name(
        SlotAttribute("SubmissionSetStatus", "submission_set_status", _plain),
        SlotAttribute("PreviousVersion", "previous_version", _plain),
        SlotAttribute("AssociationPropagation", "association_propagation", _plain),
        SlotAttribute("OriginalStatus", "original_status", _plain),
        SlotAttribute("NewStatus", "new_status", _plain),
    ),
    _codes(
        CodeAttribute(
            "documentation", "documentation", v.ASSOCIATION_DOCUMENTATION, CodedAttribute.ASSOCIATION_DOCUMENTATION
        )
    ),
    {},
    None,
    None,
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """Which attributes a transaction requires and which it forbids, as (attribute name, field)."""

    required: tuple[tuple[str, str], ...]
    forbidden: tuple[tuple[str, str], ...] = ()


_DOCUMENT_ENTRY_ALWAYS: Final = (
    ("objectType", "object_type"),
    ("mimeType", "mime_type"),
    ("classCode", "class_code"),
    ("confidentialityCode", "confidentiality_codes"),
    ("formatCode", "format_code"),
    ("healthcareFacilityTypeCode", "healthcare_facility_type_code"),
    ("languageCode", "language_code"),
    ("patientId", "patient_id"),
    ("practiceSettingCode", "practice_setting_code"),
    ("sourcePatientId", "source_patient_id"),
    ("typeCode", "type_code"),
    ("uniqueId", "unique_id"),
    ("repositoryUniqueId", "repository_unique_id"),
)
_STABLE_ONLY: Final = (("creationTime", "creation_time"), ("hash", "hash"), ("size", "size"))
_NOT_IN_XDS: Final = (("limitedMetadata", "limited_metadata"),)

#: ITI TF-3: Table 4.3.1.1-3, column of Register Document Set-b
STABLE_ENTRY_REGISTERED: Final = Requirements(_DOCUMENT_ENTRY_ALWAYS + _STABLE_ONLY, _NOT_IN_XDS)
#: ITI TF-3: Table 4.3.1.1-3, column of Register On-Demand Document Entry
ON_DEMAND_ENTRY_REGISTERED: Final = Requirements(_DOCUMENT_ENTRY_ALWAYS, _STABLE_ONLY + _NOT_IN_XDS)
SUBMISSION_SET_REGISTERED: Final = Requirements(
    (
        ("contentTypeCode", "content_type_code"),
        ("patientId", "patient_id"),
        ("sourceId", "source_id"),
        ("submissionTime", "submission_time"),
        ("uniqueId", "unique_id"),
    ),
    _NOT_IN_XDS,
)
FOLDER_REGISTERED: Final = Requirements(
    (("patientId", "patient_id"), ("title", "title"), ("uniqueId", "unique_id")), _NOT_IN_XDS
)
