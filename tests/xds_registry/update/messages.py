"""The smallest valid updates, to change one thing of; and what the registry says of objects afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lxml import etree

from schemas.metadata import Association, DocumentEntry, EntryId, Folder, Submission, SubmissionSet
from schemas.vocabulary import AssociationType, AvailabilityStatus
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client
from xds_registry.query.catalogue import QueryId

APPROVED, DEPRECATED = AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED
ARCHIVED, DELETED = AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED
LEVEL_2 = {"$MetadataLevel": "2"}


def next_version(before: Any, **changes: Any) -> Any:
    """A DocumentEntry or Folder as the next version of another one."""
    logical_id = before.logical_id or before.entry_uuid
    return replace(before, **{"entry_uuid": s.new_id(), "logical_id": logical_id, **changes})


def holder_of(*items: Any, **changes: Any) -> SubmissionSet:
    """A SubmissionSet for the patient of the first item that has one."""
    about = next((x.patient_id for x in items if isinstance(x, DocumentEntry | Folder)), s.patient())
    return s.submission_set(**{"patient_id": about, **changes})


def updates(
    *new: DocumentEntry | Folder, previous: Any = 1, propagation: str | None = None, more: tuple[Any, ...] = ()
) -> Submission:
    """New versions, each after version `previous`; `more` goes along."""
    holder = next((x for x in more if isinstance(x, SubmissionSet)), None) or holder_of(*new)
    links = [
        s.member(
            holder,
            item,
            "Original" if isinstance(item, DocumentEntry) else None,
            previous_version=None if previous is None else str(previous),
            association_propagation=propagation,
        )
        for item in new
    ]
    return whole(holder, *new, *links, *(x for x in more if x is not holder))


def whole(holder: SubmissionSet, *items: Any) -> Submission:
    """A submission of exactly these items."""
    return Submission(
        submission_sets=(holder,),
        document_entries=tuple(x for x in items if isinstance(x, DocumentEntry)),
        folders=tuple(x for x in items if isinstance(x, Folder)),
        associations=tuple(x for x in items if isinstance(x, Association)),
    )


def status(holder: SubmissionSet, target: Any, original: Any, new: Any, **changes: Any) -> Association:
    """The trigger of another availabilityStatus."""
    kind = AssociationType.UPDATE_AVAILABILITY_STATUS
    return s.association(kind, holder, target, original_status=original, new_status=new, **changes)


def becomes(target: Any, original: Any, new: Any, **changes: Any) -> Submission:
    """Another availabilityStatus for one object."""
    holder = holder_of(target)
    return whole(holder, status(holder, target, original, new, **changes))


def links(*new: Association, holder: SubmissionSet | None = None) -> Submission:
    """Associations between what is registered, each with its trigger."""
    holder = holder or s.submission_set()
    return whole(holder, *new, *(submits(holder, association) for association in new))


def submits(holder: SubmissionSet, new: Association) -> Association:
    """The trigger of a new Association."""
    return s.association(AssociationType.SUBMIT_ASSOCIATION, holder, new)


def appends(source: Any, target: Any, **changes: Any) -> Association:
    """An APND."""
    return s.association(AssociationType.APPEND, source, target, **changes)


def versions(client: Client, item: Any) -> list[tuple[int, str]]:
    """Every version of a logical object and its status, the first one first."""
    return [(number(x), x.get("status", "").rpartition(":")[2]) for x in history(client, item)]


def history(client: Client, item: Any) -> list[etree._Element]:
    """Every version of a logical object, the first one first."""
    entry = isinstance(item, DocumentEntry)
    query, prefix = (QueryId.GET_DOCUMENTS, "Entry") if entry else (QueryId.GET_FOLDERS, "")
    name = "$XDSDocumentEntryLogicalID" if prefix else "$XDSFolderLogicalID"
    asked = {name: s.quoted(item.logical_id or item.entry_uuid), **LEVEL_2}
    answer = client.ask(query, asked)
    assert answer.succeeded, answer.errors
    return sorted(answer.objects, key=number)


def number(element: etree._Element) -> int:
    """The version that an object is."""
    (stated,) = s.select(element, "rim:VersionInfo/@versionName")
    return int(stated)


def ends(client: Client, *items: Any, level: str = "1") -> set[tuple[str, str, str]]:
    """The Associations that touch objects, but those of SubmissionSets: kind, source, target."""
    uuids = {x if isinstance(x, str) else x.entry_uuid for x in items}
    answer = client.ask(QueryId.GET_ASSOCIATIONS, {"$uuid": s.quoted(*uuids), "$MetadataLevel": level})
    of_sets = {x.get("id") for x in client.ask(QueryId.GET_SUBMISSION_SETS, {"$uuid": s.quoted(*uuids)}).objects}
    found = [
        (x.get("associationType", ""), x.get("sourceObject", ""), x.get("targetObject", "")) for x in answer.objects
    ]
    return {(kind.rpartition(":")[2], source, target) for kind, source, target in found if source not in of_sets}


def symbol(name: str) -> EntryId:
    """A symbolic id."""
    return EntryId(name)
