"""ITI-62 in one transaction: find, lock, judge, ask, delete.

A removal takes the locks that submissions take for the same patients, and keeps the rows it is about to delete: what a
submission refers to is still there when it commits, and what a removal judges by is still true when it commits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select

from schemas.attributes import ObjectKind
from schemas.errors import UnresolvedReferenceException, XdsErrors
from xds_registry import signatures
from xds_registry import tables as t
from xds_registry.changes import Change, ChangeKind, Permit, State, read_states
from xds_registry.encoding import HAS_MEMBER
from xds_registry.references import Registered
from xds_registry.register import touch_folders
from xds_registry.removal.graph import (
    TABLES,
    Link,
    batches,
    kinds_of,
    links_named,
    links_touching,
    patients_of,
    versions_beside,
    visible_objects,
)
from xds_registry.removal.rules import Plan, broken_rules
from xds_registry.visibility import Visibility

#: How much of an id that is not registered an error repeats.
_LONGEST_ID: Final = 256
#: Rows that belong to an object and go with it.
_PARTS: Final = {
    ObjectKind.DOCUMENT_ENTRY: (t.document_entry_code, t.document_entry_author, t.document_entry_reference),
    ObjectKind.FOLDER: (t.folder_code,),
    ObjectKind.SUBMISSION_SET: (t.submission_set_author,),
    ObjectKind.ASSOCIATION: (),
}


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed of one patient: entryUUIDs of all its objects, uniqueIds of its documents."""

    patient: str
    objects: tuple[str, ...]
    documents: tuple[str, ...]


def remove_objects(
    connection: Connection,
    entry_uuids: Sequence[str],
    *,
    now: datetime,
    visibility: Visibility,
    permit: Permit,
) -> list[Removed]:
    """Delete the objects with these ids, all or none; the caller's transaction commits it.

    What the caller may not see is not there. Raises `XdsErrors` with everything that is wrong; then nothing may be
    committed (ITI TF-2: 3.62.4.1.3).
    """
    objects = _locked(connection, entry_uuids, visibility)
    missing = [entry_uuid for entry_uuid in entry_uuids if entry_uuid not in objects]
    if missing:
        raise XdsErrors(
            tuple(
                UnresolvedReferenceException(f"{x[:_LONGEST_ID]} is not registered", location=x[:_LONGEST_ID] or None)
                for x in missing
            )
        )
    links = links_named(connection, [x.entry_uuid for x in objects.values() if x.kind is ObjectKind.ASSOCIATION])
    errors = broken_rules(_plan(connection, objects, links))
    if errors:
        raise XdsErrors(tuple(errors))
    removed = _told(connection, objects, links)
    states: dict[str, State] = {}
    for batch in batches(objects):
        states |= read_states(connection, batch)
    permit(connection, tuple(Change(ChangeKind.REMOVE, states[entry_uuid], None) for entry_uuid in objects))
    _delete(connection, list(objects.values()))
    _touch(connection, objects, links, now)
    return removed


def _locked(connection: Connection, entry_uuids: Sequence[str], visibility: Visibility) -> dict[str, Registered]:
    """The visible objects, which stay as they are until the transaction ends."""
    if connection.dialect.name != "postgresql":
        return visible_objects(connection, entry_uuids, visibility)  # a writer in SQLite is alone
    locked: set[int] = set()
    while True:
        ends = {end for link in links_named(connection, entry_uuids) for end in link.ends}
        patients = patients_of(connection, {*entry_uuids, *ends})
        if patients <= locked:
            break
        # In one order for everybody; again when a merge has moved an object to another patient meanwhile.
        lock = select(t.patient.c.pk).where(t.patient.c.pk.in_(patients)).order_by(t.patient.c.pk)
        connection.execute(lock.with_for_update())
        locked |= patients
    for table in TABLES.values():
        for batch in batches(sorted(entry_uuids)):
            # A submission for another patient may refer to the object: it holds the row, or finds it gone.
            rows = select(table.c.pk).where(table.c.entry_uuid.in_(batch)).order_by(table.c.pk)
            connection.execute(rows.with_for_update())
    return visible_objects(connection, entry_uuids, visibility)


def _plan(connection: Connection, objects: dict[str, Registered], links: list[Link]) -> Plan:
    ends = {end for link in links for end in link.ends}
    touching = links_touching(connection, objects.keys() | ends)
    kinds = kinds_of(connection, ends | {link.source for link in touching})
    return Plan(objects.keys(), links, touching, versions_beside(connection, list(objects.values())), kinds)


def _delete(connection: Connection, objects: Collection[Registered]) -> None:
    for kind in TABLES:
        for batch in batches([item.pk for item in objects if item.kind is kind]):
            delete_rows(connection, kind, batch)


def delete_rows(connection: Connection, kind: ObjectKind, pks: Sequence[int]) -> None:
    """Delete objects of one kind, with all that is kept of them."""
    table = TABLES[kind]
    for part in _PARTS[kind]:
        connection.execute(delete(part).where(part.c[f"{table.name}_pk"].in_(pks)))
    if kind is ObjectKind.SUBMISSION_SET:
        signatures.forget(connection, pks)
    connection.execute(delete(table).where(table.c.pk.in_(pks)))


def _touch(connection: Connection, objects: dict[str, Registered], links: list[Link], now: datetime) -> None:
    """A Folder that lost a member was modified now (ITI TF-3: 4.2.3.4.6)."""
    sources = {link.source for link in links if link.association_type == HAS_MEMBER and link.source not in objects}
    for batch in batches(sorted(sources)):
        touch_folders(connection, batch, now)


def _told(connection: Connection, objects: dict[str, Registered], links: list[Link]) -> list[Removed]:
    """What goes, by patient: an association is its source's patient's, or that of the end that is none itself."""
    own = {entry_uuid: item.patient_pk for entry_uuid, item in objects.items() if item.patient_pk is not None}
    ends = {end for link in links for end in link.ends}
    for kind, table in TABLES.items():
        if kind is not ObjectKind.ASSOCIATION:
            for batch in batches(ends - own.keys()):
                rows = select(table.c.entry_uuid, table.c.patient_pk).where(table.c.entry_uuid.in_(batch))
                own |= {row.entry_uuid: row.patient_pk for row in connection.execute(rows)}
    of_links = {link.entry_uuid: own.get(link.source, own.get(link.target)) for link in links}
    by_patient: dict[int | None, list[Registered]] = {}
    for entry_uuid, item in objects.items():
        patient = of_links.get(entry_uuid) if item.patient_pk is None else item.patient_pk
        by_patient.setdefault(patient, []).append(item)
    names: dict[int | None, str] = {}
    for known in batches([pk for pk in by_patient if pk is not None]):
        patients = select(t.patient.c.pk, t.patient.c.patient_id).where(t.patient.c.pk.in_(known))
        names |= {row.pk: row.patient_id for row in connection.execute(patients)}
    return [
        Removed(
            names.get(patient, ""),
            tuple(item.entry_uuid for item in items),
            _unique_ids(connection, [item.pk for item in items if item.kind is ObjectKind.DOCUMENT_ENTRY]),
        )
        for patient, items in by_patient.items()
    ]


def _unique_ids(connection: Connection, entries: list[int]) -> tuple[str, ...]:
    columns = t.document_entry.c
    found: dict[str, None] = {}
    for batch in batches(entries):
        found |= dict.fromkeys(connection.scalars(select(columns.unique_id).where(columns.pk.in_(batch))))
    return tuple(found)
