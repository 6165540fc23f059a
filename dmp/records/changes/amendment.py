"""Changing what a record says of its patient, and what the patient agrees to (TD1.3b)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, update

from dmp.errors import DMPInvalidRequest, SheetChanged
from dmp.records import tables as t
from dmp.records.consents import Author, Consent, ConsentCode
from dmp.records.find import active, record_of
from dmp.records.history import add_consents, add_sheet
from dmp.records.record import Record
from dmp.records.traits import Sheet

_COLUMNS: Final = {
    ConsentCode.BREAK_GLASS_OPPOSITION: "opposed_to_break_glass",
    ConsentCode.REGULATION_OPPOSITION: "opposed_to_regulation",
    ConsentCode.MASKED_IN_EMERGENCY: "masked_readable_in_emergency",
}


def amend(
    connection: Connection,
    patient: str,
    sheet: Sheet,
    *,
    by: Author,
    at: datetime,
    consents: Sequence[Consent] = (),
    seen_version: int | None = None,
) -> Record:
    """Write a new version of the patient's sheet (traits, coordinates, contacts, representatives) and oppositions.

    The versions before stay in the history; the same sheet again makes none. `seen_version` is the
    `Record.sheet_version` that whoever amends has read, where they can tell. Raises `DMPNotFound`, `DMPClosed`,
    `SheetChanged`, `DMPInvalidRequest`.
    """
    record = active(connection, patient)
    if seen_version is not None and seen_version != record.sheet_version:
        raise SheetChanged
    _state(connection, record.pk, consents)
    if sheet != record.sheet:
        add_sheet(connection, record.pk, record.sheet_version + 1, sheet, by=by, at=at)
    return record_of(connection, record.pk)


def state_choices(connection: Connection, patient: str, consents: Sequence[Consent]) -> Record:
    """Record the patient's oppositions, and whether masked documents may be read in an emergency.

    They hold at once. Raises `DMPNotFound`, `DMPClosed`, `DMPInvalidRequest`.
    """
    record = active(connection, patient)
    _state(connection, record.pk, consents)
    return record_of(connection, record.pk)


def apply_choices(connection: Connection, record_pk: int, consents: Sequence[Consent]) -> None:
    """Make the choices among the consents what the record says now."""
    values = {_COLUMNS[consent.code]: consent.value for consent in consents if consent.code in _COLUMNS}
    if values:
        connection.execute(update(t.record).where(t.record.c.pk == record_pk).values(**values))


def _state(connection: Connection, record_pk: int, consents: Sequence[Consent]) -> None:
    if any(consent.code not in _COLUMNS for consent in consents):
        raise DMPInvalidRequest("Consent to open or reactivate is no amendment.")
    add_consents(connection, record_pk, consents)
    apply_choices(connection, record_pk, consents)
