"""Reading registry objects for one query: one view of the database, what the caller may see, no more than the bound."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, null, or_, select

from schemas.ebrim.fragment import with_slot
from schemas.errors import XDSTooManyResults
from xds_registry import tables as t
from xds_registry.encoding import DEPRECATED
from xds_registry.references import is_latest
from xds_registry.visibility import Visibility, folder_updated

#: pk, entry_uuid, patient_pk (None for an Association), home, fragment
Found = Any


class SeenFolder(NamedTuple):
    """A `Found` of a Folder that is not as it is stored."""

    pk: int
    entry_uuid: str
    patient_pk: int
    home: str | None
    fragment: bytes


#: the same of an Association, and its source and target
Link = Any

#: How many identifiers one statement asks for; databases bound the parameters of a statement.
BATCH: Final = 1000


def _columns(table: Table) -> Select[Any]:
    return select(table.c.pk, table.c.entry_uuid, table.c.patient_pk, table.c.home, table.c.fragment)


_ENTRIES: Final = _columns(t.document_entry)
_SETS: Final = _columns(t.submission_set)
_FOLDERS: Final = _columns(t.folder)
_ASSOCIATIONS: Final = select(
    t.association.c.pk,
    t.association.c.entry_uuid,
    null().label("patient_pk"),
    t.association.c.home,
    t.association.c.fragment,
    t.association.c.source,
    t.association.c.target,
)
_IN_ORDER: Final = itemgetter(0)

#: Whether there is a newer version is only asked of what is Deprecated: every earlier version is.
_LATEST_ENTRIES: Final = (
    or_(t.document_entry.c.status != DEPRECATED, is_latest(t.document_entry)),
    t.document_entry.c.offline == 0,
)
_APPROVED_FOLDERS: Final = (t.folder.c.status != DEPRECATED,)
_APPROVED_ASSOCIATIONS: Final = (t.association.c.status != DEPRECATED,)


class MetadataLevel(enum.Enum):
    """Whether an answer holds the history of objects (metadata update supplement, ITI TF-2: 3.18.4.1.2.3.5.1.1)."""

    LATEST = "1"
    HISTORY = "2"


class Search:
    """The reads of one query. `max_results` bounds what it may bring up in all (XDSTooManyResults beyond it).

    `associations` are conditions that every Association of the answer meets.
    """

    def __init__(
        self,
        connection: Connection,
        visibility: Visibility,
        max_results: int,
        *,
        level: MetadataLevel = MetadataLevel.LATEST,
        associations: Iterable[ColumnElement[bool]] = (),
    ) -> None:
        self._connection = connection
        self._visibility = visibility
        self._room = max_results
        latest = level is MetadataLevel.LATEST
        self._entries = _LATEST_ENTRIES if latest else ()
        self._folders = _APPROVED_FOLDERS if latest else ()
        self._links = (*(_APPROVED_ASSOCIATIONS if latest else ()), *associations)

    def document_entries(self, *conditions: ColumnElement[bool]) -> list[Found]:
        """The visible DocumentEntries that meet all conditions, in the order of their registration."""
        return self._fetch(_ENTRIES, self._visibility.document_entries(), (*self._entries, *conditions))

    def submission_sets(self, *conditions: ColumnElement[bool]) -> list[Found]:
        """The visible SubmissionSets that meet all conditions."""
        return self._fetch(_SETS, self._visibility.submission_sets(), conditions)

    @property
    def folder_updated(self) -> ColumnElement[datetime] | None:
        """When a Folder was last updated, as far as the caller may know; None: as it says itself."""
        return folder_updated(self._visibility)

    def folders(self, *conditions: ColumnElement[bool]) -> list[Found]:
        """The visible Folders that meet all conditions."""
        updated = self.folder_updated
        statement = _FOLDERS if updated is None else _FOLDERS.add_columns(updated.label("updated"))
        found = self._fetch(statement, self._visibility.folders(), (*self._folders, *conditions))
        return found if updated is None else [_as_seen(row) for row in found]

    def document_entries_of(self, uuids: Collection[str], *conditions: ColumnElement[bool]) -> list[Found]:
        """The visible DocumentEntries among `uuids` that meet all conditions."""
        column = t.document_entry.c.entry_uuid
        return [row for batch in _batches(uuids) for row in self.document_entries(column.in_(batch), *conditions)]

    def submission_sets_of(self, uuids: Collection[str]) -> list[Found]:
        """The visible SubmissionSets among `uuids`."""
        column = t.submission_set.c.entry_uuid
        return [row for batch in _batches(uuids) for row in self.submission_sets(column.in_(batch))]

    def folders_of(self, uuids: Collection[str], *conditions: ColumnElement[bool]) -> list[Found]:
        """The visible Folders among `uuids` that meet all conditions."""
        column = t.folder.c.entry_uuid
        return [row for batch in _batches(uuids) for row in self.folders(column.in_(batch), *conditions)]

    def associations_named(self, uuids: Collection[str]) -> list[Link]:
        """The visible Associations among `uuids`."""
        return self._associations(uuids, t.association.c.entry_uuid.in_)

    def associations_from(self, uuids: Collection[str], *conditions: ColumnElement[bool]) -> list[Link]:
        """The visible Associations whose source is one of `uuids` and that meet all conditions."""
        return self._associations(uuids, t.association.c.source.in_, *conditions)

    def associations_to(self, uuids: Collection[str], *conditions: ColumnElement[bool]) -> list[Link]:
        """The visible Associations whose target is one of `uuids` and that meet all conditions."""
        return self._associations(uuids, t.association.c.target.in_, *conditions)

    def associations_touching(self, uuids: Collection[str], *conditions: ColumnElement[bool]) -> list[Link]:
        """The visible Associations that have one of `uuids` as source or target and meet all conditions."""
        columns = t.association.c
        return self._associations(
            uuids, lambda batch: or_(columns.source.in_(batch), columns.target.in_(batch)), *conditions
        )

    def _associations(
        self,
        uuids: Collection[str],
        among: Callable[[list[str]], ColumnElement[bool]],
        *conditions: ColumnElement[bool],
    ) -> list[Link]:
        found: dict[str, Link] = {}
        for batch in _batches(uuids):
            wanted = (among(batch), *self._links, *conditions)
            rows = self._fetch(_ASSOCIATIONS, self._visibility.associations(), wanted, found)
            found.update((row.entry_uuid, row) for row in rows)
        return list(found.values())

    def _fetch(
        self,
        statement: Select[Any],
        visible: ColumnElement[bool],
        conditions: tuple[ColumnElement[bool], ...],
        known: Collection[str] = (),
    ) -> list[Found]:
        """The rows; those that are `known` from an earlier batch take no more room."""
        most = self._room + len(known) + 1
        rows = self._connection.execute(statement.where(visible, *conditions).limit(most)).all()
        self._room -= sum(row.entry_uuid not in known for row in rows) if known else len(rows)
        if self._room < 0:
            raise XDSTooManyResults("more objects match than one answer may hold; ask for less")
        # Here and not in SQL: a database that sorts and limits copies every fragment on the way.
        return sorted(rows, key=_IN_ORDER)


def _as_seen(row: Any) -> Found:
    """A Folder that says when it was updated as far as the caller may know."""
    updated: datetime | None = row.updated
    if updated is None:
        return row
    moment = updated if updated.tzinfo is None else updated.astimezone(UTC)  # SQLite keeps no zone
    fragment = with_slot(row.fragment, "lastUpdateTime", moment.strftime("%Y%m%d%H%M%S"))
    return SeenFolder(row.pk, row.entry_uuid, row.patient_pk, row.home, fragment)


def _batches(items: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(items)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
