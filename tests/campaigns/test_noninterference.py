"""A short campaign, and that a campaign finds each way in which what is hidden could show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Engine, and_, not_, or_, true

from dmp.rights.conditions import Condition
from tests.campaigns.noninterference import empty_database, main, run
from xds_registry import tables as t
from xds_registry import visibility
from xds_registry.query import search
from xds_registry.query.conditions import as_sql
from xds_registry.visibility import OfRecord, Visibility


@pytest.fixture
def databases() -> Iterator[tuple[Engine, Engine]]:
    """One for everything, one for what a viewer sees."""
    engines = empty_database(None), empty_database(None)
    yield engines
    for engine in engines:
        engine.dispose()


def test_what_is_hidden_leaves_no_trace_in_any_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--graphs", "300", "--seed", "3"]) == 0
    assert "300 graphs in 3 records" in capsys.readouterr().out


def test_what_is_hidden_leaves_no_trace_in_the_other_database_either(opened_database: Engine) -> None:
    bare = empty_database(None)
    found = run(opened_database, bare, graphs=100, seed=4)
    assert (found.differences, found.first) == (0, "")
    assert found.hidden
    bare.dispose()


@dataclass(frozen=True)
class Broken:
    """A sight of which one part is other than it should be."""

    sight: OfRecord
    part: str
    condition: Callable[[OfRecord], ColumnElement[bool]]

    def __getattr__(self, name: str) -> Any:
        return (lambda: self.condition(self.sight)) if name == self.part else getattr(self.sight, name)


def _between_ends_only(sight: OfRecord) -> ColumnElement[bool]:
    link = t.association.c
    return and_(*(not_(hidden) for hidden in visibility._hidden_ends(sight, link.source, link.target)))


_BROKEN: dict[str, tuple[str, Callable[[OfRecord], ColumnElement[bool]]]] = {
    "the past of what is hidden": ("document_entries", lambda sight: as_sql(sight.documents)),
    "documents": (
        "document_entries",
        lambda sight: visibility.of_patient(t.document_entry.c.patient_pk, sight.patient),
    ),
    "folders": ("folders", lambda sight: visibility.of_patient(t.folder.c.patient_pk, sight.patient)),
    "folders of others": ("folders", lambda sight: or_(sight.folders(), t.folder.c.patient_pk % 2 == 0)),
    "submission sets": (
        "submission_sets",
        lambda sight: visibility.of_patient(t.submission_set.c.patient_pk, sight.patient),
    ),
    "associations": ("associations", lambda _: true()),
    "memberships of what is hidden": ("associations", _between_ends_only),
}


@pytest.mark.parametrize("what", _BROKEN)
def test_a_sight_that_shows_what_it_should_not_is_found(databases: tuple[Engine, Engine], what: str) -> None:
    part, condition = _BROKEN[what]

    def sight(patient: str, documents: Condition) -> Visibility:
        return Broken(OfRecord(patient, documents), part, condition)

    assert run(*databases, graphs=400, seed=5, sight=sight).differences


def test_a_folder_that_tells_of_hidden_additions_is_found(
    databases: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "folder_updated", lambda _: None)
    assert run(*databases, graphs=400, seed=5).differences
