"""Registered objects as states: what their rows and their stored form say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from lxml import etree
from sqlalchemy import Connection, Table, select

from schemas.attributes import ObjectKind
from schemas.ebrim.decode import decode_association, decode_document_entry, decode_folder, decode_submission_set
from schemas.ebrim.reading import Problems
from schemas.vocabulary import RIM, AvailabilityStatus
from soap.xml import parse_trusted
from xds_registry import tables as t
from xds_registry.changes.change import State
from xds_registry.encoding import STATUS_OF_NUMBER

_HEAD: Final = f'<rim:RegistryObjectList xmlns:rim="{RIM}">'.encode()
_TAIL: Final = b"</rim:RegistryObjectList>"
_DECODE: Final[dict[ObjectKind, Callable[[etree._Element, Problems], Any]]] = {
    ObjectKind.DOCUMENT_ENTRY: decode_document_entry,
    ObjectKind.SUBMISSION_SET: decode_submission_set,
    ObjectKind.FOLDER: decode_folder,
    ObjectKind.ASSOCIATION: decode_association,
}
_OF_PATIENTS: Final = (
    (ObjectKind.DOCUMENT_ENTRY, t.document_entry),
    (ObjectKind.FOLDER, t.folder),
    (ObjectKind.SUBMISSION_SET, t.submission_set),
)


def element_of(fragment: bytes) -> etree._Element:
    """The element that a fragment is."""
    return parse_trusted(_HEAD + fragment + _TAIL)[0]


def state_of(
    kind: ObjectKind,
    fragment: bytes,
    *,
    entry_uuid: str,
    patient: str,
    status: AvailabilityStatus,
    logical_id: str | None = None,
    version: int = 1,
) -> State:
    """The state of an object that is stored as `fragment`, or will be."""
    # What is stored was accepted once, and stays readable where the rules have become stricter since.
    item = _DECODE[kind](element_of(fragment), Problems())
    return State(kind, entry_uuid, logical_id or entry_uuid, version, patient, status, item)


def read_states(connection: Connection, entry_uuids: Collection[str]) -> dict[str, State]:
    """The registered objects among `entry_uuids`, by entryUUID. An Association is of its source's patient."""
    wanted, found = set(entry_uuids), dict[str, State]()
    links = connection.execute(select(t.association).where(t.association.c.entry_uuid.in_(sorted(wanted)))).all()
    sources = {link.source for link in links}
    for kind, table in _OF_PATIENTS:
        missing = (wanted | sources) - found.keys()
        if missing:
            found |= _of_patients(connection, kind, table, missing)
    patients = {uuid: state.patient for uuid, state in found.items()}
    found = {uuid: state for uuid, state in found.items() if uuid in wanted}
    for link in links:
        found[link.entry_uuid] = state_of(
            ObjectKind.ASSOCIATION,
            link.fragment,
            entry_uuid=link.entry_uuid,
            patient=patients.get(link.source, ""),
            status=STATUS_OF_NUMBER[link.status],
        )
    return found


def _of_patients(connection: Connection, kind: ObjectKind, table: Table, uuids: Collection[str]) -> dict[str, State]:
    statement = (
        select(table, t.patient.c.patient_id)
        .join(t.patient, t.patient.c.pk == table.c.patient_pk)
        .where(table.c.entry_uuid.in_(sorted(uuids)))
    )
    versioned = "logical_id" in table.c
    return {
        row.entry_uuid: state_of(
            kind,
            row.fragment,
            entry_uuid=row.entry_uuid,
            patient=row.patient_id,
            status=STATUS_OF_NUMBER[row.status],
            logical_id=row.logical_id if versioned else None,
            version=row.version if versioned else 1,
        )
        for row in connection.execute(statement)
    }
