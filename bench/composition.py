"""Registry and repository put together from settings in the environment, for gunicorn and for profiles in process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.workload import REPOSITORY
from schemas.affinity_domain import load_affinity_domain
from soap.parts import Spool
from soap.service import SoapLimits, wsgi_application
from xds_registry import tables as registry_tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.endpoint import registry_service
from xds_registry.registry import Registry
from xds_repository import tables as repository_tables
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.endpoint import repository_service
from xds_repository.registry_port import InProcessRegistry
from xds_repository.repository import Repository
from xds_repository.stores import FilesystemConfiguration, S3Configuration, open_store

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_GIGABYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Setup:
    """Where rows and bytes go: a database URL and a directory, or a bucket beside it."""

    database: str
    directory: Path
    s3: S3Configuration | None = None
    largest: int | None = None

    def create_tables(self) -> None:
        """Make the schema in an empty database."""
        engine = open_database(self.database)
        registry_tables.metadata.create_all(engine)
        repository_tables.metadata.create_all(engine)
        engine.dispose()


def application(setup: Setup) -> Application:
    """The WSGI application: `/registry` and `/repository`."""
    engine = open_database(setup.database)
    store = open_store(setup.s3 or FilesystemConfiguration(setup.directory / "store"))
    spool = getattr(store, "spool_directory", setup.directory / "spool")
    spool.mkdir(parents=True, exist_ok=True)
    registry = Registry(engine, RegistryConfiguration(load_affinity_domain("ihe"), register_unknown_patients=True))
    repository = Repository(
        engine, store, InProcessRegistry(registry), RepositoryConfiguration(REPOSITORY), spool=Spool(spool)
    )
    limits = SoapLimits()
    if setup.largest is not None:
        limits = replace(limits, body=setup.largest + 1_000_000, part=setup.largest, body_seconds=600.0)
    services = {
        "/registry": wsgi_application(registry_service(registry), limits=limits, spool_directory=spool),
        "/repository": wsgi_application(repository_service(repository), limits=limits, spool_directory=spool),
    }

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return services[environ["PATH_INFO"]](environ, start_response)

    return serve


def from_environment() -> Application:
    """For gunicorn, whose workers inherit the environment."""
    largest = os.environ.get("BENCH_LARGEST")
    return application(
        Setup(
            os.environ["BENCH_DATABASE"],
            Path(os.environ["BENCH_DIRECTORY"]),
            largest=int(largest) if largest else None,
        )
    )
