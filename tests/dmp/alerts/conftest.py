"""Alerts on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dmp.alerts import tables
from dmp.audit import Trail
from tests.services.trail import KEY, make_trail
from xds_registry.database import open_database


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **distance: float) -> None:
        self.now += timedelta(**distance)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with empty tables."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/alerts.db" if embedded else request.getfixturevalue("postgresql_url")
    opened = open_database(url)
    make_trail(opened)
    tables.metadata.create_all(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def trail(engine: Engine, clock: Clock) -> Trail:
    return Trail(engine, KEY, clock=clock)
