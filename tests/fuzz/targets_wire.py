"""Documents, envelopes and packages."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path

from lxml import etree

import soap.xml
from soap.faults import SoapFault
from soap.intake import SoapLimits, media_type
from soap.message import OutgoingPart
from soap.mtom.reader import MtomReader
from soap.mtom.writer import package
from soap.parts import Spool, include
from soap.screening.prolog import root_position, to_utf8
from soap.xml import DEFAULT_LIMITS, Refusal, XmlLimits, XmlRefused, parse_untrusted
from tests.fuzz.mutation import Grammar
from tests.fuzz.outcome import Outcome
from tests.soap.service_under_test import Served, store_body, xop
from tests.soap.service_under_test import envelope as request

_TIGHT = XmlLimits(
    depth=5,
    elements=12,
    attributes=3,
    attributes_total=12,
    namespaces=2,
    namespaces_in_scope=3,
    comments=2,
    name=10,
    attribute_value=24,
    text=40,
)

XML = Grammar(
    [
        *(b"<a>", b"</a>", b"<a/>", b"<p:b xmlns:p='u'>", b"</p:b>", b" c='d'", b' xmlns="u"', b"<!--", b"-->"),
        *(b"<![CDATA[", b"]]>", b"<?x ", b"?>", b"<!DOCTYPE a [", b"<!ENTITY e 'v'>", b"]>", b"&e;", b"&#65;", b"&#0;"),
        *(b"&amp;", b"&lt;", b'<?xml version="1.0"?>', b' encoding="utf-16"', b"\xef\xbb\xbf", b"\xff\xfe", b"<", b">"),
        *(b"utf-8\n", b"utf-16\n", b"=", b'"', b"xml:id='i'", b"\xc3\xa9"),
    ],
    b"<> \"'=/",
)
DOCUMENTS = [
    b"<a/>",
    b'<?xml version="1.0" encoding="UTF-8"?>\n<a b="c">text<!-- note --><d>&amp;&#233;</d></a>',
    b'<p:a xmlns:p="u" xmlns="v" p:b="1" c="2"><d xmlns:q="w"><q:e/></d><![CDATA[<x>]]></p:a>',
    "<a>é€𝄞</a>".encode("utf-16"),
    b"<a>" * 4 + b"t" + b"</a>" * 4,
    b"<!-- before --><a xml:lang='fr' b='&lt;'/>\n<!-- after -->",
    b'<!DOCTYPE a [<!ENTITY e "v">]><a>&e;</a>',
]
PROLOGS = [b"\n" + document for document in DOCUMENTS] + [b"utf-8\n" + document for document in DOCUMENTS]


def xml(data: bytes) -> Outcome:
    """A document is read in one way: whole or in pieces, on the short way or the counted one."""
    limits = _TIGHT if len(data) % 2 else DEFAULT_LIMITS
    half = len(data) // 2
    whole, pieces = _parsed(data, limits), _parsed([data[:half], data[half:]], limits)
    if isinstance(whole, Refusal):
        assert pieces is whole
        return Outcome(False, (whole,))
    assert not isinstance(pieces, Refusal)
    root, written = whole, etree.tostring(whole)
    assert etree.tostring(pieces) == written
    utf8, _ = to_utf8(data, None)
    counted = soap.xml._Counted(limits).parse(utf8)
    assert etree.tostring(counted) == written
    assert all(isinstance(node.tag, str) or node.tag is etree.Comment for node in root.iter())
    return Outcome(True, (sum(1 for _ in root.iter()) // 4, len(root.nsmap), limits is _TIGHT))


def _parsed(source: bytes | list[bytes], limits: XmlLimits) -> etree._Element | Refusal:
    try:
        return parse_untrusted(source, limits)
    except XmlRefused as refused:
        return refused.reason


def prolog(data: bytes) -> Outcome:
    """What the parser gets to see is UTF-8, and starts with an element as far as anybody can tell."""
    stated, _, document = data.partition(b"\n")
    try:
        utf8, start = to_utf8(document, stated.decode("latin-1") or None)
        root = root_position(utf8, start)
    except XmlRefused as refused:
        return Outcome(False, (refused.reason, bool(stated)))
    assert utf8[root : root + 1] == b"<"
    assert utf8[root + 1 : root + 2] not in (b"!", b"?")
    assert not document.startswith((b"\xff\xfe", b"\xfe\xff")) or utf8.decode() is not None
    return Outcome(True, (bool(stated), start > 0, root > start, document[:3]))


_ADDRESSED = [b"<a:ReplyTo>", b"</a:ReplyTo>", b"<a:Address>", b"</a:Address>", b"<a:MessageID>", b"<a:Action>"]
SOAP = Grammar(
    [
        *XML.words,
        *_ADDRESSED,
        *(b' s:mustUnderstand="1"', b' s:role=""', b"<s:Header>", b"</s:Header>", b"<s:Body>", b"</s:Body>"),
        *(b"urn:test:Query", b"urn:test:Store", b"<x:Document id='d'>", b"</x:Document>", b"urn:uuid:", b"s:Envelope"),
        *(b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2005/08/addressing/none", b"AAAA", b"="),
    ],
    XML.separators,
)
_CANARY = "kanarie7f3a"
ENVELOPES = [
    request(),
    request(headers=f'<n:{_CANARY} xmlns:n="urn:{_CANARY}">{_CANARY}</n:{_CANARY}>'),
    request(f"urn:{_CANARY}", f"<{_CANARY}/>", message_id=f"urn:{_CANARY}", reply_to=f"urn:{_CANARY}"),
    request("urn:test:Store", store_body("aGVsbG8=", "")),
    request("urn:test:Store", store_body(xop("d0@test"))),
    request(headers='<n:x xmlns:n="urn:n" s:mustUnderstand="1"/>'),
    request(reply_to="http://elsewhere/"),
    request(message_id="urn:" + "x" * 250),
]


@functools.cache
def _served() -> Served:
    return Served(Path(tempfile.mkdtemp(prefix="fuzz-")))


def envelope(data: bytes) -> Outcome:
    """Whatever arrives, the service answers with an envelope, repeats and keeps nothing, and blames only the sender."""
    served = _served()
    served.recorder.messages.clear()
    served.recorder.documents.clear()
    answer = served.call(data)
    assert served.spooled() == []
    root = answer.envelope
    if answer.status == 200:
        assert len(served.recorder.messages) == 1
        return Outcome(True, (served.recorder.messages[0].operation.name, len(served.recorder.documents)))
    assert _CANARY.encode() not in answer.body
    code, subcode = answer.fault()
    assert code != "Receiver", etree.tostring(root)
    assert not served.recorder.messages or code == "Sender"
    reason = root.findtext(".//{*}Text")
    return Outcome(False, (code, subcode, reason, root.findtext(".//{*}ProblemHeaderQName")))


_BOUNDARY = b"b0undary"
_TYPE = 'multipart/related; boundary=b0undary; type="application/xop+xml"; start-info="application/soap+xml"'
_LIMITS = SoapLimits(
    root=600, part=900, parts=5, part_headers=4, part_header=96, preamble=40, spool_threshold=64, spool_reserve=0
)
_ROOT = (
    b'--b0undary\r\nContent-Type: application/xop+xml; type="application/soap+xml"\r\n'
    b"Content-ID: <root>\r\n\r\n<r/>\r\n"
)
_PART = b"--b0undary\r\nContent-ID: <p1@x>\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n"
_CODED = b"--b0undary\r\nContent-ID: <p2@x>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n"
_END = b"--b0undary--\r\n"
PACKAGES = [
    _ROOT + _END,
    _ROOT + _PART + _CODED + _END,
    b"preamble\r\n" + _ROOT + _PART + _END + b"epilogue",
    _PART + _ROOT + _END,
    _ROOT + _PART.replace(b"hello", b"x" * 500) + _END,
    _ROOT + _PART.replace(b"Content-Type: text/plain", b"X: " + b"y" * 90 + b"\r\n z") + _END,
]
MIME = Grammar(
    [
        *(
            b"--b0undary",
            b"\r\n--b0undary",
            b"\r\n--b0undary\r\n",
            b"\r\n--b0undary--",
            b"\r\n\r\n",
            b"--",
            b"\r\n--b0und",
        ),
        *(b"Content-ID: <p%20@x>\r\n", b"Content-ID: <root>\r\n", b"Content-Type: multipart/mixed\r\n", b"\r\n "),
        *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: 8bit\r\n", b"AAAA", b"==", b"x" * 90),
        *(_PART, _CODED, _ROOT, b": ", b";", b"\0", b"%41", b"\r", b"\n"),
    ],
    b"\n:-=",
)


@functools.cache
def _spool_directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def _read(data: bytes, step: int, content_type: str = _TYPE) -> tuple[bytes, dict[str, bytes]] | SoapFault:
    stream = io.BytesIO(data)
    directory = _spool_directory()
    reader = MtomReader(
        lambda size: stream.read(min(size, step)),
        media_type(content_type),
        _LIMITS,
        Spool(directory, threshold=_LIMITS.spool_threshold),
    )
    try:
        root = reader.root()
        return root, {name: b"".join(part.chunks()) for name, part in reader.attachments().items()}
    except SoapFault as fault:
        return fault
    finally:
        reader.release()
        assert list(directory.iterdir()) == []


def mtom(data: bytes) -> Outcome:
    """However the network cuts a package it is the same package, and it is the same again when we write it."""
    content_type = _TYPE if len(data) % 2 else _TYPE + '; start="<root>"'
    whole = _read(data, len(data) + 1, content_type)
    for step in (1, 7, 1 + len(data) // 3):
        again = _read(data, step, content_type)
        same = isinstance(again, SoapFault) if isinstance(whole, SoapFault) else again == whole
        assert same, f"in steps of {step}"
    if isinstance(whole, SoapFault):
        assert whole.http_status in (400, 413), whole.reason
        return Outcome(False, (whole.reason,))
    root, parts = whole
    try:
        for name in parts:
            include(name)
    except ValueError:
        return Outcome(True, ("odd names", len(parts)))
    if "root@feuillet" not in parts:
        packed = package([root], [OutgoingPart(n, "text/plain", len(c), iter([c])) for n, c in parts.items()])
        assert _read_ours(b"".join(packed.chunks), packed.content_type) == whole
    return Outcome(True, (len(parts), len(root) // 64, max(map(len, parts.values()), default=0) // 64))


def _read_ours(data: bytes, content_type: str) -> tuple[bytes, dict[str, bytes]]:
    stream = io.BytesIO(data)
    reader = MtomReader(stream.read, media_type(content_type), SoapLimits(spool_reserve=0), Spool(_spool_directory()))
    try:
        return reader.root(), {name: b"".join(part.chunks()) for name, part in reader.attachments().items()}
    finally:
        reader.release()
