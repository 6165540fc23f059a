"""Authorisations as rows: found, made, and each act upon them written down."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from dmp.authorisations.authorisation import ActKind, Authorisation, Holder, HolderKind
from dmp.records import tables as t
from dmp.records.consents import Author
from dmp.records.history import author_columns


def of_row(row: Row[Any]) -> Authorisation:
    """The authorisation that a row is."""
    return Authorisation(
        pk=row.pk,
        record_pk=row.record_pk,
        holder=Holder(
            kind=HolderKind(row.holder_kind),
            identifier=row.holder_id,
            family_name=row.family_name,
            first_name=row.first_name,
            specialities=tuple((code, label) for code, label in json.loads(row.specialities)),
        ),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        blocked_at=row.blocked_at,
        treating_since=row.treating_since,
        last_action_at=row.last_action_at,
    )


def find(connection: Connection, record_pk: int, kind: HolderKind, identifier: str) -> Authorisation | None:
    """How a holder stands to a record, locked for a change; None when nothing was ever done about them."""
    table = t.authorisation
    row = connection.execute(
        select(table)
        .where(table.c.record_pk == record_pk, table.c.holder_kind == int(kind), table.c.holder_id == identifier)
        .with_for_update()
    ).first()
    return None if row is None else of_row(row)


def find_or_make(connection: Connection, record_pk: int, holder: Holder, at: datetime) -> Authorisation:
    """How a holder stands to a record, locked for a change; a row that gives no right where there was none."""
    found = find(connection, record_pk, holder.kind, holder.identifier)
    if found is None:
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(t.authorisation).values(
                        record_pk=record_pk,
                        holder_kind=int(holder.kind),
                        holder_id=holder.identifier,
                        last_action_at=at,
                        **_names(holder),
                    )
                )
        except IntegrityError:  # another connection was first: its row will do
            pass
        found = find(connection, record_pk, holder.kind, holder.identifier)
        assert found is not None  # noqa: S101 - rows of authorisations are not deleted while the record lives
    return found


def act(
    connection: Connection, authorisation: Authorisation, kind: ActKind, *, by: Author, at: datetime, **values: Any
) -> Authorisation:
    """Write an act down with who did it, and what it changes; the authorisation as it is then."""
    connection.execute(
        insert(t.authorisation_act).values(
            authorisation_pk=authorisation.pk, act=int(kind), at=at, **author_columns(by)
        )
    )
    table = t.authorisation
    connection.execute(update(table).where(table.c.pk == authorisation.pk).values(last_action_at=at, **values))
    return of_row(connection.execute(select(table).where(table.c.pk == authorisation.pk)).one())


def name(connection: Connection, authorisation: Authorisation, holder: Holder) -> None:
    """Keep what is now known of the holder, where something is."""
    if holder.family_name:
        table = t.authorisation
        connection.execute(update(table).where(table.c.pk == authorisation.pk).values(**_names(holder)))


def _names(holder: Holder) -> dict[str, str]:
    return {
        "family_name": holder.family_name[:256],
        "first_name": holder.first_name[:256],
        "specialities": json.dumps(holder.specialities, ensure_ascii=False),
    }
