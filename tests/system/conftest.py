"""The product as it is deployed, for clients of other stacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.card_auth.conftest import cps, establishment, igc, rsa_keys, softhsm
from tests.services.engine import Engine, run_engine
from tests.services.pki import Pki

__all__ = ["cps", "engine", "establishment", "igc", "rsa_keys", "softhsm"]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Engine]:
    """A registry and a repository on the embedded defaults, with the plain IHE affinity domain."""
    with run_engine(tmp_path_factory.mktemp("engine"), pki) as running:
        yield running
