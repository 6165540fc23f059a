"""The product itself as a service for tests: `feuillet serve` in processes of its own, from a configuration file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from sqlalchemy import Engine as Database

from dmp.audit.chain import make_key
from tests.services import process
from tests.services.minio import S3Server
from tests.services.pki import Pki
from xds_registry.database import open_database

PROJECT = Path(__file__).resolve().parents[2]
REPOSITORY_ID = "1.2.250.1.213.4.1.1.1.2"
PATIENT_AUTHORITY = "1.3.6.1.4.1.21367.13.20.1000"
_COMMAND = (Path(sys.executable).with_name("feuillet"),)


@dataclass(frozen=True, slots=True)
class Engine:
    """A running registry and repository. `https` and `plain` are URLs without a path, `mllp` is host:port."""

    https: str
    plain: str
    mllp: str
    pki: Pki
    configuration: Path
    running: subprocess.Popen[bytes]
    log: Path

    def registry(self, *, plain: bool = False) -> str:
        return f"{self.plain if plain else self.https}/registry"

    def repository(self, *, plain: bool = False) -> str:
        return f"{self.plain if plain else self.https}/repository"

    def session(self) -> requests.Session:
        """A session with the certificate of a client that the server trusts."""
        session = requests.Session()
        session.cert, session.verify, session.trust_env = self.pki.client.files, str(self.pki.ca), False
        return session

    def database(self) -> Database:
        """Its database, opened beside it."""
        settings = tomllib.loads(self.configuration.read_text(encoding="utf-8"))
        return open_database(settings["database"]["url"])

    def announce(self, patient: str) -> None:
        """Make a patient (`id^^^&OID&ISO`) known through the HL7 v2 feed."""
        host, _, port = self.mllp.rpartition(":")
        message = (
            f"MSH|^~\\&|TEST|TEST|FEUILLET|FEUILLET|20260101000000||ADT^A01|{uuid.uuid4().hex[:20]}|P|2.3.1\r"
            f"EVN|A01|20260101000000\rPID|||{patient}||TEST^TEST\rPV1||O\r"
        )
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"\x0b" + message.encode() + b"\x1c\r")
            answer = connection.recv(4096)
        if b"MSA|AA|" not in answer:
            raise AssertionError(f"the feed refuses the patient: {answer!r}")


def in_directory(directory: Path) -> str:
    """The settings of a store in a directory."""
    return f"[store.filesystem]\nroot = {json.dumps(str(directory))}\n"


def in_bucket(server: S3Server, bucket: str) -> str:
    """The settings of a store in a bucket."""
    return (
        f'[store.s3]\nendpoint = "{server.endpoint}"\nbucket = "{bucket}"\naccess_key = "{server.access_key}"\n'
        f'secret_key = "{server.secret_key}"\nsecure = {str(server.secure).lower()}\n'
    )


@contextmanager
def run_engine(
    directory: Path,
    pki: Pki,
    *,
    database_url: str | None = None,
    store: str | None = None,
    affinity_domain: str = "ihe",
    trust: str | None = None,
    clients: Path | None = None,
    proxy: Path | None = None,
    law: bool = False,
    patients: str = PATIENT_AUTHORITY,
    more: str = "",
) -> Iterator[Engine]:
    """Migrate and serve from `directory`: on the embedded defaults, or on the database and store that are given.

    `trust` are the lines of `[trust]`; without them requests need no assertion. `clients` (PEM) are the authorities of
    the certificates that callers show, by default the one of `pki`. `proxy` is the socket
    of a reverse proxy. `law` has the shared record's rules enforced, which needs `trust`; `patients` is the OID of the
    authority of patients. `more` are further lines of the configuration.
    """
    directory.mkdir(parents=True, exist_ok=True)
    https, plain, mllp = (f"127.0.0.1:{process.free_port()}" for _ in range(3))
    configuration, log = directory / "feuillet.toml", directory / "server.log"
    configuration.write_text(
        f"""[server]
https = "{https}"
plain = "{plain}"
workers = 2
{"" if proxy is None else f"proxy = {json.dumps(str(proxy))}"}

[server.tls]
certificate = "{pki.server.certificate}"
key = "{pki.server.key}"
client_authorities = "{clients or pki.ca}"

[database]
url = {json.dumps(database_url or f"sqlite:///{directory}/feuillet.db")}

[registry]
affinity_domain = {json.dumps(affinity_domain)}
patient_authorities = ["{patients}"]

[repository]
unique_id = "{REPOSITORY_ID}"

[audit]
key = "audit.key"
anchor = "audit.anchor"

[law]
enforced = {str(law).lower()}

[feed]
mllp = "{mllp}"

{store or in_directory(directory / "documents")}
{"" if trust is None else f"[trust]{chr(10)}{trust}"}
{more}"""
    )
    audit_key = directory / "audit.key"
    if not audit_key.exists():
        make_key(audit_key)
    subprocess.run([*_COMMAND, "migrate", "--config", configuration], check=True, cwd=PROJECT)
    unasked = ["--insecure-demo"] if trust is None else []
    server = process.start([*_COMMAND, "serve", "--config", configuration, *unasked], log=log, directory=PROJECT)
    try:
        process.wait_until(lambda: _answers(f"http://{plain}/readyz"), server, log=log)
        yield Engine(f"https://{https}", f"http://{plain}", mllp, pki, configuration, server, log)
    finally:
        process.stop(server, seconds=180)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.RequestException:
        return False
