"""A hostile request and the refusal that it must meet, as data."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

#: Stands in every request; no answer and no line of the server's log may hold it.
CANARY = "kanarie7f3a"
SOAP = "application/soap+xml; charset=UTF-8"
REGISTRY, REPOSITORY = "/registry", "/repository"


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: HTTP status, and the local names of its code and innermost subcode."""

    status: int = 400
    code: str = "Sender"
    subcode: str | None = None


@dataclass(frozen=True, slots=True)
class Unheard:
    """The HTTP server itself turns the request away: there is no SOAP message to answer."""

    status: int = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """A correct SOAP exchange whose answer is an XDS Failure with these error codes (and no other)."""

    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `rule` says in words what it breaks. `body` is made when it is needed: some are large.

    `headers` are sent besides Host, and Content-Length unless they state a length themselves.
    """

    name: str
    rule: str
    expected: Fault | Unheard | Failure
    body: Callable[[], bytes]
    headers: tuple[tuple[str, str], ...] = (("Content-Type", SOAP),)
    path: str = REGISTRY
    method: str = "POST"
    framed: bool = False  # `body` is what follows the headers on the wire, whatever it is

    def request(self) -> bytes:
        """The bytes to send."""
        body = self.body()
        headers = [("Host", "localhost"), ("Connection", "close"), *self.headers]
        if not self.framed:
            headers.append(("Content-Length", str(len(body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


@cache
def bait() -> socket.socket:
    """A listening socket that documents point at; whoever fetches what they name connects to it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    return listener


def bait_url(path: str = "") -> str:
    """An address that nobody may visit."""
    return f"http://127.0.0.1:{bait().getsockname()[1]}/{path}"
