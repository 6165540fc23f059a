"""Names as they are searched for: capital letters without accents, one blank between words."""

from __future__ import annotations

import enum
import unicodedata
from typing import Final

from dmp.records.traits import Traits

_LIGATURES: Final = str.maketrans({"Œ": "OE", "Æ": "AE"})
_LONGEST: Final = 200


class NameKind(enum.IntEnum):
    """Whose name a searched name is. The numbers are those in the database."""

    FAMILY = 1  # birth or usual
    FIRST = 2


def searched(name: str) -> str:
    """A name as it is searched for; empty when it has no letter."""
    plain = unicodedata.normalize("NFKD", name.upper().translate(_LIGATURES))
    letters = "".join(" " if not letter.isalpha() else letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(letters.split())[:_LONGEST]


def searched_names(traits: Traits) -> set[tuple[NameKind, str]]:
    """The names by which a patient is found."""
    family = {(NameKind.FAMILY, searched(name)) for name in (traits.birth_name, traits.usual_name)}
    first = {(NameKind.FIRST, searched(name)) for name in traits.first_names}
    return {(kind, name) for kind, name in family | first if name}
