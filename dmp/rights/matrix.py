"""The functional matrix: which cell an action, a column and an access mode meet in."""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from card_auth.caller import PurposeOfUse
from dmp.rights.actions import Action
from dmp.rights.actors import ActorKind

SHIPPED: Final = Path(__file__).parent / "matrix.toml"
TREATING_DOCTOR: Final = "treating-doctor"
_COLUMN_NAMES: Final = frozenset({kind.value for kind in ActorKind} - {ActorKind.NOBODY.value} | {TREATING_DOCTOR})


class Cell(enum.StrEnum):
    """What the matrix says of an action: no, yes, or yes for some; `matrix.toml` explains each."""

    YES = "yes"
    NO = "no"
    OWN = "own"
    STRUCTURE = "structure"
    PERMITTED = "permitted"
    GRANTED = "granted"
    COLLEAGUES = "colleagues"
    RECENT = "recent"
    PERSONAL = "personal"
    PATIENT = "patient"
    OTHERS = "others"


class MatrixError(ValueError):
    """A matrix file cannot be used; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class FunctionalMatrix:
    """Cells by action, column and access mode; where there is none, the answer is no."""

    cells: Mapping[tuple[Action, str, PurposeOfUse], Cell]

    def cell(self, action: Action, kind: ActorKind, purpose: PurposeOfUse, *, treating: bool) -> Cell:
        """What is said of an actor. A médecin traitant is a doctor in the modes that say nothing of theirs."""
        if treating and kind is ActorKind.DOCTOR:
            found = self.cells.get((action, TREATING_DOCTOR, purpose))
            if found is not None:
                return found
        return self.cells.get((action, kind.value, purpose), Cell.NO)


def load_matrix(path: Path = SHIPPED) -> FunctionalMatrix:
    """Read a matrix. Raises MatrixError when a row, a column or a cell is not one, or a row is missing."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = [_column(path, text) for text in content["columns"]]
        rows: Mapping[str, str] = content["rows"]
        missing = sorted({action.value for action in Action} - rows.keys())
        if missing:
            raise MatrixError(f"{path.name}: expected a row for {', '.join(missing)}")
        cells: dict[tuple[Action, str, PurposeOfUse], Cell] = {}
        for name, line in rows.items():
            words = line.replace("|", " ").split()
            if len(words) != len(columns):
                raise MatrixError(f"{path.name}: expected {len(columns)} cells in {name}, found {len(words)}")
            for (column, purpose), word in zip(columns, words, strict=True):
                cells[Action(name), column, purpose] = Cell(word)
    except MatrixError:
        raise
    except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise MatrixError(f"{path.name}: expected a functional matrix: {error}") from None
    return FunctionalMatrix(cells)


def _column(path: Path, text: str) -> tuple[str, PurposeOfUse]:
    name, _, purpose = text.partition(" ")
    if name not in _COLUMN_NAMES:
        raise MatrixError(f"{path.name}: expected a column of {', '.join(sorted(_COLUMN_NAMES))}, found {name}")
    return name, PurposeOfUse(purpose)
