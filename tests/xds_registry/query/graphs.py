"""Random records and random queries over them: few values, so that most queries find something and miss something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Engine, select

from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Cx, Cxi, Dtm, Oid, Xcn
from schemas.metadata import Association, Author, CodedValue, DocumentEntry, Folder, SubmissionSet
from schemas.vocabulary import RELATIONSHIPS, AssociationType, DocumentEntryType
from tests.schemas.xsd.official import Schemas
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client, wipe
from tests.xds_registry.conftest import Clock
from tests.xds_registry.query.reference import DOCUMENT, Asked, Link, Record, answer, refused
from tests.xds_registry.submissions import APPROVED, DEPRECATED, Given, Item, association, member, quoted
from xds_registry import tables as t
from xds_registry.configuration import RegistryConfiguration
from xds_registry.encoding import ASSOCIATION_NUMBER
from xds_registry.encoding import DEPRECATED as DEPRECATED_NUMBER
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry

PATIENTS = ("P1", "P2")
CODES = ("a", "b", "l'été", "l'e\u0301te\u0301")
SCHEMES = ("1.2.3", "urn:scheme")
PERSONS = ("^Welby^Marcus", "^Wélby", "^We\u0301lby^", "7%8^O'Hara_", "^W\\%lby^\U0001f600")
PATTERNS = (
    *PERSONS,
    "%",
    "^Welby%",
    "^W_lby%",
    "%^",
    "%O'H_ra%",
    "^W\\\\%",
    "^W\\%",
    "^w%",
    "%_%_%\U0001f600",
    "",
    "_",
)
REFERENCES = tuple(f"{x}^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession" for x in ("AC_1", "ACC1", "AC%1", "été"))
REFERENCE_PATTERNS = (*REFERENCES, "AC%", "%accession", "%", "e\u0301%", "_CC1%", "AC_1")
TIMES = ("2023", "202312", "20231231", "20231231235959", "20240101000000", "202401010000", "20240101000001", "2024")
SOURCES = ("1.2.3.1", "1.2.3.10")


@dataclass(slots=True)
class Subject:
    """A registry of one example, and the record in it."""

    client: Client
    record: Record


# Records

_codes = st.builds(s.code, st.sampled_from(CODES), st.sampled_from(SCHEMES))
_times = st.sampled_from(TIMES).map(Dtm.parse)
_authors = st.lists(st.sampled_from(PERSONS).map(Xcn.parse).map(Author), max_size=2).map(tuple)


def _code_lists(least: int) -> st.SearchStrategy[tuple[CodedValue, ...]]:
    return st.lists(_codes, min_size=least, max_size=2, unique_by=lambda x: (x.code, x.scheme)).map(tuple)


_references = st.lists(st.sampled_from(REFERENCES).map(Cxi.parse), max_size=2, unique=True).map(tuple)


Draw = Callable[[st.SearchStrategy[Any]], Any]
#: whether on-demand, and the items
Plan = list[tuple[bool, list[Item]]]

_REPLACING = (AssociationType.REPLACE, AssociationType.TRANSFORM_REPLACE)
_DEPENDENT = (AssociationType.APPEND, AssociationType.TRANSFORM)


@st.composite
def plans(draw: Draw) -> Plan:
    """Submissions that the registry accepts, one after the other."""
    plan: Plan = []
    current: list[DocumentEntry] = []  # what may still be referred to
    dependents: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 4))):
        on_demand = draw(st.integers(0, 3)) == 0
        items = list(_items(draw, current, on_demand))
        plan.append((on_demand, items))
        current.extend(item for item in items if isinstance(item, DocumentEntry))
        for link in items:
            if isinstance(link, Association) and link.association_type in _DEPENDENT:
                dependents.append((link.target, link.source))
            elif isinstance(link, Association) and link.association_type in _REPLACING:
                gone = {link.target, *(source for target, source in dependents if target == link.target)}
                current = [x for x in current if x.entry_uuid not in gone]
    return plan


def _items(draw: Draw, current: list[DocumentEntry], on_demand: bool) -> Iterator[Item]:
    patient = s.patient(draw(st.sampled_from(PATIENTS)))
    holder = s.submission_set(
        patient_id=patient,
        source_id=Oid.parse(draw(st.sampled_from(SOURCES))),
        submission_time=draw(_times),
        content_type_code=draw(_codes),
        authors=draw(_authors),
    )
    entries = [_entry(draw, patient, on_demand) for _ in range(draw(st.integers(1, 3)))]
    older = [x for x in current if x.patient_id == patient]
    yield from (holder, *entries)
    if draw(st.booleans()):
        folder = s.folder(patient_id=patient, code_list=draw(_code_lists(1)))
        yield folder
        inside = st.sampled_from([*older, *entries])
        for target in draw(st.lists(inside, min_size=1, max_size=2, unique_by=lambda x: x.entry_uuid)):
            yield member(folder, target)
    if current and draw(st.booleans()):  # perhaps of another patient: mother and child
        yield member(holder, draw(st.sampled_from(current)), "Reference")
    if older and not on_demand and draw(st.booleans()):
        target = draw(st.sampled_from(older))
        snapshot = target.object_type is DocumentEntryType.ON_DEMAND
        kinds = RELATIONSHIPS if snapshot else RELATIONSHIPS - {AssociationType.IS_SNAPSHOT_OF}
        yield association(draw(st.sampled_from(sorted(kinds))), entries[0], target)


def _entry(draw: Draw, patient: Cx, on_demand: bool) -> DocumentEntry:
    fields: dict[str, Any] = {
        "patient_id": patient,
        "class_code": draw(_codes),
        "type_code": draw(_codes),
        "format_code": draw(_codes),
        "healthcare_facility_type_code": draw(_codes),
        "practice_setting_code": draw(_codes),
        "confidentiality_codes": draw(_code_lists(1)),
        "event_codes": draw(_code_lists(0)),
        "authors": draw(_authors),
        "reference_ids": draw(_references),
    }
    start, stop = draw(st.none() | _times), draw(st.none() | _times)
    if start is not None and stop is not None and start.lower_bound() > stop.lower_bound():
        start, stop = stop, start
    fields |= {"service_start_time": start, "service_stop_time": stop}
    return s.on_demand_entry(**fields) if on_demand else s.entry(creation_time=draw(_times), **fields)


def subject(engine: Engine, schemas: Schemas | None, plan: Plan) -> Subject:
    """The registry after the submissions of a plan, a second after each other."""
    wipe(engine)
    clock = Clock()
    client = Client(Registry(engine, RegistryConfiguration(load_affinity_domain("ihe")), clock=clock), schemas)
    client.announce(*PATIENTS)
    for on_demand, items in plan:
        (client.accept_on_demand if on_demand else client.accept)(*items)
        clock.advance(seconds=1)
    everything = [item for _, items in plan for item in items]
    return Subject(client, _record(engine, everything))


def _record(engine: Engine, items: list[Item]) -> Record:
    """The objects as submitted; links, deprecations and times as the registration left them."""
    kinds = {number: kind for kind, number in ASSOCIATION_NUMBER.items()}
    links, entry, folder = t.association.c, t.document_entry.c, t.folder.c
    with engine.connect() as connection:
        return Record(
            entries=tuple(item for item in items if isinstance(item, DocumentEntry)),
            sets=tuple(item for item in items if isinstance(item, SubmissionSet)),
            folders=tuple(item for item in items if isinstance(item, Folder)),
            links=tuple(
                Link(uuid, kinds[kind], source, target)
                for uuid, kind, source, target in connection.execute(
                    select(links.entry_uuid, links.association_type, links.source, links.target)
                )
            ),
            deprecated=frozenset(connection.scalars(select(entry.entry_uuid).where(entry.status == DEPRECATED_NUMBER))),
            updated={
                row.entry_uuid: row.last_update_time
                for row in connection.execute(select(folder.entry_uuid, folder.last_update_time))
            },
        )


# Queries

_coded = st.builds("{}^^{}".format, st.sampled_from((*CODES, "unknown")), st.sampled_from(SCHEMES))


def _slots(values: st.SearchStrategy[str], *, conjunctive: bool = False, many: bool = True) -> st.SearchStrategy[Any]:
    slot = st.lists(values, min_size=1, max_size=3 if many else 1)
    return st.lists(slot, min_size=1, max_size=2 if conjunctive else 1)


def _times_of(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    return {name + edge: _slots(st.sampled_from(TIMES), many=False) for name in names for edge in ("From", "To")}


_statuses = st.sampled_from(([[APPROVED, DEPRECATED]], [[APPROVED]], [[APPROVED, DEPRECATED]], [[DEPRECATED]]))
_patients = st.sampled_from((*PATIENTS, *PATIENTS, "P3")).map(s.patient).map(str)
_patient = _slots(_patients, many=False)
_CONTENT = {
    f"{DOCUMENT}FormatCode": _slots(_coded),
    f"{DOCUMENT}ConfidentialityCode": _slots(_coded, conjunctive=True),
    f"{DOCUMENT}Type": _slots(st.sampled_from([x.value for x in DocumentEntryType])),
}
_DOCUMENTS = {
    **_CONTENT,
    **{
        f"{DOCUMENT}{name}": _slots(_coded)
        for name in ("ClassCode", "TypeCode", "PracticeSettingCode", "HealthcareFacilityTypeCode")
    },
    f"{DOCUMENT}EventCodeList": _slots(_coded, conjunctive=True),
    f"{DOCUMENT}AuthorPerson": _slots(st.sampled_from(PATTERNS)),
    **_times_of(*(f"{DOCUMENT}{name}" for name in ("CreationTime", "ServiceStartTime", "ServiceStopTime"))),
}
_FOLDERS = {
    "$XDSFolderCodeList": _slots(_coded, conjunctive=True),
    **{
        f"$XDSFolderLastUpdateTime{edge}": _slots(
            st.sampled_from(("20260101000000", "20260101000001", "20260101000002", "2026", "20260102")), many=False
        )
        for edge in ("From", "To")
    },
}
_REFERENCED = {f"{DOCUMENT}ReferenceIdList": _slots(st.sampled_from(REFERENCE_PATTERNS), conjunctive=True)}
_SETS = {
    "$XDSSubmissionSetSourceId": _slots(st.sampled_from(SOURCES)),
    "$XDSSubmissionSetAuthorPerson": _slots(st.sampled_from(PATTERNS), many=False),
    "$XDSSubmissionSetContentType": _slots(_coded),
    **_times_of("$XDSSubmissionSetSubmissionTime"),
}
_STATUS = {f"{DOCUMENT}Status": _statuses}
#: required and optional parameters of the queries by patient
_BY_PATIENT = {
    QueryId.FIND_DOCUMENTS: ({f"{DOCUMENT}PatientId": _patient, **_STATUS}, _DOCUMENTS),
    QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: (
        {f"{DOCUMENT}PatientId": _patient, **_STATUS, **_REFERENCED},
        _DOCUMENTS,
    ),
    QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: ({f"{DOCUMENT}PatientId": _slots(_patients), **_STATUS}, _DOCUMENTS),
    QueryId.FIND_SUBMISSION_SETS: (
        {"$XDSSubmissionSetPatientId": _patient, "$XDSSubmissionSetStatus": _statuses},
        _SETS,
    ),
    QueryId.FIND_FOLDERS: ({"$XDSFolderPatientId": _patient, "$XDSFolderStatus": _statuses}, _FOLDERS),
    QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: (
        {"$XDSFolderPatientId": _slots(_patients), "$XDSFolderStatus": _statuses},
        _FOLDERS,
    ),
    QueryId.GET_ALL: (
        {"$patientId": _patient, "$XDSSubmissionSetStatus": _statuses, "$XDSFolderStatus": _statuses, **_STATUS},
        _CONTENT,
    ),
}


@st.composite
def asked_by_patient(draw: Draw, query: QueryId) -> Asked:
    """Parameters of a Find query, or GetAll: the required ones and a few others."""
    required, optional = _BY_PATIENT[query]
    names = draw(st.lists(st.sampled_from(sorted(optional)), min_size=1, max_size=2, unique=True))
    return {name: draw(values) for name, values in {**required, **{x: optional[x] for x in names}}.items()}


_RELATED = {"$AssociationTypes": _slots(st.sampled_from([*RELATIONSHIPS, AssociationType.HAS_MEMBER]))}
_TYPE = {f"{DOCUMENT}Type": _CONTENT[f"{DOCUMENT}Type"]}
#: by identifier: what is named, whether several may be, required and optional parameters
_BY_IDENTIFIER: dict[QueryId, tuple[str, bool, dict[str, Any], dict[str, Any]]] = {
    QueryId.GET_DOCUMENTS: (DOCUMENT, True, {}, {}),
    QueryId.GET_FOLDERS: ("$XDSFolder", True, {}, {}),
    QueryId.GET_ASSOCIATIONS: ("", True, {}, {}),
    QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: (DOCUMENT, True, {}, {}),
    QueryId.GET_SUBMISSION_SETS: ("", True, {}, {}),
    QueryId.GET_SUBMISSION_SET_AND_CONTENTS: ("$XDSSubmissionSet", False, {}, _CONTENT),
    QueryId.GET_FOLDER_AND_CONTENTS: ("$XDSFolder", False, {}, _CONTENT),
    QueryId.GET_FOLDERS_FOR_DOCUMENT: (DOCUMENT, False, {}, {}),
    QueryId.GET_RELATED_DOCUMENTS: (DOCUMENT, False, _RELATED, _TYPE),
}


@st.composite
def asked_by_identifier(draw: Draw, query: QueryId, record: Record) -> Asked:
    """Parameters of a Get query over a record: of its objects, or one that is not there."""
    prefix, many, required, optional = _BY_IDENTIFIER[query]
    items = {DOCUMENT: record.entries, "$XDSSubmissionSet": record.sets, "$XDSFolder": record.folders}.get(
        prefix, record.objects
    )
    uuids = [str(item.entry_uuid) for item in items]
    if not prefix:
        uuids += [link.uuid for link in record.links]
        name, values = "$uuid", uuids
    elif draw(st.booleans()):
        name, values = f"{prefix}EntryUUID", uuids
    else:
        name, values = f"{prefix}UniqueId", [str(item.unique_id) for item in items]
    identifiers = st.lists(st.sampled_from(values or ["nothing"]), min_size=1, max_size=4 if many else 1)
    names = draw(st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True)) if optional else []
    more = {**required, **{x: optional[x] for x in names}}
    return {name: [draw(identifiers)], **{x: draw(values) for x, values in more.items()}}


def overview(record: Record) -> list[tuple[QueryId, Asked]]:
    """Queries that between them show every object of a record and every association of each."""
    every = [[APPROVED, DEPRECATED]]
    statuses = {"$XDSSubmissionSetStatus": every, "$XDSFolderStatus": every, f"{DOCUMENT}Status": every}
    types = {f"{DOCUMENT}Type": [[x.value for x in DocumentEntryType]]}
    objects = [str(item.entry_uuid) for item in record.objects]
    return [
        *((QueryId.GET_ALL, {"$patientId": [[str(s.patient(x))]], **statuses, **types}) for x in PATIENTS),
        (QueryId.GET_ASSOCIATIONS, {"$uuid": [[*objects, *(link.uuid for link in record.links)]]}),
        *(
            (QueryId.GET_SUBMISSION_SET_AND_CONTENTS, {"$XDSSubmissionSetEntryUUID": [[str(x.entry_uuid)]], **types})
            for x in record.sets
        ),
    ]


@st.composite
def written(draw: Draw, asked: Asked) -> dict[str, Given]:
    """A query as it goes over the wire: the values of a slot in one list, or in several."""
    whole = draw(st.booleans())
    return {
        name: [[quoted(*slot)] if whole else [quoted(value) for value in slot] for slot in slots]
        for name, slots in asked.items()
    }


BY_PATIENT: tuple[QueryId, ...] = tuple(_BY_PATIENT)
BY_IDENTIFIER: tuple[QueryId, ...] = tuple(_BY_IDENTIFIER)


def compare(data: st.DataObject, registry: Subject, query: QueryId, asked: Asked) -> None:
    """Both forms of the registry's answer hold what the reference finds."""
    expected = answer(registry.record, query, asked)
    parameters = data.draw(written(asked))
    assert registry.client.ask(query, parameters, return_type="ObjectRef").ids == expected
    whole = registry.client.ask(query, parameters)
    refusal = refused(registry.record, query, asked)
    if refusal is None:
        assert whole.ids == expected
    else:
        assert whole.error[0] == refusal
