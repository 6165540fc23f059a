"""A trail on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dmp.audit import Trail
from tests.services.trail import make_trail
from xds_registry.database import open_database


@pytest.fixture
def embedded_trail(tmp_path: Path) -> Iterator[Trail]:
    """An empty trail on SQLite."""
    engine = open_database(f"sqlite:///{tmp_path}/trail.db")
    yield make_trail(engine)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trail]:
    """An empty trail on each database in turn."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/trail.db" if embedded else request.getfixturevalue("postgresql_url")
    engine = open_database(url)
    yield make_trail(engine)
    engine.dispose()
