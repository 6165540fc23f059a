"""A PostgreSQL cluster of the tests' own, from the system's packages."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.services import process

_ACCOUNTS = ("postgres", "nobody")  # whom the server runs as when we are root, whom it refuses


class PostgresqlAbsent(Exception):
    """PostgreSQL's server programs are not installed."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server, reached over TCP on the loopback interface with a password."""

    port: int
    user: str
    password: str
    version: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of an empty database, which is dropped afterwards with whoever is still connected."""
        name = f"feuillet_{secrets.token_hex(6)}"
        self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=30,
        )

    def answers(self) -> bool:
        """Whether the server takes connections."""
        with suppress(psycopg.OperationalError), self._connect():
            return True
        return False


def programs() -> Path:
    """The directory of the newest installed `initdb` and `postgres`.

    Raises:
        PostgresqlAbsent: there is none.
    """
    versioned = sorted(
        (found for found in Path("/usr/lib/postgresql").glob("*/bin") if (found / "initdb").exists()),
        key=lambda found: float(found.parent.name),
    )
    if versioned:
        return versioned[-1]
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise PostgresqlAbsent("no initdb in /usr/lib/postgresql/*/bin nor on PATH; on Debian: apt-get install postgresql")


@contextmanager
def run_cluster() -> Iterator[Cluster]:
    """Make a cluster in a temporary directory, run it, and remove it.

    It waits for the disk, as PostgreSQL does by itself: the product refuses one that may lose what it acknowledged.
    """
    bin_directory = programs()
    account = next((name for name in _ACCOUNTS if _exists(name)), None) if os.geteuid() == 0 else None
    base = Path(tempfile.mkdtemp(prefix="feuillet-postgresql-"))  # not pytest's directory: only root can pass that one
    server: subprocess.Popen[bytes] | None = None
    try:
        password = secrets.token_urlsafe(16)
        password_file = base / "password"
        password_file.write_text(password)
        if account:
            for path in (base, password_file):
                shutil.chown(path, account)
        data, log = base / "data", base / "log"
        _initialise(bin_directory, data, password_file, account)
        port = process.free_port()
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(base),
            "max_connections": "200",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = process.start(
            [bin_directory / "postgres", "-D", data, *options], log=log, user=account, directory=base
        )
        cluster = Cluster(port, "feuillet", password, version())
        process.wait_until(cluster.answers, server, log=log)
        yield cluster
    finally:
        if server:
            process.stop(server, politely=signal.SIGINT)  # "fast": does not wait for clients to leave
        shutil.rmtree(base, ignore_errors=True)


def version() -> str:
    """The installed server's version, such as `15.13`."""
    said = subprocess.run([programs() / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return said.split()[2]


def _initialise(bin_directory: Path, data: Path, password_file: Path, account: str | None) -> None:
    identity: dict[str, Any] = {"user": account, "group": account, "extra_groups": []} if account else {}
    made = subprocess.run(
        [
            *(bin_directory / "initdb", "--pgdata", data, "--username", "feuillet", "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=data.parent,
        **identity,
    )
    if made.returncode:
        raise process.NotReady(f"initdb failed: {made.stderr}")


def _exists(account: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(account))
    return False
