"""Binaries of a message: received once into memory or a spool file, hashed on the way, and resolved from the body."""

from __future__ import annotations

import binascii
import errno
import hashlib
import io
import os
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from lxml import etree

from schemas import markup
from soap.faults import FaultCode, SoapFault, receiver, sender
from soap.vocabulary import INCLUDE, XOP
from soap.xml import XmlRefused, text_only

_CHUNK: Final = 262_144
_BASE64_STEP: Final = 4 * 65_536
_XML_SPACE: Final = dict.fromkeys(map(ord, " \t\r\n"))
_SAFE_IN_CONTENT_ID: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.@_-")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BinaryRefused(SoapFault):
    """An inline binary is not what the standard allows there. A handler may turn it into a business error."""

    def __init__(self, reason: str) -> None:
        super().__init__(FaultCode.SENDER, reason)


class SpooledPart:
    """One received binary: in memory up to the spool threshold, else in a file of the spool directory.

    `sha1` and `sha256` are lower-case hexadecimal, `size` is in bytes. `path` is None while the content is in memory.
    A store may adopt the file by renaming or linking it; `release` deletes whatever is still there.
    """

    __slots__ = ("_data", "content_id", "content_type", "path", "sha1", "sha256", "size")

    def __init__(
        self,
        content_id: str | None,
        content_type: str,
        size: int,
        sha1: str,
        sha256: str,
        *,
        data: bytes = b"",
        path: Path | None = None,
    ) -> None:
        self.content_id = content_id
        self.content_type = content_type
        self.size = size
        self.sha1 = sha1
        self.sha256 = sha256
        self.path = path
        self._data = data

    def open(self) -> BinaryIO:
        """The content from its start. The caller closes it."""
        return io.BytesIO(self._data) if self.path is None else self.path.open("rb")

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The content in pieces of at most `size` bytes."""
        with self.open() as file:
            while piece := file.read(size):
                yield piece

    def release(self) -> None:
        """Give the memory or the file back. May be called again."""
        self._data = b""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class PartWriter:
    """Takes the bytes of one part; `finish` makes it a `SpooledPart`, `abort` drops it."""

    def __init__(self, spool: Spool, limit: int) -> None:
        self._spool = spool
        self._limit = limit
        self._size = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)  # DocumentEntry.hash is a SHA-1. ITI TF-3: 4.2.3.2.10
        self._sha256 = hashlib.sha256()
        self._memory = bytearray()
        self._file: io.FileIO | None = None
        self._path: Path | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Append. Raises `SoapFault`: 413 above the limit, 503 when the spool is full."""
        self._size += len(data)
        if self._size > self._limit:
            raise sender("An attachment is too large", http_status=413)
        self._sha1.update(data)
        self._sha256.update(data)
        if self._file is None and self._size <= self._spool.threshold:
            self._memory += data
            return
        self._to_file(self._file or self._spill(), data)

    def finish(self, content_id: str | None, content_type: str) -> SpooledPart:
        """The part as received."""
        if self._file is not None:
            self._file.close()
        return SpooledPart(
            content_id,
            content_type,
            self._size,
            self._sha1.hexdigest(),
            self._sha256.hexdigest(),
            data=bytes(self._memory),
            path=self._path,
        )

    def abort(self) -> None:
        """Forget what was written."""
        self._memory.clear()
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _spill(self) -> io.FileIO:
        self._spool.check_space()
        try:
            descriptor, name = tempfile.mkstemp(prefix="part-", dir=self._spool.directory)
        except OSError as error:
            raise self._unspooled(error) from error
        self._path = Path(name)
        self._file = file = io.FileIO(descriptor, "wb")
        self._to_file(file, bytes(self._memory))
        self._memory.clear()
        return file

    def _to_file(self, file: io.FileIO, data: bytes | memoryview) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[file.write(view) or 0 :]
        except OSError as error:
            raise self._unspooled(error) from error

    @staticmethod
    def _unspooled(error: OSError) -> SoapFault:
        if error.errno in _FULL:
            return receiver("There is no room for the attachment at present", http_status=503)
        return receiver("The attachment could not be received")


class Spool:
    """Where parts go: `threshold` bytes of each may stay in memory, the rest is written below `directory`.

    `reserve` bytes of the file system stay free: a request that would take them is refused before it fills the disk.
    """

    def __init__(self, directory: Path, *, threshold: int = _CHUNK, reserve: int = 0) -> None:
        self.directory = directory
        self.threshold = threshold
        self.reserve = reserve
        #: How many bytes the request that uses this spool has announced; 0 when it has not.
        self.expected = 0

    def writer(self, limit: int) -> PartWriter:
        """A writer for one part of at most `limit` bytes."""
        return PartWriter(self, limit)

    def check_space(self) -> None:
        """Raises `SoapFault` 503 when the expected bytes would eat into the reserve."""
        try:
            status = os.statvfs(self.directory)
        except OSError as error:
            raise receiver("The attachment could not be received") from error
        if status.f_bavail * status.f_frsize < self.expected + self.reserve:
            raise receiver("There is no room for the attachment at present", http_status=503)


def include(content_id: str) -> bytes:
    """The `xop:Include` for an outgoing part, in the one form that `Reply` knows to replace. XOP 1.0 §2.1

    Raises `ValueError` for a content id that a header or a URI could not hold as it stands.
    """
    if not content_id or not _SAFE_IN_CONTENT_ID.issuperset(content_id):
        raise ValueError("a content id of ours holds only letters, digits and .@_-")
    return f'<xop:Include xmlns:xop="{XOP}" href="cid:{markup.attribute(content_id)}"/>'.encode()


def content_id_of(reference: str, known: Mapping[str, object]) -> str | None:
    """The key of `known` that a `cid:` URI means, or None. Content-IDs in a URI are percent-encoded (RFC 2392)."""
    if reference[:4].lower() != "cid:":
        return None
    once = urllib.parse.unquote(reference[4:], errors="replace")
    if once in known:
        return once
    # A Content-ID that itself holds percent signs is kept decoded.
    twice = urllib.parse.unquote(once, errors="replace")
    return twice if twice in known else None


def binary_of(element: etree._Element, parts: Mapping[str, SpooledPart], spool: Spool) -> SpooledPart:
    """The binary that `element` holds: one `xop:Include` or base64 text.

    A part is returned as it was received; text becomes a new part, which the caller releases.
    Raises `BinaryRefused` when it is neither, or the base64 is not strict (alphabet, padding, unused bits zero).
    """
    if len(element) == 1 and element[0].tag == INCLUDE:
        key = content_id_of(element[0].get("href", ""), parts)
        if key is None:
            raise BinaryRefused("An xop:Include refers to no attachment")
        return parts[key]
    try:
        text = text_only(element)
    except XmlRefused as error:
        raise BinaryRefused("A binary element holds neither text nor one xop:Include") from error
    writer = spool.writer(len(text))
    try:
        for piece in decoded(text):
            writer.write(piece)
    except BaseException:
        writer.abort()
        raise
    return writer.finish(None, "application/octet-stream")


def decoded(text: str) -> Iterator[bytes]:
    """The bytes of base64 text, in pieces. White space is ignored, everything else must be exact (RFC 4648 §3, §4).

    Raises `BinaryRefused`.
    """
    packed = text.translate(_XML_SPACE) if any(map(text.__contains__, " \t\r\n")) else text
    if len(packed) % 4:
        raise BinaryRefused("A base64 binary is not padded exactly")
    for position in range(0, len(packed), _BASE64_STEP):
        piece = packed[position : position + _BASE64_STEP]
        last = position + _BASE64_STEP >= len(packed)
        yield strict_base64(piece, last=last)


def strict_base64(piece: str | bytes, *, last: bool) -> bytes:
    """Decode whole quanta of base64 without white space; padding only where `last`. Raises `BinaryRefused`."""
    try:
        data = binascii.a2b_base64(piece, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise BinaryRefused("A base64 binary holds a character that does not belong there") from error
    if len(data) * 4 != len(piece) * 3:
        tail = piece[-4:]
        encoded = tail.encode("ascii") if isinstance(tail, str) else bytes(tail)
        canonical = binascii.b2a_base64(data[len(data) // 3 * 3 :], newline=False)
        if not last or canonical != encoded:
            raise BinaryRefused("A base64 binary is not padded exactly")
    return data
