"""Care episodes: documents that belong together, shown with each other.

The metadata model knows no episode. What ties documents is the submission that they came with or were referred to by
later (ITI TF-3: 4.2.2.1.1), a Folder that holds them, and what their senders said of their relationship (ITI TF-3:
4.2.2.2). One step counts: what is tied to a tied document is not tied to the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from schemas.vocabulary import RELATIONSHIPS, AvailabilityStatus
from xds_registry import tables as t
from xds_registry.encoding import APPROVED, ASSOCIATION_NUMBER, HAS_MEMBER, STATUS_NUMBER, STATUS_OF_NUMBER
from xds_registry.references import is_latest
from xds_registry.visibility import Visibility

_RELATIONSHIPS: Final = sorted(ASSOCIATION_NUMBER[kind] for kind in RELATIONSHIPS)


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """The latest version of a document that is tied to another. `fragment` is its ebRIM, as queries answer it."""

    entry_uuid: str
    unique_id: str
    status: AvailabilityStatus
    fragment: bytes


def linked_documents(
    connection: Connection,
    entry_uuid: str,
    visibility: Visibility,
    *,
    statuses: Collection[AvailabilityStatus] = (AvailabilityStatus.APPROVED,),
) -> tuple[LinkedDocument, ...]:
    """The documents to show with a document, any version of which `entry_uuid` names: the oldest first.

    Documents of the same patient in one of the `statuses` that the caller may see, tied by what the caller may see;
    none for a document that the caller may not see. Whoever was submitted together stays so in later versions; Folders
    and relationships are those of the latest version.
    """
    entry = t.document_entry
    origin = connection.execute(
        select(entry.c.logical_id, entry.c.patient_pk).where(
            entry.c.entry_uuid == entry_uuid, visibility.document_entries()
        )
    ).first()
    if origin is None:
        return ()
    found = connection.execute(
        select(entry.c.entry_uuid, entry.c.unique_id, entry.c.status, entry.c.fragment)
        .where(
            or_(*_tied(origin.logical_id, visibility)),
            entry.c.logical_id != origin.logical_id,
            entry.c.patient_pk == origin.patient_pk,
            entry.c.status.in_([STATUS_NUMBER[status] for status in statuses]),
            is_latest(entry),
            visibility.document_entries(),
        )
        .order_by(entry.c.creation_time, entry.c.pk)
    )
    return tuple(
        LinkedDocument(row.entry_uuid, row.unique_id, STATUS_OF_NUMBER[row.status], row.fragment) for row in found
    )


def _tied(logical_id: str, visibility: Visibility) -> Iterator[ColumnElement[bool]]:
    """The ways in which an entry may be tied to a logical document."""
    package, folder = t.submission_set, t.folder
    yield t.document_entry.c.logical_id.in_(
        _beside(logical_id, package, "logical_id").where(visibility.submission_sets())
    )
    yield t.document_entry.c.entry_uuid.in_(
        _beside(logical_id, folder, "entry_uuid", latest=True).where(folder.c.status == APPROVED, visibility.folders())
    )
    mine, link = t.document_entry.alias("mine"), t.association.alias("relationship")
    for own, other in ((link.c.source, link.c.target), (link.c.target, link.c.source)):
        yield t.document_entry.c.entry_uuid.in_(
            select(other)
            .join_from(mine, link, own == mine.c.entry_uuid)
            .where(
                mine.c.logical_id == logical_id,
                is_latest(mine),
                link.c.association_type.in_(_RELATIONSHIPS),
                link.c.status == APPROVED,
            )
        )


def _beside(logical_id: str, package: Any, named: str, *, latest: bool = False) -> Select[Any]:
    """What is in a package beside a document, by that name: beside any version of it, or the `latest` only."""
    mine, theirs = t.document_entry.alias("mine"), t.document_entry.alias("theirs")
    inner, outer = t.association.alias("own_membership"), t.association.alias("other_membership")
    return (
        select(theirs.c[named])
        .join_from(mine, inner, inner.c.target == mine.c.entry_uuid)
        .join(package, package.c.entry_uuid == inner.c.source)
        .join(outer, outer.c.source == package.c.entry_uuid)
        .join(theirs, theirs.c.entry_uuid == outer.c.target)
        .where(
            mine.c.logical_id == logical_id,
            *(link.c.association_type == HAS_MEMBER for link in (inner, outer)),
            *(link.c.status == APPROVED for link in (inner, outer)),
            *((is_latest(mine),) if latest else ()),
        )
    )
