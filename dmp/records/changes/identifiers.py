"""The identifiers of a record: national ones (several, as a patient was given them), and those of establishments."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from dmp.errors import DMPInvalidRequest, IdentifierTaken
from dmp.records import tables as t
from dmp.records.find import active, canonical
from dmp.records.record import Record
from dmp.records.vitale import ins
from schemas.datatypes import Cx, InsAuthority


def add_national_identifier(connection: Connection, patient: str, identifier: str, *, at: datetime) -> Record:
    """Give a record one more national identifier, under which it is shown from then on (an INS-NIR after an INS-C).

    Raises `InsInvalid`, `IdentifierTaken`, `DMPNotFound`, `DMPClosed`.
    """
    record = active(connection, patient)
    ins(canonical(identifier))
    lowest = connection.execute(
        select(func.min(t.record_identifier.c.position)).where(t.record_identifier.c.record_pk == record.pk)
    ).scalar_one()
    _add(connection, record.pk, canonical(identifier), is_local=False, position=lowest - 1, at=at)
    return active(connection, patient)


def add_local_identifier(connection: Connection, record_pk: int, identifier: str, *, at: datetime) -> None:
    """Give a record an establishment's own identifier of the patient (PI), with its authority.

    Raises `DMPInvalidRequest` for one of a national authority, `IdentifierTaken`.
    """
    value = canonical(identifier)
    if Cx.parse(value).authority in set(InsAuthority):
        raise DMPInvalidRequest("A local identifier is of an establishment's own authority.")
    highest = connection.execute(
        select(func.max(t.record_identifier.c.position)).where(t.record_identifier.c.record_pk == record_pk)
    ).scalar_one()
    _add(connection, record_pk, value, is_local=True, position=highest + 1, at=at)


def _add(
    connection: Connection, record_pk: int, identifier: str, *, is_local: bool, position: int, at: datetime
) -> None:
    """Add an identifier; nothing where the record has it already."""
    table = t.record_identifier
    holder = select(table.c.record_pk).where(table.c.identifier == identifier)
    found = connection.execute(holder).scalar_one_or_none()
    if found == record_pk:
        return
    try:
        with connection.begin_nested():
            connection.execute(
                insert(table).values(
                    identifier=identifier, record_pk=record_pk, is_local=is_local, position=position, added_at=at
                )
            )
    except IntegrityError:
        raise IdentifierTaken from None
