"""The end of a record: legal holds, what is due, and destruction.

Destruction goes in steps that can stop anywhere and be taken up again: `destroy` leaves a tombstone (committed: nobody
gets at the record any more), then the documents and their metadata are removed, then `documents_gone` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from dmp.errors import DMPInvalidRequest, DMPNotFound, LegalHold, NotDue, ReasonMissing, TooLong
from dmp.records import tables as t
from dmp.records.calendar import months_before
from dmp.records.consents import Author
from dmp.records.find import existing, record_of
from dmp.records.history import add_status, family
from dmp.records.record import Record, RecordRules, RecordStatus, StatusChange

_LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Destruction:
    """A destroyed record whose documents must go: all that the registry has under any of these identifiers."""

    record_pk: int
    identifiers: tuple[str, ...] = field(repr=False)
    destroyed_at: datetime


def set_legal_hold(connection: Connection, patient: str, *, reason: str, by: Author, at: datetime) -> Record:
    """Keep a record from destruction, for a court or an inquiry. Raises `DMPNotFound`, `ReasonMissing`, `TooLong`."""
    if not reason.strip():
        raise ReasonMissing
    if len(reason) > _LONGEST_REASON:
        raise TooLong
    record = existing(connection, patient)
    _hold(connection, record, since=at, reason=reason)
    add_status(connection, record.pk, StatusChange(record.status, at, by, "legal hold", reason))
    return record_of(connection, record.pk)


def lift_legal_hold(connection: Connection, patient: str, *, by: Author, at: datetime) -> Record:
    """Let a record be destroyed again when it is due. Raises `DMPNotFound`."""
    record = existing(connection, patient)
    if record.legal_hold:
        _hold(connection, record, since=None, reason="")
        add_status(connection, record.pk, StatusChange(record.status, at, by, "legal hold lifted"))
    return record_of(connection, record.pk)


def due_for_destruction(connection: Connection, at: datetime, rules: RecordRules) -> tuple[int, ...]:
    """The records (`Record.pk`) that were closed long enough ago and are under no legal hold, the oldest first."""
    table = t.record
    rows = connection.execute(
        select(table.c.pk)
        .where(
            table.c.status == int(RecordStatus.CLOSED),
            table.c.closed_at <= months_before(at, 12 * rules.retention_years),
            table.c.legal_hold_since.is_(None),
            table.c.survivor_pk.is_(None),
        )
        .order_by(table.c.closed_at, table.c.pk)
    )
    return tuple(row.pk for row in rows)


def destroy(connection: Connection, record_pk: int, *, by: Author, at: datetime, rules: RecordRules) -> Destruction:
    """Destroy a record: who it was about, consents, authorisations and account go; a tombstone with its identifiers
    and statuses stays. Its documents are the caller's to remove.

    Raises `DMPNotFound`, `LegalHold`, `NotDue`.
    """
    row = connection.execute(
        select(t.record).where(t.record.c.pk == record_pk, t.record.c.survivor_pk.is_(None)).with_for_update()
    ).first()
    if row is None or row.status == RecordStatus.DESTROYED:
        raise DMPNotFound
    if row.legal_hold_since is not None:
        raise LegalHold
    if row.status != RecordStatus.CLOSED or row.closed_at > months_before(at, 12 * rules.retention_years):
        raise NotDue
    rows = family(connection, record_pk)
    _empty(connection, rows)
    connection.execute(
        update(t.record)
        .where(t.record.c.pk.in_(rows))
        .values(
            status=int(RecordStatus.DESTROYED),
            birth_date="",
            sex="",
            closing_note="",
            opposed_to_break_glass=True,
            opposed_to_regulation=True,
            masked_readable_in_emergency=False,
            legal_hold_reason="",
            destroyed_at=at,
        )
    )
    add_status(connection, record_pk, StatusChange(RecordStatus.DESTROYED, at, by, "retention over"))
    return Destruction(record_pk, record_of(connection, record_pk).identifiers, at)


def destructions_under_way(connection: Connection) -> tuple[Destruction, ...]:
    """The destroyed records whose documents are not known to be gone, the oldest first."""
    table = t.record
    rows = connection.execute(
        select(table.c.pk, table.c.destroyed_at)
        .where(
            table.c.status == int(RecordStatus.DESTROYED),
            table.c.documents_gone_at.is_(None),
            table.c.survivor_pk.is_(None),
        )
        .order_by(table.c.destroyed_at, table.c.pk)
    ).all()
    return tuple(Destruction(row.pk, record_of(connection, row.pk).identifiers, row.destroyed_at) for row in rows)


def documents_gone(connection: Connection, record_pk: int, *, at: datetime) -> bool:
    """Say that no document of a destroyed record is left, in the transaction that removes the last of them.

    False when that was said before: somebody else is at it, or was. Raises `DMPInvalidRequest` for any other record.
    """
    table = t.record
    of_record = (table.c.pk == record_pk, table.c.status == int(RecordStatus.DESTROYED))
    changed = connection.execute(
        update(table).where(*of_record, table.c.documents_gone_at.is_(None)).values(documents_gone_at=at)
    )
    if changed.rowcount:
        return True
    if connection.execute(select(table.c.pk).where(*of_record)).first() is None:
        raise DMPInvalidRequest("The record is not destroyed.")
    return False


def _hold(connection: Connection, record: Record, *, since: datetime | None, reason: str) -> None:
    connection.execute(
        update(t.record).where(t.record.c.pk == record.pk).values(legal_hold_since=since, legal_hold_reason=reason)
    )


def _empty(connection: Connection, rows: list[int]) -> None:
    """Delete all that records hold, but for their statuses and national identifiers."""
    accounts = select(t.account.c.pk).where(t.account.c.record_pk.in_(rows))
    for table in (t.one_time_code, t.account_channel):
        connection.execute(delete(table).where(table.c.account_pk.in_(accounts)))
    authorisations = select(t.authorisation.c.pk).where(t.authorisation.c.record_pk.in_(rows))
    acts = t.authorisation_act
    connection.execute(delete(acts).where(acts.c.authorisation_pk.in_(authorisations)))
    for table in (
        *(t.account, t.authorisation, t.emergency_opening),
        *(t.record_sheet, t.record_name, t.record_consent, t.vitale_reading),
    ):
        connection.execute(delete(table).where(table.c.record_pk.in_(rows)))
    identifiers = t.record_identifier
    connection.execute(delete(identifiers).where(identifiers.c.record_pk.in_(rows), identifiers.c.is_local))
    connection.execute(update(t.record_status).where(t.record_status.c.record_pk.in_(rows)).values(note=""))
