"""Starting what is measured: the product's own server with its workers, and the floors beside it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench import machine
from bench.product import WORKERS, Setup
from tests.services import process

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Server:
    """A running server: its port, and all its processes."""

    port: int
    master: int
    database: str = ""
    processes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Find the processes anew: the server's, and those that serve it in its PostgreSQL database."""
        self.processes = machine.family(self.master) + _backends(self.database)

    def cpu(self) -> machine.Cpu:
        return machine.cpu(self.processes)


@contextmanager
def product(setup: Setup, directory: Path) -> Iterator[Server]:
    """`feuillet serve` on a free port, its log in `directory`: supervisor, listener, workers, companion."""
    port = process.free_port()
    start = "from feuillet.command import main; main()"
    command = [sys.executable, "-c", start, "serve", "--insecure-demo", "--config", str(setup.write(port))]
    with _running(command, directory / f"product-{port}.log", port, setup.database, children=WORKERS + 2) as server:
        yield server


@contextmanager
def floor(name: str, directory: Path, *, workers: int = 1, **settings: Any) -> Iterator[Server]:
    """One of `bench.floors` on a free port."""
    port = process.free_port()
    stated = json.dumps({**settings, "port": port, "workers": workers})
    command = [sys.executable, "-m", "bench.floors", name, stated]
    log = directory / f"floor-{name}-{port}.log"
    with _running(command, log, port, settings.get("database", ""), children=workers - 1) as server:
        yield server


@contextmanager
def _running(command: list[str], log: Path, port: int, database: str, *, children: int) -> Iterator[Server]:
    started = process.start(command, log=log, environment={"PYTHONPATH": str(ROOT)}, directory=ROOT)

    def ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return len(machine.family(started.pid)) > children
        return False

    try:
        process.wait_until(ready, started, log=log)
        yield Server(port, started.pid, database)
    finally:
        process.stop(started)


def _backends(database: str) -> list[int]:
    """The server processes behind the connections to a PostgreSQL database on this machine."""
    if not database.startswith("postgresql"):
        return []
    import psycopg  # noqa: PLC0415 - the driver is an optional extra

    question = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        return [pid for (pid,) in connection.execute(question)]
