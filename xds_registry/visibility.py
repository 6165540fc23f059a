"""Who may see what, as SQL: the condition that stands in the WHERE clause of every query, and what a sender reaches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)

from dmp.audit import Occasion
from dmp.rights.conditions import (
    ALWAYS,
    Condition,
)
from schemas.attributes import ObjectKind
from schemas.metadata import Submission
from xds_registry import tables as t
from xds_registry.encoding import HAS_MEMBER
from xds_registry.query.conditions import of_patient, visible_entries
from xds_registry.references import References

#: How many conditions a process keeps built.
_KEPT: Final = 256


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


def _hidden_ends(visibility: Visibility, *ends: Column[str], sets: bool = True) -> Iterator[ColumnElement[bool]]:
    kinds = [(t.document_entry, visibility.document_entries()), (t.folder, visibility.folders())]
    if sets:
        kinds.append((t.submission_set, visibility.submission_sets()))
    for table, visible in kinds:
        for end in ends:
            yield exists().where(table.c.entry_uuid == end, visible.is_not(true())).correlate_except(table)


def folder_updated(visibility: Visibility) -> ColumnElement[datetime] | None:
    """When a row of `tables.folder` was last updated, as far as the caller may know; None: as the row says.

    The additions of documents that are hidden do not count. That a Folder or a member of it was registered is the
    SubmissionSet's to say that did it (ITI TF-3: 4.2.2.1.3); a removal leaves no trace in it.
    """
    if visibility is EVERYTHING:
        return None
    folder, package, entry = t.folder.c, t.submission_set.alias("updating"), t.document_entry
    told, member = t.association.alias("told"), t.association.alias("added_member")
    seen = exists().where(entry.c.entry_uuid == member.c.target, visibility.document_entries()).correlate_except(entry)
    added = (
        select(member.c.entry_uuid)
        .where(member.c.source == folder.entry_uuid, member.c.association_type == HAS_MEMBER, seen)
        .correlate_except(member)
    )
    return (
        select(func.max(package.c.registered_at))
        .where(
            package.c.entry_uuid == told.c.source,
            or_(
                and_(told.c.target == folder.entry_uuid, told.c.association_type == HAS_MEMBER),
                told.c.target.in_(added),
            ),
        )
        .correlate_except(package, told)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class OfRecord:
    """What a ruling of the record's law lets somebody see: documents by a condition, and what goes with them.

    A SubmissionSet or Folder is seen with any document of it that is, and not where all that it holds is hidden.
    """

    patient: str
    documents: Condition

    def document_entries(self) -> ColumnElement[bool]:
        return visible_entries(self.documents)

    def folders(self) -> ColumnElement[bool]:
        return _listed(self).folders()

    def submission_sets(self) -> ColumnElement[bool]:
        return _listed(self).submission_sets()

    def associations(self) -> ColumnElement[bool]:
        return _listed(self).associations()


class _Listed:
    """The same by identifier: a statement lists what is visible of the record once (WITH), wherever it is asked for.

    Spelt out for each object that hangs on another, the conditions grow past what databases parse.
    """

    def __init__(self, sight: OfRecord) -> None:
        entry, folder, package = t.document_entry, t.folder, t.submission_set
        self._documents = _uuids(entry, sight.document_entries())
        member, submitted = t.association.alias("folder_member"), t.association.alias("submitted")
        inside = and_(member.c.source == folder.c.entry_uuid, member.c.association_type == HAS_MEMBER)
        shown = self._shows(member, inside, (entry, self.document_entries()))
        self._folders = _uuids(folder, and_(of_patient(folder.c.patient_pk, sight.patient), shown))
        # A submission may also hold folders, and memberships of folders that were there before.
        inner = t.association.alias("inner_member")
        whole = not_(or_(*_hidden_ends(self, inner.c.source, inner.c.target, sets=False)))
        shown = self._shows(
            submitted,
            submitted.c.source == package.c.entry_uuid,
            (entry, self.document_entries()),
            (folder, self.folders()),
            (inner, whole),
        )
        self._sets = _uuids(package, and_(of_patient(package.c.patient_pk, sight.patient), shown))
        self._associations = between_visible_objects(self)

    def document_entries(self) -> ColumnElement[bool]:
        return t.document_entry.c.entry_uuid.in_(select(self._documents.c.entry_uuid))

    def folders(self) -> ColumnElement[bool]:
        return t.folder.c.entry_uuid.in_(select(self._folders.c.entry_uuid))

    def submission_sets(self) -> ColumnElement[bool]:
        return t.submission_set.c.entry_uuid.in_(select(self._sets.c.entry_uuid))

    def associations(self) -> ColumnElement[bool]:
        return self._associations

    @staticmethod
    def _shows(
        link: FromClause, of_package: ColumnElement[bool], *kinds: tuple[FromClause, ColumnElement[bool]]
    ) -> ColumnElement[bool]:
        """Whether something that a package holds may be seen, or nothing of it is hidden."""
        held = [(exists().where(of_package, item.c.entry_uuid == link.c.target), visible) for item, visible in kinds]
        seen = or_(*(holds.where(visible) for holds, visible in held))
        return or_(seen, not_(or_(*(holds.where(not_(visible)) for holds, visible in held))))


@lru_cache(maxsize=_KEPT)
def _listed(sight: OfRecord) -> _Listed:
    return _Listed(sight)


def _uuids(table: Table, condition: ColumnElement[bool]) -> CTE:
    column: ColumnElement[str] = table.c.entry_uuid
    return select(column).where(condition).cte()


@dataclass(frozen=True, slots=True)
class Reach:
    """A sender's reach: objects beyond it are as if they were not there; documents beyond `replaceable` stay."""

    visible: Visibility = EVERYTHING
    replaceable: Condition = ALWAYS


#: Says how far the sender of a submission reaches. Raises XdsErrors, or a fault, when it may not submit at all.
SubmissionLaw = Callable[[Occasion, Submission], Reach]


def anybody(_occasion: Occasion, _submission: Submission) -> Reach:
    """Every sender reaches everything."""
    return Reach()


def within_reach(connection: Connection, references: References, reach: Reach) -> References:
    """The references without the objects that are beyond reach."""
    if reach.visible is EVERYTHING:
        return references
    visible = reach.visible
    seen = set[str]()
    for kind, table, condition in (
        (ObjectKind.DOCUMENT_ENTRY, t.document_entry, visible.document_entries),
        (ObjectKind.FOLDER, t.folder, visible.folders),
        (ObjectKind.SUBMISSION_SET, t.submission_set, visible.submission_sets),
        (ObjectKind.ASSOCIATION, t.association, visible.associations),
    ):
        wanted = [uuid for uuid, found in references.objects.items() if found.kind is kind]
        seen |= _meeting(connection, table, wanted, condition())
    return References({uuid: found for uuid, found in references.objects.items() if uuid in seen})


def not_replaceable(connection: Connection, entry_uuids: Collection[str], reach: Reach) -> set[str]:
    """Those of registered DocumentEntries that the sender may not replace."""
    if reach.replaceable == ALWAYS:
        return set()
    wanted = list(entry_uuids)
    return set(wanted) - _meeting(connection, t.document_entry, wanted, visible_entries(reach.replaceable))


def _meeting(connection: Connection, table: Table, uuids: list[str], condition: ColumnElement[bool]) -> set[str]:
    if not uuids:
        return set()
    column: ColumnElement[str] = table.c.entry_uuid
    return set(connection.scalars(select(column).where(column.in_(uuids), condition)))
