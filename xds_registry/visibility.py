"""Who may see what, as SQL: the condition that stands in the WHERE clause of every query."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import ColumnElement, true


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


class Everything:
    """Every caller sees every row: a registry whose peers are all trusted systems."""

    def document_entries(self) -> ColumnElement[bool]:
        return true()

    def submission_sets(self) -> ColumnElement[bool]:
        return true()

    def folders(self) -> ColumnElement[bool]:
        return true()
