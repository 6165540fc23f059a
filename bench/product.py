"""The product as an operator sets it up: a configuration file, its tables, and its WSGI application in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.workload import REPOSITORY
from tests.services.minio import S3Server

if TYPE_CHECKING:
    from feuillet.composition import Rooms

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
#: How many worker processes serve.
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an S3 server."""

    server: S3Server
    name: str


@dataclass(frozen=True, slots=True)
class Setup:
    """Where rows and bytes go: a database's SQLAlchemy URL, and a directory or the bucket beside it."""

    database: str
    directory: Path
    bucket: Bucket | None = None

    def write(self, port: int = 1) -> Path:
        """The configuration file of a server on a port of the loopback interface. What it leaves out is default."""
        sections: dict[str, dict[str, Any]] = {
            "server": {
                "plain": f"127.0.0.1:{port}",
                "plain_workers": WORKERS,
                "spool_directory": str(self.directory / "spool"),
            },
            "database": {"url": self.database},
            "registry": {"affinity_domain": "ihe", "register_unknown_patients": True},
            "repository": {"unique_id": REPOSITORY},
        }
        if self.bucket is None:
            sections["store.filesystem"] = {"root": str(self.directory / "store")}
            del sections["server"]["spool_directory"]
        else:
            server = self.bucket.server
            sections["store.s3"] = {
                "endpoint": server.endpoint,
                "bucket": self.bucket.name,
                "access_key": server.access_key,
                "secret_key": server.secret_key,
                "region": server.region,
                "secure": server.secure,
            }
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "feuillet.toml"
        path.write_text("".join(f"[{name}]\n{_lines(values)}\n" for name, values in sections.items()))
        path.chmod(0o600)
        return path

    def create_tables(self) -> None:
        """Make the tables in an empty database, as `feuillet migrate` does."""
        from feuillet.migrations.schema import migrate  # noqa: PLC0415 - see application
        from xds_registry.database import open_database  # noqa: PLC0415

        engine = open_database(self.database)
        migrate(engine)
        engine.dispose()


def _lines(values: dict[str, Any]) -> str:
    # The strings and numbers here are written alike in JSON and in TOML.
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def rooms(setup: Setup) -> Rooms:
    """Registry and repository, in this process, with what a worker of a server keeps of figures."""
    figures = setup.directory / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(figures))
    # The figures choose how they are kept when they are imported.
    from feuillet.composition import open_rooms  # noqa: PLC0415
    from feuillet.configuration import load, opened  # noqa: PLC0415

    return open_rooms(opened(load(setup.write())))


def application(setup: Setup) -> Application:
    """The WSGI application, in this process."""
    opened = rooms(setup)
    from feuillet.application import Application as Whole  # noqa: PLC0415 - see rooms

    whole: Application = Whole(opened, None, operations=True)
    return whole
