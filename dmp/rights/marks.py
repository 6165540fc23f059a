"""Confidentiality marks of a document: what they hide from whom, and how they may change.

Level N, R or V says how sensitive a document is and hides it from nobody who may read the record; marks do (value set
JDV_J08, code system 1.2.250.1.213.1.1.4.13). They cumulate.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

MARK_SYSTEM: Final = "1.2.250.1.213.1.1.4.13"
LEVEL_SYSTEM: Final = "2.16.840.1.113883.5.25"
LEVELS: Final = frozenset({"N", "R", "V"})


class Marks(enum.IntFlag):
    """The marks of one document, as they are kept in one column."""

    NONE = 0
    MASKED = 1  # MASQUE_PS
    INVISIBLE_TO_PATIENT = 2  # INVISIBLE_PATIENT
    INVISIBLE_TO_REPRESENTATIVES = 4  # INVISIBLE_REPRESENTANTS_LEGAUX


CODES: Final = {
    "MASQUE_PS": Marks.MASKED,
    "INVISIBLE_PATIENT": Marks.INVISIBLE_TO_PATIENT,
    "INVISIBLE_REPRESENTANTS_LEGAUX": Marks.INVISIBLE_TO_REPRESENTATIVES,
}
_CODED: Final = {f"{code}^^{MARK_SYSTEM}": mark for code, mark in CODES.items()}


def marks_of(codes: Iterable[str]) -> Marks:
    """The marks among confidentiality codes written `code^^scheme`; other codes hide nothing."""
    found = Marks.NONE
    for code in codes:
        found |= _CODED.get(code, Marks.NONE)
    return found


def levels_among(codes: Iterable[str]) -> frozenset[str]:
    """The levels N, R, V among confidentiality codes written `code^^scheme`."""
    pairs = (code.partition("^^")[::2] for code in codes)
    return frozenset(code for code, system in pairs if system == LEVEL_SYSTEM and code in LEVELS)
