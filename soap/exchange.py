"""One request and its answer, from the first byte read to the last temporary file deleted."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from lxml import etree

from soap.envelope import Envelope, choose, fault_envelope, head, message_id_of, read_envelope, tail
from soap.faults import SoapFault, receiver, sender
from soap.intake import MalformedMediaType, MediaType, RequestBody, SoapLimits, media_type, soap_action
from soap.message import IncomingMessage, Operation, Reply
from soap.mtom.reader import MtomReader
from soap.mtom.writer import inlined, package
from soap.parts import Spool, SpooledPart, content_id_of
from soap.vocabulary import INCLUDE, MEDIA_RELATED, MEDIA_SOAP
from soap.xml import Refusal, XmlRefused, parse_untrusted

_log: Final = structlog.get_logger("soap")
_SOAP_CONTENT_TYPE: Final = f"{MEDIA_SOAP}; charset=utf-8"
# An answer up to this size is complete before its first byte leaves: an error on the way still becomes a fault.
_PREPARED: Final = 262_144
_DRAIN: Final = 1_048_576

Admit = Callable[[IncomingMessage], object]
#: Is told of a message that was admitted and ends in a fault, before the fault leaves.
Witness = Callable[[IncomingMessage, SoapFault], None]


@dataclass(frozen=True, slots=True)
class Room:
    """What all exchanges of one service share."""

    operations: dict[str, Operation]
    limits: SoapLimits
    spool_directory: Path
    admit: Admit | None
    witness: Witness | None = None


class Exchange:
    """The steps of one exchange: `receive`, `understand`, `complete`, `run`, `answer` or `refuse`, `close`."""

    def __init__(self, environ: Mapping[str, Any], room: Room) -> None:
        self._environ = environ
        self._room = room
        self.correlation_id: str = environ.get("feuillet.correlation_id") or str(uuid.uuid4())
        self._body: RequestBody | None = None
        self._reader: MtomReader | None = None
        self._http_action: str | None = None
        self._root: etree._Element | None = None
        self._envelope: Envelope | None = None
        self._reply: Reply | None = None
        self.operation: Operation | None = None
        self.message: IncomingMessage | None = None
        self._admitted = False
        self.fault: SoapFault | None = None
        #: Set by `answer` and `refuse`: what goes out.
        self.content_type = _SOAP_CONTENT_TYPE
        self.length: int | None = None
        self.chunks: Iterable[bytes] = ()

    # --- the request ----------------------------------------------------------------------------------------------

    def receive(self) -> etree._Element:
        """Read the message up to the end of its root part and parse that. Raises `SoapFault`."""
        limits = self._room.limits
        coding: str = self._environ.get("HTTP_CONTENT_ENCODING", "identity")
        if coding.strip().lower() not in ("", "identity"):
            raise sender("Content codings are not accepted", http_status=415)
        kind = self._media_type()
        self._http_action = soap_action(self._environ, kind)
        self._body = body = RequestBody(self._environ, limits)
        if kind.name == MEDIA_RELATED:
            spool = Spool(self._room.spool_directory, threshold=limits.spool_threshold, reserve=limits.spool_reserve)
            spool.expected = body.length or 0
            self._reader = MtomReader(body.read, kind, limits, spool)
            data = self._reader.root()
            charset = self._reader.root_charset
        else:
            data = body.read_all(limits.document)
            charset = kind.get("charset")
        try:
            self._root = parse_untrusted(data, limits.xml, charset=charset)
        except XmlRefused as refused:
            status = 413 if refused.reason is Refusal.TOO_LARGE else 400
            raise sender(f"{refused.reason.value}.", http_status=status) from None
        return self._root

    def understand(self) -> Operation:
        """Check envelope, addressing and action. Raises `SoapFault`."""
        if self._root is None:
            raise receiver()
        self._envelope = read_envelope(self._root)
        self.operation = choose(self._room.operations, self._envelope, self._http_action)
        return self.operation

    def complete(self) -> IncomingMessage:
        """Have the caller admitted, then read the attachments and match them with their references.

        Raises `SoapFault`.
        """
        if self._envelope is None or self.operation is None:
            raise receiver()
        references = _references(self._envelope, self.operation, mtom=self._reader is not None)
        self.message = message = IncomingMessage(
            operation=self.operation,
            addressing=self._envelope.addressing,
            body=self._envelope.body,
            security=self._envelope.security,
            mtom=self._reader is not None,
            peer_certificate=self._environ.get("feuillet.peer_certificate"),
            correlation_id=self.correlation_id,
            client_address=self._environ.get("REMOTE_ADDR") or "",
        )
        if self._room.admit is not None:
            message.caller = self._room.admit(message)
        self._admitted = True
        if self._reader is not None:
            message.parts = parts = self._reader.attachments()
            _match(references, parts)
        return message

    def run(self, message: IncomingMessage) -> None:
        """Have the handler answer; a fault, expected or not, is kept for `refuse`."""
        try:
            self._reply = message.operation.handler(message)
            self.answer(message, self._reply)
        except SoapFault as fault:
            self.fault = fault
        except Exception as error:
            self.fault = self.unexpected(error)

    # --- the answer -----------------------------------------------------------------------------------------------

    def answer(self, message: IncomingMessage, reply: Reply) -> None:
        """Put the envelope around the reply, packaged like the request. ITI TF-2: V.8"""
        before = head(message.operation.reply_action, message.addressing.message_id)
        if reply.parts and not message.mtom:
            self.chunks = _around(before, inlined(b"".join(reply.body), reply.parts), tail())
            return
        root = _prepared(before, reply.body)
        if message.mtom:
            packed = package(root, reply.parts)
            self.content_type, self.length, self.chunks = packed.content_type, packed.length, packed.chunks
            return
        self.chunks = root
        if isinstance(root, list):
            self.length = sum(map(len, root))

    def refuse(self, fault: SoapFault) -> None:
        """Make the fault the answer; when nobody could be told of it, a fault of ours."""
        if self._admitted and self.message is not None and self._room.witness is not None:
            try:
                self._room.witness(self.message, fault)
            except Exception as error:
                fault = self.unexpected(error)
        self.fault = fault
        _log.info(
            "soap.fault",
            correlation_id=self.correlation_id,
            operation=None if self.operation is None else self.operation.name,
            code=fault.code.value,
            subcode=fault.subcode,
            reason=fault.reason,
            status=fault.http_status,
        )
        relates_to = None if self._root is None else message_id_of(self._root)
        data = fault_envelope(fault, self.correlation_id, relates_to)
        self.content_type = _SOAP_CONTENT_TYPE
        self.length = len(data)
        self.chunks = [data]
        if self._body is not None:
            self._body.drain(_DRAIN)

    def unexpected(self, error: BaseException) -> SoapFault:
        """Log an error of ours by its kind and place, and the fault that tells the peer nothing but to ask us.

        The error's own text stays out of the log: it may quote a statement's parameters, hence patient data.
        """
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
        _log.error(
            "soap.error",
            correlation_id=self.correlation_id,
            operation=None if self.operation is None else self.operation.name,
            exception=f"{type(error).__module__}.{type(error).__qualname__}",
            where=where,
        )
        return receiver()

    def close(self) -> None:
        """Release attachments and what the handler's generators hold: the answer is out, or given up."""
        if self._reply is not None:
            for source in (self._reply.body, *(part.chunks for part in self._reply.parts)):
                closing = getattr(source, "close", None)
                if closing is not None:
                    closing()
        if self._reader is not None:
            self._reader.release()

    def _media_type(self) -> MediaType:
        try:
            kind = media_type(self._environ.get("CONTENT_TYPE") or "")
        except MalformedMediaType:
            raise sender("The Content-Type is missing or malformed", http_status=415) from None
        if kind.name not in (MEDIA_SOAP, MEDIA_RELATED):
            raise sender("The Content-Type is neither application/soap+xml nor multipart/related", http_status=415)
        return kind


def _references(envelope: Envelope, operation: Operation, *, mtom: bool) -> list[str]:
    """The href of every `xop:Include`, each in a place where one may be. XOP 1.0 §2.1, §3.2"""
    hrefs = []
    for reference in envelope.body.getroottree().iter(INCLUDE):
        parent = reference.getparent()
        if not mtom:
            raise sender("An xop:Include belongs in an MTOM message only")
        if (
            parent is None
            or parent.tag not in operation.binaries
            or len(parent) != 1
            or len(reference)
            or _visible(parent.text)
            or _visible(reference.tail)
            or not any(ancestor is envelope.body for ancestor in parent.iterancestors())
        ):
            raise sender("An xop:Include stands where none is allowed")
        hrefs.append(reference.get("href", ""))
    return hrefs


def _visible(text: str | None) -> bool:
    # The standard wants no character beside the xop:Include; senders that indent their messages are let through.
    return bool(text) and not str(text).isspace()


def _match(hrefs: list[str], parts: Mapping[str, SpooledPart]) -> None:
    """Each reference has its attachment, each attachment exactly one reference."""
    used: set[str] = set()
    for href in hrefs:
        key = content_id_of(href, parts)
        if key is None:
            raise sender("An xop:Include refers to no attachment")
        if key in used:
            raise sender("Two xop:Include refer to one attachment")
        used.add(key)
    if len(used) != len(parts):
        raise sender("An attachment is referred to by no xop:Include")


def _prepared(before: bytes, body: Iterable[bytes]) -> list[bytes] | Iterator[bytes]:
    """The envelope in chunks: a list when it is small, so that its length is known; else a stream under way."""
    if isinstance(body, list | tuple):
        return [before, *body, tail()]
    chunks = [before]
    size = 0
    source = iter(body)
    for chunk in source:
        chunks.append(chunk)
        size += len(chunk)
        if size > _PREPARED:
            return _chained(chunks, source)
    chunks.append(tail())
    return chunks


def _chained(first: Iterable[bytes], rest: Iterable[bytes]) -> Iterator[bytes]:
    yield from first
    yield from rest
    yield tail()


def _around(before: bytes, body: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    yield before
    yield from body
    yield after
