"""What an update refers to in the registry, read once nobody else can change it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Table, or_, select, true

from schemas.attributes import ObjectKind
from schemas.vocabulary import AssociationType, AvailabilityStatus
from xds_registry import tables as t
from xds_registry.encoding import APPROVED, ASSOCIATION_NUMBER, STATUS_OF_NUMBER
from xds_registry.references import is_latest
from xds_registry.visibility import Visibility

_TYPE_OF_NUMBER: Final = {number: kind for kind, number in ASSOCIATION_NUMBER.items()}


class Overtaken(Exception):
    """Another transaction moved an object to another patient between two looks: look again."""


@dataclass(frozen=True, slots=True)
class Known:
    """An object of a patient that is registered, or will be. `superseded`: there is a newer version of it."""

    kind: ObjectKind
    entry_uuid: str
    logical_id: str
    version: int
    unique_id: str
    patient_pk: int
    status: AvailabilityStatus
    superseded: bool = False
    on_demand: bool = False
    size: int | None = None
    hash: str | None = None
    repository: str = ""

    @property
    def approved(self) -> bool:
        return self.status is AvailabilityStatus.APPROVED


@dataclass(frozen=True, slots=True)
class Link:
    """A registered Association."""

    entry_uuid: str
    association_type: AssociationType
    source: str
    target: str
    status: AvailabilityStatus
    fragment: bytes


@dataclass(slots=True)
class Registered:
    """What the caller may see of what the update names, and the ends of the Associations among it."""

    latest: dict[str, Known] = field(default_factory=dict)  # by logicalID
    objects: dict[str, Known] = field(default_factory=dict)  # by entryUUID
    links: dict[str, Link] = field(default_factory=dict)
    ends: dict[str, Known] = field(default_factory=dict)

    @property
    def patients(self) -> set[int]:
        return {known.patient_pk for of in (self.latest, self.objects, self.ends) for known in of.values()}


def lock_patients(connection: Connection, patient_pks: Collection[int]) -> None:
    """Keep other submissions for these patients waiting; a writer in SQLite is alone anyway."""
    statement = select(t.patient.c.pk).where(t.patient.c.pk.in_(sorted(patient_pks))).order_by(t.patient.c.pk)
    connection.execute(statement.with_for_update())


def find_registered(
    connection: Connection, logical_ids: Collection[str], entry_uuids: Collection[str], visibility: Visibility
) -> Registered:
    """The latest versions of logical objects, and the objects with these entryUUIDs."""
    found = Registered()
    visible = {
        t.document_entry: visibility.document_entries(),
        t.folder: visibility.folders(),
        t.submission_set: visibility.submission_sets(),
    }
    for table in (t.document_entry, t.folder):
        condition = table.c.logical_id.in_(sorted(logical_ids))
        for known in _objects(connection, table, condition, is_latest(table), visible[table]):
            found.latest[known.logical_id] = known
    for table, sees in visible.items():
        condition = table.c.entry_uuid.in_(sorted(entry_uuids))
        found.objects |= {known.entry_uuid: known for known in _objects(connection, table, condition, sees)}
    named = t.association.c.entry_uuid.in_(sorted(set(entry_uuids) - found.objects.keys()))
    found.links = {link.entry_uuid: link for link in _links(connection, named, visibility.associations())}
    found.ends = find_objects(connection, {end for x in found.links.values() for end in (x.source, x.target)})
    return found


def find_objects(connection: Connection, entry_uuids: Collection[str]) -> dict[str, Known]:
    """The objects of patients with these entryUUIDs, whoever may see them."""
    found: dict[str, Known] = {}
    for table in (t.document_entry, t.folder, t.submission_set):
        condition = table.c.entry_uuid.in_(sorted(entry_uuids))
        found |= {known.entry_uuid: known for known in _objects(connection, table, condition)}
    return found


def approved_links(connection: Connection, entry_uuids: Collection[str]) -> list[Link]:
    """The Approved Associations that touch any of these objects, in the order of their registration."""
    wanted, columns = sorted(entry_uuids), t.association.c
    return _links(connection, or_(columns.source.in_(wanted), columns.target.in_(wanted)), columns.status == APPROVED)


_KINDS: Final = {
    t.document_entry.name: ObjectKind.DOCUMENT_ENTRY,
    t.folder.name: ObjectKind.FOLDER,
    t.submission_set.name: ObjectKind.SUBMISSION_SET,
}


def _objects(connection: Connection, table: Table, *conditions: Any) -> list[Known]:
    kind = _KINDS[table.name]
    versioned = kind is not ObjectKind.SUBMISSION_SET
    latest = is_latest(table) if versioned else true()
    names = ["entry_uuid", "unique_id", "patient_pk", "status"]
    names += ["logical_id", "version"] if versioned else []
    names += ["on_demand", "size", "hash", "repository_unique_id"] if kind is ObjectKind.DOCUMENT_ENTRY else []
    statement = select(*(table.c[name] for name in names), latest.label("latest")).where(*conditions)
    return [_known(kind, row) for row in connection.execute(statement)]


def _known(kind: ObjectKind, row: Any) -> Known:
    values = row._mapping
    return Known(
        kind,
        row.entry_uuid,
        values.get("logical_id", row.entry_uuid),
        values.get("version", 1),
        row.unique_id,
        row.patient_pk,
        STATUS_OF_NUMBER[row.status],
        superseded=not row.latest,
        on_demand=bool(values.get("on_demand", 0)),
        size=values.get("size"),
        hash=values.get("hash"),
        repository=values.get("repository_unique_id", ""),
    )


def _links(connection: Connection, *conditions: Any) -> list[Link]:
    rows = connection.execute(select(t.association).where(*conditions).order_by(t.association.c.pk))
    return [
        Link(
            row.entry_uuid,
            _TYPE_OF_NUMBER[row.association_type],
            row.source,
            row.target,
            STATUS_OF_NUMBER[row.status],
            row.fragment,
        )
        for row in rows
    ]
