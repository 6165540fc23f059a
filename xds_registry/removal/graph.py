"""What a removal looks at: the objects that it names, the associations around them, the versions beside them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, or_, select

from schemas.attributes import ObjectKind
from xds_registry import tables as t
from xds_registry.encoding import APPROVED
from xds_registry.references import Registered
from xds_registry.visibility import Visibility

T = TypeVar("T")

#: How many identifiers one statement asks for; SQLite takes 32,766 parameters.
BATCH: Final = 500
#: The kinds of objects, each with its table; associations come last.
TABLES: Final = {
    ObjectKind.DOCUMENT_ENTRY: t.document_entry,
    ObjectKind.FOLDER: t.folder,
    ObjectKind.SUBMISSION_SET: t.submission_set,
    ObjectKind.ASSOCIATION: t.association,
}
# Fragments are written by `schemas.ebrim.fragment` alone, which escapes what texts could imitate this with.
_ORIGINAL: Final = re.compile(
    rb'<rim:Slot (?:[^>]* )?name="SubmissionSetStatus"[^>]*><rim:ValueList[^>]*><rim:Value>Original</rim:Value>'
)


@dataclass(frozen=True, slots=True)
class Link:
    """An Association. `original` says whether its SubmissionSetStatus is Original."""

    entry_uuid: str
    association_type: int
    source: str
    target: str
    original: bool

    @property
    def ends(self) -> tuple[str, str]:
        return self.source, self.target


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a DocumentEntry or Folder."""

    entry_uuid: str
    logical_id: str
    version: int


def batches(items: Collection[T]) -> Iterator[list[T]]:
    """The items, as many at a time as one statement may ask for."""
    whole = list(items)
    for start in range(0, len(whole), BATCH):
        yield whole[start : start + BATCH]


def visible_objects(
    connection: Connection, entry_uuids: Collection[str], visibility: Visibility
) -> dict[str, Registered]:
    """The objects among `entry_uuids` that the caller may see."""
    conditions = {
        ObjectKind.DOCUMENT_ENTRY: visibility.document_entries(),
        ObjectKind.FOLDER: visibility.folders(),
        ObjectKind.SUBMISSION_SET: visibility.submission_sets(),
        ObjectKind.ASSOCIATION: visibility.associations(),
    }
    found: dict[str, Registered] = {}
    for kind, table in TABLES.items():
        for batch in batches(entry_uuids):
            rows = connection.execute(select(*_columns(table)).where(table.c.entry_uuid.in_(batch), conditions[kind]))
            found |= {row.entry_uuid: _registered(kind, row) for row in rows}
    return found


def links_named(connection: Connection, entry_uuids: Collection[str]) -> list[Link]:
    """The associations with these ids."""
    return [
        link for batch in batches(entry_uuids) for link in _links(connection, t.association.c.entry_uuid.in_(batch))
    ]


def links_touching(connection: Connection, entry_uuids: Collection[str]) -> list[Link]:
    """The associations that have one of these objects as an end, whoever may see them."""
    columns, found = t.association.c, dict[str, Link]()
    for batch in batches(entry_uuids):
        touching = or_(columns.source.in_(batch), columns.target.in_(batch))
        found |= {link.entry_uuid: link for link in _links(connection, touching)}
    return list(found.values())


def versions_beside(connection: Connection, removed: Sequence[Registered]) -> list[Version]:
    """Every version of the DocumentEntries and Folders that are removed, theirs included."""
    found: list[Version] = []
    for kind in (ObjectKind.DOCUMENT_ENTRY, ObjectKind.FOLDER):
        table = TABLES[kind]
        for batch in batches([item.pk for item in removed if item.kind is kind]):
            logical = select(table.c.logical_id).where(table.c.pk.in_(batch))
            rows = connection.execute(
                select(table.c.entry_uuid, table.c.logical_id, table.c.version).where(table.c.logical_id.in_(logical))
            )
            found += [Version(*row) for row in rows]
    return list({version.entry_uuid: version for version in found}.values())


def kinds_of(connection: Connection, entry_uuids: Collection[str]) -> dict[str, ObjectKind]:
    """What kind of object each id is, whoever may see it."""
    found: dict[str, ObjectKind] = {}
    for kind, table in TABLES.items():
        for batch in batches(entry_uuids):
            rows = connection.scalars(select(table.c.entry_uuid).where(table.c.entry_uuid.in_(batch)))
            found |= dict.fromkeys(rows, kind)
    return found


def patients_of(connection: Connection, entry_uuids: Collection[str]) -> set[int]:
    """The patients (rows) of objects."""
    found: set[int] = set()
    for kind, table in TABLES.items():
        if kind is not ObjectKind.ASSOCIATION:
            for batch in batches(entry_uuids):
                found |= set(connection.scalars(select(table.c.patient_pk).where(table.c.entry_uuid.in_(batch))))
    return found


def _links(connection: Connection, condition: ColumnElement[bool]) -> list[Link]:
    columns = t.association.c
    statement = select(
        columns.entry_uuid, columns.association_type, columns.source, columns.target, columns.fragment
    ).where(condition)
    return [
        Link(
            row.entry_uuid,
            row.association_type,
            row.source,
            row.target,
            _ORIGINAL.search(row.fragment) is not None,
        )
        for row in connection.execute(statement)
    ]


def _columns(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in ("pk", "entry_uuid", "patient_pk", "status", "on_demand") if name in table.c]


def _registered(kind: ObjectKind, row: Row[Any]) -> Registered:
    return Registered(
        kind,
        row.pk,
        row.entry_uuid,
        None if kind is ObjectKind.ASSOCIATION else row.patient_pk,
        row.status == APPROVED,
        kind is ObjectKind.DOCUMENT_ENTRY and bool(row.on_demand),
    )
