"""Stored queries over lists in memory, as ITI TF-2: 3.18.4.1.2.3.7 words them: what the registry is compared with.

Nothing of the registry's own is used here. A query is slots of values, as `given` of `Asked` has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.metadata import CodedValue, DocumentEntry, Folder, SubmissionSet
from schemas.vocabulary import AssociationType, DocumentEntryType
from tests.xds_registry.submissions import APPROVED, DEPRECATED
from xds_registry.query.catalogue import QueryId

#: The slots of each parameter: their values are alternatives, repeated slots must all match.
Asked = Mapping[str, Sequence[Sequence[str]]]
DOCUMENT = "$XDSDocumentEntry"

NOT_SINGLE_PATIENT = "XDSResultNotSinglePatient"
_SINGLE_PATIENT = frozenset(
    {
        QueryId.GET_DOCUMENTS,
        QueryId.GET_FOLDERS,
        QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS,
        QueryId.GET_SUBMISSION_SETS,
        QueryId.GET_SUBMISSION_SET_AND_CONTENTS,
        QueryId.GET_FOLDER_AND_CONTENTS,
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """An Association."""

    uuid: str
    kind: AssociationType
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is registered: objects as they were submitted, and what the registration made of them."""

    entries: tuple[DocumentEntry, ...] = ()
    sets: tuple[SubmissionSet, ...] = ()
    folders: tuple[Folder, ...] = ()
    links: tuple[Link, ...] = ()
    deprecated: frozenset[str] = frozenset()
    updated: Mapping[str, str] | None = None

    @property
    def objects(self) -> tuple[DocumentEntry | SubmissionSet | Folder, ...]:
        return (*self.entries, *self.sets, *self.folders)

    def without(self, hidden: frozenset[str]) -> Record:
        """The record as if objects had never been: no Association leads to them, or to one that did."""
        links = [link for link in self.links if not {link.source, link.target} & hidden]
        gone = {link.uuid for link in self.links} - {link.uuid for link in links}
        return replace(
            self,
            entries=tuple(item for item in self.entries if item.entry_uuid not in hidden),
            sets=tuple(item for item in self.sets if item.entry_uuid not in hidden),
            folders=tuple(item for item in self.folders if item.entry_uuid not in hidden),
            links=tuple(link for link in links if not {link.source, link.target} & gone),
        )


def answer(record: Record, query: QueryId, asked: Asked) -> set[str]:
    """The ids of what a query finds."""
    return _QUERIES[query](record, asked)


def refused(record: Record, query: QueryId, asked: Asked) -> str | None:
    """The error in place of an answer with whole objects: notes to the tables of 3.18.4.1.2.3.7.5-.11."""
    found = answer(record, query, asked)
    patients = {str(item.patient_id) for item in record.objects if item.entry_uuid in found}
    return NOT_SINGLE_PATIENT if query in _SINGLE_PATIENT and len(patients) > 1 else None


# 3.18.4.1.2.3.3 - 3.18.4.1.2.3.6: values


def _text(value: object) -> str:
    return unicodedata.normalize("NFC", str(value))


def _code(value: CodedValue | None) -> str:
    assert value is not None
    return _text(f"{value.code}^^{value.scheme}")


def like(pattern: str, value: str) -> bool:
    """LIKE of SQL without an escape character."""
    wild = {"%": ".*", "_": "."}
    return re.fullmatch("".join(wild.get(c) or re.escape(c) for c in _text(pattern)), value, re.DOTALL) is not None


def _seconds(time: object) -> int:
    text = str(time)
    return int(text + "00000101000000"[len(text) :])


def _one_of(asked: Asked, name: str, values: Iterable[str]) -> bool:
    """Every slot names one of the values."""
    present = set(values)
    return all(present & {_text(x) for x in slot} for slot in asked.get(name, ()))


def _is_like(asked: Asked, name: str, values: Iterable[str]) -> bool:
    present = list(values)
    return all(any(like(x, value) for x in slot for value in present) for slot in asked.get(name, ()))


def _refers(asked: Asked, references: set[str]) -> bool:
    """A pattern where it has a `%`, else the identifier itself."""
    return all(
        any(like(x, reference) if "%" in x else _text(x) == reference for x in slot for reference in references)
        for slot in asked.get(f"{DOCUMENT}ReferenceIdList", ())
    )


def _in_time(asked: Asked, name: str, time: object | None, *, inclusive: bool = False) -> bool:
    """From <= time < To; a time that is not there is not compared."""
    if time is None:
        return True
    moment = _seconds(time)
    late = [_seconds(slot[0]) + inclusive for slot in asked.get(f"{name}To", ())]
    early = [_seconds(slot[0]) for slot in asked.get(f"{name}From", ())]
    return all(moment >= x for x in early) and all(moment < x for x in late)


def _status(record: Record, asked: Asked, name: str, item: Any) -> bool:
    status = DEPRECATED if item.entry_uuid in record.deprecated else APPROVED
    return _one_of(asked, name, {status})


def _patient(asked: Asked, name: str, item: Any) -> bool:
    return _one_of(asked, name, {_text(item.patient_id)})


# 3.18.4.1.2.3.7.1, .14: DocumentEntries


def _typed(asked: Asked, entry: DocumentEntry) -> bool:
    wanted = asked.get(f"{DOCUMENT}Type", [[DocumentEntryType.STABLE.value]])
    return entry.object_type is not None and entry.object_type.value in wanted[0]


def _content(asked: Asked, entry: DocumentEntry) -> bool:
    """Type, formatCode and confidentialityCode."""
    return (
        _typed(asked, entry)
        and _one_of(asked, f"{DOCUMENT}FormatCode", {_code(entry.format_code)})
        and _one_of(asked, f"{DOCUMENT}ConfidentialityCode", map(_code, entry.confidentiality_codes))
    )


def _find_documents(record: Record, asked: Asked) -> set[str]:
    return {
        entry.entry_uuid
        for entry in record.entries
        if _patient(asked, f"{DOCUMENT}PatientId", entry)
        and _status(record, asked, f"{DOCUMENT}Status", entry)
        and _content(asked, entry)
        and _one_of(asked, f"{DOCUMENT}ClassCode", {_code(entry.class_code)})
        and _one_of(asked, f"{DOCUMENT}TypeCode", {_code(entry.type_code)})
        and _one_of(asked, f"{DOCUMENT}PracticeSettingCode", {_code(entry.practice_setting_code)})
        and _one_of(asked, f"{DOCUMENT}HealthcareFacilityTypeCode", {_code(entry.healthcare_facility_type_code)})
        and _one_of(asked, f"{DOCUMENT}EventCodeList", map(_code, entry.event_codes))
        and _in_time(asked, f"{DOCUMENT}CreationTime", entry.creation_time)
        and _in_time(asked, f"{DOCUMENT}ServiceStartTime", entry.service_start_time)
        and _in_time(asked, f"{DOCUMENT}ServiceStopTime", entry.service_stop_time)
        and _is_like(asked, f"{DOCUMENT}AuthorPerson", (_text(x.person) for x in entry.authors if x.person))
        and _refers(asked, {_text(x) for x in entry.reference_ids})
    }


# 3.18.4.1.2.3.7.2 - .4


def _find_submission_sets(record: Record, asked: Asked) -> set[str]:
    return {
        item.entry_uuid
        for item in record.sets
        if _patient(asked, "$XDSSubmissionSetPatientId", item)
        and _status(record, asked, "$XDSSubmissionSetStatus", item)
        and _one_of(asked, "$XDSSubmissionSetSourceId", {str(item.source_id)})
        and _one_of(asked, "$XDSSubmissionSetContentType", {_code(item.content_type_code)})
        and _in_time(asked, "$XDSSubmissionSetSubmissionTime", item.submission_time)
        and _is_like(asked, "$XDSSubmissionSetAuthorPerson", (_text(x.person) for x in item.authors if x.person))
    }


def _find_folders(record: Record, asked: Asked) -> set[str]:
    updated = record.updated or {}
    return {
        item.entry_uuid
        for item in record.folders
        if _patient(asked, "$XDSFolderPatientId", item)
        and _status(record, asked, "$XDSFolderStatus", item)
        and _one_of(asked, "$XDSFolderCodeList", map(_code, item.code_list))
        # The registry's own time: the second of `To` is within, docs/decisions/0005-time-bounds.md
        and _in_time(asked, "$XDSFolderLastUpdateTime", updated[item.entry_uuid], inclusive=True)
    }


def _touching(record: Record, uuids: set[str]) -> set[str]:
    return {link.uuid for link in record.links if link.source in uuids or link.target in uuids}


def _get_all(record: Record, asked: Asked) -> set[str]:
    def of_patient(prefix: str) -> Asked:
        return {**asked, f"{prefix}PatientId": asked["$patientId"]}

    objects = _find_submission_sets(record, of_patient("$XDSSubmissionSet"))
    objects |= _find_documents(record, of_patient(DOCUMENT))
    objects |= _find_folders(record, of_patient("$XDSFolder"))
    return objects | _touching(record, objects)


# 3.18.4.1.2.3.7.5 - .13


def _named(items: Iterable[Any], asked: Asked, prefix: str) -> set[str]:
    return {
        item.entry_uuid
        for item in items
        if _one_of(asked, f"{prefix}EntryUUID", {item.entry_uuid})
        and _one_of(asked, f"{prefix}UniqueId", {_text(item.unique_id)})
    }


def _get_documents(record: Record, asked: Asked) -> set[str]:
    return _named(record.entries, asked, DOCUMENT)


def _get_folders(record: Record, asked: Asked) -> set[str]:
    return _named(record.folders, asked, "$XDSFolder")


def _get_associations(record: Record, asked: Asked) -> set[str]:
    return _touching(record, set(asked["$uuid"][0]))


def _get_documents_and_associations(record: Record, asked: Asked) -> set[str]:
    entries = _get_documents(record, asked)
    return entries | _touching(record, entries)


def _members(record: Record, source: str) -> list[Link]:
    return [x for x in record.links if x.kind is AssociationType.HAS_MEMBER and x.source == source]


def _get_submission_sets(record: Record, asked: Asked) -> set[str]:
    wanted = set(asked["$uuid"][0])
    found: set[str] = set()
    for item in record.sets:
        links = [link.uuid for link in _members(record, item.entry_uuid) if link.target in wanted]
        found |= {item.entry_uuid, *links} if links else set()
    return found


def _get_submission_set_and_contents(record: Record, asked: Asked) -> set[str]:
    found: set[str] = set()
    for holder in _named(record.sets, asked, "$XDSSubmissionSet"):
        links = _members(record, holder)
        members = {link.target for link in links}
        objects = {holder} | {x.entry_uuid for x in record.entries if x.entry_uuid in members and _content(asked, x)}
        objects |= {x.entry_uuid for x in record.folders if x.entry_uuid in members}
        objects |= {x.uuid for x in record.links if x.uuid in members and {x.source, x.target} <= objects}
        found |= objects | {link.uuid for link in links if link.target in objects}
    return found


def _get_folder_and_contents(record: Record, asked: Asked) -> set[str]:
    found: set[str] = set()
    for holder in _get_folders(record, asked):
        links = _members(record, holder)
        members = {link.target for link in links}
        entries = {x.entry_uuid for x in record.entries if x.entry_uuid in members and _content(asked, x)}
        found |= {holder} | entries | {link.uuid for link in links if link.target in entries}
    return found


def _get_folders_for_document(record: Record, asked: Asked) -> set[str]:
    entries = _get_documents(record, asked)
    return {x.entry_uuid for x in record.folders if any(y.target in entries for y in _members(record, x.entry_uuid))}


def _get_related_documents(record: Record, asked: Asked) -> set[str]:
    """The document that is named is in the answer whatever its type; the others are of the types that are asked for."""
    named = _get_documents(record, asked)
    kinds = set(asked["$AssociationTypes"][0])
    documents = named | {x.entry_uuid for x in record.entries if _typed(asked, x)}
    found: set[str] = set()
    for link in record.links:
        ends = {link.source, link.target}
        if link.kind.value in kinds and ends & named and ends <= documents:
            found |= {link.uuid, *ends}
    return found


_QUERIES: dict[QueryId, Callable[[Record, Asked], set[str]]] = {
    QueryId.FIND_DOCUMENTS: _find_documents,
    QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: _find_documents,
    QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: _find_documents,
    QueryId.FIND_SUBMISSION_SETS: _find_submission_sets,
    QueryId.FIND_FOLDERS: _find_folders,
    QueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: _find_folders,
    QueryId.GET_ALL: _get_all,
    QueryId.GET_DOCUMENTS: _get_documents,
    QueryId.GET_FOLDERS: _get_folders,
    QueryId.GET_ASSOCIATIONS: _get_associations,
    QueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: _get_documents_and_associations,
    QueryId.GET_SUBMISSION_SETS: _get_submission_sets,
    QueryId.GET_SUBMISSION_SET_AND_CONTENTS: _get_submission_set_and_contents,
    QueryId.GET_FOLDER_AND_CONTENTS: _get_folder_and_contents,
    QueryId.GET_FOLDERS_FOR_DOCUMENT: _get_folders_for_document,
    QueryId.GET_RELATED_DOCUMENTS: _get_related_documents,
}
