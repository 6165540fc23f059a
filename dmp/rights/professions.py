"""The profession x document type matrix: which documents a profession reads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dmp.rights.conditions import ALWAYS, NEVER, ClassAmong, Condition, Not, TypeAmong, both
from dmp.rights.matrix import MatrixError

SHIPPED: Final = Path(__file__).parent / "professions.toml"
CLASS_SYSTEM: Final = "1.2.250.1.213.1.1.4.1"  # TRE_A03
_LOINC: Final = "2.16.840.1.113883.6.1"
_OWN_TYPES: Final = "1.2.250.1.213.1.1.4.12"  # TRE_A05
_LOINC_CODE: Final = re.compile(r"[0-9]{3,7}-[0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProfessionMatrix:
    """The documents of each profession, by its code in TRE_G15."""

    readable: Mapping[str, Condition]

    def documents(self, profession: str) -> Condition:
        """What a profession may read: nothing where the matrix does not name it."""
        return self.readable.get(profession, NEVER)


def load_professions(path: Path = SHIPPED) -> ProfessionMatrix:
    """Read a matrix. Raises MatrixError."""
    readable: dict[str, Condition] = {}
    try:
        for name, group in tomllib.loads(path.read_text(encoding="utf-8")).items():
            unknown = group.keys() - {"professions", "classes", "except"}
            if unknown:
                raise MatrixError(f"{path.name}: {name}: unknown: {', '.join(sorted(unknown))}")
            classes: Condition = ALWAYS
            if "classes" in group:
                classes = ClassAmong(frozenset(f"{code}^^{CLASS_SYSTEM}" for code in _texts(group["classes"])))
            refused = frozenset(coded_type(code) for code in _texts(group["except"]))
            documents = both(classes, Not(TypeAmong(refused)) if refused else ALWAYS)
            for profession in _texts(group["professions"]):
                if profession in readable:
                    raise MatrixError(f"{path.name}: profession {profession} is named twice")
                readable[profession] = documents
    except MatrixError:
        raise
    except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise MatrixError(f"{path.name}: expected a profession matrix: {error!r}") from None
    return ProfessionMatrix(readable)


def coded_type(code: str) -> str:
    """A type as registries keep it, `code^^scheme`: LOINC has its own form, all else is of TRE_A05."""
    return f"{code}^^{_LOINC if _LOINC_CODE.fullmatch(code) else _OWN_TYPES}"


def _texts(values: Iterable[object]) -> list[str]:
    texts = [value for value in values if isinstance(value, str)]
    if isinstance(values, str) or len(texts) != len(list(values)):
        raise TypeError("a list of texts is expected")
    return texts
