"""What may stand in the list of allowed origins."""

from __future__ import annotations

import pytest

from card_auth.agent import OriginRefused, allowed_origins


@pytest.mark.parametrize(
    "origin",
    ["https://portal.example.org", "https://portal.example.org:8443", "http://localhost:3000", "http://127.0.0.1:8080"],
)
def test_origins_are_taken_as_browsers_write_them(origin: str) -> None:
    assert allowed_origins([origin]) == {origin}


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "https://*",
        "https://*.example.org",
        "https://portal.example.org/",
        "https://portal.example.org:443",
        "https://portal.example.org:99999",
        "https://user@portal.example.org",
        "https://Portal.example.org",
        "http://portal.example.org",
        "http://localhost.evil.example",
        "http://localhost:80",
        "file://",
        "portal.example.org",
        "https://portal.example.org\n",
    ],
)
def test_patterns_paths_and_pages_without_tls_are_refused(origin: str) -> None:
    with pytest.raises(OriginRefused):
        allowed_origins([origin])


def test_an_agent_for_nobody_is_refused() -> None:
    with pytest.raises(OriginRefused):
        allowed_origins([])
