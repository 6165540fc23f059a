"""The service under test, fresh for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soap.service_under_test import Served


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)
