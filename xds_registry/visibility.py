"""Who may see what, as SQL: the condition that stands in the WHERE clause of every query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from sqlalchemy import Column, ColumnElement, and_, exists, not_, or_, true

from xds_registry import tables as t


class Visibility(Protocol):
    """The rows that one caller may see; a row that is not visible is answered as if it did not exist."""

    def document_entries(self) -> ColumnElement[bool]:
        """Condition on `tables.document_entry`."""
        ...

    def submission_sets(self) -> ColumnElement[bool]:
        """Condition on `tables.submission_set`."""
        ...

    def folders(self) -> ColumnElement[bool]:
        """Condition on `tables.folder`."""
        ...

    def associations(self) -> ColumnElement[bool]:
        """Condition on `tables.association`: `between_visible_objects`, unless everything is visible."""
        ...


class Everything:
    """Every caller sees every row: a registry whose peers are all trusted systems."""

    def document_entries(self) -> ColumnElement[bool]:
        return true()

    def submission_sets(self) -> ColumnElement[bool]:
        return true()

    def folders(self) -> ColumnElement[bool]:
        return true()

    def associations(self) -> ColumnElement[bool]:
        return true()


EVERYTHING: Final[Visibility] = Everything()


def between_visible_objects(visibility: Visibility) -> ColumnElement[bool]:
    """Condition on `tables.association`: neither end is an object that the caller may not see.

    An association tells that both its ends exist, so it is as hidden as they are; and so is the HasMember of a
    SubmissionSet to a HasMember of a Folder that is hidden.
    """
    member = t.association.alias("member")
    of_hidden_member = exists().where(
        member.c.entry_uuid == t.association.c.target, or_(*_hidden_ends(visibility, member.c.source, member.c.target))
    )
    ends = _hidden_ends(visibility, t.association.c.source, t.association.c.target)
    return and_(*(not_(hidden) for hidden in ends), not_(of_hidden_member))


def _hidden_ends(visibility: Visibility, *ends: Column[str]) -> Iterator[ColumnElement[bool]]:
    for table, visible in (
        (t.document_entry, visibility.document_entries()),
        (t.submission_set, visibility.submission_sets()),
        (t.folder, visibility.folders()),
    ):
        for end in ends:
            yield exists().where(table.c.entry_uuid == end, visible.is_not(true())).correlate_except(table)
