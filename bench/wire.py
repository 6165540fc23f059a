"""A keep-alive HTTP/1.1 client that costs little itself: requests go out as they are, answers are counted."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bench.workload import Posted

_STEP: Final = 1 << 20


class Failed(Exception):
    """A server did not answer as a measurement needs it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, length of the body in bytes, and the body's first bytes or all of it."""

    status: int
    size: int
    start: bytes


class Connection:
    """One connection to a server on the loopback interface; used by one thread."""

    def __init__(self, port: int, path: str, *, timeout: float = 600.0) -> None:
        self._address = ("127.0.0.1", port)
        self._path = path
        self._timeout = timeout
        self._buffer = bytearray(_STEP)
        self._socket: socket.socket | None = None

    def __enter__(self) -> Connection:
        self._socket = socket.create_connection(self._address, timeout=self._timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    def post(self, posted: Posted, *, keep: int = 4096) -> Answer:
        """Send one request and read its answer to the end, keeping the first `keep` bytes of the body."""
        return self.stream(posted.content_type, len(posted.body), (posted.body,), keep=keep)

    def stream(self, content_type: str, length: int, chunks: Iterable[bytes], *, keep: int = 4096) -> Answer:
        """The same for a body that is made on the way."""
        if self._socket is None:
            raise Failed("the connection is not open")
        pending = (
            f"POST {self._path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        ).encode()
        for chunk in chunks:
            if len(pending) + len(chunk) < _STEP:
                pending += chunk
            else:
                self._socket.sendall(pending)
                pending = chunk
        self._socket.sendall(pending)
        return self._answer(keep)

    def _answer(self, keep: int) -> Answer:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head = received[:end].decode("latin-1").lower().split("\r\n")
        headers = {name: value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        status = int(head[0].split()[1])
        received = received[end + 4 :]
        if "content-length" in headers:
            return self._sized(status, int(headers["content-length"]), received, keep)
        if headers.get("transfer-encoding") == "chunked":
            return self._chunked(status, received, keep)
        raise Failed("an answer states no length")

    def _sized(self, status: int, length: int, received: bytes, keep: int) -> Answer:
        kept = bytearray(received[:keep])
        rest = length - len(received)
        assert self._socket is not None
        while rest > 0:
            size = self._socket.recv_into(self._buffer, min(rest, _STEP))
            if not size:
                raise Failed("the connection was cut in the middle of an answer")
            if len(kept) < keep:
                kept += self._buffer[: min(size, keep - len(kept))]
            rest -= size
        return Answer(status, length, bytes(kept))

    def _chunked(self, status: int, received: bytes, keep: int) -> Answer:
        kept = bytearray()
        total = 0
        while True:
            while (end := received.find(b"\r\n")) < 0:
                received += self._receive()
            size = int(received[:end].split(b";")[0], 16)
            received = received[end + 2 :]
            while len(received) < size + 2:
                received += self._receive()
            kept += received[: min(size, keep - len(kept))]
            received = received[size + 2 :]
            total += size
            if not size:
                return Answer(status, total, bytes(kept))

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_STEP)
        if not data:
            raise Failed("the connection was cut before an answer")
        return data
