"""The rows that an update writes: planned while it is checked, written once it is permitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, select, update

from schemas.attributes import ObjectKind
from schemas.ebrim import fragment as fragments
from schemas.ebrim.fragment import new_uuid, serialise
from schemas.metadata import Association, DocumentEntry, Folder
from schemas.vocabulary import AssociationType, AvailabilityStatus
from xds_registry import insertion
from xds_registry import tables as t
from xds_registry.changes.states import element_of
from xds_registry.encoding import APPROVED, ASSOCIATION_NUMBER, STATUS_NUMBER
from xds_registry.register import Writer, touch_folders
from xds_registry.update.associations import Propagated
from xds_registry.update.operations import NewVersion, StatusChange
from xds_registry.update.registered import Known, Link

_TABLES: Final = {
    ObjectKind.DOCUMENT_ENTRY: t.document_entry,
    ObjectKind.FOLDER: t.folder,
    ObjectKind.ASSOCIATION: t.association,
}


@dataclass(slots=True)
class Planned:
    """What is to be written, in the order in which it was planned."""

    writer: Writer
    set_uuid: str
    patient_pk: int
    now: datetime
    versions: list[tuple[NewVersion, Known, Known]] = field(default_factory=list)
    fragments: dict[str, bytes] = field(default_factory=dict)  # of new versions, by entryUUID
    propagated: list[Propagated] = field(default_factory=list)
    associations: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[tuple[ObjectKind, str, AvailabilityStatus]] = field(default_factory=list)
    touched_folders: list[str] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)  # the submitted Associations

    def add_version(self, version: NewVersion, before: Known, after: Known) -> bytes:
        """A new version and its membership of the SubmissionSet; its stored form."""
        stamped = {} if version.is_entry else {"lastUpdateTime": self.stamp}
        fragment = self.writer.fragment(
            version.element,
            version.entry_uuid,
            status=after.status,
            version=after.version,
            logical_id=after.logical_id,
            replaced_slots=stamped,
        )
        self.versions.append((version, before, after))
        self.fragments[version.entry_uuid] = fragment
        self.associations.append(self.writer.association(version.membership))
        return fragment

    def add_propagated(self, one: Propagated, *, gains: bool) -> None:
        """An Association that is there again. `gains`: its source is a Folder that gets a member by it."""
        self.propagated.append(one)
        row = _again(one)
        self._add(row, member=one.origin.association_type is AssociationType.HAS_MEMBER)
        if gains:
            self.touched_folders.append(one.source.entry_uuid)

    def add_association(self, association: Association, *, registered_folder: bool) -> dict[str, Any]:
        """A submitted Association; its row."""
        row = self.writer.association(association.entry_uuid)
        member = association.association_type is AssociationType.HAS_MEMBER
        self._add(row, member=member)
        if member and registered_folder:
            self.touched_folders.append(association.source)
        self.links[association.entry_uuid] = Link(
            association.entry_uuid,
            association.association_type,
            association.source,
            association.target,
            AvailabilityStatus.APPROVED,
            row["fragment"],
        )
        return row

    def add_status(self, kind: ObjectKind, change: StatusChange, ends: tuple[Known, ...]) -> None:
        """Another status. A Folder whose membership comes or goes was updated (`ends` are those of an Association)."""
        self.statuses.append((kind, change.target, change.new))
        if kind is ObjectKind.ASSOCIATION and ends and ends[0].kind is ObjectKind.FOLDER:
            self.touched_folders.append(ends[0].entry_uuid)

    def link(self, entry_uuid: str) -> Link | None:
        """A submitted Association."""
        return self.links.get(entry_uuid)

    @property
    def stamp(self) -> str:
        """lastUpdateTime of what is updated now."""
        return self.now.strftime("%Y%m%d%H%M%S")

    def _add(self, row: dict[str, Any], *, member: bool) -> None:
        self.associations.append(row)
        if member:
            # ITI TF-3: 4.2.2.1.3: a membership of a Folder belongs to the SubmissionSet that made it
            self.associations.append(self.writer.member(self.set_uuid, row["entry_uuid"]))


def write(connection: Connection, planned: Planned) -> None:
    """Write everything that is planned."""
    writer = planned.writer
    writer.submission_set(planned.set_uuid)
    for version, before, after in planned.versions:
        fragment = planned.fragments[version.entry_uuid]
        kind = ObjectKind.DOCUMENT_ENTRY if version.is_entry else ObjectKind.FOLDER
        set_status(connection, kind, before.entry_uuid, AvailabilityStatus.DEPRECATED)
        _insert_version(connection, planned, version, after, fragment)
    insertion.insert_associations(connection, planned.associations)
    for kind, entry_uuid, status in planned.statuses:
        set_status(connection, kind, entry_uuid, status)
    touch_folders(connection, list(dict.fromkeys(planned.touched_folders)), planned.now)


def _insert_version(
    connection: Connection, planned: Planned, version: NewVersion, after: Known, fragment: bytes
) -> None:
    item = planned.writer.with_home(version.item)
    if isinstance(item, DocumentEntry):
        insertion.insert_document_entry(
            connection,
            item,
            entry_uuid=after.entry_uuid,
            logical_id=after.logical_id,
            version=after.version,
            patient_pk=planned.patient_pk,
            fragment=fragment,
            status=STATUS_NUMBER[after.status],
        )
    elif isinstance(item, Folder):
        insertion.insert_folder(
            connection,
            item,
            entry_uuid=after.entry_uuid,
            logical_id=after.logical_id,
            version=after.version,
            patient_pk=planned.patient_pk,
            last_update_time=planned.stamp,
            fragment=fragment,
        )


def set_status(connection: Connection, kind: ObjectKind, entry_uuid: str, status: AvailabilityStatus) -> None:
    """Set availabilityStatus of an object, in its row and in its fragment."""
    table: Table = _TABLES[kind]
    row = connection.execute(select(table.c.pk, table.c.fragment).where(table.c.entry_uuid == entry_uuid)).one()
    fragment = fragments.with_status(row.fragment, status)
    connection.execute(
        update(table).where(table.c.pk == row.pk).values(status=STATUS_NUMBER[status], fragment=fragment)
    )


def _again(one: Propagated) -> dict[str, Any]:
    """The row of an Association as it was, between other objects and with ids of its own."""
    link, entry_uuid = one.origin, new_uuid()
    moved = {link.source: one.source.entry_uuid, link.target: one.target.entry_uuid}
    element = element_of(link.fragment)
    for nested in element.iterdescendants():
        nested.attrib.pop("id", "")
    fragment = serialise(
        element,
        entry_uuid=entry_uuid,
        status=AvailabilityStatus.APPROVED,
        resolve=lambda name: moved.get(name, name),
        version=None,
    )
    return {
        "entry_uuid": entry_uuid,
        "association_type": ASSOCIATION_NUMBER[link.association_type],
        "source": one.source.entry_uuid,
        "target": one.target.entry_uuid,
        "status": APPROVED,
        "home": element.get("home"),
        "fragment": fragment,
    }
