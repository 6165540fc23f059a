"""A registry on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from schemas.affinity_domain import load_affinity_domain
from tests.conftest import SHARED
from tests.schemas.xsd.official import Schemas, official_schemas
from tests.services import postgresql
from tests.services.trail import make_trail, wipe_trail
from tests.xds_registry.client import Client, wipe
from xds_registry import tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.registry import Registry


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **distance: float) -> None:
        self.now += timedelta(**distance)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def opened_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with the registry's tables, shared by the tests of the session."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.db"
        else:
            cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
            url = stack.enter_context(cluster.fresh_database())
        engine = open_database(url)
        stack.callback(engine.dispose)
        tables.metadata.create_all(engine)
        make_trail(engine)
        yield engine


@pytest.fixture
def engine(opened_database: Engine) -> Engine:
    """A database whose tables are empty."""
    wipe(opened_database)
    wipe_trail(opened_database)
    return opened_database


@pytest.fixture
def configuration() -> RegistryConfiguration:
    """The standard's own affinity domain."""
    return RegistryConfiguration(load_affinity_domain("ihe"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(engine: Engine, configuration: RegistryConfiguration, clock: Clock) -> Registry:
    """An empty registry."""
    return Registry(engine, configuration, trail=make_trail(engine), clock=clock)


@pytest.fixture(scope="session")
def official() -> Schemas | None:
    """The official schemas, None where they are absent (the header of the run says so)."""
    return official_schemas(SHARED) if SHARED.is_dir() else None


@pytest.fixture
def client(registry: Registry, official: Schemas | None) -> Client:
    """A client of an empty registry that knows the patients P1 and P2."""
    client = Client(registry, official)
    client.announce("P1", "P2")
    return client
