"""Starting what is measured: the product's own server with its workers, and the floors beside it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench import machine
from bench.composition import Setup
from tests.services import process

ROOT: Final = Path(__file__).resolve().parents[1]
WORKERS: Final = 2


@dataclass(slots=True)
class Server:
    """A running server: its port, and all its processes."""

    port: int
    master: int
    processes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.look()

    def look(self) -> None:
        """Find the processes anew."""
        self.processes = machine.family(self.master)

    def cpu(self) -> machine.Cpu:
        return machine.cpu(self.processes)


@contextmanager
def product(setup: Setup, directory: Path) -> Iterator[Server]:
    """The product on a free port, its log in `directory`."""
    port = process.free_port()
    environment = {"BENCH_DATABASE": setup.database, "BENCH_DIRECTORY": str(setup.directory), "PYTHONPATH": str(ROOT)}
    if setup.largest:
        environment["BENCH_LARGEST"] = str(setup.largest)
    command = [
        *(sys.executable, "-m", "gunicorn", "bench.composition:from_environment()", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "8", "--timeout", "600"),
        *("--keep-alive", "75"),
    ]
    with _running(command, directory / f"product-{port}.log", environment, port, children=WORKERS) as server:
        yield server


@contextmanager
def floor(name: str, directory: Path, *, workers: int = 1, **settings: Any) -> Iterator[Server]:
    """One of `bench.floors` on a free port."""
    port = process.free_port()
    stated = json.dumps({**settings, "port": port, "workers": workers})
    command = [sys.executable, "-m", "bench.floors", name, stated]
    environment = {"PYTHONPATH": str(ROOT)}
    with _running(command, directory / f"floor-{name}.log", environment, port, children=workers - 1) as server:
        yield server


@contextmanager
def _running(
    command: list[str], log: Path, environment: dict[str, str], port: int, *, children: int
) -> Iterator[Server]:
    started: subprocess.Popen[bytes] = process.start(command, log=log, environment=environment, directory=ROOT)

    def ready() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return len(machine.family(started.pid)) > children
        return False

    try:
        process.wait_until(ready, started, log=log)
        yield Server(port, started.pid)
    finally:
        _stop(started)


def _stop(started: subprocess.Popen[bytes]) -> None:
    children = (
        [child for child in machine.family(started.pid) if child != started.pid] if started.poll() is None else []
    )
    process.stop(started)
    for child in children:  # a forked floor has no master that would end it
        with suppress(ProcessLookupError):
            os.kill(child, 9)
