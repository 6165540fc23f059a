"""The fixture of the PC/SC service, for the rooms that speak to cards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.pcscd import Pcscd, PcscdAbsent, run_pcscd


@pytest.fixture(scope="module")
def running_pcscd() -> Iterator[Pcscd]:
    """A service with two slots."""
    try:
        with run_pcscd() as running:
            yield running
    except PcscdAbsent as absent:
        pytest.skip(str(absent))


@pytest.fixture
def pcscd(running_pcscd: Pcscd) -> Iterator[Pcscd]:
    """The service with two empty slots."""
    yield running_pcscd
    running_pcscd.remove_all()
