"""Writing registry objects: one row of columns that queries use, one fragment that answers are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Insert, bindparam, insert, update

from dmp.rights.marks import marks_of
from schemas.metadata import Association, CodedValue, DocumentEntry, Folder, SubmissionSet
from schemas.vocabulary import DocumentAvailability, DocumentEntryType
from xds_registry import tables as t
from xds_registry.encoding import APPROVED, ASSOCIATION_NUMBER, CONFIDENTIALITY, EVENT, coded, normal, owners, time_text

# Built once: to SQLAlchemy the same object means a statement it has compiled before.
_SUBMISSION_SET: Final = insert(t.submission_set)
_SUBMISSION_SET_AUTHOR: Final = insert(t.submission_set_author)
_DOCUMENT_ENTRY: Final = insert(t.document_entry)
_DOCUMENT_ENTRY_CODE: Final = insert(t.document_entry_code)
_DOCUMENT_ENTRY_AUTHOR: Final = insert(t.document_entry_author)
_DOCUMENT_ENTRY_REFERENCE: Final = insert(t.document_entry_reference)
_EARLIER_VERSIONS: Final = (
    update(t.document_entry)
    .where(t.document_entry.c.logical_id == bindparam("logical"), t.document_entry.c.version < bindparam("latest"))
    .values(marks=bindparam("hiding"))
)
_FOLDER: Final = insert(t.folder)
_FOLDER_CODE: Final = insert(t.folder_code)
_ASSOCIATION: Final = insert(t.association)


def _code(value: CodedValue | None) -> str:
    return "" if value is None else coded(value)


def insert_submission_set(
    connection: Connection,
    submission_set: SubmissionSet,
    *,
    entry_uuid: str,
    patient_pk: int,
    digest: str,
    registered_at: datetime,
    fragment: bytes,
) -> int:
    """Store a SubmissionSet, its authors; returns its row."""
    pk = _insert(
        connection,
        _SUBMISSION_SET,
        {
            "entry_uuid": entry_uuid,
            "unique_id": normal(str(submission_set.unique_id)),
            "patient_pk": patient_pk,
            "status": APPROVED,
            "submission_time": time_text(submission_set.submission_time),
            "source_id": str(submission_set.source_id),
            "content_type": _code(submission_set.content_type_code),
            "home": submission_set.home_community_id,
            "digest": digest,
            "registered_at": registered_at,
            "fragment": fragment,
        },
    )
    persons = [normal(str(author.person)) for author in submission_set.authors if author.person is not None]
    if persons:
        connection.execute(
            _SUBMISSION_SET_AUTHOR,
            [{"submission_set_pk": pk, "position": n, "person": p} for n, p in enumerate(persons)],
        )
    return pk


def insert_document_entry(
    connection: Connection,
    entry: DocumentEntry,
    *,
    entry_uuid: str,
    logical_id: str,
    version: int,
    patient_pk: int,
    fragment: bytes,
    status: int = APPROVED,
) -> int:
    """Store a DocumentEntry with the rows of its multi-valued attributes; returns its row."""
    marks = int(marks_of(map(coded, entry.confidentiality_codes)))
    pk = _insert(
        connection,
        _DOCUMENT_ENTRY,
        {
            "entry_uuid": entry_uuid,
            "logical_id": logical_id,
            "version": version,
            "unique_id": normal(str(entry.unique_id)),
            "patient_pk": patient_pk,
            "status": status,
            "on_demand": int(entry.object_type is DocumentEntryType.ON_DEMAND),
            "offline": int(entry.document_availability == DocumentAvailability.OFFLINE),
            "creation_time": time_text(entry.creation_time),
            "service_start_time": time_text(entry.service_start_time),
            "service_stop_time": time_text(entry.service_stop_time),
            "class_code": _code(entry.class_code),
            "type_code": _code(entry.type_code),
            "format_code": _code(entry.format_code),
            "facility_type_code": _code(entry.healthcare_facility_type_code),
            "practice_setting_code": _code(entry.practice_setting_code),
            "repository_unique_id": str(entry.repository_unique_id),
            "size": entry.size,
            "hash": None if entry.hash is None else str(entry.hash).lower(),
            "home": entry.home_community_id,
            "marks": marks,
            "owners": owners(entry.authors),
            "fragment": fragment,
        },
    )
    if version > 1:
        # What hides a document hides its past.
        connection.execute(_EARLIER_VERSIONS, {"logical": logical_id, "latest": version, "hiding": marks})
    codes = {(CONFIDENTIALITY, coded(code)) for code in entry.confidentiality_codes}
    codes |= {(EVENT, coded(code)) for code in entry.event_codes}
    if codes:
        connection.execute(
            _DOCUMENT_ENTRY_CODE,
            [{"document_entry_pk": pk, "attribute": a, "code": c} for a, c in sorted(codes)],
        )
    persons = [normal(str(author.person)) for author in entry.authors if author.person is not None]
    if persons:
        connection.execute(
            _DOCUMENT_ENTRY_AUTHOR,
            [{"document_entry_pk": pk, "position": n, "person": p} for n, p in enumerate(persons)],
        )
    references = {normal(str(reference)) for reference in entry.reference_ids}
    if references:
        connection.execute(
            _DOCUMENT_ENTRY_REFERENCE,
            [{"document_entry_pk": pk, "reference_id": x} for x in sorted(references)],
        )
    return pk


def insert_folder(
    connection: Connection,
    folder: Folder,
    *,
    entry_uuid: str,
    logical_id: str,
    version: int,
    patient_pk: int,
    last_update_time: str,
    fragment: bytes,
) -> int:
    """Store a Folder with the rows of its codes; returns its row."""
    pk = _insert(
        connection,
        _FOLDER,
        {
            "entry_uuid": entry_uuid,
            "logical_id": logical_id,
            "version": version,
            "unique_id": normal(str(folder.unique_id)),
            "patient_pk": patient_pk,
            "status": APPROVED,
            "last_update_time": last_update_time,
            "home": folder.home_community_id,
            "fragment": fragment,
        },
    )
    codes = {coded(code) for code in folder.code_list}
    if codes:
        connection.execute(_FOLDER_CODE, [{"folder_pk": pk, "code": code} for code in sorted(codes)])
    return pk


def association_row(
    association: Association, *, entry_uuid: str, source: str, target: str, fragment: bytes
) -> dict[str, Any]:
    """The row of an Association, whose ends are entryUUIDs by now."""
    return {
        "entry_uuid": entry_uuid,
        "association_type": ASSOCIATION_NUMBER[association.association_type],
        "source": source,
        "target": target,
        "status": APPROVED,
        "home": association.home_community_id,
        "fragment": fragment,
    }


def insert_associations(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Store Associations in one statement."""
    if rows:
        connection.execute(_ASSOCIATION, rows)


def _insert(connection: Connection, statement: Insert, values: dict[str, Any]) -> int:
    result = connection.execute(statement, values)
    key: Any = result.inserted_primary_key
    return int(key[0])
