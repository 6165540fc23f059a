"""Stored query parameters: their wire form and their typed form (ITI TF-2: 3.18.4.1.2.3.3 - 3.18.4.1.2.3.6)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from schemas.datatypes import DataTypeError, Dtm
from schemas.ebrim.reading import LONG_NAME, SLOT, VALUE, VALUE_LIST, children, value_text
from schemas.errors import XDSRegistryError, XDSStoredQueryMissingParam, XDSStoredQueryParamNumber
from xds_registry.encoding import normal

# Bounds on the work of one query, each beyond what any client asks for.
#: Values of all parameters together.
MAX_VALUES = 10_000
#: Slots of one conjunctive parameter. Each is a join, and what a database spends on planning grows with their cube.
MAX_CONJUNCTS = 16
#: Characters of one value. Metadata has no longer ones: two of rim.xsd's LongName with `^^` between them.
MAX_LENGTH = 2 * LONG_NAME + 2

# One literal: 'text' with quotes doubled, "text" as one sample of the standard has it, or a bare number, time or word.
_LITERAL = re.compile(r"\s*(?:'((?:[^']|'')*)'|\"([^\"]*)\"|([^\s'\"(),]+))\s*")
_CODE = re.compile(r"[^^]+\^\^[^^]+")


class Kind(enum.Enum):
    """What the values of a parameter are."""

    TEXT = "text"
    CODE = "code^^scheme"
    TIME = "DTM"
    UUID = "entryUUID"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a stored query. `conjunctive`: repeating the slot means AND (3.18.4.1.2.3.5)."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    multiple: bool = False
    conjunctive: bool = False


#: Values that are alternatives of each other (OR), in groups that must all match (AND).
Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parameters of one query as given: checked against the query's table, in typed form."""

    values: Mapping[str, Groups]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def groups(self, name: str) -> Groups:
        """The groups of a parameter; () when it is absent."""
        return self.values.get(name, ())

    def all(self, name: str) -> tuple[str, ...]:
        """The alternatives of a parameter that cannot be conjunctive; () when it is absent."""
        groups = self.values.get(name)
        return groups[0] if groups else ()

    def one(self, name: str) -> str | None:
        """The value of a single-valued parameter; None when it is absent."""
        values = self.all(name)
        return values[0] if values else None


def read_arguments(query: etree._Element, parameters: tuple[Parameter, ...]) -> Arguments:
    """Read the slots of a `rim:AdhocQuery` by a query's table; parameters that are not in it are ignored.

    Raises XDSStoredQueryMissingParam, XDSStoredQueryParamNumber, and XDSRegistryError for a value that cannot be read.
    """
    table = {parameter.name: parameter for parameter in parameters}
    groups: dict[str, list[tuple[str, ...]]] = {}
    for slot in children(query):
        parameter = table.get(slot.get("name", ""))
        if slot.tag != SLOT or parameter is None:
            continue
        values = tuple(_typed(parameter, value) for value in _literals(slot, parameter.name))
        if values:
            groups.setdefault(parameter.name, []).append(values)
    for parameter in parameters:
        _check(parameter, groups.get(parameter.name, []))
    if sum(len(group) for found in groups.values() for group in found) > MAX_VALUES:
        raise XDSStoredQueryParamNumber(f"the parameters have more than {MAX_VALUES} values in all")
    return Arguments({name: tuple(found) for name, found in groups.items()})


def _check(parameter: Parameter, groups: list[tuple[str, ...]]) -> None:
    if parameter.required and not groups:
        raise XDSStoredQueryMissingParam(f"{parameter.name} is required", location=parameter.name)
    if len(groups) > 1 and not parameter.conjunctive:
        raise XDSStoredQueryParamNumber(f"{parameter.name} is given {len(groups)} times", location=parameter.name)
    if len(groups) > MAX_CONJUNCTS:
        raise XDSStoredQueryParamNumber(
            f"{parameter.name} is given {len(groups)} times, {MAX_CONJUNCTS} at most", location=parameter.name
        )
    if not parameter.multiple and any(len(group) > 1 for group in groups):
        raise XDSStoredQueryParamNumber(f"{parameter.name} takes one value", location=parameter.name)


def _literals(slot: etree._Element, name: str) -> Iterator[str]:
    for value_list in children(slot):
        if value_list.tag != VALUE_LIST:
            continue
        for value in children(value_list):
            text = value_text(value)
            if value.tag != VALUE or text is None:
                raise XDSRegistryError(f"{name}: a value holds text only", location=name)
            yield from literals(text, name)


def literals(text: str, name: str = "") -> list[str]:
    """The literals of one `rim:Value`: `'a'`, `12`, `('a','b')`. Raises XDSRegistryError when it is none of these."""
    text = text.strip()
    if not text:
        return []
    inner = text
    if text.startswith("("):
        if not text.endswith(")"):
            raise XDSRegistryError(f"{name}: a list of values ends with a parenthesis", location=name)
        inner = text[1:-1]
    found: list[str] = []
    position = 0
    while True:
        match = _LITERAL.match(inner, position)
        if match is None:
            raise XDSRegistryError(f"{name}: values are quoted and separated by commas", location=name)
        quoted, double, bare = match.groups()
        found.append(quoted.replace("''", "'") if quoted is not None else double if double is not None else bare)
        position = match.end()
        if position == len(inner):
            break
        if inner[position] != ",":
            raise XDSRegistryError(f"{name}: values are quoted and separated by commas", location=name)
        position += 1
    if inner is text and len(found) > 1:
        raise XDSRegistryError(f"{name}: several values stand in parentheses", location=name)
    return found


def _typed(parameter: Parameter, value: str) -> str:
    kind, name = parameter.kind, parameter.name
    if len(value) > MAX_LENGTH:
        raise XDSRegistryError(f"{name}: a value has {len(value)} characters, {MAX_LENGTH} at most", location=name)
    if kind is Kind.CODE and not _CODE.fullmatch(value):
        raise XDSRegistryError(f"{name}: {value!r} is not of the form code^^codingScheme", location=name)
    if kind is Kind.TIME:
        try:
            return Dtm.parse(value).lower_bound()
        except DataTypeError:
            raise XDSRegistryError(f"{name}: {value!r} is not a time YYYY[MM[DD[hh[mm[ss]]]]]", location=name) from None
    if kind is Kind.UUID:
        return value.lower() if value.lower().startswith("urn:uuid:") else value
    return normal(value)
