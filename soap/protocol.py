"""The spyne side: a protocol that hands operations our checked messages and puts their serialised answers on the wire.

spyne keeps what it is good at: the service definition, the choice of the method, contexts, events, WSGI. Its own XML
reading, MTOM and size limits are not used.
"""

from __future__ import annotations

import http
import math
from collections.abc import Callable
from typing import Any, Final

from spyne import AnyXml, Application, ServiceBase, const, rpc
from spyne.model.fault import Fault
from spyne.protocol.soap import Soap12
from spyne.server.wsgi import WsgiApplication
from spyne.util.appreg import unregister_application

from soap.exchange import Exchange
from soap.faults import FaultCode, SoapFault
from soap.message import IncomingMessage, Operation

# spyne has Python's garbage collector go through the whole process after a request, up to once a second, to have files
# closed that were forgotten. Ours are closed by `Exchange.close`; the walk costs more than the request.
const.MIN_GC_INTERVAL = math.inf

#: Where the WSGI environment holds the exchange.
EXCHANGE: Final = "feuillet.soap.exchange"


class _Refused(Fault):  # type: ignore[misc]  # spyne has no types
    """A `SoapFault` in the shape in which spyne lets a protocol stop a request."""

    def __init__(self, fault: SoapFault) -> None:
        super().__init__("Client" if fault.code is FaultCode.SENDER else "Server", fault.reason)
        self.soap_fault = fault


class EnvelopeProtocol(Soap12):  # type: ignore[misc]  # spyne has no types
    """SOAP 1.2 with raw elements in and bytes out. One instance reads, another one writes."""

    def __init__(self, keys: dict[str, str]) -> None:
        """`keys` maps the names of operations to spyne's method keys."""
        super().__init__()
        self._keys = keys

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002 - spyne's signature
        """Read and parse the root part."""
        exchange = _exchange(ctx)
        ctx.in_document = _guarded(exchange, exchange.receive)

    def decompose_incoming_envelope(self, ctx: Any, message: Any = Soap12.REQUEST) -> None:  # noqa: ARG002 - spyne's signature
        """Check the envelope, choose the operation, take in the rest of the message."""
        exchange = _exchange(ctx)
        operation = _guarded(exchange, exchange.understand)
        complete = _guarded(exchange, exchange.complete)
        ctx.in_body_doc = complete.body
        ctx.method_request_string = self._keys[operation.name]

    def deserialize(self, ctx: Any, message: Any) -> None:  # noqa: ARG002 - spyne's signature
        """Hand the message over as it is."""
        ctx.in_object = _exchange(ctx).message

    def serialize(self, ctx: Any, message: Any) -> None:  # noqa: ARG002 - spyne's signature
        """Decide between answer and fault."""
        exchange = _exchange(ctx)
        if ctx.out_error is not None:
            error = ctx.out_error
            exchange.fault = error.soap_fault if isinstance(error, _Refused) else exchange.unexpected(error)
        if exchange.fault is not None:
            exchange.refuse(exchange.fault)
            ctx.transport.resp_code = status_line(exchange.fault.http_status)
        ctx.out_document = exchange
        ctx.transport.mime_type = exchange.content_type
        ctx.transport.resp_headers["Content-Type"] = exchange.content_type

    def create_out_string(self, ctx: Any, out_string_encoding: str = "utf8") -> None:  # noqa: ARG002 - spyne's signature
        """Hand the bytes over as they are."""
        ctx.out_string = _exchange(ctx).chunks

    def fault_to_http_response_code(self, fault: Any) -> str:
        """The status line for a fault."""
        return status_line(fault.soap_fault.http_status if isinstance(fault, _Refused) else 500)


def status_line(status: int) -> str:
    """`400 Bad Request` for 400."""
    return f"{status} {http.HTTPStatus(status).phrase}"


def spyne_application(name: str, target_namespace: str, operations: tuple[Operation, ...]) -> Callable[..., Any]:
    """The WSGI application that spyne makes of the operations; it expects an `Exchange` in the environment."""
    methods = {operation.name: _method(operation) for operation in operations}
    service = type(name, (ServiceBase,), methods)
    keys: dict[str, str] = {}
    application = Application(
        [service],
        tns=target_namespace,
        name=name,
        in_protocol=EnvelopeProtocol(keys),
        out_protocol=EnvelopeProtocol(keys),
    )
    # spyne keeps every application it ever made under its name; ours are owned by whoever asked for them.
    unregister_application(application)
    for key, descriptors in application.interface.service_method_map.items():
        keys[descriptors[0].operation_name] = key
    wsgi: Callable[..., Any] = WsgiApplication(application)
    return wsgi


def _method(operation: Operation) -> Any:
    def method(ctx: Any, message: IncomingMessage) -> Exchange:
        exchange = _exchange(ctx)
        exchange.run(message)
        return exchange

    method.__name__ = operation.name
    return rpc(AnyXml, _returns=AnyXml, _body_style="bare", _operation_name=operation.name)(method)


def _exchange(ctx: Any) -> Exchange:
    exchange: Exchange = ctx.transport.req_env[EXCHANGE]
    return exchange


def _guarded(exchange: Exchange, step: Callable[[], Any]) -> Any:
    try:
        return step()
    except SoapFault as fault:
        raise _Refused(fault) from None
    except Exception as error:
        raise _Refused(exchange.unexpected(error)) from None
