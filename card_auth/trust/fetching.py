"""Where revocation lists come from: files, and the addresses that a profile names. Never those of a certificate."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from card_auth.trust.revocation import LARGEST

TIMEOUT: Final = 30.0  # seconds, for connecting and for each read


class FetchFailed(Exception):
    """The place gave no list; the message says why."""


def fetch(location: str) -> bytes:
    """The bytes at a path or at an http(s) address: no redirection is followed. Raises FetchFailed."""
    try:
        content = _download(location) if location.startswith(("http://", "https://")) else _load(Path(location))
    except urllib.error.HTTPError as error:
        raise FetchFailed(f"HTTP {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FetchFailed(type(error).__name__) from None
    if len(content) > LARGEST:
        raise FetchFailed(f"larger than {LARGEST} octets")
    return content


def _load(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(LARGEST + 1)


def _download(address: str) -> bytes:
    opener = urllib.request.OpenerDirector()  # by hand: neither redirections nor file: and ftp: addresses
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(address, headers={"User-Agent": "Feuillet"})  # noqa: S310 (http and https only)
    with opener.open(request, timeout=TIMEOUT) as response:
        content: bytes = response.read(LARGEST + 1)
        return content
