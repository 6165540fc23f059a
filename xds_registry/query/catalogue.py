"""The stored queries and their parameters as data (ITI TF-2: 3.18.4.1.2.3.7, 3.18.4.1.2.4, 3.51.4.1.2.3)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from xds_registry.query.parameters import Kind, Parameter


class QueryId(enum.StrEnum):
    """Identifiers of the stored queries."""

    FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
    FIND_DOCUMENTS_BY_REFERENCE_ID = "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492"
    FIND_SUBMISSION_SETS = "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9"
    FIND_FOLDERS = "urn:uuid:958f3006-baad-4929-a4de-ff1114824431"
    GET_ALL = "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3"
    GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
    GET_FOLDERS = "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4"
    GET_ASSOCIATIONS = "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155"
    GET_DOCUMENTS_AND_ASSOCIATIONS = "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a"
    GET_SUBMISSION_SETS = "urn:uuid:51224314-5390-4169-9b91-b1980040715a"
    GET_SUBMISSION_SET_AND_CONTENTS = "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83"
    GET_FOLDER_AND_CONTENTS = "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7"
    GET_FOLDERS_FOR_DOCUMENT = "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578"
    GET_RELATED_DOCUMENTS = "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6"
    FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS = "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f"
    FIND_FOLDERS_FOR_MULTIPLE_PATIENTS = "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df"


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """One stored query.

    `alternatives`: exactly one of these parameters must be given. `at_least_one`: one or more of these.
    `single_patient`: a LeafClass answer holds one patient's metadata only (XDSResultNotSinglePatient).
    """

    id: QueryId
    parameters: tuple[Parameter, ...]
    alternatives: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    single_patient: bool = False


def _codes(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, Kind.CODE, multiple=True) for name in names)


def _conjunctive(*names: str, kind: Kind = Kind.CODE) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, kind, multiple=True, conjunctive=True) for name in names)


def _times(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name + edge, Kind.TIME) for name in names for edge in ("From", "To"))


#: The parameter that every query takes (metadata update supplement, ITI TF-2: 3.18.4.1.2.3.5.1.1).
METADATA_LEVEL: Final = Parameter("$MetadataLevel")
#: The parameters that name every version of an object.
LOGICAL_IDS: Final = ("$XDSDocumentEntryLogicalID", "$XDSFolderLogicalID")
#: The parameter of every query that answers with Associations, or by means of them (metadata update supplement).
ASSOCIATION_STATUS: Final = Parameter("$XDSAssociationStatus", multiple=True)


def _status(*names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, required=True, multiple=True) for name in names)


_TYPE = Parameter("$XDSDocumentEntryType", multiple=True)
_FORMAT = _codes("$XDSDocumentEntryFormatCode")
_CONFIDENTIALITY = _conjunctive("$XDSDocumentEntryConfidentialityCode")
_DOCUMENT_FILTERS: Final = (
    *_codes(
        "$XDSDocumentEntryClassCode",
        "$XDSDocumentEntryTypeCode",
        "$XDSDocumentEntryPracticeSettingCode",
        "$XDSDocumentEntryHealthcareFacilityTypeCode",
    ),
    *_FORMAT,
    *_times("$XDSDocumentEntryCreationTime", "$XDSDocumentEntryServiceStartTime", "$XDSDocumentEntryServiceStopTime"),
    *_conjunctive("$XDSDocumentEntryEventCodeList"),
    *_CONFIDENTIALITY,
    Parameter("$XDSDocumentEntryAuthorPerson", multiple=True),
    Parameter("$XDSDocumentEntryDocumentAvailability", multiple=True),
    _TYPE,
)
_FOLDER_FILTERS: Final = (
    *_times("$XDSFolderLastUpdateTime"),
    *_conjunctive("$XDSFolderCodeList"),
)


def _either(*names: str, multiple: bool) -> tuple[Parameter, ...]:
    """entryUUID or uniqueId: `_either("$XDSDocumentEntry")`."""
    return tuple(
        Parameter(f"{name}{suffix}", kind, multiple=multiple)
        for name in names
        for suffix, kind in (("EntryUUID", Kind.UUID), ("UniqueId", Kind.TEXT))
    )


def _by_identifier(
    query: QueryId, prefix: str, *more: Parameter, multiple: bool, single_patient: bool, versions: bool = False
) -> StoredQuery:
    """`versions`: all versions can be asked for, by logicalID."""
    logical = (f"{prefix}LogicalID",) if versions else ()
    return StoredQuery(
        query,
        (*_either(prefix, multiple=multiple), *(Parameter(x, Kind.UUID, multiple=True) for x in logical), *more),
        alternatives=(f"{prefix}EntryUUID", f"{prefix}UniqueId", *logical),
        single_patient=single_patient,
    )


_UUID = Parameter("$uuid", Kind.UUID, required=True, multiple=True)
_CONTENT = (*_FORMAT, *_CONFIDENTIALITY, _TYPE)

_QUERIES: Final = (
    StoredQuery(
        QueryId.FIND_DOCUMENTS,
        (
            Parameter("$XDSDocumentEntryPatientId", required=True),
            *_status("$XDSDocumentEntryStatus"),
            *_DOCUMENT_FILTERS,
        ),
    ),
    StoredQuery(
        QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID,
        (
            Parameter("$XDSDocumentEntryPatientId", required=True),
            Parameter("$XDSDocumentEntryReferenceIdList", required=True, multiple=True, conjunctive=True),
            *_status("$XDSDocumentEntryStatus"),
            *_DOCUMENT_FILTERS,
        ),
    ),
    StoredQuery(
        QueryId.FIND_SUBMISSION_SETS,
        (
            Parameter("$XDSSubmissionSetPatientId", required=True),
            *_status("$XDSSubmissionSetStatus"),
            Parameter("$XDSSubmissionSetSourceId", multiple=True),
            *_times("$XDSSubmissionSetSubmissionTime"),
            Parameter("$XDSSubmissionSetAuthorPerson"),
            *_codes("$XDSSubmissionSetContentType"),
        ),
    ),
    StoredQuery(
        QueryId.FIND_FOLDERS,
        (Parameter("$XDSFolderPatientId", required=True), *_status("$XDSFolderStatus"), *_FOLDER_FILTERS),
    ),
    StoredQuery(
        QueryId.GET_ALL,
        (
            Parameter("$patientId", required=True),
            *_status("$XDSDocumentEntryStatus", "$XDSSubmissionSetStatus", "$XDSFolderStatus"),
            *_CONTENT,
            ASSOCIATION_STATUS,
        ),
    ),
    _by_identifier(QueryId.GET_DOCUMENTS, "$XDSDocumentEntry", multiple=True, single_patient=True, versions=True),
    _by_identifier(QueryId.GET_FOLDERS, "$XDSFolder", multiple=True, single_patient=True, versions=True),
    StoredQuery(QueryId.GET_ASSOCIATIONS, (_UUID, ASSOCIATION_STATUS)),
    _by_identifier(
        QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS,
        "$XDSDocumentEntry",
        ASSOCIATION_STATUS,
        multiple=True,
        single_patient=True,
    ),
    StoredQuery(QueryId.GET_SUBMISSION_SETS, (_UUID, ASSOCIATION_STATUS), single_patient=True),
    _by_identifier(
        QueryId.GET_SUBMISSION_SET_AND_CONTENTS,
        "$XDSSubmissionSet",
        *_CONTENT,
        ASSOCIATION_STATUS,
        multiple=False,
        single_patient=True,
    ),
    _by_identifier(
        QueryId.GET_FOLDER_AND_CONTENTS,
        "$XDSFolder",
        *_CONTENT,
        ASSOCIATION_STATUS,
        multiple=False,
        single_patient=True,
    ),
    _by_identifier(
        QueryId.GET_FOLDERS_FOR_DOCUMENT, "$XDSDocumentEntry", ASSOCIATION_STATUS, multiple=False, single_patient=False
    ),
    _by_identifier(
        QueryId.GET_RELATED_DOCUMENTS,
        "$XDSDocumentEntry",
        Parameter("$AssociationTypes", required=True, multiple=True),
        _TYPE,
        ASSOCIATION_STATUS,
        multiple=False,
        single_patient=False,
    ),
)

_MULTI_PATIENT_QUERIES: Final = (
    StoredQuery(
        QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS,
        (
            Parameter("$XDSDocumentEntryPatientId", multiple=True),
            *_status("$XDSDocumentEntryStatus"),
            *_DOCUMENT_FILTERS,
        ),
        at_least_one=(
            "$XDSDocumentEntryPatientId",
            "$XDSDocumentEntryClassCode",
            "$XDSDocumentEntryEventCodeList",
            "$XDSDocumentEntryHealthcareFacilityTypeCode",
        ),
    ),
    StoredQuery(
        QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS,
        (Parameter("$XDSFolderPatientId", multiple=True), *_status("$XDSFolderStatus"), *_FOLDER_FILTERS),
        at_least_one=("$XDSFolderPatientId", "$XDSFolderCodeList"),
    ),
)


def _with_level(query: StoredQuery) -> StoredQuery:
    return replace(query, parameters=(*query.parameters, METADATA_LEVEL))


#: ITI-18 by query id
STORED_QUERIES: Final = {query.id.value: query for query in map(_with_level, _QUERIES)}
#: ITI-51 by query id
MULTI_PATIENT_QUERIES: Final = {query.id.value: query for query in map(_with_level, _MULTI_PATIENT_QUERIES)}
