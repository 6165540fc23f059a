"""The matrix that the product ships is the published one, and a file that is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from card_auth.caller import PurposeOfUse
from dmp.rights.actions import Action
from dmp.rights.actors import ActorKind
from dmp.rights.matrix import SHIPPED, Cell, MatrixError, load_matrix
from tests.dmp.rights.table import cells

_KINDS = {
    "PS": ActorKind.PROFESSIONAL,
    "D": ActorKind.DOCTOR,
    "T": ActorKind.DOCTOR,
    "MW": ActorKind.OCCUPATIONAL_DOCTOR,
    "CPE": ActorKind.EMPLOYEE,
    "ES": ActorKind.STRUCTURE,
}
_MODES = {"n": PurposeOfUse.NORMAL, "r": PurposeOfUse.REGULATION, "b": PurposeOfUse.BREAK_GLASS}
MATRIX = load_matrix()


@pytest.mark.parametrize(("action", "column", "cell"), cells())
def test_each_cell_is_as_published(action: str, column: str, cell: str) -> None:
    name = column.rstrip("nrb") if column not in ("MW", "CPE") else column
    mode = _MODES.get(column[-1] if column not in ("MW", "CPE") else "n")
    assert mode is not None
    assert MATRIX.cell(Action(action), _KINDS[name], mode, treating=name == "T") is Cell(cell)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("purpose", [PurposeOfUse.REGULATION, PurposeOfUse.BREAK_GLASS])
@pytest.mark.parametrize("kind", [ActorKind.OCCUPATIONAL_DOCTOR, ActorKind.EMPLOYEE, ActorKind.PATIENT])
def test_a_mode_that_has_no_column_allows_nothing(action: Action, purpose: PurposeOfUse, kind: ActorKind) -> None:
    assert MATRIX.cell(action, kind, purpose, treating=False) is Cell.NO


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("purpose", PurposeOfUse)
def test_nobody_may_do_nothing(action: Action, purpose: PurposeOfUse) -> None:
    assert MATRIX.cell(action, ActorKind.NOBODY, purpose, treating=True) is Cell.NO


@pytest.mark.parametrize("action", Action)
def test_a_treating_doctor_in_the_regulation_centre_is_a_doctor_there(action: Action) -> None:
    there = PurposeOfUse.REGULATION
    expected = MATRIX.cell(action, ActorKind.DOCTOR, there, treating=False)
    assert MATRIX.cell(action, ActorKind.DOCTOR, there, treating=True) is expected


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"TD3.2" ', '"TD3.9" ', "TD3.2"),
        ("doctor normal", "surgeon normal", "surgeon"),
        ("doctor normal", "doctor quick", "quick"),
        ('"yes       yes       yes       | yes       yes       yes       | yes ', '"yes', "cells"),
        ("granted   granted", "granted   perhaps", "perhaps"),
        ("[rows]", "[lines]", "rows"),
        ("[rows]", "[rows", "matrix"),
    ],
)
def test_a_file_that_is_no_matrix_is_refused_by_what_is_wrong(
    old: str, new: str, complaint: str, tmp_path: Path
) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "other.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MatrixError, match=complaint):
        load_matrix(path)
