"""An S3 server of the tests' own: MinIO built from its Go module, or SeaweedFS where that can't be had.

`python -m tests.services.minio` gets the server ahead of the tests, showing how far the build is. The build may take
TESTS_MINIO_SECONDS (an hour), and is given up as soon as its pace shows that it will need far longer. With 0
none is begun, only one that runs already is waited for. Go keeps what a build has compiled that was given up: the next
one goes on from there.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import platform
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import minio
import urllib3

from tests.services import process

MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"  # MinIO of 2026-02-12; its go.mod asks for Go 1.24 or later
_PACKAGES = 1550  # about as many as the build compiles, for the progress it prints
_PATIENCE = "TESTS_MINIO_SECONDS"


class Kind(StrEnum):
    """Which server plays S3."""

    MINIO = "MinIO"
    SEAWEEDFS = "SeaweedFS"


class S3Absent(Exception):
    """No S3 server is installed and none can be built here."""


class _NotBuilt(Exception):
    """Why there is no MinIO."""


@dataclass(frozen=True, slots=True)
class Program:
    """An S3 server's executable."""

    kind: Kind
    path: Path

    def __str__(self) -> str:
        return f"{self.kind} ({self.path})"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running S3 server: `endpoint` is host:port, plain HTTP."""

    endpoint: str
    access_key: str
    secret_key: str
    program: Program
    region: str = "us-east-1"
    secure: bool = False

    @property
    def url(self) -> str:
        """The endpoint as a URL."""
        return f"http://{self.endpoint}"

    def client(self) -> minio.Minio:
        """A client with all rights."""
        return minio.Minio(
            endpoint=self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=self.secure,
            region=self.region,
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(60), retries=False),
        )

    @contextmanager
    def fresh_bucket(self) -> Iterator[str]:
        """The name of an empty bucket, which is emptied and removed afterwards."""
        name, client = f"feuillet-{secrets.token_hex(6)}", self.client()
        client.make_bucket(bucket_name=name)
        try:
            yield name
        finally:
            for found in client.list_objects(bucket_name=name, recursive=True, include_version=True):
                client.remove_object(bucket_name=name, object_name=found.object_name, version_id=found.version_id)
            client.remove_bucket(bucket_name=name)


def cached_program() -> Path:
    """Where the MinIO built here is, or will be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "feuillet" / f"minio-{VERSION}" / "minio"


def program(say: Callable[[str], None] = print) -> Program:
    """An S3 server to run: the cached MinIO, else one built now (minutes), else SeaweedFS's `weed`.

    `weed` is looked for beside this interpreter, where `make test` puts it, and on PATH.

    Raises:
        S3Absent: none of these.
    """
    built = cached_program()
    try:
        _build(built, say)
    except _NotBuilt as reason:
        beside = Path(sys.executable).parent
        weed = shutil.which("weed", path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))
        if weed is None:
            raise S3Absent(f"no S3 server: {reason}, and there is no `weed`") from None
        return Program(Kind.SEAWEEDFS, Path(weed))
    return Program(Kind.MINIO, built)


@contextmanager
def run_server(say: Callable[[str], None] = print) -> Iterator[S3Server]:
    """Run the S3 server in a temporary directory."""
    chosen = program(say)
    say(f"S3 server: {chosen}")
    base = Path(tempfile.mkdtemp(prefix="feuillet-s3-"))
    access_key, secret_key = "feuillet", secrets.token_urlsafe(24)
    log = base / "log"
    try:
        port = process.free_port()
        if chosen.kind is Kind.MINIO:
            command = _minio_command(chosen.path, base, port)
            environment = {
                "MINIO_ROOT_USER": access_key,
                "MINIO_ROOT_PASSWORD": secret_key,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                "MINIO_SCANNER_SPEED": "slowest",  # nothing is there long enough to be looked after
                # a key of its own lets the server encrypt at rest (SSE-S3, SSE-KMS) without a key service
                "MINIO_KMS_SECRET_KEY": "feuillet-tests:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            }
        else:
            command = _seaweedfs_command(chosen.path, base, port, access_key, secret_key)
            environment = {"WEED_S3_SSE_KEY": secrets.token_urlsafe(24)}  # likewise, for SSE-S3
        server = process.start(command, log=log, environment=environment, directory=base)
        try:
            running = S3Server(f"127.0.0.1:{port}", access_key, secret_key, chosen)
            process.wait_until(lambda: _answers(running), server, log=log)
            yield running
        finally:
            process.stop(server)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _minio_command(path: Path, base: Path, port: int) -> list[str | Path]:
    return [path, "server", base / "data", "--address", f"127.0.0.1:{port}", "--quiet", "--json"]


def _seaweedfs_command(path: Path, base: Path, port: int, access_key: str, secret_key: str) -> list[str | Path]:
    identities = base / "s3.json"
    account = {
        "name": "tests",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    identities.write_text(json.dumps({"identities": [account]}))
    (base / "data").mkdir()
    ports = [f"-{part}.port={process.free_port()}" for part in ("master", "volume", "filer")]
    ports += [f"-{part}.port.grpc={process.free_port()}" for part in ("master", "volume", "filer", "s3")]
    none = ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    return [path, "server", f"-dir={base / 'data'}", "-ip=127.0.0.1", *ports, *none, "-s3", f"-s3.port={port}",
            f"-s3.config={identities}", "-volume.max=0", "-master.volumeSizeLimitMB=1024"]  # fmt: skip


def _answers(server: S3Server) -> bool:
    try:
        server.client().list_buckets()
    except (minio.error.MinioException, urllib3.exceptions.HTTPError):
        return False
    return True


def _build(target: Path, say: Callable[[str], None]) -> None:
    """`go install` into the cache; a second test run waits for the first one's result. Raises `_NotBuilt`."""
    if target.exists():
        return
    go = shutil.which("go")
    if go is None:
        raise _NotBuilt("there is no Go toolchain")
    seconds = float(os.environ.get(_PATIENCE, "3600"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        if not seconds:
            raise _NotBuilt(f"MinIO is not built, and {_PATIENCE} is 0")
        say(f"building MinIO {VERSION} with {go}: some minutes, once")
        with tempfile.TemporaryDirectory(dir=target.parent) as fresh:
            environment = {
                **os.environ,
                "GOBIN": fresh,
                "GOFLAGS": "",
                "GOGC": "400",  # the compilers are short-lived: memory is cheaper than their garbage collection
                "CGO_ENABLED": "0",
                "GOTOOLCHAIN": "auto",  # an older Go fetches the one the module asks for
            }
            install = [go, "install", "-v", "-trimpath", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
            _watch(install, environment, seconds, say)
            (Path(fresh) / "minio").rename(target)
        say(f"built {target} for {platform.machine()}")


def _watch(command: list[str], environment: dict[str, str], seconds: float, say: Callable[[str], None]) -> None:
    """Run the build and say how far it is. Raises `_NotBuilt` when it fails or takes too long."""
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # with its compilers, to be ended together
    ) as go:
        assert go.stdout is not None
        given_up = threading.Event()
        late = threading.Timer(seconds, _give_up, (go.pid, given_up))
        late.start()
        lines: list[str] = []
        said = started = time.monotonic()
        for line in go.stdout:
            lines.append(line.rstrip())
            if time.monotonic() - said > 10:
                said = time.monotonic()
                say(f"  {said - started:4.0f} s: {len(lines)} of about {_PACKAGES} steps")
                if said - started > 120 and len(lines) / _PACKAGES < (said - started) / seconds / 3:
                    _give_up(go.pid, given_up)
        late.cancel()
    if given_up.is_set():
        raise _NotBuilt(f"MinIO is not built within {seconds:g} s")
    if go.returncode:
        say("\n".join(lines[-10:]))
        raise _NotBuilt(f"MinIO did not build: `go install` ended with {go.returncode}")


def _give_up(group: int, given_up: threading.Event) -> None:
    given_up.set()
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)


if __name__ == "__main__":
    try:
        print(f"S3 server: {program(lambda text: print(text, flush=True))}")
    except S3Absent as absent:
        print(f"S3 tests will be skipped: {absent}", file=sys.stderr)
