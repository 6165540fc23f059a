"""A repository as a process of its own, to be killed and measured.

`python -m tests.xds_repository.server` serves with threads of one process, `running(gunicorn=True)` as in production.
The backend comes as JSON in the environment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from soap.service import SoapLimits
from tests.services import process
from tests.xds_repository.house import Backend, House, listening
from xds_repository.stores import Encryption, FilesystemConfiguration, S3Configuration

VARIABLE = "FEUILLET_TEST_BACKEND"
#: Documents of any size.
UNLIMITED = SoapLimits(body=2**40, part=2**40, spool_reserve=0, body_seconds=3600)


def describe(backend: Backend, spool: Path) -> dict[str, str]:
    """The environment that tells a server its backend."""
    kind = "files" if isinstance(backend.store, FilesystemConfiguration) else "s3"
    described = {"database": backend.database, "store": asdict(backend.store), "kind": kind, "spool": str(spool)}
    return {VARIABLE: json.dumps(described, default=str)}


def opened() -> House:
    """The repository that the environment describes."""
    described = json.loads(os.environ[VARIABLE])
    store: dict[str, Any] = described["store"]
    if described["kind"] == "files":
        configuration: Any = FilesystemConfiguration(**store | {"root": Path(store["root"])})
    else:
        configuration = S3Configuration(**store | {"encryption": Encryption(store["encryption"])})
    return House(Backend(described["database"], configuration), Path(described["spool"]), limits=UNLIMITED)


def application() -> Any:
    """The WSGI application, for gunicorn."""
    return opened().application


@contextmanager
def running(
    backend: Backend,
    directory: Path,
    *,
    gunicorn: bool = False,
    processes: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Any]]:
    """A server process, ended at last; its URL and the process."""
    log, address = directory / "server.log", directory / "address"
    address.unlink(missing_ok=True)
    spool = (
        backend.store.root / "spool" if isinstance(backend.store, FilesystemConfiguration) else directory / "spooled"
    )
    variables = {**describe(backend, spool), **(environment or {}), "FEUILLET_TEST_ADDRESS": str(address)}
    if gunicorn:
        port = process.free_port()
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "4", "-b", f"127.0.0.1:{port}"]
        command += ["--workers", str(processes), "--no-control-socket"]
        command += ["--timeout", "300", "tests.xds_repository.server:application()"]
        url = f"http://127.0.0.1:{port}/"
    else:
        command = [sys.executable, "-m", "tests.xds_repository.server"]
        url = ""
    server = process.start(command, log=log, environment=variables, directory=Path(__file__).parents[2])
    try:
        if gunicorn:
            process.wait_until(lambda: _answers(url), server, log=log)
        else:
            process.wait_until(address.exists, server, log=log)
            url = address.read_text()
        yield url, server
    finally:
        process.stop(server)


def workers(pid: int) -> list[int]:
    """The child processes of a server."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}?wsdl", timeout=20).status_code == 200
    except requests.RequestException:
        return False


def main() -> None:
    """Serve until killed, or run one errand: `reap` (as if all intents had expired) or `publish` (audit events)."""
    house = opened()
    errand = os.environ.get("FEUILLET_TEST_ERRAND")
    if errand == "reap":
        house.clock.ahead = house.configuration.intent_lifetime * 2
        house.repository.reap()
        return
    if errand == "publish":
        from feuillet.server.outbox import publish  # noqa: PLC0415 - of the floor above: only this errand needs it

        publish(house.engine)
        return
    with listening(house.application) as url:
        address = Path(os.environ["FEUILLET_TEST_ADDRESS"])
        draft = address.with_suffix(".draft")
        draft.write_text(url)
        draft.rename(address)
        threading.Event().wait()


if __name__ == "__main__":
    main()
