"""The eight rubrics under which the DMP shows a patient's documents, computed from class and type.

A rubric is for display and no code of the metadata: `categories.toml` says which codes make it. Codes are texts
`code^^scheme`, as queries write them and as the registry keeps them (ITI TF-2: 3.18.4.1.2.3.4).
"""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, and_, or_

_FILE: Final = Path(__file__).with_suffix(".toml")
_NONE: Final = "none"
#: The scheme keys of `categories.toml` that name classes. A signature's class is of none of the national systems.
_CLASS_SCHEMES: Final = frozenset({"class", "urn"})


class Category(enum.StrEnum):
    """A rubric, in the order in which the portal shows them."""

    SUMMARY = "summary"
    TREATMENT = "treatment"
    REPORT = "report"
    IMAGING = "imaging"
    LABORATORY = "laboratory"
    PREVENTION = "prevention"
    CERTIFICATE = "certificate"
    PERSONAL = "personal"

    @property
    def french(self) -> str:
        """Its name on French pages."""
        return _LABELS[self][0]

    @property
    def english(self) -> str:
        """Its name in English."""
        return _LABELS[self][1]


_LABELS: Final[Mapping[Category, tuple[str, str]]] = {
    Category.SUMMARY: ("Synthèses", "Summaries"),
    Category.TREATMENT: ("Traitements et soins", "Treatments and care"),
    Category.REPORT: ("Comptes rendus", "Reports"),
    Category.IMAGING: ("Imagerie médicale", "Medical imaging"),
    Category.LABORATORY: ("Analyses de laboratoire", "Laboratory results"),
    Category.PREVENTION: ("Prévention", "Prevention"),
    Category.CERTIFICATE: ("Certificats, déclarations", "Certificates, declarations"),
    Category.PERSONAL: ("Espace personnel du patient", "Patient's own space"),
}


class CategoriesError(ValueError):
    """`categories.toml` names a code twice, or what is no category; the message says which."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The documents of a category: of its types unless their class is shown nowhere, and of its classes unless their
    type leads elsewhere."""

    types: frozenset[str]
    classes: frozenset[str]
    other_types: frozenset[str]
    hidden_classes: frozenset[str]

    def holds(self, class_code: str, type_code: str) -> bool:
        """Whether a document is one of them."""
        by_type = type_code in self.types and class_code not in self.hidden_classes
        return by_type or (class_code in self.classes and type_code not in self.other_types)

    def clause(self, class_code: ColumnElement[str], type_code: ColumnElement[str]) -> ColumnElement[bool]:
        """The same for columns that hold the codes."""
        return or_(
            and_(type_code.in_(sorted(self.types)), class_code.not_in(sorted(self.hidden_classes))),
            and_(class_code.in_(sorted(self.classes)), type_code.not_in(sorted(self.other_types))),
        )


def category_of(class_code: str, type_code: str) -> Category | None:
    """The category of a document; None where it is shown under none.

    A class that is shown nowhere decides first, then the type where the file names it, then the class. Codes that the
    file does not know decide nothing.
    """
    codes = _codes()
    by_class = codes.classes.get(class_code)
    if class_code in codes.classes and by_class is None:
        return None
    return codes.types.get(type_code, by_class)


def selection_of(category: Category) -> Selection:
    """What selects the documents of a category."""
    codes = _codes()
    types = frozenset(code for code, place in codes.types.items() if place is category)
    classes = frozenset(code for code, place in codes.classes.items() if place is category)
    hidden = frozenset(code for code, place in codes.classes.items() if place is None)
    return Selection(types, classes, frozenset(codes.types) - types, hidden)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Where each code that the file names leads: to a category, or to none."""

    classes: Mapping[str, Category | None]
    types: Mapping[str, Category | None]


@cache
def _codes() -> _Codes:
    return read_codes(_FILE.read_text(encoding="utf-8"))


def read_codes(text: str) -> _Codes:
    """What a file of categories says. Raises CategoriesError, tomllib.TOMLDecodeError."""
    tables = tomllib.loads(text)
    schemes = tables.pop("schemes", {})
    classes: dict[str, Category | None] = {}
    types: dict[str, Category | None] = {}
    for name, lists in tables.items():
        if name != _NONE and name not in list(Category):
            raise CategoriesError(f"{name}: expected {', '.join(Category)} or {_NONE}")
        category = None if name == _NONE else Category(name)
        for key, codes in lists.items():
            if key not in schemes:
                raise CategoriesError(f"{name}.{key}: expected one of [schemes]: {', '.join(schemes)}")
            known = classes if key in _CLASS_SCHEMES else types
            for code in (f"{code}^^{schemes[key]}" for code in codes):
                if code in known:
                    raise CategoriesError(f"{name}.{key}: {code} is there twice")
                known[code] = category
    return _Codes(classes, types)
