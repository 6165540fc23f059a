"""Conditions of the record's law as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    TextClause,
    and_,
    exists,
    false,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.sql.elements import KeyedColumnElement

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
    both,
)
from xds_registry import tables as t
from xds_registry.encoding import DEPRECATED, normal, owner_line

#: How many rules a process keeps written.
_KEPT: Final = 256
_PatientOf = Callable[[str], ColumnElement[str]]
_OwnerOf = Callable[[WrittenBy | FromStructure], ColumnElement[str]]
_PLACEHOLDER: Final = re.compile(r"<(law_[0-9]+)>")
_NEWER: Final = t.document_entry.alias("newer_version")


def visible_entries(condition: Condition) -> ColumnElement[bool]:
    """The rows of `tables.document_entry` that a condition lets somebody see: what hides a document hides its past.

    A version is hidden where it is, and where one that came after it is: of another type, of other authors. The text of
    a rule is made once for all who are let see by it: building it anew takes longer than the database needs to answer.
    """
    if isinstance(condition, Always | Never | OfPatient):
        return as_sql(condition)
    if not isinstance(condition, All) or not isinstance(condition.conditions[0], OfPatient):
        return _with_its_past(condition, _value_of_patient, _value_of_owner)
    # All versions are of one patient.
    patient, *rest = condition.conditions
    named: dict[str, str] = {}
    rule = _shape(both(*rest), named)
    return as_sql(patient) if rule == ALWAYS else and_(as_sql(patient), _written(rule).bindparams(**named))


def _with_its_past(condition: Condition, patient_of: _PatientOf, owner_of: _OwnerOf) -> ColumnElement[bool]:
    entry, newer = t.document_entry.c, _NEWER.c
    after = exists().where(
        newer.logical_id == entry.logical_id,
        newer.version > entry.version,
        not_(_condition(condition, _NEWER, patient_of, owner_of)),
    )
    # Every version but the last is Deprecated.
    last = or_(entry.status != DEPRECATED, not_(after.correlate(t.document_entry)))
    return and_(_condition(condition, t.document_entry, patient_of, owner_of), last)


def _shape(condition: Condition, named: dict[str, str]) -> Condition:  # noqa: PLR0911 - one line for each kind
    """The condition with a name in the place of each patient, person and structure; `named` says who it is."""
    match condition:
        case OfPatient(patient):
            return OfPatient(_name_of(normal(patient), named))
        case WrittenBy():
            return WrittenBy(_name_of(_holding(condition), named))
        case FromStructure():
            return FromStructure(_name_of(_holding(condition), named))
        case Not(inner):
            return Not(_shape(inner, named))
        case All(conditions):
            return All(tuple(_shape(each, named) for each in conditions))
        case AnyOf(conditions):
            return AnyOf(tuple(_shape(each, named) for each in conditions))
        case _:
            return condition


def _name_of(value: str, named: dict[str, str]) -> str:
    for name, known in named.items():
        if known == value:
            return name
    name = f"law_{len(named)}"
    named[name] = value
    return name


@lru_cache(maxsize=_KEPT)
def _written(shape: Condition) -> TextClause:
    """The text of a condition whose patients, persons and structures are names: they become its parameters."""
    whole = _with_its_past(shape, _placeholder, _placeholder_of)
    statement: Select[Any] = select(literal_column("1")).select_from(t.document_entry).where(whole)
    written = str(statement.compile(compile_kwargs={"literal_binds": True})).partition("\nWHERE ")[2]
    return text("(" + _PLACEHOLDER.sub(r":\1", written.replace(":", "\\:")) + ")")


def _placeholder(name: str) -> ColumnElement[str]:
    return literal_column(f"<{name}>", String)


def _placeholder_of(owner: WrittenBy | FromStructure) -> ColumnElement[str]:
    return _placeholder(owner.author if isinstance(owner, WrittenBy) else owner.structure)


def as_sql(condition: Condition) -> ColumnElement[bool]:
    """A condition of the record's law as a condition on the rows of `tables.document_entry`, each for itself."""
    return _condition(condition, t.document_entry, _value_of_patient, _value_of_owner)


def _value_of_patient(patient: str) -> ColumnElement[str]:
    return literal(normal(patient))


def _value_of_owner(owner: WrittenBy | FromStructure) -> ColumnElement[str]:
    return literal(_holding(owner))


def _holding(owner: WrittenBy | FromStructure) -> str:
    """The pattern of `owners` that hold a line (LIKE, with `/` before what is no wildcard)."""
    line = normal(owner_line(owner)).replace("/", "//").replace("%", "/%").replace("_", "/_")
    return f"%\n{line}\n%"


def _condition(  # noqa: PLR0911 - one line for each kind
    condition: Condition,
    table: FromClause,
    patient_of: _PatientOf,
    owner_of: _OwnerOf,
) -> ColumnElement[bool]:
    entry = table.c
    match condition:
        case Always():
            return true()
        case Never():
            return false()
        case OfPatient(patient):
            named = select(t.patient.c.pk).where(t.patient.c.patient_id == patient_of(patient))
            return entry.patient_pk == named.scalar_subquery()
        case Marked(marks):
            return entry.marks.bitwise_and(int(marks)) != 0
        case ClassAmong(codes):
            return _among(entry.class_code, codes)
        case TypeAmong(codes):
            return _among(entry.type_code, codes)
        case WrittenBy() | FromStructure():
            return entry.owners.like(owner_of(condition), escape="/")
        case Not(inner):
            return not_(_condition(inner, table, patient_of, owner_of))
        case All(conditions):
            return and_(*(_condition(each, table, patient_of, owner_of) for each in conditions))
        case AnyOf(conditions):
            return or_(*(_condition(each, table, patient_of, owner_of) for each in conditions))


def _among(column: KeyedColumnElement[str], codes: Collection[str]) -> ColumnElement[bool]:
    # As parameters of their own: a list of values is written into the statement anew at each execution.
    return column.in_([literal(code) for code in sorted(codes)])


def of_patient(column: KeyedColumnElement[int], patient: str) -> ColumnElement[bool]:
    """Rows of one patient (`id^^^&OID&ISO`)."""
    return column == select(t.patient.c.pk).where(t.patient.c.patient_id == normal(patient)).scalar_subquery()
