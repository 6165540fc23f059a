"""ITI-18 and ITI-51 as a whole: which query, its parameters, the patient, the objects, the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree
from sqlalchemy import Connection, Engine, bindparam, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.ebrim.reading import LONG_NAME, children
from schemas.errors import (
    XdsError,
    XDSRegistryBusy,
    XDSRegistryError,
    XDSResultNotSinglePatient,
    XDSStoredQueryMissingParam,
    XDSStoredQueryParamNumber,
    XDSUnknownPatientId,
    XDSUnknownStoredQuery,
)
from schemas.vocabulary import QUERY, RIM
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration, UnknownPatientPolicy
from xds_registry.database import reading
from xds_registry.patients import find_patients
from xds_registry.query import answer, filters, find, get
from xds_registry.query.answer import Answered, ReturnType
from xds_registry.query.catalogue import (
    LOGICAL_IDS,
    METADATA_LEVEL,
    MULTI_PATIENT_QUERIES,
    STORED_QUERIES,
    QueryId,
    StoredQuery,
)
from xds_registry.query.parameters import Arguments, read_arguments
from xds_registry.query.search import Found, MetadataLevel, Search
from xds_registry.visibility import Visibility

_RESPONSE_OPTION: Final = f"{{{QUERY}}}ResponseOption"
_ADHOC_QUERY: Final = f"{{{RIM}}}AdhocQuery"
_NAMES: Final = select(t.patient.c.pk, t.patient.c.patient_id).where(
    t.patient.c.pk.in_(bindparam("pks", expanding=True))
)

#: queries by patient, and the parameter that names patients
_FIND: Final[dict[QueryId, tuple[Callable[[Search, Arguments, list[int] | None], list[Found]], str]]] = {
    QueryId.FIND_DOCUMENTS: (find.find_documents, "$XDSDocumentEntryPatientId"),
    QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: (find.find_documents, "$XDSDocumentEntryPatientId"),
    QueryId.FIND_SUBMISSION_SETS: (find.find_submission_sets, "$XDSSubmissionSetPatientId"),
    QueryId.FIND_FOLDERS: (find.find_folders, "$XDSFolderPatientId"),
    QueryId.GET_ALL: (find.get_all, "$patientId"),
    QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: (find.find_documents, "$XDSDocumentEntryPatientId"),
    QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: (find.find_folders, "$XDSFolderPatientId"),
}
#: queries by identifier
_GET: Final[dict[QueryId, Callable[[Search, Arguments], list[Found]]]] = {
    QueryId.GET_DOCUMENTS: get.get_documents,
    QueryId.GET_FOLDERS: get.get_folders,
    QueryId.GET_ASSOCIATIONS: get.get_associations,
    QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: get.get_documents_and_associations,
    QueryId.GET_SUBMISSION_SETS: get.get_submission_sets,
    QueryId.GET_SUBMISSION_SET_AND_CONTENTS: get.get_submission_set_and_contents,
    QueryId.GET_FOLDER_AND_CONTENTS: get.get_folder_and_contents,
    QueryId.GET_FOLDERS_FOR_DOCUMENT: get.get_folders_for_document,
    QueryId.GET_RELATED_DOCUMENTS: get.get_related_documents,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is right in itself."""

    query: StoredQuery
    arguments: Arguments
    return_type: ReturnType
    level: MetadataLevel


def stored_query(
    engine: Engine, request: etree._Element, configuration: RegistryConfiguration, visibility: Visibility
) -> Answered:
    """Answer an ITI-18 `query:AdhocQueryRequest` with an `AdhocQueryResponse`."""
    return _answer(engine, request, configuration, visibility, STORED_QUERIES)


def multi_patient_stored_query(
    engine: Engine, request: etree._Element, configuration: RegistryConfiguration, visibility: Visibility
) -> Answered:
    """The same for ITI-51, which has queries of its own and may mix patients (ITI TF-2: 3.51.4.1.2)."""
    return _answer(engine, request, configuration, visibility, MULTI_PATIENT_QUERIES)


def _answer(
    engine: Engine,
    request: etree._Element,
    configuration: RegistryConfiguration,
    visibility: Visibility,
    queries: Mapping[str, StoredQuery],
) -> Answered:
    query_id, patients = stated_query(request), dict[str, int]()
    try:
        asked = _read(request, queries)
        by_patient = _FIND.get(asked.query.id)
        if by_patient is not None:
            patients = dict.fromkeys(asked.arguments.all(by_patient[1]), 0)
        with reading(engine) as connection:
            objects = _objects(connection, asked, configuration, visibility)
            counts = _counted(connection, objects)
        if asked.query.single_patient and asked.return_type is ReturnType.LEAF_CLASS:
            _one_patient_only(objects)
    except XdsError as error:
        return Answered(answer.failed((error,)), query_id, patients, errors=(error,))
    except (OperationalError, PoolTimeout):
        busy = XDSRegistryBusy("the database does not answer; try again")
        return Answered(answer.failed((busy,)), query_id, patients, errors=(busy,))
    return Answered(answer.found(objects, asked.return_type), query_id, patients | counts, len(objects))


def stated_query(request: etree._Element) -> str:
    """The id of the stored query that a request names, as it was sent; empty where there is none."""
    element = request.find(_ADHOC_QUERY)
    return "" if element is None else element.get("id", "")[:LONG_NAME]


def _counted(connection: Connection, objects: list[Found]) -> dict[str, int]:
    """How many of the objects are of which patient (by identifier)."""
    counts = Counter(row[2] for row in objects)
    counts.pop(None, None)
    if not counts:
        return {}
    named = connection.execute(_NAMES, {"pks": list(counts)})
    return {row.patient_id: counts[row.pk] for row in named}


def _read(request: etree._Element, queries: Mapping[str, StoredQuery]) -> _Asked:
    parts = {child.tag: child for child in children(request)}
    element = parts.get(_ADHOC_QUERY)
    query = queries.get(element.get("id", "")) if element is not None else None
    if element is None or query is None:
        stated = "" if element is None else element.get("id", "")
        raise XDSUnknownStoredQuery(stated or "the request names no query")
    option = parts.get(_RESPONSE_OPTION)
    stated = "" if option is None else option.get("returnType", "")
    try:
        return_type = ReturnType(stated)
    except ValueError:
        raise XDSRegistryError(f"returnType {stated!r}: LeafClass or ObjectRef is expected") from None
    arguments = read_arguments(element, query.parameters)
    given = [name for name in query.alternatives if name in arguments]
    if query.alternatives and not given:
        raise XDSStoredQueryMissingParam(f"{' or '.join(query.alternatives)} is required")
    if len(given) > 1:
        raise XDSStoredQueryParamNumber(f"{' and '.join(given)} exclude each other", location=given[0])
    if query.at_least_one and not any(name in arguments for name in query.at_least_one):
        raise XDSStoredQueryMissingParam(f"one of {', '.join(query.at_least_one)} is required")
    return _Asked(query, arguments, return_type, _level(arguments))


def _level(arguments: Arguments) -> MetadataLevel:
    """ITI TF-2: 3.18.4.1.2.3.5.1.1 (metadata update supplement): the latest versions, unless all are asked for."""
    stated = arguments.one(METADATA_LEVEL.name) or MetadataLevel.LATEST.value
    try:
        level = MetadataLevel(stated)
    except ValueError:
        raise XDSRegistryError(f"$MetadataLevel {stated!r}: 1 or 2 is expected", location="$MetadataLevel") from None
    for name in LOGICAL_IDS:
        if name in arguments and level is MetadataLevel.LATEST:
            raise XDSRegistryError(f"{name}: all versions are given with $MetadataLevel 2 only", location=name)
    return level


def _objects(
    connection: Connection, asked: _Asked, configuration: RegistryConfiguration, visibility: Visibility
) -> list[Found]:
    search = Search(
        connection,
        visibility,
        configuration.max_results,
        level=asked.level,
        associations=tuple(filters.association_status(asked.arguments)),
    )
    by_patient = _FIND.get(asked.query.id)
    if by_patient is None:
        return _GET[asked.query.id](search, asked.arguments)
    find_objects, parameter = by_patient
    if parameter not in asked.arguments:
        return find_objects(search, asked.arguments, None)
    patients = _patients(connection, asked.arguments.all(parameter), configuration.unknown_patient)
    # An unknown patient has no objects; the query is made all the same, so that its other parameters are checked.
    return find_objects(search, asked.arguments, patients or [0])


def _patients(connection: Connection, patient_ids: tuple[str, ...], policy: UnknownPatientPolicy) -> list[int]:
    """The active patients among the ids. A patient that was merged away is unknown (ITI TF-2: 3.8.4.2.3)."""
    found = find_patients(connection, patient_ids)
    known = []
    for patient_id in dict.fromkeys(patient_ids):
        patient = found.get(patient_id)
        if patient is not None and patient.active:
            known.append(patient.pk)
        elif policy is UnknownPatientPolicy.ERROR:
            raise XDSUnknownPatientId(patient_id)
    return known


def _one_patient_only(objects: list[Found]) -> None:
    """ITI TF-2: 3.18.4.1.2.3.7, note: whole metadata of several patients is not given in one answer."""
    if len({row.patient_pk for row in objects if row.patient_pk is not None}) > 1:
        raise XDSResultNotSinglePatient("the objects belong to several patients; ask for ObjectRef")
