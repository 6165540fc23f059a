"""Lists: who is authorised on a record (TD1.6), on which records a professional is (TD0.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select, update

from dmp.authorisations import rows
from dmp.authorisations.authorisation import (
    ActKind,
    Authorisation,
    AuthorisedRecord,
    DateType,
    HolderKind,
    Mode,
)
from dmp.records import tables as t
from dmp.records.consents import Author
from dmp.records.find import canonical
from dmp.records.history import author_of
from dmp.records.record import RecordStatus
from dmp.records.sheets import decode

#: No list is longer.
MOST_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done about an authorisation, and by whom."""

    kind: ActKind
    holder_kind: HolderKind
    holder_id: str
    at: datetime
    author: Author


def authorisations_of(
    connection: Connection, record_pk: int, at: datetime, mode: Mode = Mode.ALL
) -> tuple[Authorisation, ...]:
    """Who is authorised on a record now, who is blocked, or both; médecins traitants among them, by name.

    A médecin traitant whose authorisation has expired is listed as active: the role lasts.
    """
    table = t.authorisation
    active = or_(table.c.expires_at > at, table.c.treating_since.is_not(None)) & table.c.blocked_at.is_(None)
    forbidden = table.c.blocked_at.is_not(None)
    condition = {Mode.ACTIVE: active, Mode.FORBIDDEN: forbidden, Mode.ALL: or_(active, forbidden)}[mode]
    found = connection.execute(
        select(table)
        .where(table.c.record_pk == record_pk, condition)
        .order_by(table.c.family_name, table.c.first_name, table.c.pk)
        .limit(MOST_ROWS)
    )
    return tuple(rows.of_row(row) for row in found)


def records_of(
    connection: Connection,
    kind: HolderKind,
    identifier: str,
    at: datetime,
    *,
    date_type: DateType = DateType.LAST_AUTHORISATION,
    since: datetime | None = None,
) -> tuple[AuthorisedRecord, ...]:
    """The active records on which a professional or a structure is authorised, the latest by `date_type` first.

    `since` leaves out those whose date is earlier. At most `MOST_ROWS`.
    """
    mine, sheet = t.authorisation, t.record_sheet
    dated = mine.c.granted_at if date_type is DateType.LAST_AUTHORISATION else t.record.c.last_document_at
    query = (
        select(mine, sheet.c.content, sheet.c.at.label("sheet_at"), t.record.c.last_document_at)
        .join(t.record, t.record.c.pk == mine.c.record_pk)
        .join(sheet, (sheet.c.record_pk == t.record.c.pk) & (sheet.c.version == t.record.c.sheet_version))
        .where(
            mine.c.holder_kind == int(kind),
            mine.c.holder_id == identifier,
            mine.c.expires_at > at,
            mine.c.blocked_at.is_(None),
            t.record.c.status == int(RecordStatus.ACTIVE),
        )
        .order_by(dated.desc().nulls_last(), mine.c.pk)
        .limit(MOST_ROWS)
    )
    found = connection.execute(query if since is None else query.where(dated >= since)).all()
    identifiers = _identifiers(connection, [row.record_pk for row in found])
    return tuple(_listed(row, identifiers[row.record_pk]) for row in found)


def acts_on(connection: Connection, record_pk: int) -> tuple[Act, ...]:
    """Every act on the authorisations of a record, with who did it, the oldest first."""
    acts, table = t.authorisation_act, t.authorisation
    found = connection.execute(
        select(acts, table.c.holder_kind, table.c.holder_id)
        .join(table, table.c.pk == acts.c.authorisation_pk)
        .where(table.c.record_pk == record_pk)
        .order_by(acts.c.at, acts.c.pk)
    )
    return tuple(
        Act(ActKind(row.act), HolderKind(row.holder_kind), row.holder_id, row.at, author_of(row)) for row in found
    )


def note_access(connection: Connection, record_pk: int, national_id: str, at: datetime) -> None:
    """Keep when a professional who is authorised was last in the record."""
    table = t.authorisation
    connection.execute(
        update(table)
        .where(
            table.c.record_pk == record_pk,
            table.c.holder_kind == int(HolderKind.PERSON),
            table.c.holder_id == national_id,
            table.c.last_action_at < at,
        )
        .values(last_action_at=at)
    )


def note_document(connection: Connection, patient: str, at: datetime) -> None:
    """Keep when a document was last added to a patient's record, if there is one; in the transaction that adds it."""
    pk = select(t.record_identifier.c.record_pk).where(t.record_identifier.c.identifier == canonical(patient))
    connection.execute(update(t.record).where(t.record.c.pk == pk.scalar_subquery()).values(last_document_at=at))


def _identifiers(connection: Connection, record_pks: list[int]) -> dict[int, tuple[str, ...]]:
    table = t.record_identifier
    found = connection.execute(
        select(table.c.record_pk, table.c.identifier)
        .where(table.c.record_pk.in_(record_pks), table.c.is_local.is_(False))
        .order_by(table.c.record_pk, table.c.position)
    )
    identifiers: dict[int, tuple[str, ...]] = {}
    for row in found:
        identifiers[row.record_pk] = (*identifiers.get(row.record_pk, ()), row.identifier)
    return identifiers


def _listed(row: Row[Any], identifiers: tuple[str, ...]) -> AuthorisedRecord:
    traits = decode(row.content).traits
    return AuthorisedRecord(
        record_pk=row.record_pk,
        identifiers=identifiers,
        birth_name=traits.birth_name,
        usual_name=traits.usual_name,
        first_name=traits.first_names[0],
        civility=traits.civility or "",
        birth_date=traits.birth_date,
        is_treating_doctor=row.treating_since is not None,
        last_access_at=row.last_action_at,
        last_authorisation_at=row.granted_at,
        last_update_at=max(filter(None, (row.sheet_at, row.last_document_at))),
        last_document_at=row.last_document_at,
    )
