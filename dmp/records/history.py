"""What happened to a record: statuses, consents, sheets and readings, each as it was stated, with who stated it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from dmp.records import tables as t
from dmp.records.consents import Author, Consent, ConsentCode
from dmp.records.names import searched_names
from dmp.records.record import RecordStatus, StatusChange
from dmp.records.sheets import decode, encode
from dmp.records.traits import Sheet
from dmp.records.vitale import VitaleReading


def author_columns(author: Author) -> dict[str, str]:
    """An author as the columns of a row."""
    return {
        "author_id": author.national_id[:128],
        "author_name": author.name[:256],
        "author_structure_id": author.structure_id[:128],
        "author_structure_name": author.structure_name[:256],
        "author_profession": author.profession[:16],
    }


def author_of(row: Row[Any]) -> Author:
    """The author that a row names."""
    return Author(
        national_id=row.author_id,
        name=row.author_name,
        structure_id=row.author_structure_id,
        structure_name=row.author_structure_name,
        profession=row.author_profession,
    )


def add_status(connection: Connection, record_pk: int, change: StatusChange) -> None:
    """Add a step of a record's life."""
    connection.execute(
        insert(t.record_status).values(
            record_pk=record_pk,
            status=int(change.status),
            at=change.at,
            reason=change.reason,
            note=change.note,
            **author_columns(change.author),
        )
    )


def add_consents(connection: Connection, record_pk: int, consents: Sequence[Consent]) -> None:
    """Add what a patient agreed to or is opposed to."""
    rows = [
        {
            "record_pk": record_pk,
            "code": consent.code.value,
            "value": consent.value,
            "at": consent.at,
            **author_columns(consent.author),
        }
        for consent in consents
    ]
    if rows:
        connection.execute(insert(t.record_consent), rows)


def add_sheet(connection: Connection, record_pk: int, version: int, sheet: Sheet, *, by: Author, at: datetime) -> None:
    """Add a version of a patient's sheet, and make it the one that the record shows and is found by."""
    traits = sheet.traits
    connection.execute(
        insert(t.record_sheet).values(
            record_pk=record_pk, version=version, at=at, content=encode(sheet), **author_columns(by)
        )
    )
    connection.execute(
        update(t.record)
        .where(t.record.c.pk == record_pk)
        .values(sheet_version=version, birth_date=traits.birth_date, sex=traits.sex.value)
    )
    connection.execute(delete(t.record_name).where(t.record_name.c.record_pk == record_pk))
    names = [{"record_pk": record_pk, "kind": int(kind), "name": name} for kind, name in searched_names(traits)]
    if names:
        connection.execute(insert(t.record_name), names)


def add_reading(connection: Connection, record_pk: int, reading: VitaleReading, *, at: datetime) -> None:
    """Add a reading of the patient's Vitale card, and when it was used."""
    connection.execute(
        insert(t.vitale_reading).values(
            record_pk=record_pk,
            identifier=reading.patient,
            birth_date=reading.birth_date,
            birth_rank=reading.rank,
            regime=reading.regime,
            is_holder=reading.is_holder,
            read_at=reading.read_at,
            used_at=at,
            deferral=reading.deferral,
        )
    )


def family(connection: Connection, record_pk: int) -> list[int]:
    """The rows that one record was made of: itself, and those that were merged into it, directly or not."""
    found, new = [record_pk], [record_pk]
    while new:
        rows = connection.execute(select(t.record.c.pk).where(t.record.c.survivor_pk.in_(new)))
        new = [row.pk for row in rows]
        found += new
    return found


def statuses(connection: Connection, record_pk: int) -> tuple[StatusChange, ...]:
    """Every step of a record's life, the oldest first; those of records merged into it included."""
    rows = connection.execute(
        select(t.record_status)
        .where(t.record_status.c.record_pk.in_(family(connection, record_pk)))
        .order_by(t.record_status.c.at, t.record_status.c.pk)
    )
    return tuple(StatusChange(RecordStatus(row.status), row.at, author_of(row), row.reason, row.note) for row in rows)


def consents(connection: Connection, record_pk: int) -> tuple[Consent, ...]:
    """Everything that the patient ever agreed to or was opposed to, the oldest first."""
    rows = connection.execute(
        select(t.record_consent)
        .where(t.record_consent.c.record_pk.in_(family(connection, record_pk)))
        .order_by(t.record_consent.c.at, t.record_consent.c.pk)
    )
    return tuple(Consent(ConsentCode(row.code), row.value, row.at, author_of(row)) for row in rows)


def sheets(connection: Connection, record_pk: int) -> tuple[tuple[datetime, Author, Sheet], ...]:
    """Every version of the patient's sheet, with when and by whom it was written, the oldest first."""
    rows = connection.execute(
        select(t.record_sheet)
        .where(t.record_sheet.c.record_pk.in_(family(connection, record_pk)))
        .order_by(t.record_sheet.c.at, t.record_sheet.c.version)
    )
    return tuple((row.at, author_of(row), decode(row.content)) for row in rows)


def readings(connection: Connection, record_pk: int) -> tuple[VitaleReading, ...]:
    """Every reading of the patient's Vitale card that was used, the oldest first."""
    table = t.vitale_reading
    rows = connection.execute(
        select(table).where(table.c.record_pk.in_(family(connection, record_pk))).order_by(table.c.pk)
    )
    return tuple(
        VitaleReading(
            patient=row.identifier,
            birth_date=row.birth_date,
            rank=row.birth_rank,
            regime=row.regime,
            is_holder=row.is_holder,
            read_at=row.read_at,
            deferral=row.deferral,
        )
        for row in rows
    )
