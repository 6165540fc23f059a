"""Two identifiers turn out to be one patient's: what becomes of their records (ITI TF-2: 3.8.4.2.3, 3.44.4.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from dmp.authorisations.joining import merge_authorisations
from dmp.errors import DestructionUnderWay
from dmp.records import tables as t
from dmp.records.consents import Author
from dmp.records.find import canonical
from dmp.records.history import add_status
from dmp.records.record import RecordStatus, StatusChange


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge came to: the record that both identifiers lead to, None where neither patient has one."""

    record_pk: int | None
    subsumed_pk: int | None = None  # the record that went into the other one


def merge(connection: Connection, surviving: str, subsumed: str, *, by: Author, at: datetime) -> Merge:
    """Make two patients' records one; call it where the registry merges the patients, in the same transaction.

    The surviving patient keeps the record, and is shown first; a record of the subsumed patient alone becomes theirs.
    Where both have one: all identifiers and openings come together, of two decisions on status the later counts, an
    opposition or a block of either counts, of two authorisations the longer, of two internet accounts the survivor's.
    The subsumed record's row and its history stay, and are found with the survivor's. A legal hold passes on.

    Raises `DestructionUnderWay` while the documents of either patient are being removed: try again later.
    """
    keeps, goes = _row(connection, canonical(surviving)), _row(connection, canonical(subsumed))
    for row in (keeps, goes):
        if row is not None and row.status == RecordStatus.DESTROYED and row.documents_gone_at is None:
            raise DestructionUnderWay
    alive = [row for row in (keeps, goes) if row is not None and row.status != RecordStatus.DESTROYED]
    if not alive:
        return Merge(None)
    if len(alive) == 1 or alive[0].pk == alive[1].pk:
        for identifier in (canonical(subsumed), canonical(surviving)):
            _show_first(connection, alive[0].pk, identifier, at)
        return Merge(alive[0].pk)
    survivor, other = alive
    _join(connection, survivor, other, by=by, at=at)
    _show_first(connection, survivor.pk, canonical(surviving), at)
    return Merge(survivor.pk, other.pk)


def _row(connection: Connection, identifier: str) -> Row[Any] | None:
    return connection.execute(
        select(t.record)
        .join(t.record_identifier, t.record_identifier.c.record_pk == t.record.c.pk)
        .where(t.record_identifier.c.identifier == identifier)
        .with_for_update(of=t.record)
    ).first()


def _show_first(connection: Connection, record_pk: int, identifier: str, at: datetime) -> None:
    """Show the record under an identifier, which may have been nobody's, or a destroyed record's."""
    table = t.record_identifier
    connection.execute(delete(table).where(table.c.identifier == identifier))
    lowest = connection.execute(select(func.min(table.c.position)).where(table.c.record_pk == record_pk)).scalar_one()
    connection.execute(
        insert(table).values(
            identifier=identifier,
            record_pk=record_pk,
            is_local=False,
            position=0 if lowest is None else lowest - 1,
            added_at=at,
        )
    )


def _join(connection: Connection, survivor: Row[Any], other: Row[Any], *, by: Author, at: datetime) -> None:
    """Bring everything that counts now from one record into another."""
    identifiers = t.record_identifier
    highest = connection.execute(
        select(func.max(identifiers.c.position)).where(identifiers.c.record_pk == survivor.pk)
    ).scalar_one()
    lowest = connection.execute(
        select(func.min(identifiers.c.position)).where(identifiers.c.record_pk == other.pk)
    ).scalar_one()
    connection.execute(
        update(identifiers)
        .where(identifiers.c.record_pk == other.pk)
        .values(record_pk=survivor.pk, position=identifiers.c.position - lowest + highest + 1)
    )
    merge_authorisations(connection, survivor.pk, other.pk, by=by, at=at)
    connection.execute(
        update(t.emergency_opening).where(t.emergency_opening.c.record_pk == other.pk).values(record_pk=survivor.pk)
    )
    connection.execute(delete(t.record_name).where(t.record_name.c.record_pk == other.pk))
    _merge_accounts(connection, survivor.pk, other.pk)
    later = other if _last_decision(connection, other.pk) > _last_decision(connection, survivor.pk) else survivor
    held = survivor if survivor.legal_hold_since is not None else other
    connection.execute(
        update(t.record)
        .where(t.record.c.pk == survivor.pk)
        .values(
            status=later.status,
            closed_at=later.closed_at,
            closing_reason=later.closing_reason,
            closing_note=later.closing_note,
            opened_at=min(survivor.opened_at, other.opened_at),
            opposed_to_break_glass=survivor.opposed_to_break_glass or other.opposed_to_break_glass,
            opposed_to_regulation=survivor.opposed_to_regulation or other.opposed_to_regulation,
            masked_readable_in_emergency=survivor.masked_readable_in_emergency and other.masked_readable_in_emergency,
            legal_hold_since=held.legal_hold_since,
            legal_hold_reason=held.legal_hold_reason,
            last_document_at=max(filter(None, (survivor.last_document_at, other.last_document_at)), default=None),
        )
    )
    connection.execute(update(t.record).where(t.record.c.pk == other.pk).values(survivor_pk=survivor.pk))
    add_status(connection, survivor.pk, StatusChange(RecordStatus(later.status), at, by, "merge"))


def _last_decision(connection: Connection, record_pk: int) -> datetime:
    table = t.record_status
    last: datetime = connection.execute(
        select(table.c.at).where(table.c.record_pk == record_pk).order_by(table.c.at.desc()).limit(1)
    ).scalar_one()
    return last


def _merge_accounts(connection: Connection, survivor_pk: int, other_pk: int) -> None:
    """Keep the survivor's account; the other patient's one passes on, or ends."""
    accounts = {
        row.record_pk: row.pk
        for row in connection.execute(
            select(t.account.c.pk, t.account.c.record_pk).where(t.account.c.record_pk.in_([survivor_pk, other_pk]))
        )
    }
    if other_pk not in accounts:
        return
    if survivor_pk not in accounts:
        connection.execute(update(t.account).where(t.account.c.pk == accounts[other_pk]).values(record_pk=survivor_pk))
        return
    for table in (t.one_time_code, t.account_channel):
        connection.execute(delete(table).where(table.c.account_pk == accounts[other_pk]))
    connection.execute(delete(t.account).where(t.account.c.pk == accounts[other_pk]))
