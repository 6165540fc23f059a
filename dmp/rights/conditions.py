"""Which documents a rule means: conditions that Python evaluates and the registry compiles to SQL.

The same value decides about one document and filters a million rows: there is no second writing of a rule that could
differ from the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dmp.rights.marks import Marks
from schemas.vocabulary import AvailabilityStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What the law asks of a document. Codes are `code^^scheme`, authors `id^^^&OID&ISO`, structures Struct_IdNat."""

    patient: str
    class_code: str
    type_code: str
    status: AvailabilityStatus = AvailabilityStatus.APPROVED
    marks: Marks = Marks.NONE
    authors: frozenset[str] = field(default_factory=frozenset)
    structures: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Always:
    """Every document."""


@dataclass(frozen=True, slots=True)
class Never:
    """No document."""


@dataclass(frozen=True, slots=True)
class OfPatient:
    """The documents of one patient."""

    patient: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Documents that bear one of the marks."""

    marks: Marks


@dataclass(frozen=True, slots=True)
class ClassAmong:
    """Documents of these classes."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class TypeAmong:
    """Documents of these types."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """Documents that name this author."""

    author: str


@dataclass(frozen=True, slots=True)
class FromStructure:
    """Documents that name this structure as an author's institution."""

    structure: str


@dataclass(frozen=True, slots=True)
class Not:
    """Documents that a condition does not hold for."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Documents that every condition holds for."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Documents that at least one condition holds for."""

    conditions: tuple[Condition, ...]


Condition = Always | Never | OfPatient | Marked | ClassAmong | TypeAmong | WrittenBy | FromStructure | Not | All | AnyOf

ALWAYS: Final = Always()
NEVER: Final = Never()


def both(*conditions: Condition) -> Condition:
    """All of the conditions, in the shortest form."""
    left = [condition for condition in conditions if condition != ALWAYS]
    if NEVER in left:
        return NEVER
    return _joined(All, left, ALWAYS)


def either(*conditions: Condition) -> Condition:
    """At least one of the conditions, in the shortest form."""
    left = [condition for condition in conditions if condition != NEVER]
    if ALWAYS in left:
        return ALWAYS
    return _joined(AnyOf, left, NEVER)


def _joined(kind: type[All] | type[AnyOf], conditions: Iterable[Condition], empty: Condition) -> Condition:
    distinct = tuple(dict.fromkeys(conditions))
    if not distinct:
        return empty
    return distinct[0] if len(distinct) == 1 else kind(distinct)


def holds(condition: Condition, document: Document) -> bool:  # noqa: PLR0911 - one line for each kind
    """Whether a condition holds for a document."""
    match condition:
        case Always():
            return True
        case Never():
            return False
        case OfPatient(patient):
            return document.patient == patient
        case Marked(marks):
            return bool(document.marks & marks)
        case ClassAmong(codes):
            return document.class_code in codes
        case TypeAmong(codes):
            return document.type_code in codes
        case WrittenBy(author):
            return author in document.authors
        case FromStructure(structure):
            return structure in document.structures
        case Not(inner):
            return not holds(inner, document)
        case All(conditions):
            return all(holds(each, document) for each in conditions)
        case AnyOf(conditions):
            return any(holds(each, document) for each in conditions)
