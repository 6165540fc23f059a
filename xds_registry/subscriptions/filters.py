"""The filter of a subscription: read by its table, and evaluated as the stored query that it is (ITI TF-2: 3.52.5.2).

A match: the stored query of the same parameters, asked of the objects of the event, finds one or more of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree
from sqlalchemy import ColumnElement, Connection

from schemas.ebrim.reading import SLOT, children
from schemas.errors import XdsError
from schemas.vocabulary import RIM
from soap.xml import parse_trusted
from xds_registry import tables as t
from xds_registry.patients import find_patient
from xds_registry.query import filters
from xds_registry.query.catalogue import STORED_QUERIES, QueryId
from xds_registry.query.parameters import Arguments, Kind, Parameter, read_arguments
from xds_registry.query.search import Found, Search
from xds_registry.subscriptions.faults import FaultName, refusal
from xds_registry.subscriptions.vocabulary import FilterId, Topic
from xds_registry.visibility import Visibility

ADHOC_QUERY: Final = f"{{{RIM}}}AdhocQuery"
#: A subscription's objects are few; more than an event can have is no answer.
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class FilterKind:
    """One row of ITI TF-2: 3.52.5.2: its parameters, which one names the patient, and its topics."""

    parameters: tuple[Parameter, ...]
    status: str
    patient: str | None
    topics: tuple[Topic, ...]
    at_least_one: tuple[str, ...] = ()


def _of_query(query: QueryId, *but: str) -> tuple[Parameter, ...]:
    """The parameters of a stored query; what is said of a status is optional here."""
    return tuple(
        Parameter(p.name, p.kind, required=False, multiple=True, conjunctive=p.conjunctive)
        if p.name.endswith("Status")
        else p
        for p in STORED_QUERIES[query].parameters
        if p.name not in but
    )


_ENTRY_TOPICS: Final = (Topic.FULL_DOCUMENT_ENTRY, Topic.MINIMAL_DOCUMENT_ENTRY)
_REFERENCES: Final = Parameter("$XDSDocumentEntryReferenceIdList", multiple=True, conjunctive=True)
_KINDS: Final = {
    FilterId.DOCUMENT_ENTRY: FilterKind(
        (*_of_query(QueryId.FIND_DOCUMENTS), _REFERENCES),
        "$XDSDocumentEntryStatus",
        "$XDSDocumentEntryPatientId",
        _ENTRY_TOPICS,
    ),
    FilterId.DOCUMENT_ENTRY_OF_ANY_PATIENT: FilterKind(
        (*_of_query(QueryId.FIND_DOCUMENTS, "$XDSDocumentEntryPatientId"), _REFERENCES),
        "$XDSDocumentEntryStatus",
        None,
        _ENTRY_TOPICS,
        tuple(
            f"$XDSDocumentEntry{name}"
            for name in ("ClassCode", "TypeCode", "PracticeSettingCode", "HealthcareFacilityTypeCode")
        ),
    ),
    FilterId.SUBMISSION_SET: FilterKind(
        _of_query(QueryId.FIND_SUBMISSION_SETS),
        "$XDSSubmissionSetStatus",
        "$XDSSubmissionSetPatientId",
        (Topic.SUBMISSION_SET_METADATA,),
    ),
    FilterId.SUBMISSION_SET_OF_ANY_PATIENT: FilterKind(
        _of_query(QueryId.FIND_SUBMISSION_SETS, "$XDSSubmissionSetPatientId"),
        "$XDSSubmissionSetStatus",
        None,
        (Topic.SUBMISSION_SET_METADATA,),
        ("$XDSSubmissionSetSourceId", "$XDSSubmissionSetAuthorPerson"),
    ),
    FilterId.FOLDER: FilterKind(
        (*_of_query(QueryId.FIND_FOLDERS), Parameter("$XDSFolderUniqueId", Kind.TEXT, multiple=True)),
        "$XDSFolderStatus",
        "$XDSFolderPatientId",
        (Topic.FOLDER_METADATA,),
    ),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that is right in itself. `patient` is empty where any patient's objects are meant."""

    id: FilterId
    arguments: Arguments
    patient: str


def read_filter(query: etree._Element, topic: Topic) -> Filter:
    """The filter of a `rim:AdhocQuery`. Raises the fault InvalidFilterFault.

    A parameter that the filter does not have is refused: ignored, it would let through what was not asked for.
    """
    try:
        name = FilterId(query.get("id", ""))
    except ValueError:
        raise _invalid("The filter is of a kind that is not known here") from None
    kind = _KINDS[name]
    if topic not in kind.topics:  # ITI TF-2: table 3.52.5.3-1
        raise _invalid("The filter and the topic do not go together")
    known = {parameter.name for parameter in kind.parameters}
    if any(child.tag != SLOT or child.get("name") not in known for child in children(query)):
        raise _invalid("The filter has a parameter that this kind of filter does not have")
    try:
        arguments = read_arguments(query, kind.parameters)
    except XdsError:
        raise _invalid("A parameter of the filter is missing or cannot be read") from None
    if kind.at_least_one and not any(name in arguments for name in kind.at_least_one):
        raise _invalid("A filter for any patient needs one of the parameters that the standard names")
    patient = "" if kind.patient is None else arguments.one(kind.patient) or ""
    checked = Filter(name, arguments, patient)
    try:
        list(_conditions(checked))
    except XdsError:
        raise _invalid("A parameter of the filter cannot be evaluated") from None
    return checked


def stored_filter(text: str, topic: Topic) -> Filter:
    """The filter of a subscription that was accepted."""
    return read_filter(parse_trusted(text.encode()), topic)


def matching(
    connection: Connection, wanted: Filter, candidates: Collection[str], visibility: Visibility
) -> list[Found]:
    """Those of the objects (by entryUUID) that the filter lets through and the subscriber may see."""
    search = Search(connection, visibility, _MOST)
    conditions = list(_conditions(wanted))
    table = _TABLES[wanted.id]
    if wanted.patient:
        patient = find_patient(connection, wanted.patient)
        if patient is None or not patient.active:
            return []
        conditions.append(table.c.patient_pk == patient.pk)
    conditions.append(table.c.entry_uuid.in_(sorted(candidates)))
    if table is t.submission_set:
        return search.submission_sets(*conditions)
    if table is t.folder:
        return search.folders(*conditions)
    return search.document_entries(*conditions)


_TABLES: Final = {
    FilterId.DOCUMENT_ENTRY: t.document_entry,
    FilterId.DOCUMENT_ENTRY_OF_ANY_PATIENT: t.document_entry,
    FilterId.SUBMISSION_SET: t.submission_set,
    FilterId.SUBMISSION_SET_OF_ANY_PATIENT: t.submission_set,
    FilterId.FOLDER: t.folder,
}


def _conditions(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """Everything but the patient."""
    arguments, table, kind = wanted.arguments, _TABLES[wanted.id], _KINDS[wanted.id]
    if kind.status in arguments:
        yield from filters.status(arguments, kind.status, table.c.status)
    if table is t.submission_set:
        yield from filters.submission_sets(arguments)
    elif table is t.folder:
        yield from filters.folders(arguments)
        unique_ids = arguments.all("$XDSFolderUniqueId")
        if unique_ids:
            yield t.folder.c.unique_id.in_(unique_ids)
    else:
        yield from filters.document_entries(arguments)


def _invalid(reason: str) -> Exception:
    return refusal(FaultName.INVALID_FILTER, reason)
