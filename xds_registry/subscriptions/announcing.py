"""What a registration tells those who want to be alerted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from dmp.alerts import AnnouncedEntry, DocumentsAdded
from schemas.metadata import CodedValue, DocumentEntry
from schemas.vocabulary import AssociationType
from xds_registry.encoding import coded, normal
from xds_registry.register import Prepared

#: Writes an announcement down, in the transaction of the registration.
Announcer = Callable[[Connection, DocumentsAdded], None]


def documents_added(prepared: Prepared, at: datetime) -> DocumentsAdded:
    """The announcement of a submission that was registered just now."""
    submission = prepared.decoded.submission
    submission_set = submission.submission_sets[0]
    set_uuid = prepared.resolve(submission_set.entry_uuid)
    # A Folder is told of when it is new, and when it gains a member (ITI TF-2: 3.52.5.1.4).
    folders = [prepared.resolve(folder.entry_uuid) for folder in submission.folders]
    folders += [
        association.source
        for association, _ in prepared.associations.values()
        if association.association_type is AssociationType.HAS_MEMBER and association.source != set_uuid
    ]
    return DocumentsAdded(
        patient=normal(str(submission_set.patient_id)),
        happened_at=at,
        entries=tuple(_entry(prepared, entry) for entry in submission.document_entries),
        submission_set=set_uuid,
        folders=tuple(dict.fromkeys(folders)),
    )


def _entry(prepared: Prepared, entry: DocumentEntry) -> AnnouncedEntry:
    return AnnouncedEntry(
        prepared.resolve(entry.entry_uuid),
        _code(entry.class_code),
        _code(entry.type_code),
        frozenset(coded(code) for code in entry.confidentiality_codes),
    )


def _code(value: CodedValue | None) -> str:
    return "" if value is None else coded(value)
