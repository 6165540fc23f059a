"""A service whose clock, TLS and manners are chosen by the test: a real HTTPS server on this machine."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.services.pki import Identity, Pki

Serve = Callable[..., str]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ahead = datetime.timedelta()
    date: str | None = None

    def do_HEAD(self) -> None:
        self.send_response(204)
        self.end_headers()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Date" and self.date is not None:
            if not self.date:
                return
            value = self.date
        super().send_header(keyword, value)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(datetime.datetime.now(datetime.UTC) + self.ahead, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # refused handshakes are what some tests are about


@contextmanager
def serving(
    identity: Identity,
    *,
    ahead: datetime.timedelta = datetime.timedelta(),
    date: str | None = None,
    client_authorities: Path | None = None,
    latest: ssl.TLSVersion | None = None,
) -> Iterator[str]:
    """An HTTPS service on localhost: its clock `ahead` of ours, or with that Date header (empty: none). Its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.files)
    if latest:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = latest
        context.set_ciphers("ALL:@SECLEVEL=0")
    if client_authorities:
        context.load_verify_locations(client_authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    handler = type("Handler", (_Handler,), {"ahead": ahead, "date": date})
    server = _Server(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve(pki: Pki) -> Iterator[Serve]:
    """Starts services; they end with the test."""
    with ExitStack() as stack:

        def start(identity: Identity | None = None, **how: object) -> str:
            return stack.enter_context(serving(identity or pki.server, **how))  # type: ignore[arg-type]

        yield start


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy is none of these tests'."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
