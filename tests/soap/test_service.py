from __future__ import annotations

import base64
import errno
import gc
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from soap.faults import sender
from soap.message import IncomingMessage, OutgoingPart, Reply
from soap.parts import include
from soap.service import SoapLimits, wsgi_application
from soap.vocabulary import INCLUDE
from soap.xml import parse_trusted
from tests.soap.service_under_test import (
    SOAP_MEDIA,
    XDSB,
    Recorder,
    Served,
    envelope,
    mtom,
    service,
    store_body,
    xop,
)

FETCH = envelope("urn:test:Fetch", f'<x:FetchRequest xmlns:x="{XDSB}"/>')
SECRET = "patient-4711"


def stored(body: bytes, content_type: str, served: Served) -> list[bytes]:
    answer = served.call(body, content_type)
    assert answer.status == 200, answer.body
    assert served.spooled() == []
    return served.recorder.documents


def test_attachments_reach_the_handler(served: Served) -> None:
    contents = [b"one", b"", bytes(range(256)) * 4000]
    assert stored(*mtom(*contents), served) == contents
    assert served.recorder.messages[0].mtom


def test_inline_base64_reaches_the_handler_alike(served: Served) -> None:
    contents = [b"one", b"", bytes(range(256)) * 40]
    body = envelope("urn:test:Store", store_body(*(base64.b64encode(c).decode() for c in contents)))
    assert stored(body, SOAP_MEDIA, served) == contents
    assert not served.recorder.messages[0].mtom


def test_inline_base64_may_travel_in_a_package(served: Served) -> None:
    root = envelope("urn:test:Store", store_body("aGVsbG8="))
    assert stored(*mtom(root=root), served) == [b"hello"]


def test_a_package_is_answered_with_a_package(served: Served) -> None:
    body, content_type = mtom(root=FETCH)
    answer = served.call(body, content_type.replace("urn:test:Store", "urn:test:Fetch"))
    assert answer.headers["content-type"].startswith("multipart/related")
    assert served.recorder.fetched in answer.body
    assert len(answer.body) == int(answer.headers["content-length"])


def test_a_simple_message_is_answered_with_inline_base64(served: Served) -> None:
    answer = served.call(FETCH)
    assert answer.headers["content-type"] == "application/soap+xml; charset=utf-8"
    assert answer.content[0].text == base64.b64encode(served.recorder.fetched).decode()
    assert answer.content[0].find(INCLUDE) is None


def test_answers_may_not_be_kept_by_others(served: Served) -> None:
    for answer in (served.call(FETCH), served.call(b"<a")):
        assert answer.headers["cache-control"] == "no-store"


def test_a_fault_of_the_handler_is_the_answer(served: Served) -> None:
    def refuse(message: IncomingMessage) -> Reply | None:
        raise sender("Not today", "{urn:x}Closed", http_status=403)

    served.recorder.on_message = refuse
    body, content_type = mtom(bytes(500_000))
    answer = served.call(body, content_type)
    assert (answer.status, *answer.fault()) == (403, "Sender", "Closed")
    assert served.spooled() == []


def test_an_error_of_the_handler_tells_nobody_anything(served: Served) -> None:
    def fail(message: IncomingMessage) -> Reply | None:
        raise LookupError(f"no row for {SECRET}")

    served.recorder.on_message = fail
    with capture_logs() as logs:
        answer = served.call(envelope(), environ={"feuillet.correlation_id": "c-1"})
    assert (answer.status, *answer.fault()) == (500, "Receiver", None)
    assert SECRET.encode() not in answer.body
    assert b"LookupError" not in answer.body
    assert SECRET not in str(logs)
    error = next(entry for entry in logs if entry["event"] == "soap.error")
    assert (error["exception"], error["correlation_id"]) == ("builtins.LookupError", "c-1")


def test_an_error_while_a_short_answer_is_made_still_becomes_a_fault(served: Served) -> None:
    def body() -> Iterator[bytes]:
        yield b"<half"
        raise LookupError(SECRET)

    served.recorder.on_message = lambda message: Reply(body())
    answer = served.call(envelope())
    assert (answer.status, *answer.fault()) == (500, "Receiver", None)
    assert b"<half" not in answer.body


def test_an_error_in_a_long_answer_cuts_the_connection(served: Served) -> None:
    def body() -> Iterator[bytes]:
        yield b"<a>" + b"x" * 300_000
        raise LookupError(SECRET)

    served.recorder.on_message = lambda message: Reply(body())
    with pytest.raises(ConnectionResetError) as cut:
        served.call(envelope())
    assert cut.value.errno == errno.ECONNRESET
    assert SECRET not in str(cut.value)


def test_an_attachment_shorter_than_announced_cuts_the_connection(served: Served) -> None:
    def short(message: IncomingMessage) -> Reply:
        part = OutgoingPart("p@x", "text/plain", 10, iter([b"short"]))
        return Reply([b"<a>", include("p@x"), b"</a>"], [part])

    served.recorder.on_message = short
    root = envelope("urn:test:Store", store_body(""))
    with pytest.raises(ConnectionResetError):
        served.call(*mtom(root=root))


def test_what_the_handler_streams_is_closed_even_when_nobody_reads_it(served: Served) -> None:
    closed = []

    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x" * 10])

        def close(self) -> None:
            closed.append(True)

    chunks: Any = Chunks()
    part = OutgoingPart("p@x", "text/plain", 10, chunks)
    served.recorder.on_message = lambda message: Reply([b"<a>", include("p@x"), b"</a>"], [part])
    body, content_type = mtom(root=envelope("urn:test:Store", store_body("")))
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    answer: Any = served.application(environ, lambda *arguments: None)  # type: ignore[arg-type]
    assert closed == []
    answer.close()
    assert closed == [True]


def admitting(decide: Any, tmp_path: Path) -> Served:
    return Served(tmp_path, admit=decide)


def test_the_caller_is_admitted_before_any_attachment_is_read(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def decide(message: IncomingMessage) -> None:
        seen.append((len(message.parts), len(list((tmp_path / "spool").iterdir()))))
        raise sender("You are not known here", http_status=401)

    served = admitting(decide, tmp_path)
    body, content_type = mtom(bytes(3_000_000))
    answer = served.call(body, content_type)
    assert answer.status == 401
    assert seen == [(0, 0)]
    assert served.recorder.messages == []


def test_a_witness_hears_of_each_fault_after_admission_before_it_leaves(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    served = Served(tmp_path, witness=lambda message, fault: heard.append((message.client_address, fault.code.value)))
    peer = {"REMOTE_ADDR": "192.0.2.7"}
    assert served.call(FETCH, environ=peer).status == 200
    assert served.call(b"<no-soap/>", environ=peer).status == 400  # nobody has been admitted
    assert heard == []
    body, content_type = mtom(b"one", b"two")
    assert served.call(body[:-60], content_type, environ=peer).status == 400
    served.recorder.on_message = lambda _: 1 / 0  # type: ignore[assignment, return-value]
    assert served.call(*mtom(b"one"), environ=peer).status == 500
    assert heard == [("192.0.2.7", "Sender"), ("192.0.2.7", "Receiver")]


def test_a_fault_that_no_witness_can_be_told_of_becomes_one_of_ours(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise OSError(SECRET)

    served = Served(tmp_path, witness=fail)
    body, content_type = mtom(b"one", b"two")
    answer = served.call(body[:-60], content_type)
    assert (answer.status, answer.fault()) == (500, ("Receiver", None))
    assert SECRET.encode() not in answer.body


def test_the_handler_knows_who_calls(served: Served) -> None:
    served.call(envelope(), environ={"feuillet.peer_certificate": b"der", "feuillet.correlation_id": "c-2"})
    message = served.recorder.messages[0]
    assert (message.peer_certificate, message.correlation_id) == (b"der", "c-2")


def test_no_request_waits_for_a_walk_of_the_garbage_collector(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spyne.context._LAST_GC_RUN", 0.0)  # as if the last one were long ago
    walks: list[str] = []
    watch = lambda phase, _: walks.append(phase)  # noqa: E731
    gc.disable()
    gc.callbacks.append(watch)
    try:
        assert served.call(FETCH).status == 200
    finally:
        gc.callbacks.remove(watch)
        gc.enable()
    assert walks == []


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_content_codings_are_refused(served: Served, coding: str) -> None:
    assert served.call(envelope(), environ={"HTTP_CONTENT_ENCODING": coding}).status == 415


@pytest.mark.parametrize("coding", ["identity", "", "Identity"])
def test_the_identity_coding_is_no_coding(served: Served, coding: str) -> None:
    assert served.call(envelope(), environ={"HTTP_CONTENT_ENCODING": coding}).status == 200


def test_a_full_spool_is_our_fault_and_passes(tmp_path: Path) -> None:
    served = Served(tmp_path, limits=SoapLimits(spool_reserve=1 << 62))
    answer = served.call(*mtom(bytes(500_000)))
    assert (answer.status, *answer.fault()) == (503, "Receiver", None)
    assert served.spooled() == []
    assert served.call(*mtom(b"small enough for the memory")).status == 200


def test_a_spool_that_is_gone_is_our_fault(served: Served) -> None:
    served.spool.rmdir()
    answer = served.call(*mtom(bytes(500_000)))
    assert (answer.status, *answer.fault()) == (500, "Receiver", None)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_other_methods_are_told_which_are_allowed(served: Served, method: str) -> None:
    answer = served.call(envelope(), method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_the_description_points_back_to_where_it_was_asked_for(served: Served) -> None:
    answer = served.call(b"", None, method="GET", query="wsdl")
    assert answer.status == 200
    root = parse_trusted(answer.body)
    address = root.find(".//{http://schemas.xmlsoap.org/wsdl/soap12/}address")
    assert address is not None
    assert address.get("location") == "http://xds.example:8080/service"
    imported = root.find(".//{http://www.w3.org/2001/XMLSchema}import")
    assert imported is not None
    assert imported.get("schemaLocation") == "http://xds.example:8080/service?xsd=store.xsd"


def test_a_schema_is_served_by_its_name_alone(served: Served, tmp_path: Path) -> None:
    (tmp_path / "outside.xsd").write_text("<secret/>")
    assert served.call(b"", None, method="GET", query="xsd=store.xsd").status == 200
    for query in ("xsd=../outside.xsd", "xsd=..%2Foutside.xsd", "xsd=other.xsd", "xsd=", "xsd", "wsdl=1", "other"):
        assert served.call(b"", None, method="GET", query=query).status == 405


def test_head_tells_the_length_of_the_description(served: Served) -> None:
    whole = served.call(b"", None, method="GET", query="WSDL")
    head = served.call(b"", None, method="HEAD", query="wsdl")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize("host", ['evil"><x', "a" * 300, "", "a b", "evil/path"])
def test_a_host_header_cannot_be_smuggled_into_the_description(served: Served, host: str) -> None:
    answer = served.call(b"", None, method="GET", query="wsdl", environ={"HTTP_HOST": host})
    address = parse_trusted(answer.body).find(".//{http://schemas.xmlsoap.org/wsdl/soap12/}address")
    assert address is not None
    assert address.get("location") == "http://localhost:80/service"


def test_a_service_that_cannot_tell_its_operations_apart_does_not_start(tmp_path: Path) -> None:
    made = service(Recorder(), tmp_path)
    doubled = type(made)(made.name, made.target_namespace, made.operations * 2, made.wsdl, made.schemas)
    with pytest.raises(ValueError, match="share"):
        wsgi_application(doubled, limits=SoapLimits(), spool_directory=tmp_path)


def test_a_service_without_its_description_does_not_start(tmp_path: Path) -> None:
    made = service(Recorder(), tmp_path)
    made.wsdl.unlink()
    with pytest.raises(OSError, match=made.wsdl.name):
        wsgi_application(made, limits=SoapLimits(), spool_directory=tmp_path)


def test_two_references_in_one_message_have_an_attachment_each(served: Served) -> None:
    root = envelope("urn:test:Store", store_body(xop("d1@test"), xop("d0@test")))
    assert stored(*mtom(b"first", b"second", root=root), served) == [b"second", b"first"]


def test_a_reference_may_be_indented(served: Served) -> None:
    root = envelope("urn:test:Store", store_body(f"\n    {xop('d0@test')}\n  "))
    assert stored(*mtom(b"content", root=root), served) == [b"content"]


def test_a_refused_message_is_logged_without_its_content(served: Served) -> None:
    with capture_logs() as logs:
        served.call(envelope(f"urn:{SECRET}"), environ={"feuillet.correlation_id": "c-3"})
    assert logs == [
        {
            "event": "soap.fault",
            "log_level": "info",
            "correlation_id": "c-3",
            "operation": None,
            "code": "Sender",
            "subcode": "{http://www.w3.org/2005/08/addressing}ActionNotSupported",
            "reason": "The wsa:Action is not supported here",
            "status": 400,
        }
    ]
