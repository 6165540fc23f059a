"""Repositories on each pair of database and store that is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.minio import S3Server
from tests.xds_repository.house import Backend, Client, House, listening
from xds_repository.stores import FilesystemConfiguration, S3Configuration

EMBEDDED, PRODUCTION = "SQLite and files", "PostgreSQL and S3"


def s3_configuration(server: S3Server, bucket: str) -> S3Configuration:
    return S3Configuration(
        server.endpoint, bucket, server.access_key, server.secret_key, region=server.region, secure=server.secure
    )


@pytest.fixture
def embedded(tmp_path: Path) -> Backend:
    """SQLite and a directory."""
    backend = Backend(
        f"sqlite:///{tmp_path / 'rows.db'}", FilesystemConfiguration(tmp_path / "store", reserve_share=0.0)
    )
    backend.prepare()
    return backend


@pytest.fixture(params=[EMBEDDED, PRODUCTION])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each pair in turn."""
    if request.param == EMBEDDED:
        chosen: Backend = request.getfixturevalue("embedded")
        return chosen
    server: S3Server = request.getfixturevalue("s3_server")
    chosen = Backend(
        request.getfixturevalue("postgresql_url"), s3_configuration(server, request.getfixturevalue("s3_bucket"))
    )
    chosen.prepare()
    return chosen


@pytest.fixture
def house(embedded: Backend, tmp_path: Path) -> Iterator[House]:
    """A repository on SQLite and files."""
    opened = House(embedded, tmp_path / "spool")
    yield opened
    opened.engine.dispose()


@pytest.fixture
def client(house: House, tmp_path: Path) -> Iterator[Client]:
    """A client of that repository."""
    with listening(house.application) as url:
        yield Client(url, tmp_path / "client")


@pytest.fixture
def open_house(backend: Backend, tmp_path: Path) -> Iterator[Callable[..., tuple[House, Client]]]:
    """Opens a repository on each pair, with a client; may be called again for a second one on the same backend."""
    opened: list[House] = []
    servers = []

    def open_one(**options: object) -> tuple[House, Client]:
        house = House(backend, tmp_path / f"spool{len(opened)}", **options)  # type: ignore[arg-type]
        opened.append(house)
        server = listening(house.application)
        servers.append(server)
        return house, Client(server.__enter__(), tmp_path / f"client{len(opened)}")

    yield open_one
    for server in servers:
        server.__exit__(None, None, None)
    for house in opened:
        house.engine.dispose()
