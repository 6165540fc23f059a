"""The tables of records, authorisations and accounts on each database, empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, Engine

from dmp.records.tables import metadata
from tests.dmp.patients import Clock
from tests.services import postgresql
from xds_registry.database import open_database, writing


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def law_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with the tables, shared by the tests of the session."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('law')}/law.db"
        else:
            cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
            url = stack.enter_context(cluster.fresh_database())
        engine = open_database(url, pool_size=20)
        stack.callback(engine.dispose)
        metadata.create_all(engine)
        yield engine


def wipe(engine: Engine) -> None:
    """Empty every table."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            names = ", ".join(table.name for table in metadata.sorted_tables)
            connection.exec_driver_sql(f"TRUNCATE {names}")
        else:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())


@pytest.fixture
def law(law_database: Engine) -> Engine:
    """A database whose tables are empty."""
    wipe(law_database)
    return law_database


@pytest.fixture
def connection(law: Engine) -> Iterator[Connection]:
    """A transaction under way in an empty database; committed at the end."""
    with writing(law) as open_connection:
        yield open_connection


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is set."""
    return Clock()
