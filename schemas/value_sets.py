"""Value sets: which codes a coded attribute may carry.

A file is UTF-8 with tab-separated columns: one header line `# name<TAB>OID of the set<TAB>version`, then one concept a
line, `code<TAB>code system<TAB>display name[<TAB>valid until]`. The version and the end of validity are days
(YYYYMMDD); an absent version is written `-`. A code system is an OID, or the name that takes its place in codingScheme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.schema_files import VALUE_SET_DIRECTORY


class ValueSetError(ValueError):
    """A value-set file cannot be read; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a value set. `valid_until` (YYYYMMDD) is the day it was withdrawn, None while it is in use."""

    code: str
    scheme: str
    display_name: str
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A named list of concepts as its publisher fixed it at one version (YYYYMMDD, None when it states none)."""

    name: str
    oid: str
    version: str | None
    concepts: tuple[Concept, ...]

    def codes(self) -> frozenset[tuple[str, str]]:
        """Every (code, code system), withdrawn ones included: documents that carry them stay valid."""
        return frozenset((concept.code, concept.scheme) for concept in self.concepts)

    def display_name(self, code: str, scheme: str) -> str | None:
        """The publisher's text for a code, None when the set does not hold it."""
        return next((c.display_name for c in self.concepts if (c.code, c.scheme) == (code, scheme)), None)


def value_set_names() -> tuple[str, ...]:
    """The sets that this package ships, in alphabetical order."""
    return tuple(sorted(path.stem for path in VALUE_SET_DIRECTORY.glob("*.tsv")))


def load_value_set(name_or_path: str | Path) -> ValueSet:
    """Read a set by the name under which this package ships it, or from a file of the same format.

    Raises ValueSetError when there is no such set, or a line does not have the format of the module's description.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and name_or_path in value_set_names():
        path = VALUE_SET_DIRECTORY / f"{name_or_path}.tsv"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        accepted = ", ".join(value_set_names())
        raise ValueSetError(f"{name_or_path}: expected a readable UTF-8 file or one of {accepted}") from error
    name, oid, version = _header(path, lines[0] if lines else "")
    return ValueSet(name, oid, version, tuple(_concepts(path, lines[1:])))


def _header(path: Path, line: str) -> tuple[str, str, str | None]:
    columns = line.removeprefix("# ").split("\t")
    if not line.startswith("# ") or len(columns) != 3 or not all(columns):
        raise ValueSetError(f"{path} line 1: expected '# name<TAB>OID<TAB>version'")
    return columns[0], columns[1], None if columns[2] == "-" else columns[2]


def _concepts(path: Path, lines: list[str]) -> Iterator[Concept]:
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines, start=2):
        columns = line.split("\t")
        if len(columns) not in (3, 4) or not all(columns):
            raise ValueSetError(
                f"{path} line {number}: expected 'code<TAB>code system<TAB>display name[<TAB>valid until]'"
            )
        if (columns[0], columns[1]) in seen:
            raise ValueSetError(f"{path} line {number}: the code is there twice")
        seen.add((columns[0], columns[1]))
        yield Concept(*columns)
