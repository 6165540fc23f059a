"""A small service that records what reaches it, and the requests that call it, in process."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from soap.message import IncomingMessage, Operation, OutgoingPart, Reply
from soap.mtom.writer import package
from soap.parts import Spool, binary_of, include
from soap.service import Service, SoapLimits, wsgi_application
from soap.vocabulary import ANONYMOUS, SOAP12, WSA
from soap.xml import parse_untrusted

XDSB = "urn:ihe:iti:xds-b:2007"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
SOAP_MEDIA = "application/soap+xml; charset=UTF-8"

WSDL = f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="{XDSB}"
    xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl" targetNamespace="{XDSB}" name="Test">
  <types><xs:schema targetNamespace="urn:wrapper">
    <xs:import namespace="{XDSB}" schemaLocation="../anywhere/store.xsd"/></xs:schema></types>
  <message name="Store"><part name="body" element="tns:StoreRequest"/></message>
  <message name="Fetch"><part name="body" element="tns:FetchRequest"/></message>
  <message name="Stored"><part name="body" element="tns:StoreResponse"/></message>
  <portType name="Test">
    <operation name="Store"><input message="tns:Store" wsaw:Action="urn:test:Store"/>
      <output message="tns:Stored" wsaw:Action="urn:test:StoreResponse"/></operation>
    <operation name="Fetch"><input message="tns:Fetch" wsaw:Action="urn:test:Fetch"/>
      <output message="tns:Stored" wsaw:Action="urn:test:FetchResponse"/></operation>
  </portType>
  <binding name="Test12" type="tns:Test">
    <soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Store"><soap12:operation soapAction="urn:test:Store"/>
      <input><soap12:body use="literal"/></input><output><soap12:body use="literal"/></output></operation>
    <operation name="Fetch"><soap12:operation soapAction="urn:test:Fetch"/>
      <input><soap12:body use="literal"/></input><output><soap12:body use="literal"/></output></operation>
  </binding>
  <service name="Test"><port name="Test12" binding="tns:Test12">
    <soap12:address location="http://elsewhere.invalid/"/></port></service>
</definitions>"""

XSD = f"""<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{XDSB}" targetNamespace="{XDSB}"
    elementFormDefault="qualified">
  <xs:complexType name="Documents"><xs:sequence>
    <xs:element name="Document" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:simpleContent>
      <xs:extension base="xs:base64Binary"><xs:attribute name="id" type="xs:anyURI"/></xs:extension>
    </xs:simpleContent></xs:complexType></xs:element></xs:sequence></xs:complexType>
  <xs:element name="StoreRequest" type="Documents"/>
  <xs:element name="FetchRequest"><xs:complexType/></xs:element>
  <xs:element name="StoreResponse" type="Documents"/>
</xs:schema>"""


@dataclass
class Answer:
    """What came back: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def envelope(self) -> etree._Element:
        return parse_untrusted(self.body)

    def fault(self) -> tuple[str, str | None]:
        """Code and innermost subcode as local names."""
        return fault_of(self.envelope)

    def header(self, name: str) -> str | None:
        return self.envelope.findtext(f"{{{SOAP12}}}Header/{{{WSA}}}{name}")

    @property
    def content(self) -> etree._Element:
        body = self.envelope.find(f"{{{SOAP12}}}Body")
        assert body is not None
        return body[0]


def fault_of(envelope: etree._Element) -> tuple[str, str | None]:
    """Code and innermost subcode of a fault, as local names."""
    values = [value.text or "" for value in envelope.iter(f"{{{SOAP12}}}Value")]
    assert values, etree.tostring(envelope)
    names = [value.partition(":")[2] for value in values]
    return names[0], names[-1] if len(names) > 1 else None


@dataclass
class Recorder:
    """The handlers: every message that reached one, and the binaries it carried."""

    messages: list[IncomingMessage] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    fetched: bytes = b"a document \x00\xff"
    on_message: Callable[[IncomingMessage], Reply | None] = lambda message: None
    spool: Spool | None = None

    def store(self, message: IncomingMessage) -> Reply:
        self.messages.append(message)
        reply = self.on_message(message)
        assert self.spool is not None
        for element in message.body.iter(f"{{{XDSB}}}Document"):
            part = binary_of(element, message.parts, self.spool)
            with part.open() as file:
                self.documents.append(file.read())
        return reply or Reply([f'<x:StoreResponse xmlns:x="{XDSB}"/>'.encode()])

    def fetch(self, message: IncomingMessage) -> Reply:
        self.messages.append(message)
        head = f'<x:StoreResponse xmlns:x="{XDSB}"><x:Document id="d">'.encode()
        part = OutgoingPart("doc@test", "text/plain", len(self.fetched), iter([self.fetched[:3], self.fetched[3:]]))
        return Reply([head, include("doc@test"), b"</x:Document></x:StoreResponse>"], [part])


def service(recorder: Recorder, directory: Path) -> Service:
    """Two operations with binaries, and three that share one body element."""
    (directory / "schemas").mkdir(exist_ok=True)
    (directory / "test.wsdl").write_text(WSDL)
    (directory / "schemas" / "store.xsd").write_text(XSD)
    operations = [
        Operation("Store", "urn:test:Store", "urn:test:StoreResponse", f"{{{XDSB}}}StoreRequest", True, recorder.store),
        Operation("Fetch", "urn:test:Fetch", "urn:test:FetchResponse", f"{{{XDSB}}}FetchRequest", True, recorder.fetch),
        Operation(
            "Query", "urn:test:Query", "urn:test:QueryResponse", f"{{{QUERY}}}AdhocQueryRequest", False, recorder.store
        ),
    ]
    operations += [
        Operation(
            name,
            f"urn:test:{name}",
            f"urn:test:{name}Response",
            f"{{{LCM}}}SubmitObjectsRequest",
            False,
            recorder.store,
        )
        for name in ("Register", "Update", "OnDemand")
    ]
    return Service("Test", XDSB, tuple(operations), directory / "test.wsdl", directory / "schemas")


class Served:
    """The service, called in process through WSGI."""

    def __init__(
        self, directory: Path, *, limits: SoapLimits | None = None, admit: Any = None, witness: Any = None
    ) -> None:
        self.recorder = Recorder()
        self.spool = directory / "spool"
        self.spool.mkdir(exist_ok=True)
        self.recorder.spool = Spool(self.spool)
        self.limits = limits or SoapLimits(spool_reserve=0)
        self.application = wsgi_application(
            service(self.recorder, directory),
            limits=self.limits,
            spool_directory=self.spool,
            admit=admit,
            witness=witness,
        )

    def call(
        self,
        body: bytes | Iterable[bytes],
        content_type: str | None = SOAP_MEDIA,
        *,
        method: str = "POST",
        query: str = "",
        close: bool = True,
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        data = body if isinstance(body, bytes) else b"".join(body)
        request: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": "/service",
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_HOST": "xds.example:8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(),
            "CONTENT_LENGTH": str(len(data)),
        }
        if content_type is not None:
            request["CONTENT_TYPE"] = content_type
        request.update(environ or {})
        request = {key: value for key, value in request.items() if value is not None}
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status, headers))

        chunks: Any = self.application(request, start_response)
        answer = b"".join(chunks)
        if close and hasattr(chunks, "close"):
            chunks.close()
        status, headers = started[-1]
        return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, answer)

    def spooled(self) -> list[Path]:
        return list(self.spool.iterdir())


def envelope(
    action: str = "urn:test:Query",
    body: str = f'<q:AdhocQueryRequest xmlns:q="{QUERY}"/>',
    *,
    headers: str = "",
    message_id: str | None = None,
    reply_to: str | None = ANONYMOUS,
) -> bytes:
    """A correct request; each argument changes one thing of it."""
    message_id = f"urn:uuid:{uuid.uuid4()}" if message_id is None else message_id
    reply = f"<a:ReplyTo><a:Address>{reply_to}</a:Address></a:ReplyTo>" if reply_to is not None else ""
    return (
        f'<s:Envelope xmlns:s="{SOAP12}" xmlns:a="{WSA}"><s:Header><a:Action s:mustUnderstand="1">{action}</a:Action>'
        f"<a:MessageID>{message_id}</a:MessageID>{reply}<a:To>http://xds.example/</a:To>{headers}</s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def store_body(*documents: str) -> str:
    """A StoreRequest with the given contents of its Document elements."""
    items = "".join(f'<x:Document id="d{n}">{content}</x:Document>' for n, content in enumerate(documents))
    return f'<x:StoreRequest xmlns:x="{XDSB}">{items}</x:StoreRequest>'


def xop(content_id: str) -> str:
    """A reference to an attachment."""
    return f'<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:{content_id}"/>'


def mtom(*documents: bytes, root: bytes | None = None) -> tuple[bytes, str]:
    """A correct MTOM package that stores the documents: body and Content-Type."""
    if root is None:
        root = envelope("urn:test:Store", store_body(*(xop(f"d{n}@test") for n in range(len(documents)))))
    parts = [OutgoingPart(f"d{n}@test", "text/plain", len(d), iter([d])) for n, d in enumerate(documents)]
    packed = package([root], parts, action="urn:test:Store")
    return b"".join(packed.chunks), packed.content_type
