"""The agent's HTTP, on the loopback interface alone. One request a connection; whatever goes wrong is an answer."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any, Final

from card_auth.agent import gate
from card_auth.agent.refusals import Refusal, Refused
from card_auth.agent.service import ROUTES, Answer, Route, Service, explained
from card_auth.agent.sessions import Session
from card_auth.errors import CardError, PinError
from card_auth.vihf import StatementRefused

LOOPBACK: Final = "127.0.0.1"
_SECONDS: Final = 10.0  # for a request to arrive; how long the user thinks is not limited
_DRAIN_SECONDS: Final = 1.0
_MOST_DRAINED: Final = 16  # times 64 KB
_MOST_REQUESTS: Final = 16  # at a time: a browser opens six connections to a host
_log: Final = logging.getLogger(__name__)


class AgentServer(ThreadingHTTPServer):
    """Serves one `Service` to pages of the allowed origins. `port` 0 lets the system choose one."""

    daemon_threads = True  # a question that nobody answers does not keep the agent from ending
    allow_reuse_address = True
    service: Service
    origins: frozenset[str]

    def __init__(self, service: Service, origins: frozenset[str], port: int = 0) -> None:
        """Raises OSError when the port is taken."""
        self.service = service
        self.origins = origins
        self._places = threading.BoundedSemaphore(_MOST_REQUESTS)
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        """The port in use."""
        port: int = self.server_address[1]
        return port

    def process_request(self, request: Any, client_address: Any) -> None:
        """Turn away what comes when every place is taken, without a thread for it."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back when the request has been answered."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """A connection that broke off: not worth a trace, which would show what was sent."""
        _log.debug("a connection broke off")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "feuillet"
    sys_version = ""
    timeout = _SECONDS
    server: BaseServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def do_OPTIONS(self) -> None:
        """A browser's question before the page's own request."""
        origin = None
        try:
            gate.check_host(self.headers, self._agent.port)
            origin = gate.admitted_origin(self.headers, self._agent.origins)
            methods = {route.method for route in self._routes()}
            self._send(HTTPStatus.NO_CONTENT, None, (*gate.cors(origin), *gate.preflight(self.headers, methods)))
        except Refused as refused:
            self._refuse(refused, origin)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing of a request is logged but what `_answer` says."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What http.server refuses by itself: a request line, a header or a method that it does not know."""
        self._send(code, {"error": {"code": "malformed", "message": Refusal.MALFORMED.summary, "remedy": ""}})

    @property
    def _agent(self) -> AgentServer:
        agent = self.server
        assert isinstance(agent, AgentServer)  # noqa: S101 - who makes handlers
        return agent

    def _answer(self) -> None:
        origin = None
        try:
            # 1. the request is for us, and from a page that is allowed
            gate.check_host(self.headers, self._agent.port)
            origin = gate.admitted_origin(self.headers, self._agent.origins)
            # 2. the path is known, and asked as it should be
            route = self._route()
            # 3. the page has a session, unless it comes for one
            session = self._session(route, origin)
            # 4. the body is small, JSON and complete
            body = self._body(route)
            # 5. only now is anything done
            answer = route.answer(self._agent.service, session, body)
            _log.info("%s %s done for %s", route.method, self.path, origin)
            self._send(HTTPStatus.OK, answer, gate.cors(origin))
        except Refused as refused:
            self._refuse(refused, origin)
        except (CardError, StatementRefused) as error:
            status = HTTPStatus.FORBIDDEN if isinstance(error, PinError) else HTTPStatus.CONFLICT
            self._say(status, explained(error), origin)
        except (TimeoutError, ConnectionError):
            self.close_connection = True
        except Exception as error:
            _log.error("a request failed: %s", type(error).__name__)  # the trace could hold what was sent
            self._refuse(Refused(Refusal.BROKEN), origin)

    def _routes(self) -> tuple[Route, ...]:
        routes = ROUTES.get(self.path)
        if routes is None:
            raise Refused(Refusal.UNKNOWN_PATH)
        return routes

    def _route(self) -> Route:
        for route in self._routes():
            if route.method == self.command:
                return route
        raise Refused(Refusal.WRONG_METHOD)

    def _session(self, route: Route, origin: str) -> Session:
        sessions = self._agent.service.sessions
        if not route.needs_session:
            return sessions.stranger(origin)
        session = sessions.find(gate.bearer(self.headers), origin)
        if session is None:
            raise Refused(Refusal.NO_SESSION)
        return session

    def _body(self, route: Route) -> bytes:
        if not route.takes_body:
            if gate.has_body(self.headers):
                raise Refused(Refusal.MALFORMED, "A body is not expected here.")
            return b""
        length = gate.body_length(self.headers)
        body = self.rfile.read(length)
        if len(body) != length:
            raise Refused(Refusal.MALFORMED, "The body is shorter than announced.")
        return body

    def _refuse(self, refused: Refused, origin: str | None) -> None:
        refusal = refused.refusal
        _log.info("refused: %s", refusal.code)
        self._say(refusal.status, {"code": refusal.code, "message": str(refused), "remedy": ""}, origin)

    def _say(self, status: HTTPStatus, error: Answer, origin: str | None) -> None:
        self._send(status, {"error": error}, gate.cors(origin) if origin else ())

    def _send(self, status: int, answer: Answer | None, headers: Iterable[tuple[str, str]] = ()) -> None:
        content = b"" if answer is None else json.dumps(answer).encode()
        self.close_connection = True
        self.send_response(status)
        for name, value in (
            *headers,
            ("Cache-Control", "no-store"),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("Content-Type", "application/json"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        self._drain()

    def _drain(self) -> None:
        """Take in what is still under way, within bounds: closing upon it would lose the answer before it is read."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            for _ in range(_MOST_DRAINED):
                if not self.connection.recv(65536):
                    return
        except OSError:
            return
