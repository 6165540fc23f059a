"""What is noted about an exchange: its correlation id, a line in the log, and figures. Never what it carried."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from feuillet import metrics
from feuillet.callers.peer import note_peer
from schemas.responses import read_registry_response
from schemas.vocabulary import RS, ResponseStatus
from soap.intake import bound_chunks
from soap.message import IncomingMessage, Operation, Reply
from soap.protocol import EXCHANGE
from soap.service import Service
from soap.xml import parse_trusted

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_log: Final = structlog.get_logger("feuillet.access")
#: What no operation was found for.
_NO_TRANSACTION: Final = "none"
#: Answers above this size list results, not errors.
_LONGEST_ERROR_LIST: Final = 262_144
_SUCCESS: Final = ResponseStatus.SUCCESS.value.encode()


class Observation:
    """One exchange, from its first byte to the last of its answer."""

    def __init__(self, path: str, environ: WSGIEnvironment, *, write_line: bool) -> None:
        self._path = path
        self._environ = environ
        self._write_line = write_line
        self._started = time.perf_counter()
        self._status = 0
        self._sent = 0
        self._received = _Counted(bound_chunks(environ["wsgi.input"]))
        self._chunks: Iterable[bytes] = ()
        self._correlation_id = str(uuid.uuid4())

    def observe(self, application: WSGIApplication, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application; what it answers, under observation."""
        environ = self._environ
        environ["feuillet.correlation_id"] = self._correlation_id
        note_peer(environ)
        environ["wsgi.input"] = self._received
        structlog.contextvars.bind_contextvars(correlation_id=self._correlation_id)
        metrics.IN_FLIGHT.inc()
        try:
            self._chunks = application(environ, self._noting(start_response))
        except BaseException:
            self.close()
            raise
        return self

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._sent += len(chunk)
            yield chunk

    def close(self) -> None:
        """The answer is out, or given up."""
        try:
            closing = getattr(self._chunks, "close", None)
            if closing is not None:
                closing()
        finally:
            self._note()

    def _noting(self, start_response: StartResponse) -> Callable[..., Any]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._status = int(status[:3])
            return start_response(status, [*headers, ("X-Correlation-ID", self._correlation_id)], *rest)

        return start

    def _note(self) -> None:
        seconds = time.perf_counter() - self._started
        operation = getattr(self._environ.get(EXCHANGE), "operation", None)
        transaction = operation.name if isinstance(operation, Operation) else _NO_TRANSACTION
        metrics.IN_FLIGHT.dec()
        metrics.REQUESTS.labels(transaction, str(self._status)).inc()
        metrics.SECONDS.labels(transaction).observe(seconds)
        metrics.RECEIVED.labels(transaction).inc(self._received.size)
        metrics.SENT.labels(transaction).inc(self._sent)
        if self._status >= 400:
            metrics.ERRORS.labels(transaction, f"HTTP {self._status}").inc()
        if self._write_line:
            certificate = self._environ.get("feuillet.peer_certificate")
            _log.info(
                "access",
                path=self._path,
                method=self._environ["REQUEST_METHOD"],
                operation=transaction,
                status=self._status,
                milliseconds=round(seconds * 1000, 1),
                received=self._received.size,
                sent=self._sent,
                peer=self._environ.get("REMOTE_ADDR"),
                certificate=None if certificate is None else hashlib.sha256(certificate).hexdigest(),
            )
        structlog.contextvars.unbind_contextvars("correlation_id")


class _Counted:
    """The body of a request, its bytes counted as they are read."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes."""
        data: bytes = self._source.read(size)
        self.size += len(data)
        return data


def counting_errors(service: Service) -> Service:
    """The same service; the error codes of its answers are counted by transaction."""
    return replace(service, operations=tuple(_counting(operation) for operation in service.operations))


def _counting(operation: Operation) -> Operation:
    handler = operation.handler

    def handle(message: IncomingMessage) -> Reply:
        reply = handler(message)
        for code in _error_codes(reply):
            metrics.ERRORS.labels(operation.name, code).inc()
        return reply

    return replace(operation, handler=handle)


def _error_codes(reply: Reply) -> list[str]:
    body = reply.body
    # Successes, the many, are told by their first bytes.
    if not isinstance(body, list | tuple) or not body or _SUCCESS in body[0][:512]:
        return []
    if sum(map(len, body)) > _LONGEST_ERROR_LIST:
        return []
    element = parse_trusted(b"".join(body))
    response = element if element.get("status") else element.find(f"{{{RS}}}RegistryResponse")
    return [] if response is None else [error.code for error in read_registry_response(response).errors]
