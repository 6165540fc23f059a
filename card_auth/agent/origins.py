"""Which web pages may speak to the agent: origins (RFC 6454), compared as they are written, without patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ORIGIN: Final = re.compile(
    r"(?:https://(?:[a-z0-9-]+\.)*[a-z0-9-]+|http://(?:localhost|127\.0\.0\.1))(?::([1-9][0-9]{0,4}))?", re.ASCII
)
_DEFAULT_PORTS: Final = ("https://", ":443"), ("http://", ":80")


class OriginRefused(ValueError):
    """Not an origin that a portal can have."""


def allowed_origins(texts: Iterable[str]) -> frozenset[str]:
    """The origins of a configuration, in the form in which browsers send them.

    Only https, but for portals of this computer. No path, no pattern, no default port. Raises OriginRefused, also for
    none at all: an agent that serves nobody is a mistake.
    """
    origins = frozenset(map(read_origin, texts))
    if not origins:
        raise OriginRefused("no origin is allowed: name the portal's, such as https://portal.example.org")
    return origins


def read_origin(text: str) -> str:
    """One origin as it must be written. Raises OriginRefused."""
    match = _ORIGIN.fullmatch(text)
    if match is None or (match[1] and int(match[1]) > 65535):
        raise OriginRefused(
            f"{text!r} is not an origin such as https://portal.example.org (lower case, without a path)"
        )
    if any(text.startswith(scheme) and text.endswith(port) for scheme, port in _DEFAULT_PORTS):
        raise OriginRefused(f"{text!r} names the default port, which browsers leave out")
    return text
