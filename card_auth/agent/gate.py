"""What every request must be before anything is done for it: ours by Host, from an allowed page, small, JSON.

The Host header is what stands against DNS rebinding: a page of another name whose address became 127.0.0.1 still says
its own name there. The Origin header is what browsers do not let a page choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from typing import Final

from card_auth.agent.refusals import Refusal, Refused

LARGEST_BODY: Final = 64 * 1024  # octets: a list of documents has 10 KB
_LENGTH: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_BEARER: Final = re.compile(r"Bearer ([A-Za-z0-9_-]{20,128})", re.ASCII)
_JSON: Final = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.ASCII | re.IGNORECASE)


def check_host(headers: Message, port: int) -> None:
    """Raises Refused unless the request is for 127.0.0.1 or localhost, with our port."""
    if _only(headers, "Host") not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
        raise Refused(Refusal.WRONG_HOST)


def admitted_origin(headers: Message, allowed: frozenset[str]) -> str:
    """The page's origin. Raises Refused when there is none, or one that is not allowed."""
    origin = _only(headers, "Origin")
    if origin is None or origin not in allowed:
        raise Refused(Refusal.FOREIGN_ORIGIN)
    return origin


def body_length(headers: Message) -> int:
    """How many octets of JSON follow. Raises Refused."""
    if headers.get_all("Transfer-Encoding"):
        raise Refused(Refusal.LENGTH_MISSING)
    length = _only(headers, "Content-Length")
    if length is None or not _LENGTH.fullmatch(length):
        raise Refused(Refusal.LENGTH_MISSING)
    if int(length) > LARGEST_BODY:
        raise Refused(Refusal.TOO_LARGE)
    if not _JSON.fullmatch(_only(headers, "Content-Type") or ""):
        raise Refused(Refusal.NOT_JSON)
    return int(length)


def has_body(headers: Message) -> bool:
    """Whether a request that should have no body announces one."""
    return bool(headers.get_all("Transfer-Encoding")) or headers.get("Content-Length", "0") != "0"


def bearer(headers: Message) -> str:
    """The session's token. Raises Refused."""
    match = _BEARER.fullmatch(_only(headers, "Authorization") or "")
    if match is None:
        raise Refused(Refusal.NO_SESSION)
    return match[1]


def cors(origin: str) -> Iterable[tuple[str, str]]:
    """The headers that let that page, and no other, read the answer (Fetch: CORS protocol)."""
    yield "Access-Control-Allow-Origin", origin
    yield "Vary", "Origin"


def preflight(headers: Message, methods: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The headers of an answer to a preflight request, Private Network Access included."""
    yield "Access-Control-Allow-Methods", ", ".join(sorted(methods))
    yield "Access-Control-Allow-Headers", "authorization, content-type"
    yield "Access-Control-Max-Age", "600"
    if _only(headers, "Access-Control-Request-Private-Network") == "true":
        yield "Access-Control-Allow-Private-Network", "true"


def _only(headers: Message, name: str) -> str | None:
    """A header that may be there once. Raises Refused when it is there twice."""
    values = headers.get_all(name) or []
    if len(values) > 1:
        raise Refused(Refusal.MALFORMED, f"The header {name} is there twice.")
    return str(values[0]).strip() if values else None
