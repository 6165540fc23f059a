"""Reading an MTOM package forward, once, with one small buffer. RFC 2046 §5.1, RFC 2387, XOP 1.0 §4

The root part comes back as bytes; every other part goes straight to its `PartWriter`. Whatever a sender gets wrong ends
in a `SoapFault` before anything has been done with the message.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from soap.faults import SoapFault, sender
from soap.intake import MalformedMediaType, MediaType, SoapLimits, media_type
from soap.parts import BinaryRefused, PartWriter, Spool, SpooledPart, strict_base64
from soap.vocabulary import MEDIA_SOAP, MEDIA_XOP

_STEP: Final = 131_072
_PADDING: Final = 64
_BOUNDARY_LENGTH: Final = 70
_BOUNDARY_CHARACTERS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ")
_IDENTITY: Final = frozenset({"binary", "8bit", "7bit"})
_CONTENT_ID_LENGTH: Final = 512
_OF_INTEREST: Final = frozenset({"content-id", "content-type", "content-transfer-encoding"})


@dataclass(frozen=True, slots=True)
class _PartHead:
    content_id: str | None
    content_type: MediaType
    base64: bool


class MtomReader:
    """One package. `root` first, then `attachments`; `release` at the end, whatever happened."""

    def __init__(self, read: Callable[[int], bytes], content_type: MediaType, limits: SoapLimits, spool: Spool) -> None:
        """`read(n)` gives at most n bytes, b"" at the end. Raises `SoapFault` for parameters that XOP forbids."""
        self._start, boundary = _package(content_type)
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._read = read
        self._limits = limits
        self._spool = spool
        # The first delimiter may open the body; with a line end put before it, it looks like every other.
        self._buffer = b"\r\n"
        self._position = 0
        self._count = 0
        self._surplus = -2
        self._closed = False
        self._parts: dict[str, SpooledPart] = {}
        self._content_ids: set[str] = set()
        self.root_charset: str | None = None

    def root(self) -> bytes:
        """The bytes of the root part: the one that `start` names, else the first (RFC 2387 §3.2).

        Parts before it are allowed as long as all of them fit in memory: nobody has been admitted yet.
        """
        self._skip_preamble()
        early = 0
        while True:
            head = self._next_head()
            if head is None:
                raise sender("The package has no root part")
            if self._start is None or head.content_id == self._start:
                return self._root_content(head)
            part = self._receive(head, self._spool.threshold - early)
            early += part.size

    def attachments(self) -> dict[str, SpooledPart]:
        """All other parts by decoded Content-ID, read to the end of the package. The reader still owns them."""
        while (head := self._next_head()) is not None:
            self._receive(head, self._limits.part)
        self._skip_epilogue()
        return self._parts

    @property
    def parts(self) -> Mapping[str, SpooledPart]:
        """The parts received so far, without the root."""
        return self._parts

    def release(self) -> None:
        """Give back what was received."""
        for part in self._parts.values():
            part.release()

    def _root_content(self, head: _PartHead) -> bytes:
        kind = head.content_type
        if kind.name != MEDIA_XOP or not _is_soap12(kind.get("type"), required=False):
            raise sender("The root part is not a SOAP 1.2 message in XOP form")
        self.root_charset = kind.get("charset")
        pieces = []
        size = 0
        for piece in self._content(head):
            size += len(piece)
            if size > self._limits.root:
                raise sender("The root part is too large", http_status=413)
            pieces.append(bytes(piece))
        return b"".join(pieces)

    def _receive(self, head: _PartHead, limit: int) -> SpooledPart:
        if head.content_id is None:
            raise sender("An attachment has no Content-ID")
        kind = head.content_type.name
        if kind.startswith(("multipart/", "message/")):
            raise sender("An attachment may not be a package itself")
        writer: PartWriter = self._spool.writer(limit)
        try:
            for piece in self._content(head):
                writer.write(piece)
        except BaseException:
            writer.abort()
            raise
        part = writer.finish(head.content_id, kind)
        self._parts[head.content_id] = part
        return part

    # --- delimiters -----------------------------------------------------------------------------------------------

    def _skip_preamble(self) -> None:
        for piece in self._until_delimiter():
            self._spend(len(piece))

    def _skip_epilogue(self) -> None:
        self._spend(len(self._buffer) - self._position)
        while piece := self._read(self._limits.preamble + 1):
            self._spend(len(piece))
        self._buffer = b""
        self._position = 0

    def _spend(self, size: int) -> None:
        self._surplus += size
        if self._surplus > self._limits.preamble:
            raise sender("There is too much text around the parts of the package")

    def _until_delimiter(self) -> Iterator[memoryview]:
        """What stands before the next delimiter, in pieces; the position is then right behind the boundary."""
        delimiter = self._delimiter
        keep = len(delimiter) - 1
        while True:
            index = self._buffer.find(delimiter, self._position)
            if index >= 0:
                if index > self._position:
                    yield memoryview(self._buffer)[self._position : index]
                self._position = index + len(delimiter)
                return
            safe = len(self._buffer) - keep
            if safe > self._position:
                yield memoryview(self._buffer)[self._position : safe]
                self._position = safe
            self._more()

    def _more(self) -> None:
        data = self._read(_STEP)
        if not data:
            raise sender("The package ends before its last boundary")
        self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def _need(self, size: int) -> None:
        while len(self._buffer) - self._position < size:
            self._more()

    def _next_head(self) -> _PartHead | None:
        """The headers of the part behind the delimiter just passed; None behind the closing one."""
        if self._closed:
            return None
        self._need(2)
        if self._buffer.startswith(b"--", self._position):
            self._position += 2
            self._closed = True
            self._surplus = max(self._surplus, 0)
            return None
        self._skip_padding()
        self._count += 1
        if self._count > self._limits.parts:
            raise sender("The package has too many parts", http_status=413)
        head = self._headers()
        if head.content_id is not None:
            if head.content_id in self._content_ids:
                raise sender("Two parts have the same Content-ID")
            self._content_ids.add(head.content_id)
        return head

    def _skip_padding(self) -> None:
        """Transport padding and the line end behind a boundary. A longer boundary that starts like ours is none."""
        for _ in range(_PADDING):
            self._need(2)
            if self._buffer.startswith(b"\r\n", self._position):
                self._position += 2
                return
            if self._buffer[self._position] not in b" \t":
                break
            self._position += 1
        raise sender("A boundary of the package is not followed by a line end")

    # --- headers --------------------------------------------------------------------------------------------------

    def _headers(self) -> _PartHead:
        """Read a header block; the position is then at the empty line's own line end, which may open a delimiter."""
        self._need(2)
        if self._buffer.startswith(b"\r\n", self._position):
            return _part_head({})
        most = self._limits.part_headers * (self._limits.part_header + len(b"\r\n"))
        while (end := self._buffer.find(b"\r\n\r\n", self._position)) < 0:
            # The last three bytes may belong to the end: the verdict must not depend on how the bytes arrive.
            if len(self._buffer) - 3 - self._position > most:
                break
            self._more()
        if not 0 <= end - self._position <= most:
            raise sender("The headers of a part are too long")
        block = self._buffer[self._position : end]
        self._position = end + 2
        return _part_head(self._fields(block))

    def _fields(self, block: bytes) -> dict[str, str]:
        text = block.decode("latin-1")
        if "\0" in text or text.count("\n") != text.count("\r\n") or text.count("\r") != text.count("\n"):
            raise sender("A header of a part is malformed")
        lines: list[str] = []
        for line in text.split("\r\n"):
            if line[:1] in (" ", "\t"):
                if not lines:
                    raise sender("A header of a part is malformed")
                lines[-1] += line
            else:
                lines.append(line)
        if len(lines) > self._limits.part_headers:
            raise sender("A part has too many headers")
        fields: dict[str, str] = {}
        for line in lines:
            if len(line) > self._limits.part_header:
                raise sender("A header of a part is too long")
            name, colon, value = line.partition(":")
            if not colon or not name.isascii() or not name.isprintable() or " " in name or not name:
                raise sender("A header of a part is malformed")
            name = name.lower()
            if name in fields and name in _OF_INTEREST:
                raise sender("A part has the same header twice")
            fields[name] = value.strip(" \t")
        return fields

    # --- content --------------------------------------------------------------------------------------------------

    def _content(self, head: _PartHead) -> Iterator[bytes | memoryview]:
        self._need(len(self._delimiter))
        if self._buffer.startswith(self._delimiter, self._position):
            # Headers and no body at all: the empty line's end belongs to the delimiter.
            self._position += len(self._delimiter)
            return
        self._position += 2
        if head.base64:
            yield from _decoded(self._until_delimiter())
        else:
            yield from self._until_delimiter()


def _package(content_type: MediaType) -> tuple[str | None, str]:
    """The start parameter without angle brackets, decoded, and the boundary. XOP 1.0 §4.1, ITI TF-2: V.8"""
    boundary = content_type.get("boundary") or ""
    if (
        not 1 <= len(boundary) <= _BOUNDARY_LENGTH
        or not _BOUNDARY_CHARACTERS.issuperset(boundary)
        or boundary[-1] == " "
    ):
        raise sender("The boundary of the package is missing or malformed")
    if (content_type.get("type") or "").lower() != MEDIA_XOP:
        raise sender("The package is not of type application/xop+xml")
    if not _is_soap12(content_type.get("start-info"), required=True):
        raise sender("The package does not announce a SOAP 1.2 message")
    start = content_type.get("start")
    return (None if start is None else _content_id(start)), boundary


def _is_soap12(value: str | None, *, required: bool) -> bool:
    if value is None:
        return not required
    try:
        return media_type(value).name == MEDIA_SOAP
    except MalformedMediaType:
        return False


def _content_id(value: str) -> str:
    """A Content-ID without angle brackets, percent-decoded: two spellings of one id are one id."""
    value = value.strip(" \t")
    if value[:1] == "<" and value[-1:] == ">":
        value = value[1:-1]
    value = urllib.parse.unquote(value, errors="replace")
    if not 0 < len(value) <= _CONTENT_ID_LENGTH or not value.isprintable():
        raise sender("A Content-ID is malformed")
    return value


def _part_head(fields: dict[str, str]) -> _PartHead:
    encoding = fields.get("content-transfer-encoding", "binary").lower()
    if encoding not in _IDENTITY and encoding != "base64":
        raise sender("A part has a Content-Transfer-Encoding that is not accepted")
    try:
        kind = media_type(fields.get("content-type", "application/octet-stream"))
    except MalformedMediaType as error:
        raise sender("The Content-Type of a part is malformed") from error
    content_id = fields.get("content-id")
    return _PartHead(None if content_id is None else _content_id(content_id), kind, encoding == "base64")


def _decoded(pieces: Iterator[memoryview]) -> Iterator[bytes]:
    """Base64 with line ends (RFC 2045 §6.8), decoded strictly. Raises `SoapFault`."""
    pending = b""
    try:
        for piece in pieces:
            pending += bytes(piece).translate(None, b"\r\n \t")
            # The last quantum waits for what follows: only at the end may it be padded.
            whole = max(0, (len(pending) - 1) // 4 * 4)
            if whole:
                yield strict_base64(pending[:whole], last=False)
                pending = pending[whole:]
        if len(pending) % 4:
            raise BinaryRefused("A base64 binary is not padded exactly")
        if pending:
            yield strict_base64(pending, last=True)
    except BinaryRefused as error:
        raise _as_fault(error) from error


def _as_fault(error: BinaryRefused) -> SoapFault:
    """A transfer encoding that is wrong is a fault of the package, not of a document in it."""
    return sender(error.reason)
