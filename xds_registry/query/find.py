"""The Find queries and GetAll: what a patient's record holds (ITI TF-2: 3.18.4.1.2.3.7.1-.4, .14; 3.51.4.1.2.3)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table

from xds_registry import tables as t
from xds_registry.query import filters
from xds_registry.query.parameters import Arguments
from xds_registry.query.search import Found, Search


def find_documents(search: Search, arguments: Arguments, patients: list[int] | None) -> list[Found]:
    """FindDocuments, FindDocumentsByReferenceId and the multi-patient form (`patients` None: of any patient)."""
    columns = t.document_entry.c
    return search.document_entries(
        *_of(t.document_entry, patients),
        *filters.status(arguments, "$XDSDocumentEntryStatus", columns.status),
        *filters.document_entries(arguments),
    )


def find_submission_sets(search: Search, arguments: Arguments, patients: list[int] | None) -> list[Found]:
    """FindSubmissionSets."""
    columns = t.submission_set.c
    return search.submission_sets(
        *_of(t.submission_set, patients),
        *filters.status(arguments, "$XDSSubmissionSetStatus", columns.status),
        *filters.submission_sets(arguments),
    )


def find_folders(search: Search, arguments: Arguments, patients: list[int] | None) -> list[Found]:
    """FindFolders and its multi-patient form."""
    columns = t.folder.c
    return search.folders(
        *_of(t.folder, patients),
        *filters.status(arguments, "$XDSFolderStatus", columns.status),
        *filters.folders(arguments, search.folder_updated),
    )


def get_all(search: Search, arguments: Arguments, patients: list[int] | None) -> list[Found]:
    """GetAll: SubmissionSets, DocumentEntries, Folders, and the Associations that touch one of them."""
    objects = [
        *find_submission_sets(search, arguments, patients),
        *find_documents(search, arguments, patients),
        *find_folders(search, arguments, patients),
    ]
    return [*objects, *search.associations_touching({row.entry_uuid for row in objects})]


def _of(table: Table, patients: list[int] | None) -> list[ColumnElement[bool]]:
    if patients is None:
        return []
    if len(patients) == 1:
        return [table.c.patient_pk == patients[0]]
    return [table.c.patient_pk.in_(patients)]
