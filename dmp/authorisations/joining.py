"""Authorisations of two records that turn out to be one patient's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from dmp.authorisations import rows
from dmp.authorisations.authorisation import ActKind
from dmp.records import tables as t
from dmp.records.consents import Author


def merge_authorisations(connection: Connection, survivor_pk: int, other_pk: int, *, by: Author, at: datetime) -> None:
    """Bring the authorisations of one record into another; of two for one holder a block wins, else the longer."""
    table = t.authorisation
    theirs = connection.execute(select(table).where(table.c.record_pk == other_pk)).all()
    for row in theirs:
        other = rows.of_row(row)
        mine = rows.find(connection, survivor_pk, other.holder.kind, other.holder.identifier)
        if mine is None:
            connection.execute(update(table).where(table.c.pk == other.pk).values(record_pk=survivor_pk))
            continue
        acts = t.authorisation_act
        connection.execute(update(acts).where(acts.c.authorisation_pk == other.pk).values(authorisation_pk=mine.pk))
        blocked = max(filter(None, (mine.blocked_at, other.blocked_at)), default=None)
        longer = max((mine, other), key=lambda one: (one.expires_at is not None, one.expires_at or at))
        rows.act(
            connection,
            mine,
            ActKind.MERGED,
            by=by,
            at=at,
            blocked_at=blocked,
            granted_at=longer.granted_at,
            expires_at=None if blocked else longer.expires_at,
            treating_since=None if blocked else mine.treating_since or other.treating_since,
        )
        connection.execute(delete(table).where(table.c.pk == other.pk))
