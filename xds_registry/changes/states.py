"""Registered objects as states: what their rows and their stored form say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from lxml import etree
from sqlalchemy import Connection, Row, select

from schemas.attributes import ObjectKind
from schemas.ebrim.decode import decode_association, decode_document_entry, decode_folder, decode_submission_set
from schemas.ebrim.reading import Problems
from schemas.vocabulary import RIM
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


def read_states(connection: Connection, entry_uuids: Collection[str]) -> dict[str, State]:
    """The registered objects among `entry_uuids`, by entryUUID."""
    wanted, found, patients = set(entry_uuids), dict[str, State](), dict[str, str]()
    links = connection.execute(select(t.association).where(t.association.c.entry_uuid.in_(sorted(wanted)))).all()
    for kind, table in _OF_PATIENTS:
        statement = select(table, t.patient.c.patient_id).join(t.patient, t.patient.c.pk == table.c.patient_pk)
        asked = sorted(wanted | {link.source for link in links})
        for row in connection.execute(statement.where(table.c.entry_uuid.in_(asked))):
            patients[row.entry_uuid] = row.patient_id
            if row.entry_uuid in wanted:
                found[row.entry_uuid] = _state(kind, row, row.patient_id)
    found |= {link.entry_uuid: _state(ObjectKind.ASSOCIATION, link, patients.get(link.source, "")) for link in links}
    return found


def _state(kind: ObjectKind, row: Row[Any], patient: str) -> State:
    # What is stored was accepted once, and stays readable where the rules have become stricter since.
    item = _DECODE[kind](parse_trusted(_HEAD + row.fragment + _TAIL)[0], Problems())
    versioned = kind in (ObjectKind.DOCUMENT_ENTRY, ObjectKind.FOLDER)
    logical_id, version = (row.logical_id, row.version) if versioned else (row.entry_uuid, 1)
    return State(kind, row.entry_uuid, logical_id, version, patient, STATUS_OF_NUMBER[row.status], item)
