"""Calling an operation with a raw element: one request, one answer, binaries streamed both ways."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import requests
import urllib3
from lxml import etree

from soap.envelope import request_head, tail
from soap.faults import FaultCode, SoapFault
from soap.intake import MalformedMediaType, SoapLimits, media_type
from soap.message import OutgoingPart
from soap.mtom.reader import MtomReader
from soap.mtom.writer import package
from soap.parts import Spool, SpooledPart
from soap.vocabulary import BODY, ENVELOPE, FAULT, HEADER, MEDIA_RELATED, MEDIA_SOAP, SOAP12, WSA
from soap.xml import XmlRefused, parse_untrusted

#: What an answer may be. The server at the other end was chosen by us, so that it may send more than a stranger.
CLIENT_LIMITS: Final = SoapLimits(
    body=4_000_000_000, document=12_000_000, root=12_000_000, part=4_000_000_000, parts=1024, spool_reserve=0
)
_STEP: Final = 262_144


class NoAnswer(Exception):
    """The server could not be reached, or what it sent is no SOAP message. The text names the kind of trouble only."""


@dataclass(slots=True)
class SoapAnswer:
    """The child of the answer's body, and its attachments by Content-ID. `release` deletes what was spooled."""

    body: etree._Element
    parts: Mapping[str, SpooledPart]
    reader: MtomReader | None = None

    def release(self) -> None:
        """Give back the attachments."""
        if self.reader is not None:
            self.reader.release()

    def __enter__(self) -> SoapAnswer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SoapCaller:
    """Calls one SOAP address. Safe to share between threads as far as its `requests.Session` is.

    `security` gives the serialised wsse:Security header block for each request; `spool_directory` takes attachments of
    answers, by default the system's directory for temporary files.
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] = 60.0,
        limits: SoapLimits = CLIENT_LIMITS,
        spool_directory: Path | None = None,
        security: Callable[[], bytes] | None = None,
    ) -> None:
        self._url = url
        self._session = session or requests.Session()
        self._timeout = timeout
        self._limits = limits
        self._spool_directory = spool_directory or Path(tempfile.gettempdir())
        self._security = security

    def call(
        self,
        action: str,
        body: etree._Element | bytes,
        *,
        parts: Sequence[OutgoingPart | SpooledPart] = (),
        mtom: bool = False,
    ) -> SoapAnswer:
        """Send the element (or its serialised form) and read the answer.

        Each of `parts` is referred to by `soap.parts.include` of its content id in the body; parts need `mtom`.
        Raises `SoapFault` with what the server answered, `NoAnswer` when there was no SOAP answer.
        """
        if parts and not mtom:
            raise ValueError("parts travel in an MTOM message only")
        message_id = f"urn:uuid:{uuid.uuid4()}"
        content = body if isinstance(body, bytes) else etree.tostring(body, encoding="utf-8", xml_declaration=False)
        header = self._security() if self._security is not None else b""
        envelope = [request_head(action, message_id, self._url, header), content, tail()]
        content_type, data = packaged(envelope, action, [_outgoing(part) for part in parts], mtom=mtom)
        return self._post(content_type, data, message_id)

    def tell(self, action: str, body: bytes) -> None:
        """Send an element (serialised) that no message answers.

        Raises `SoapFault` with what the server answered, `NoAnswer` unless it took the message.
        """
        header = self._security() if self._security is not None else b""
        head = request_head(action, f"urn:uuid:{uuid.uuid4()}", self._url, header)
        content_type, data = packaged([head, body, tail()], action, [], mtom=False)
        headers = {"Content-Type": content_type, "Accept": ACCEPT, "Accept-Encoding": "identity"}
        try:
            with self._session.post(
                self._url, data=data, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                _taken(response, self._limits, self._spool_directory)
        except (requests.RequestException, OSError) as error:
            raise NoAnswer(f"no answer: {type(error).__name__}") from error

    def _post(self, content_type: str, data: bytes | Iterable[bytes], message_id: str) -> SoapAnswer:
        headers = {"Content-Type": content_type, "Accept": ACCEPT, "Accept-Encoding": "identity"}
        try:
            with self._session.post(
                self._url, data=data, headers=headers, timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                root, reader = received(response, self._limits, self._spool_directory)
        except (requests.RequestException, OSError) as error:
            raise NoAnswer(f"no answer: {type(error).__name__}") from error
        try:
            return SoapAnswer(_body_of(root, response.status_code, message_id), reader.parts if reader else {}, reader)
        except BaseException:
            if reader is not None:
                reader.release()
            raise


def _taken(response: requests.Response, limits: SoapLimits, spool_directory: Path) -> None:
    """See that a one-way message was taken: any success that is no fault. Raises `SoapFault`, `NoAnswer`."""
    success = 200 <= response.status_code < 300
    try:
        root, reader = received(response, limits, spool_directory)
    except NoAnswer:
        if success:  # no SOAP message, and none was asked for
            return
        raise
    if reader is not None:
        reader.release()
    fault = root.find(f"{BODY}/{FAULT}")
    if fault is not None:
        raise read_fault(fault, response.status_code)
    if not success:
        raise NoAnswer(f"no answer: HTTP status {response.status_code}")


#: The Accept header of every request.
ACCEPT: Final = f"{MEDIA_SOAP}, {MEDIA_RELATED}"


def packaged(
    envelope: Sequence[bytes], action: str, parts: Sequence[OutgoingPart], *, mtom: bool
) -> tuple[str, bytes | Iterable[bytes]]:
    """Content-Type and HTTP body of a request. ITI TF-2: V.8"""
    if not mtom:
        return f'{MEDIA_SOAP}; charset=UTF-8; action="{action}"', b"".join(envelope)
    packed = package(list(envelope), parts, action=action)
    return packed.content_type, _Sized(packed.chunks, packed.length or 0)


def received(
    response: requests.Response, limits: SoapLimits, spool_directory: Path
) -> tuple[etree._Element, MtomReader | None]:
    """The envelope of an HTTP response, and the reader that owns its attachments (all read) when it is a package.

    Raises `NoAnswer`; network errors pass through.
    """
    reader = None
    try:
        kind = media_type(response.headers.get("Content-Type", ""))
        if kind.name == MEDIA_RELATED:
            spool = Spool(spool_directory, threshold=limits.spool_threshold, reserve=limits.spool_reserve)
            reader = MtomReader(_bounded(response, limits.body), kind, limits, spool)
            data = reader.root()
            root = parse_untrusted(data, limits.xml, charset=reader.root_charset)
            reader.attachments()
            return root, reader
        if kind.name != MEDIA_SOAP:
            raise NoAnswer(f"no answer: HTTP status {response.status_code}")
        read = _bounded(response, limits.document)
        return parse_untrusted(iter(lambda: read(_STEP), b""), limits.xml, charset=kind.get("charset")), None
    except (MalformedMediaType, XmlRefused, SoapFault) as error:
        if reader is not None:
            reader.release()
        raise NoAnswer(f"no answer: HTTP status {response.status_code}, {type(error).__name__}") from error
    except BaseException:
        if reader is not None:
            reader.release()
        raise


def read_fault(element: etree._Element, status: int) -> SoapFault:
    """The fault in an answer. SOAP 1.2 part 1 §5.4"""
    values = [
        ((value.text or "").strip(), value.nsmap) for value in element.iterfind(f"{{{SOAP12}}}Code//{{{SOAP12}}}Value")
    ]
    names = []
    for text, prefixes in values:
        prefix, colon, local = text.rpartition(":")
        names.append(f"{{{prefixes.get(prefix if colon else None, '')}}}{local}")
    code = names[0].partition("}")[2] if names else ""
    known = FaultCode(code) if code in FaultCode.__members__.values() else FaultCode.SENDER
    reason = (element.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text") or "").strip()
    return SoapFault(known, reason, subcodes=tuple(names[1:]), http_status=status)


def _body_of(root: etree._Element, status: int, message_id: str) -> etree._Element:
    body = root.find(BODY) if root.tag == ENVELOPE else None
    children = [] if body is None else [child for child in body if isinstance(child.tag, str)]
    if len(children) != 1:
        raise NoAnswer(f"no answer: HTTP status {status}, not one element in a SOAP body")
    if children[0].tag == FAULT:
        raise read_fault(children[0], status)
    related = root.findtext(f"{HEADER}/{{{WSA}}}RelatesTo")
    if related is not None and related.strip() != message_id:
        raise NoAnswer("no answer: the message relates to another request")
    return children[0]


def _bounded(response: requests.Response, limit: int) -> Callable[[int], bytes]:
    left = limit

    def read(size: int) -> bytes:
        nonlocal left
        try:
            data: bytes = response.raw.read(size, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            # requests translates these only where it reads the body itself.
            raise requests.ConnectionError from error
        left -= len(data)
        if left < 0:
            raise NoAnswer("no answer: too much of it")
        return data

    return read


def _outgoing(part: OutgoingPart | SpooledPart) -> OutgoingPart:
    if isinstance(part, OutgoingPart):
        return part
    if part.content_id is None:
        raise ValueError("a part needs a content id to be referred to")
    return OutgoingPart(part.content_id, part.content_type, part.size, part.chunks())


class _Sized:
    """A stream whose length is known beforehand: requests then sends a Content-Length."""

    def __init__(self, chunks: Iterator[bytes], length: int) -> None:
        self._chunks = chunks
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks
