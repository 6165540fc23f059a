"""A SOAP service as a WSGI application: POST exchanges messages, `GET ?wsdl` and `?xsd=NAME` describe the service."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from soap.description import Description
from soap.exchange import Admit, Exchange, Room, Witness
from soap.faults import SoapFault, sender
from soap.intake import SoapLimits
from soap.message import IncomingMessage, Operation, Reply
from soap.protocol import EXCHANGE, spyne_application, status_line
from soap.xml import check_libraries

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["IncomingMessage", "Operation", "Reply", "Service", "SoapLimits", "wsgi_application"]

_ALLOW: Final = ("Allow", "GET, HEAD, POST")


@dataclass(frozen=True, slots=True)
class Service:
    """What is served at one address. `wsdl` is the description as a file, `schemas` the directory of its schemas."""

    name: str
    target_namespace: str
    operations: tuple[Operation, ...]
    wsdl: Path
    schemas: Path


def wsgi_application(
    service: Service,
    *,
    limits: SoapLimits,
    spool_directory: Path,
    admit: Admit | None = None,
    witness: Witness | None = None,
) -> WSGIApplication:
    """The WSGI application of a service.

    `spool_directory` must exist; attachments are kept there while their request runs. `admit` is called with the
    message after its root part has been read and before any attachment is: it says who asks (`IncomingMessage.caller`),
    or raises `SoapFault` to turn the caller away. `witness` is told of every message that was admitted and ends in a
    fault, before the fault leaves; when it raises, the fault becomes one of ours.
    Raises `ValueError` when two operations share an action or a name, `OSError` when a file of the description is
    missing, `RuntimeError` when the XML libraries are not safe.
    """
    check_libraries()
    by_action = {operation.action: operation for operation in service.operations}
    names = {operation.name for operation in service.operations}
    if len(by_action) != len(service.operations) or len(names) != len(service.operations):
        raise ValueError("two operations of a service share an action or a name")
    return _Application(
        Description(service.wsdl, service.schemas),
        Room(by_action, limits, spool_directory, admit, witness),
        spyne_application(service.name, service.target_namespace, service.operations),
    )


class _Application:
    def __init__(self, description: Description, room: Room, inner: Callable[..., Any]) -> None:
        self._description = description
        self._room = room
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method in ("GET", "HEAD"):
            described = self._description.answer(environ)
            if described is not None:
                start_response("200 OK", [("Content-Type", "text/xml; charset=utf-8"), _length(described)])
                return [] if method == "HEAD" else [described]
        exchange = Exchange(environ, self._room)
        if method != "POST":
            return _refusal(exchange, sender("Only POST exchanges messages", http_status=405), start_response, _ALLOW)
        environ[EXCHANGE] = exchange
        try:
            chunks = self._inner(environ, _with_length(exchange, start_response))
        except SoapFault as fault:
            return _refusal(exchange, fault, start_response)
        except Exception as error:
            return _refusal(exchange, exchange.unexpected(error), start_response)
        return _Response(chunks, exchange)


class _Response:
    """The chunks of an answer; the exchange is closed when the server is done with them, however that happens."""

    def __init__(self, chunks: Iterable[bytes], exchange: Exchange) -> None:
        self._chunks = chunks
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except OSError:
            raise
        except Exception as error:
            # The status line is out. Cutting the connection is the one way left to say that the answer is not whole;
            # to the server it looks like a peer that went away, so that it logs no text of the error.
            self._exchange.unexpected(error)
            raise ConnectionResetError(errno.ECONNRESET, "the answer could not be completed") from None

    def close(self) -> None:
        self._exchange.close()


def _refusal(
    exchange: Exchange, fault: SoapFault, start_response: StartResponse, *headers: tuple[str, str]
) -> Iterable[bytes]:
    exchange.refuse(fault)
    start = _with_length(exchange, start_response)
    start(status_line((exchange.fault or fault).http_status), [("Content-Type", exchange.content_type), *headers])
    return _Response(exchange.chunks, exchange)


def _with_length(exchange: Exchange, start_response: StartResponse) -> Callable[..., Any]:
    """`start_response` with what spyne does not say: the length of a prepared answer, and that nobody may keep it."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        kept = [header for header in headers if header[0].lower() != "content-length"]
        if exchange.length is not None:
            kept.append(("Content-Length", str(exchange.length)))
        kept.append(("Cache-Control", "no-store"))
        return start_response(status, kept, exc_info) if exc_info else start_response(status, kept)

    return start


def _length(data: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(data))
