"""What a submission may refer to, as far as its sender may see it, and what it may replace."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, select

from dmp.audit import Occasion
from dmp.rights.conditions import ALWAYS, Condition
from schemas.attributes import ObjectKind
from schemas.metadata import Submission
from xds_registry import tables as t
from xds_registry.references import References
from xds_registry.visibility import EVERYTHING, Visibility, as_sql


@dataclass(frozen=True, slots=True)
class Reach:
    """A sender's reach: objects beyond it are as if they were not there; documents beyond `replaceable` stay."""

    visible: Visibility = EVERYTHING
    replaceable: Condition = ALWAYS


#: Says how far the sender of a submission reaches. Raises XdsErrors, or a fault, when it may not submit at all.
SubmissionLaw = Callable[[Occasion, Submission], Reach]


def anybody(_occasion: Occasion, _submission: Submission) -> Reach:
    """Every sender reaches everything."""
    return Reach()


def within_reach(connection: Connection, references: References, reach: Reach) -> References:
    """The references without the objects that are beyond reach."""
    if reach.visible is EVERYTHING:
        return references
    visible = reach.visible
    seen = set[str]()
    for kind, table, condition in (
        (ObjectKind.DOCUMENT_ENTRY, t.document_entry, visible.document_entries),
        (ObjectKind.FOLDER, t.folder, visible.folders),
        (ObjectKind.SUBMISSION_SET, t.submission_set, visible.submission_sets),
        (ObjectKind.ASSOCIATION, t.association, visible.associations),
    ):
        wanted = [uuid for uuid, found in references.objects.items() if found.kind is kind]
        seen |= _meeting(connection, table, wanted, condition())
    return References({uuid: found for uuid, found in references.objects.items() if uuid in seen})


def not_replaceable(connection: Connection, entry_uuids: Collection[str], reach: Reach) -> set[str]:
    """Those of registered DocumentEntries that the sender may not replace."""
    if reach.replaceable == ALWAYS:
        return set()
    wanted = list(entry_uuids)
    return set(wanted) - _meeting(connection, t.document_entry, wanted, as_sql(reach.replaceable))


def _meeting(connection: Connection, table: Table, uuids: list[str], condition: ColumnElement[bool]) -> set[str]:
    if not uuids:
        return set()
    column: ColumnElement[str] = table.c.entry_uuid
    return set(connection.scalars(select(column).where(column.in_(uuids), condition)))
