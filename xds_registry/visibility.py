"""Who may see what, as SQL: the condition that stands in the WHERE clause of every query, and what a sender reaches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, exists, false, not_, or_, select, true

from dmp.audit import Occasion
from dmp.rights.conditions import (
    ALWAYS,
    All,
    Always,
    AnyOf,
    ClassAmong,
    Condition,
    FromStructure,
    Marked,
    Never,
    Not,
    OfPatient,
    TypeAmong,
    WrittenBy,
)
from schemas.attributes import ObjectKind
from schemas.metadata import Submission
from xds_registry import tables as t
from xds_registry.encoding import HAS_MEMBER, normal, owner_line
from xds_registry.references import References


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


@dataclass(frozen=True, slots=True)
class OfRecord:
    """What a ruling of the record's law lets somebody see: documents by a condition, and what goes with them.

    A SubmissionSet or Folder is seen with any document of it that is, and not where all that it holds is hidden.
    """

    patient: str
    documents: Condition

    def document_entries(self) -> ColumnElement[bool]:
        return as_sql(self.documents)

    def folders(self) -> ColumnElement[bool]:
        folder = t.folder
        member = t.association.alias("folder_member")
        inside = and_(member.c.source == folder.c.entry_uuid, member.c.association_type == HAS_MEMBER)
        return and_(_of_patient(folder.c.patient_pk, self.patient), self._shows(member, inside))

    def submission_sets(self) -> ColumnElement[bool]:
        package = t.submission_set
        link = t.association.alias("submitted")
        of_set = link.c.source == package.c.entry_uuid
        return and_(_of_patient(package.c.patient_pk, self.patient), self._shows(link, of_set, deep=True))

    def associations(self) -> ColumnElement[bool]:
        return between_visible_objects(self)

    def _shows(self, link: Any, of_package: ColumnElement[bool], *, deep: bool = False) -> ColumnElement[bool]:
        """Whether something that a package holds may be seen, or nothing of it is hidden."""
        entry, visible = t.document_entry, self.document_entries()
        seen = [exists().where(of_package, entry.c.entry_uuid == link.c.target, visible)]
        hidden = [exists().where(of_package, entry.c.entry_uuid == link.c.target, not_(visible))]
        if deep:
            # A submission may also hold folders, and memberships of folders that were there before.
            folder, shown = t.folder, self.folders()
            seen.append(exists().where(of_package, folder.c.entry_uuid == link.c.target, shown))
            hidden.append(exists().where(of_package, folder.c.entry_uuid == link.c.target, not_(shown)))
            inner = t.association.alias("inner_member")
            ends = or_(*_hidden_ends(self, inner.c.source, inner.c.target, sets=False))
            seen.append(exists().where(of_package, inner.c.entry_uuid == link.c.target, not_(ends)))
            hidden.append(exists().where(of_package, inner.c.entry_uuid == link.c.target, ends))
        return or_(*seen, not_(or_(*hidden)))


def as_sql(condition: Condition) -> ColumnElement[bool]:  # noqa: PLR0911 - one line for each kind
    """A condition of the record's law as a condition on `tables.document_entry`."""
    entry = t.document_entry.c
    match condition:
        case Always():
            return true()
        case Never():
            return false()
        case OfPatient(patient):
            return _of_patient(entry.patient_pk, patient)
        case Marked(marks):
            return entry.marks.bitwise_and(int(marks)) != 0
        case ClassAmong(codes):
            return entry.class_code.in_(sorted(codes))
        case TypeAmong(codes):
            return entry.type_code.in_(sorted(codes))
        case WrittenBy() | FromStructure():
            return entry.owners.contains(f"\n{normal(owner_line(condition))}\n", autoescape=True)
        case Not(inner):
            return not_(as_sql(inner))
        case All(conditions):
            return and_(*map(as_sql, conditions))
        case AnyOf(conditions):
            return or_(*map(as_sql, conditions))


def _of_patient(column: Column[int], patient: str) -> ColumnElement[bool]:
    return column == select(t.patient.c.pk).where(t.patient.c.patient_id == normal(patient)).scalar_subquery()


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
    return set(wanted) - _meeting(connection, t.document_entry, wanted, as_sql(reach.replaceable))


def _meeting(connection: Connection, table: Table, uuids: list[str], condition: ColumnElement[bool]) -> set[str]:
    if not uuids:
        return set()
    column: ColumnElement[str] = table.c.entry_uuid
    return set(connection.scalars(select(column).where(column.in_(uuids), condition)))
