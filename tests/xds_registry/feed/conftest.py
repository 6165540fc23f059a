"""A registry on both databases, and its listener."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas.affinity_domain import load_affinity_domain
from tests.services.trail import make_trail
from tests.xds_registry.feed.hospital import AUTHORITY, NAMESPACE, SECOND_AUTHORITY
from xds_registry import tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.feed import MllpServer
from xds_registry.registry import Registry

DOMAIN = load_affinity_domain("ihe", patient_authorities=[AUTHORITY, SECOND_AUTHORITY], patient_namespace=NAMESPACE)


@contextmanager
def opened(url: str) -> Iterator[Registry]:
    """A registry with no patients in it."""
    engine = open_database(url)
    tables.metadata.create_all(engine)
    yield Registry(engine, RegistryConfiguration(DOMAIN), trail=make_trail(engine))
    engine.dispose()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry on the embedded database."""
    with opened(f"sqlite:///{tmp_path}/registry.db") as registry:
        yield registry


@pytest.fixture(params=["sqlite", "postgresql"])
def either_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry on each database in turn."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/registry.db" if embedded else request.getfixturevalue("postgresql_url")
    with opened(url) as registry:
        yield registry


@contextmanager
def serving(registry: Registry, **options: Any) -> Iterator[MllpServer]:
    """A listener in a thread of its own, stopped at last."""
    server = MllpServer(registry, "127.0.0.1", 0, **options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`serving`, for tests that open a listener of their own."""
    return serving
