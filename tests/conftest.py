"""Fixtures that every test may ask for: real servers, keys, and the material beside the project."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import some
from tests.services import minio, postgresql
from tests.services.pcscd import claim_socket
from tests.services.pki import Pki, make_pki

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT.parent / "shared"  # official schemas, sample documents and conformance cases, where they are present

claim_socket()

# How fast examples are made and tried says something about the machine, nothing about the product.
settings.register_profile(
    "unhurried", max_examples=some(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


# From the parts to the whole: what is wrong shows first where it is easy to find.
ORDER = (
    "architecture",
    "schemas",
    "soap",
    "card_auth",
    "xds_registry",
    "services",
    "hostile",
    "fuzz",
    "xds_repository",
)
UNTIL = float(os.environ.get("TESTS_UNTIL", "inf"))  # seconds since 1970


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests into that order."""
    rooms = {name: place for place, name in enumerate(ORDER)}  # then the product in processes of its own
    items.sort(key=lambda item: rooms.get(item.path.relative_to(PROJECT / "tests").parts[0], len(ORDER)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no test after the time that the run was given, and say so of each."""
    if time.time() > UNTIL:
        pytest.skip("not reached in the time that this run was given")


def pytest_report_header() -> list[str]:
    """Say which real parts the run will use."""
    lines = []
    try:
        lines.append(f"PostgreSQL: {postgresql.version()} ({postgresql.programs()})")
    except postgresql.PostgresqlAbsent as absent:
        lines.append(f"PostgreSQL: {absent}")
    built = minio.cached_program()
    lines.append(f"S3 server: {minio.Program(minio.Kind.MINIO, built) if built.exists() else 'not built yet'}")
    lines.append(f"shared material: {SHARED if SHARED.is_dir() else 'absent'}")
    return lines


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of official schemas, samples and conformance cases."""
    if not SHARED.is_dir():
        pytest.skip(f"no shared material at ../{SHARED.name}")
    return SHARED


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line that the user sees at once, past pytest's capture."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def print_now(text: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            print(f"\n{text}", flush=True)

    return print_now


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A test authority with a server's and a client's certificate."""
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[postgresql.Cluster]:
    """The tests' own PostgreSQL."""
    try:
        postgresql.programs()
    except postgresql.PostgresqlAbsent as absent:
        pytest.skip(f"PostgreSQL: {absent}")
    with postgresql.run_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgresql_url(postgresql_cluster: postgresql.Cluster) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database."""
    with postgresql_cluster.fresh_database() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server(say: Callable[[str], None]) -> Iterator[minio.S3Server]:
    """The tests' own S3 server."""
    try:
        minio.program(say)
    except minio.S3Absent as absent:
        pytest.skip(str(absent))
    with minio.run_server(say) as server:
        yield server


@pytest.fixture
def s3_bucket(s3_server: minio.S3Server) -> Iterator[str]:
    """The name of an empty bucket."""
    with s3_server.fresh_bucket() as bucket:
        yield bucket
