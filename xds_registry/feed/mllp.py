"""The listener of the patient identity feed: HL7 V2 over the Minimal Lower Layer Protocol, with or without TLS.

A message is framed as VT, its bytes, FS, CR; so is its acknowledgement (HL7 Implementation Support Guide:
Appendix C; ITI TF-2: 3.8.3, C.2). Nothing else may come between: a peer that frames wrongly is cut off, because it
is not known where its next message begins.
"""

from __future__ import annotations

import hashlib
import selectors
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Final

import structlog

from xds_registry.feed.adt import answer
from xds_registry.registry import Registry

log = structlog.get_logger(__name__)

_START: Final = 0x0B
_END: Final = 0x1C
_CARRIAGE_RETURN: Final = 0x0D
_CHUNK: Final = 65_536
#: So many messages are worked on at once: the feed must leave database connections to the other transactions.
_AT_WORK: Final = 4


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """What the listener lets happen: bytes of a message, connections at once, and times in seconds.

    `idle` runs between messages, `message` from the first byte of a message to its last and again for the sending of
    its answer, `stop` until connections that do not end by themselves are cut off.
    """

    message_bytes: int = 1_000_000
    connections: int = 32
    idle: float = 300.0
    message: float = 30.0
    stop: float = 10.0


class FramingError(Exception):
    """The peer does not speak MLLP, or exceeds a limit; the text says how and repeats nothing."""


class FrameReader:
    """The messages that arrive on one socket."""

    def __init__(self, connection: socket.socket, limits: MllpLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._buffer = bytearray()

    def next(self) -> bytes | None:
        """The next message without its framing; None when the peer has closed the connection between two.

        Raises FramingError, and OSError (TimeoutError among them) from the socket.
        """
        if not self._buffer and not self._receive(self._limits.idle):
            return None
        if self._buffer[0] != _START:
            raise FramingError("a message must begin with VT")
        deadline = time.monotonic() + self._limits.message
        searched = 1
        while True:
            end = self._buffer.find(_END, searched)
            if end >= 0 and len(self._buffer) > end + 1:
                return self._taken(end)
            # The end may be there while its CR is not.
            size = (end if end >= 0 else len(self._buffer)) - 1
            if size > self._limits.message_bytes:
                raise FramingError(f"a message is longer than {self._limits.message_bytes} bytes")
            searched = end if end >= 0 else len(self._buffer)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise FramingError(f"a message takes longer than {self._limits.message:g} seconds")
            if not self._receive(remaining):
                raise FramingError("the connection ended within a message")

    def _taken(self, end: int) -> bytes:
        if self._buffer[end + 1] != _CARRIAGE_RETURN:
            raise FramingError("FS must be followed by CR")
        if end - 1 > self._limits.message_bytes:
            raise FramingError(f"a message is longer than {self._limits.message_bytes} bytes")
        message = bytes(self._buffer[1:end])
        if _START in message:
            raise FramingError("a message begins within another one")
        del self._buffer[: end + 2]
        return message

    def _receive(self, seconds: float) -> bool:
        self._connection.settimeout(seconds)
        chunk = self._connection.recv(_CHUNK)
        self._buffer += chunk
        return bool(chunk)


def framed(message: bytes) -> bytes:
    """A message as it travels."""
    return bytes((_START,)) + message + bytes((_END, _CARRIAGE_RETURN))


class MllpServer:
    """ITI-8 for a registry, at a host and a port (0 for any free one).

    It listens from the start; raises OSError when the address cannot be had. With `ssl_context` it speaks TLS only,
    and the context says whose certificates it takes (ITI TF-2: 3.19).
    """

    def __init__(
        self,
        registry: Registry,
        host: str,
        port: int,
        *,
        ssl_context: ssl.SSLContext | None = None,
        limits: MllpLimits | None = None,
    ) -> None:
        self._registry = registry
        self._ssl_context = ssl_context
        self._limits = limits or MllpLimits()
        self._at_work = threading.BoundedSemaphore(_AT_WORK)
        self._stopping = threading.Event()
        self._waker, self._woken = socket.socketpair()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._listener.setblocking(False)  # a peer may be gone between its knock and our accept
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    def serve_forever(self) -> None:
        """Serve until `stop` is called; returns when every acknowledgement under way has been sent."""
        log.info("patient_feed.listening", host=self.address[0], port=self.address[1], tls=bool(self._ssl_context))
        with self._listener, self._woken, selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                ready.select()
                if not self._stopping.is_set():
                    self._accept()
        self._finish()
        log.info("patient_feed.stopped")

    def stop(self) -> None:
        """Ask `serve_forever` to return; from any thread or a signal handler, any number of times."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._waker.close()  # its other end becomes readable

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # out of descriptors: the ones in use will be given back
            log.error("patient_feed.accept_failed", kind=type(error).__name__)
            time.sleep(0.1)
            return
        with self._guard:
            full = len(self._open) >= self._limits.connections
        if full:
            log.warning("patient_feed.too_many_connections", limit=self._limits.connections)
            connection.close()
            return
        try:
            connection.settimeout(self._limits.message)
            if self._ssl_context is not None:
                # The handshake waits for the peer, so it is left to the connection's own thread.
                connection = self._ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError as error:
            log.warning("patient_feed.connection_failed", kind=type(error).__name__)
            connection.close()
            return
        thread = threading.Thread(target=self._converse, args=(connection,), name="patient-feed", daemon=True)
        with self._guard:
            self._open[thread] = connection
        thread.start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.do_handshake()
            reader = FrameReader(connection, self._limits)
            peer = _peer(connection)
            while not self._stopping.is_set() and (message := reader.next()) is not None:
                with self._at_work:
                    acknowledgement = answer(self._registry, message, **peer)
                connection.settimeout(self._limits.message)
                connection.sendall(framed(acknowledgement))
        except FramingError as wrong:
            log.warning("patient_feed.cut_off", reason=str(wrong))
        except TimeoutError:
            log.info("patient_feed.timed_out")
        except OSError as error:
            log.info("patient_feed.connection_lost", kind=type(error).__name__)
        finally:
            with self._guard:
                self._open.pop(threading.current_thread(), None)
            connection.close()

    def _finish(self) -> None:
        """Let what is being answered be answered, then cut off what remains."""
        deadline = time.monotonic() + self._limits.stop
        threads = self._shut(socket.SHUT_RD)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for thread in self._shut(socket.SHUT_RDWR):
            thread.join(1.0)

    def _shut(self, how: int) -> list[threading.Thread]:
        with self._guard:
            for connection in self._open.values():
                try:
                    # Not SSLSocket.shutdown: that drops the encryption, and the answer under way would go out in clear.
                    socket.socket.shutdown(connection, how)
                except OSError:
                    continue  # the peer was faster
            return list(self._open)


def _peer(connection: socket.socket) -> dict[str, str]:
    """Who is at the other end: what the audit trail says of them."""
    certificate = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
    return {
        "client_address": str(connection.getpeername()[0]),
        "certificate": hashlib.sha256(certificate).hexdigest() if certificate else "",
    }
