"""Configurations for the front door's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.process import free_port

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration that works, with lines changed (`old=new` pairs) or added; its path."""

    def write_configuration(*changes: tuple[str, str], more: str = "") -> Path:
        text = f"""[server]
plain = "127.0.0.1:{free_port()}"
workers = 1

[database]
url = "sqlite:///feuillet.db"

[store.filesystem]
root = "documents"
reserve_share = 0.0

[repository]
unique_id = "1.2.250.1.213.4.1.1.1.2"
{more}"""
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "feuillet.toml"
        path.write_text(text)
        return path

    return write_configuration
