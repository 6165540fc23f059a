"""A registry on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from schemas.affinity_domain import load_affinity_domain
from tests.conftest import SHARED
from tests.schemas.xsd.official import Schemas, official_schemas
from tests.services import postgresql
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
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with the registry's tables, shared by the tests of the session."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('registry')}/registry.db"
        _create(url)
        yield url
        return
    try:
        postgresql.programs()
    except postgresql.PostgresqlAbsent as absent:
        pytest.skip(f"PostgreSQL: {absent}")
    # The product does not open a PostgreSQL that may lose what it acknowledged.
    with postgresql.run_cluster(durable=True) as cluster, cluster.fresh_database() as url:
        _create(url)
        yield url


def _create(url: str) -> None:
    engine = open_database(url)
    tables.metadata.create_all(engine)
    engine.dispose()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database whose tables are empty."""
    engine = open_database(database_url)
    wipe(engine)
    yield engine
    engine.dispose()


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
    return Registry(engine, configuration, clock=clock)


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
