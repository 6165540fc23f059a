"""Finding a record by any identifier of its patient."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select

from dmp.errors import DMPClosed, DMPInvalidRequest, DMPNotFound
from dmp.records import tables as t
from dmp.records.names import NameKind, searched
from dmp.records.record import Record, RecordStatus
from dmp.records.sheets import decode
from dmp.records.traits import Sex
from schemas.datatypes import Cx, DataTypeError, components

_BY_IDENTIFIER = (
    select(t.record, t.record_sheet.c.content)
    .join_from(t.record_identifier, t.record, t.record_identifier.c.record_pk == t.record.c.pk)
    .outerjoin(
        t.record_sheet,
        (t.record_sheet.c.record_pk == t.record.c.pk) & (t.record_sheet.c.version == t.record.c.sheet_version),
    )
    .where(t.record_identifier.c.identifier == bindparam("identifier"))
)
_BY_PK = (
    select(t.record, t.record_sheet.c.content)
    .outerjoin(
        t.record_sheet,
        (t.record_sheet.c.record_pk == t.record.c.pk) & (t.record_sheet.c.version == t.record.c.sheet_version),
    )
    .where(t.record.c.pk == bindparam("pk"))
)
_LOCKED = _BY_IDENTIFIER.with_for_update(of=t.record)
_IDENTIFIERS = (
    select(t.record_identifier.c.identifier, t.record_identifier.c.is_local)
    .where(t.record_identifier.c.record_pk == bindparam("pk"))
    .order_by(t.record_identifier.c.position)
)


def canonical(patient: str) -> str:
    """The identifier `id^^^&OID&ISO` of a CX in Unicode NFC: its components 1 and 4, whatever else it holds.

    Raises `DMPInvalidRequest`.
    """
    parts = [*components(patient.replace("\0", "")), "", "", "", ""]
    try:
        identifier = Cx.parse(f"{parts[0]}^^^{parts[3]}").value
    except DataTypeError:
        raise DMPInvalidRequest("A patient is named by identifier and authority: id^^^&OID&ISO.") from None
    return identifier if identifier.isascii() else unicodedata.normalize("NFC", identifier)


def find_record(connection: Connection, patient: str, *, lock: bool = False) -> Record | None:
    """The record of a patient, whatever its status; None when there never was one.

    `patient` is any of the patient's identifiers, national or local. `lock` keeps other changes of the record waiting
    until the transaction ends; a writer in SQLite is alone anyway. Raises `DMPInvalidRequest`.
    """
    row = connection.execute(_LOCKED if lock else _BY_IDENTIFIER, {"identifier": canonical(patient)}).first()
    return None if row is None else _record(connection, row)


def record_of(connection: Connection, record_pk: int) -> Record:
    """The record of a row. Raises `DMPNotFound`."""
    row = connection.execute(_BY_PK, {"pk": record_pk}).first()
    if row is None:
        raise DMPNotFound
    return _record(connection, row)


def search(
    connection: Connection,
    *,
    family_name: str,
    birth_date: str = "",
    first_name: str = "",
    sex: Sex | None = None,
    limit: int = 50,
) -> tuple[Record, ...]:
    """The active records whose patients have these traits, for callers who have no identifier (TD0.5).

    Names are compared without accents, case and punctuation, birth and usual name alike; `birth_date` is YYYYMMDD.
    Raises `DMPInvalidRequest` when there is no name to search for.
    """
    wanted = [(NameKind.FAMILY, searched(family_name))]
    if not wanted[0][1]:
        raise DMPInvalidRequest("A family name is needed to search.")
    if searched(first_name):
        wanted.append((NameKind.FIRST, searched(first_name)))
    query = select(t.record.c.pk).where(t.record.c.status == int(RecordStatus.ACTIVE))
    for kind, name in wanted:
        names = t.record_name.alias()
        found = exists().where(names.c.record_pk == t.record.c.pk, names.c.kind == int(kind), names.c.name == name)
        query = query.where(found)
    if birth_date:
        query = query.where(t.record.c.birth_date == birth_date)
    if sex is not None:
        query = query.where(t.record.c.sex == sex.value)
    rows = connection.execute(query.order_by(t.record.c.pk).limit(limit)).all()
    return tuple(record_of(connection, row.pk) for row in rows)


def existing(connection: Connection, patient: str) -> Record:
    """The record of a patient, active or closed, locked for a change. Raises `DMPNotFound`."""
    record = find_record(connection, patient, lock=True)
    if record is None or record.status is RecordStatus.DESTROYED:
        raise DMPNotFound
    return record


def active(connection: Connection, patient: str) -> Record:
    """The active record of a patient, locked for a change. Raises `DMPNotFound`, `DMPClosed`."""
    record = existing(connection, patient)
    if not record.active:
        raise DMPClosed
    return record


def require_active(connection: Connection, record_pk: int) -> Row[Any]:
    """The row of an active record, locked against being closed meanwhile. Raises `DMPNotFound`, `DMPClosed`."""
    row = connection.execute(
        select(t.record).where(t.record.c.pk == record_pk, t.record.c.survivor_pk.is_(None)).with_for_update()
    ).first()
    if row is None or row.status == RecordStatus.DESTROYED:
        raise DMPNotFound
    if row.status != RecordStatus.ACTIVE:
        raise DMPClosed
    return row


def _record(connection: Connection, row: Row[Any]) -> Record:
    identifiers = connection.execute(_IDENTIFIERS, {"pk": row.pk}).all()
    return Record(
        pk=row.pk,
        status=RecordStatus(row.status),
        identifiers=tuple(found.identifier for found in identifiers if not found.is_local),
        local_identifiers=tuple(found.identifier for found in identifiers if found.is_local),
        sheet=None if row.content is None else decode(row.content),
        sheet_version=row.sheet_version,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closing_reason=row.closing_reason,
        closing_note=row.closing_note,
        opposed_to_break_glass=row.opposed_to_break_glass,
        opposed_to_regulation=row.opposed_to_regulation,
        masked_readable_in_emergency=row.masked_readable_in_emergency,
        legal_hold=row.legal_hold_since is not None,
    )
