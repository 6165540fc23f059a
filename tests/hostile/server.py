"""A registry and a repository on SQLite and files behind gunicorn: one worker process, to be measured from outside.

Run as `python -m tests.hostile.server DIRECTORY PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from schemas.affinity_domain import load_affinity_domain
from soap.parts import Spool
from soap.service import SoapLimits, wsgi_application
from tests.hostile.case import REGISTRY, REPOSITORY
from tests.services.trail import make_trail
from tests.xds_repository import submissions
from xds_registry import tables as registry_tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database
from xds_registry.endpoint import registry_service
from xds_registry.registry import Registry
from xds_repository import tables
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.endpoint import repository_service
from xds_repository.registry_port import InProcessRegistry
from xds_repository.repository import Repository
from xds_repository.stores import FilesystemConfiguration, open_store

#: What is sent is refused by the limits that are in force when nobody sets any.
LIMITS = SoapLimits(spool_reserve=0)


def application(directory: Path) -> Any:
    """The WSGI application with both services."""
    engine = open_database(f"sqlite:///{directory / 'rows.db'}")
    registry_tables.metadata.create_all(engine)
    tables.metadata.create_all(engine)
    spool = directory / "spool"
    trail = make_trail(engine)
    configuration = RegistryConfiguration(load_affinity_domain("ihe"), register_unknown_patients=True)
    registry = Registry(engine, configuration, trail=trail)
    store = open_store(FilesystemConfiguration(directory / "store", reserve_share=0.0))
    port = InProcessRegistry(registry)
    repository = Repository(
        engine, store, port, RepositoryConfiguration(submissions.REPOSITORY), spool=Spool(spool), trail=trail
    )
    served = {
        REGISTRY: wsgi_application(registry_service(registry), limits=LIMITS, spool_directory=spool),
        REPOSITORY: wsgi_application(repository_service(repository), limits=LIMITS, spool_directory=spool),
    }

    def route(environ: Any, start_response: Any) -> Iterable[bytes]:
        chosen = served.get(environ["PATH_INFO"])
        if chosen is None:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        return chosen(environ, start_response)

    return route


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, directory: Path, port: int) -> None:
        self._directory, self._port = directory, port
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": f"127.0.0.1:{self._port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": 2,
            "timeout": 600,
        }
        for key, value in options.items():
            self.cfg.set(key, value)
        self.cfg.set("pidfile", str(self._directory / "master.pid"))

    def load(self) -> Any:
        return application(self._directory)


if __name__ == "__main__":
    _Server(Path(sys.argv[1]), int(sys.argv[2])).run()
