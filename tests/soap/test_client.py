from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
import zeep
import zeep.exceptions
from lxml import etree

from soap.client import MtomTransport, NoAnswer, SoapCaller
from soap.envelope import fault_envelope, head, tail
from soap.faults import FaultCode, SoapFault, receiver, sender
from soap.intake import SoapLimits
from soap.message import OutgoingPart, Reply
from soap.parts import Spool, SpooledPart, binary_of, include
from soap.vocabulary import WSA, WSSE
from tests.services.process import free_port
from tests.soap.service_under_test import QUERY, XDSB, Served, store_body, xop

STORE, FETCH = "urn:test:Store", "urn:test:Fetch"
FETCH_BODY = f'<x:FetchRequest xmlns:x="{XDSB}"/>'.encode()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


Serve = Callable[[Any], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves WSGI applications from threads, each at the URL that it returns."""
    running: list[tuple[WSGIServer, threading.Thread]] = []

    def start(application: Any) -> str:
        server = make_server("127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def url(served: Served, serve: Serve) -> str:
    return serve(served.application)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where the client keeps attachments."""
    directory = tmp_path / "client"
    directory.mkdir()
    return directory


def attachment(content_id: str, content: bytes) -> OutgoingPart:
    return OutgoingPart(content_id, "text/plain", len(content), iter([content[:7], content[7:]]))


def canned(status: str, content_type: str, body: bytes) -> Any:
    """A server that gives one answer to everything."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return application


def test_attachments_go_out_as_a_stream_and_arrive(url: str, served: Served, spool: Path) -> None:
    contents = [b"first", bytes(range(256)) * 5000]
    body = store_body(*(include(f"p{n}@x").decode() for n in range(2))).encode()
    parts = [attachment(f"p{n}@x", content) for n, content in enumerate(contents)]
    with SoapCaller(url, spool_directory=spool).call(STORE, body, parts=parts, mtom=True) as answer:
        assert answer.body.tag == f"{{{XDSB}}}StoreResponse"
    assert served.recorder.documents == contents
    assert served.recorder.messages[0].mtom


def test_a_received_part_may_be_sent_on(url: str, served: Served, tmp_path: Path, spool: Path) -> None:
    writer = Spool(tmp_path, threshold=10).writer(1000)
    writer.write(b"x" * 500)
    part = writer.finish("p@x", "text/plain")
    with SoapCaller(url, spool_directory=spool).call(STORE, store_body(xop("p@x")).encode(), parts=[part], mtom=True):
        assert served.recorder.documents == [b"x" * 500]
    part.release()


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
@pytest.mark.parametrize("mtom", [True, False])
def test_a_binary_comes_back_the_way_the_request_went(
    url: str, served: Served, spool: Path, size: int, mtom: bool
) -> None:
    served.recorder.fetched = b"\x00\xff"[: size % 3] + b"y" * size
    with SoapCaller(url, spool_directory=spool).call(FETCH, FETCH_BODY, mtom=mtom) as answer:
        assert bool(answer.parts) is mtom
        part = binary_of(answer.body[0], answer.parts, Spool(spool))
        assert b"".join(part.chunks()) == served.recorder.fetched
        part.release()
    assert list(spool.iterdir()) == []


def test_an_element_is_sent_as_it_is(url: str, served: Served) -> None:
    element = etree.Element(f"{{{QUERY}}}AdhocQueryRequest", {"id": "é<&>"})
    SoapCaller(url).call("urn:test:Query", element)
    assert served.recorder.messages[0].body.get("id") == "é<&>"
    assert served.recorder.messages[0].addressing.to == url


def test_parts_need_a_package(url: str) -> None:
    with pytest.raises(ValueError, match="MTOM"):
        SoapCaller(url).call(STORE, b"<a/>", parts=[attachment("p@x", b"")])
    with pytest.raises(ValueError, match="content id"):
        SoapCaller(url).call(STORE, b"<a/>", parts=[SpooledPart(None, "text/plain", 0, "", "")], mtom=True)


def test_the_security_header_is_asked_for_each_request(url: str, served: Served) -> None:
    tokens = (f'<w:Security xmlns:w="{WSSE}" id="{name}"/>'.encode() for name in "ab")
    caller = SoapCaller(url, security=tokens.__next__)
    for _ in range(2):
        caller.call(FETCH, FETCH_BODY)
    received = [message.security for message in served.recorder.messages]
    assert [block.get("id") for block in received if block is not None] == ["a", "b"]


@pytest.mark.parametrize("mtom", [True, False])
def test_a_fault_comes_back_as_it_was_raised(url: str, served: Served, mtom: bool) -> None:
    def refuse(message: Any) -> None:
        raise sender("Not <today> & not tomorrow", f"{{{WSA}}}Outer", "{urn:x}Inner", http_status=403)

    served.recorder.on_message = refuse
    with pytest.raises(Exception, match="Not <today> & not tomorrow") as caught:
        SoapCaller(url).call(STORE, store_body().encode(), mtom=mtom)
    fault: Any = caught.value
    assert (fault.code, fault.http_status) == (FaultCode.SENDER, 403)
    assert fault.subcodes == (f"{{{WSA}}}Outer", "{urn:x}Inner")


SOAP = "application/soap+xml"
RIGHT = head("urn:a", None) + b"<x/>" + tail()
NO_ANSWERS = {
    "a page": canned("200 OK", "text/html", b"<html/>"),
    "an error page": canned("502 Bad Gateway", "text/html", b"secret"),
    "no type": canned("200 OK", "", RIGHT),
    "no XML": canned("200 OK", SOAP, b"secret"),
    "a DOCTYPE": canned("200 OK", SOAP, b"<!DOCTYPE a>" + RIGHT),
    "no envelope": canned("200 OK", SOAP, b"<secret/>"),
    "an empty body": canned("200 OK", SOAP, head("urn:a", None) + tail()),
    "two elements": canned("200 OK", SOAP, head("urn:a", None) + b"<x/><x/>" + tail()),
    "an answer to somebody else": canned("200 OK", SOAP, head("urn:a", "urn:other") + b"<x/>" + tail()),
    "a broken package": canned("200 OK", 'multipart/related; boundary="b"', b"--b--"),
    "a redirection": canned("302 Found", "text/plain", b""),
    "a long answer": canned("200 OK", SOAP, RIGHT + b" " * 20_000),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_is_told_without_its_content(serve: Serve, spool: Path, name: str) -> None:
    caller = SoapCaller(serve(NO_ANSWERS[name]), spool_directory=spool, limits=SoapLimits(document=10_000))
    with pytest.raises(NoAnswer) as caught:
        caller.call("urn:a", b"<x/>")
    assert "secret" not in str(caught.value)
    assert list(spool.iterdir()) == []


def test_a_server_that_is_not_there_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        SoapCaller(f"http://127.0.0.1:{free_port()}/", timeout=2).call("urn:a", b"<x/>")


def test_an_answer_cut_off_leaves_no_file(serve: Serve, served: Served, spool: Path) -> None:
    def cut(message: Any) -> Reply:
        def chunks() -> Iterator[bytes]:
            yield b"z" * 600_000
            raise LookupError

        part = OutgoingPart("p@x", "text/plain", 700_000, chunks())
        return Reply([b"<a>", include("p@x"), b"</a>"], [part])

    served.recorder.on_message = cut
    with pytest.raises(NoAnswer):
        SoapCaller(serve(served.application), spool_directory=spool).call(STORE, store_body().encode(), mtom=True)
    assert list(spool.iterdir()) == []


@pytest.fixture
def transport(spool: Path) -> MtomTransport:
    return MtomTransport(mtom_actions={FETCH}, spool_directory=spool)


@pytest.fixture
def client(url: str, transport: MtomTransport) -> Any:
    """A zeep client made from nothing but the address."""
    return zeep.Client(f"{url}?wsdl", transport=transport)


def test_zeep_sends_binaries_as_attachments(client: Any, served: Served) -> None:
    content = bytes(range(256)) * 100
    client.service.Store(Document=[{"_value_1": content, "id": "d"}, {"_value_1": b"second", "id": "e"}])
    message = served.recorder.messages[0]
    assert message.mtom
    assert len(message.parts) == 2
    assert served.recorder.documents == [content, b"second"]


def test_zeep_reads_attachments_as_binaries(client: Any, served: Served, spool: Path) -> None:
    served.recorder.fetched = bytes(range(256)) * 3000
    answer = client.service.Fetch()
    assert answer[0]["_value_1"] == served.recorder.fetched
    assert served.recorder.messages[0].mtom
    assert list(spool.iterdir()) == []


def test_zeep_sends_a_message_without_binaries_as_simple_soap(client: Any, served: Served) -> None:
    client.service.Store()
    message = served.recorder.messages[0]
    assert not message.mtom
    assert message.addressing.action == STORE
    assert message.addressing.message_id.startswith("urn:uuid:")


def test_zeep_may_be_given_a_spooled_file(
    client: Any, transport: MtomTransport, served: Served, tmp_path: Path
) -> None:
    writer = Spool(tmp_path, threshold=10).writer(10_000_000)
    writer.write(b"x" * 2_000_000)
    part = writer.finish("p@x", "text/plain")
    client.service.Store(Document=[{"_value_1": transport.attach(part), "id": "d"}])
    assert served.recorder.documents == [b"x" * 2_000_000]
    assert transport._attached == {}
    part.release()


def test_zeep_sees_our_faults(client: Any, served: Served) -> None:
    def refuse(message: Any) -> None:
        raise sender("Closed today", http_status=403)

    served.recorder.on_message = refuse
    with pytest.raises(zeep.exceptions.Fault, match="Closed today"):
        client.service.Store()


def test_zeep_gets_no_answer_from_a_web_page(serve: Serve, tmp_path: Path, transport: MtomTransport) -> None:
    described = Served(tmp_path)
    client = zeep.Client(f"{serve(described.application)}?wsdl", transport=transport)
    elsewhere = client.create_service(f"{{{XDSB}}}Test12", serve(NO_ANSWERS["an error page"]))
    with pytest.raises(NoAnswer) as caught:
        elsewhere.Store()
    assert "secret" not in str(caught.value)


def test_a_message_of_soap_1_1_is_not_sent(url: str, transport: MtomTransport) -> None:
    old = etree.Element("{http://schemas.xmlsoap.org/soap/envelope/}Envelope")
    with pytest.raises(ValueError, match=r"SOAP 1\.2"):
        transport.post_xml(url, old, {})


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
def test_a_one_way_message_is_taken_by_any_success_without_a_body(serve: Serve, status: str) -> None:
    SoapCaller(serve(canned(status, "text/plain", b""))).tell(STORE, b"<a/>")


def test_a_one_way_message_may_be_answered_by_an_envelope(url: str, served: Served) -> None:
    SoapCaller(url).tell(STORE, store_body("YQ==").encode())
    assert len(served.recorder.messages) == 1


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "503 Service Unavailable"])
def test_a_one_way_message_is_not_taken_by_anything_else(serve: Serve, status: str) -> None:
    with pytest.raises(NoAnswer, match=f"HTTP status {status[:3]}"):
        SoapCaller(serve(canned(status, "text/plain", b"")), timeout=60).tell(STORE, b"<a/>")


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_a_fault_in_answer_to_a_one_way_message_is_raised(serve: Serve, status: str) -> None:
    fault = fault_envelope(receiver("try later"), "", None)
    with pytest.raises(SoapFault, match="try later"):
        SoapCaller(serve(canned(status, "application/soap+xml", fault))).tell(STORE, b"<a/>")
