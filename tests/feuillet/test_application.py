"""Which address leads where, and what is told about an exchange."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from dmp.audit.event import Outcome, Transaction
from dmp.audit.refusals import RefusalClass
from feuillet import logs
from feuillet.application import Application
from feuillet.composition import Rooms, open_rooms
from feuillet.configuration import load, opened
from feuillet.migrations.schema import migrate
from feuillet.settings import LogSettings
from tests.feuillet.conftest import Write
from tests.services.trail import events_of
from tests.xds_repository.submissions import PATIENT, submission


@pytest.fixture
def rooms(write: Write) -> Iterator[Rooms]:
    """A registry and repository with tables."""
    rooms = open_rooms(opened(load(write(more="[registry]\nregister_unknown_patients = true\n"))))
    migrate(rooms.engine)
    yield rooms
    rooms.close()


@pytest.fixture
def ask(rooms: Rooms) -> Callable[..., tuple[str, dict[str, str], bytes]]:
    """Sends a request to the application: status, headers, content."""

    def ask_application(
        path: str, body: bytes = b"", *, method: str = "GET", operations: bool = True, **environ: Any
    ) -> tuple[str, dict[str, str], bytes]:
        application = Application(rooms, None, operations=operations)
        seen: list[Any] = []
        chunks = application(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "wsgi.url_scheme": "http",
                "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": "application/soap+xml",
                "REMOTE_ADDR": "192.0.2.1",
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
            lambda *words: seen.append(words),
        )
        try:
            content = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        return seen[0][0], dict(seen[0][1]), content

    return ask_application


Ask = Callable[..., tuple[str, dict[str, str], bytes]]


def envelope(action: str, body: bytes) -> bytes:
    """A SOAP request."""
    return (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">'
        b"<s:Header><a:Action>" + action.encode() + b"</a:Action><a:MessageID>urn:m:1</a:MessageID></s:Header>"
        b"<s:Body>" + body + b"</s:Body></s:Envelope>"
    )


PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"


def test_registry_and_repository_describe_themselves(ask: Ask) -> None:
    for path, name in (("/registry", b"DocumentRegistry"), ("/repository", b"DocumentRepository")):
        status, _, content = ask(path, QUERY_STRING="wsdl")
        assert status == "200 OK"
        assert name in content


@pytest.mark.parametrize("path", ["/", "/registry/", "/admin", "/readyz/../metrics", ""])
def test_nothing_else_is_there(ask: Ask, path: str) -> None:
    assert ask(path)[0] == "404 Not Found"


def test_health_is_told_everywhere_but_readiness_and_figures_only_where_operations_are(ask: Ask) -> None:
    assert [ask(path, operations=False)[0][:3] for path in ("/healthz", "/readyz", "/metrics")] == ["200", "404", "404"]
    assert [ask(path)[0][:3] for path in ("/healthz", "/readyz", "/metrics")] == ["200", "200", "200"]
    assert ask("/healthz", method="POST")[0] == "405 Method Not Allowed"


def test_readiness_depends_on_the_store(ask: Ask, rooms: Rooms) -> None:
    rooms.store._read_only = True  # type: ignore[attr-defined]  # as after a failed fsync
    status, _, content = ask("/readyz")
    told = json.loads(content)
    assert status == "503 Service Unavailable"
    assert (told["ready"], told["parts"]["store"]["ready"], told["parts"]["database"]["ready"]) == (False, False, True)


def test_an_exchange_is_counted_by_its_transaction_and_its_errors_by_code(ask: Ask) -> None:
    sent = submission(b"<a/>")
    status, headers, content = ask("/repository", envelope(PROVIDE, sent.inline()), method="POST")
    assert status == "200 OK"
    assert b"Success" in content
    assert len(headers["X-Correlation-ID"]) == 36
    broken = sent.inline().replace(b"20260101120000", b"not a time")
    assert b"XDSRegistryMetadataError" in ask("/repository", envelope(PROVIDE, broken), method="POST")[2]
    assert ask("/repository", b"<no-soap/>", method="POST")[0].startswith("400")
    figures = ask("/metrics")[2].decode()
    transaction = 'transaction="DocumentRepository_ProvideAndRegisterDocumentSet-b"'
    assert f'feuillet_requests_total{{status="200",{transaction}}}' in figures
    assert f'feuillet_errors_total{{code="XDSRegistryMetadataError",{transaction}}}' in figures
    assert 'feuillet_errors_total{code="HTTP 400",transaction="none"}' in figures
    assert "feuillet_requests_in_flight 0.0" in figures


def test_the_log_tells_of_an_exchange_but_not_what_it_carried(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log"
    logs.set_up(LogSettings(file=file))
    try:
        canary = b"canary-in-the-document"
        body = envelope(PROVIDE, submission(canary).inline())
        _, headers, _ = ask("/repository", body, method="POST")
        ask("/repository", body.replace(b"20260101120000", b"canary-time"), method="POST")
        ask("/repository", body[:-20], method="POST", QUERY_STRING="canary=1")
    finally:
        logs.set_up(LogSettings(), sys.stdout)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    access = [line for line in lines if line["event"] == "access"]
    assert [(line["status"], line["path"]) for line in access] == [(200, "/repository")] * 2 + [(400, "/repository")]
    assert access[0]["correlation_id"] == headers["X-Correlation-ID"]
    assert access[0]["received"] == len(body)
    told = file.read_text()
    assert [word for word in ("canary", PATIENT, PATIENT.split("^")[0]) if word in told] == []


def test_a_message_that_breaks_off_is_in_the_audit_trail_and_nothing_is_kept(ask: Ask, rooms: Rooms) -> None:
    body, parts = submission(b"<a/>").mtom()
    content_type = 'multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; boundary=b'
    head = b'--b\r\nContent-Type: application/xop+xml; type="application/soap+xml"\r\n\r\n'
    sent = head + envelope(PROVIDE, body) + b"\r\n--b\r\nContent-ID: <" + parts[0].content_id.encode() + b">\r\n\r\n<a"
    assert ask("/repository", sent, method="POST", CONTENT_TYPE=content_type)[0].startswith("400")
    (event,) = events_of(rooms.engine)
    assert (event.transaction, event.outcome, event.refusal) == (
        Transaction.PROVIDE_AND_REGISTER,
        Outcome.SERIOUS_FAILURE,
        RefusalClass.MESSAGE,
    )
    assert (event.client_address, event.reason) == ("192.0.2.1", "Sender")


def test_without_a_trail_a_good_message_is_answered_busy(ask: Ask, rooms: Rooms) -> None:
    with rooms.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_chain"))
    status, _, content = ask("/repository", envelope(PROVIDE, submission(b"<a/>").inline()), method="POST")
    assert status == "200 OK"
    assert b"XDSRegistryBusy" in content


def test_an_unexpected_error_is_told_by_its_kind_and_place_alone(tmp_path: Path) -> None:
    file = tmp_path / "log"
    logs.set_up(LogSettings(file=file))
    try:
        try:
            raise ValueError("canary")
        except ValueError:
            structlog.get_logger().error("trouble", exc_info=True)
            logging.getLogger("library").exception("library.trouble")
    finally:
        logs.set_up(LogSettings(), sys.stdout)
    ours, theirs = (json.loads(line) for line in file.read_text().splitlines())
    assert "canary" not in file.read_text()
    assert ours["exception"] == theirs["exception"] == "builtins.ValueError"
    assert ours["where"][-1].startswith("test_application.py:")
