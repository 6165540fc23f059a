"""The server as one WSGI application: which address leads to which room, and what is told about every exchange."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dmp.services import record_services
from feuillet import metrics
from feuillet.audit.recording import witness
from feuillet.callers.admission import Admission
from feuillet.composition import Rooms
from feuillet.law import RecordLaw
from feuillet.observation import Observation, counting_errors
from feuillet.probes import Readiness
from soap.service import Service, wsgi_application
from xds_registry.endpoint import registry_service
from xds_registry.registry import Registry
from xds_registry.subscriptions.endpoint import subscription_service
from xds_repository.endpoint import repository_service

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"
_SUBSCRIPTIONS: Final = "/subscriptions"


@dataclass(frozen=True, slots=True)
class Page:
    """A small answer made by a function: status line, media type, content."""

    status: str
    content_type: str
    content: bytes


class Application:
    """Routes: `/registry`, `/repository`, `/healthz`, and where `operations` is true `/readyz` and `/metrics`;
    `/subscriptions` where systems are notified.

    The DMP's own services are at the DMP's addresses, and under their bare names. Without `admission` every message is
    taken, whoever sends it.
    """

    def __init__(self, rooms: Rooms, admission: Admission | None, *, operations: bool) -> None:
        self._access_lines = rooms.settings.logs.access
        self._readiness = Readiness(rooms.engine, rooms.store)
        self._services: dict[str, WSGIApplication] = {}
        self._pages: dict[str, Callable[[], Page]] = {"/healthz": _alive}
        if operations:
            self._pages |= {"/readyz": self._ready, "/metrics": _figures}
        if rooms.registry is not None:
            self._add("/registry", _registry_service(rooms.registry, rooms.law), rooms, admission)
        if rooms.broker is not None:
            self._add(_SUBSCRIPTIONS, subscription_service(rooms.broker), rooms, admission)
        self._add("/repository", repository_service(rooms.repository), rooms, admission)
        if rooms.services is not None:
            for path, service in record_services(rooms.services).items():
                self._add(path, service, rooms, admission)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        # Each subscription has an address of its own.
        service = self._services.get(_SUBSCRIPTIONS if path.startswith(f"{_SUBSCRIPTIONS}/") else path)
        if service is not None:
            return Observation(path, environ, write_line=self._access_lines).observe(service, start_response)
        page = self._pages.get(path)
        if page is None:
            return _answer(Page("404 Not Found", _TEXT, b"nothing is here\n"), environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            refusal = Page("405 Method Not Allowed", _TEXT, b"only GET\n")
            return _answer(refusal, environ, start_response, ("Allow", "GET, HEAD"))
        return _answer(page(), environ, start_response)

    def _add(self, path: str, service: Service, rooms: Rooms, admission: Admission | None) -> None:
        limits = rooms.settings.server.limits.soap()
        self._services[path] = wsgi_application(
            counting_errors(service),
            limits=limits,
            spool_directory=rooms.spool_directory,
            admit=admission,
            witness=witness(rooms.trail),
        )

    def _ready(self) -> Page:
        findings = self._readiness.findings()
        ready = all(finding.passed for finding in findings)
        content = {
            "ready": ready,
            "parts": {finding.subject: {"ready": finding.passed, "detail": finding.detail} for finding in findings},
        }
        return Page("200 OK" if ready else "503 Service Unavailable", _JSON, json.dumps(content).encode() + b"\n")


def _registry_service(registry: Registry, law: RecordLaw | None) -> Service:
    if law is None:
        return registry_service(registry)
    return registry_service(registry, visibility_of=law.visibility_of, permit_of=law.permit_of, feeds=law.feeds)


def _alive() -> Page:
    return Page("200 OK", _TEXT, b"alive\n")


def _figures() -> Page:
    return Page("200 OK", metrics.CONTENT_TYPE, metrics.rendered())


def _answer(
    page: Page, environ: WSGIEnvironment, start_response: StartResponse, *headers: tuple[str, str]
) -> Iterable[bytes]:
    length = ("Content-Length", str(len(page.content)))
    start_response(page.status, [("Content-Type", page.content_type), length, ("Cache-Control", "no-store"), *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [page.content]
