"""Writing an MTOM package as a stream of chunks. XOP 1.0 §4, ITI TF-2: V.8"""

from __future__ import annotations

import binascii
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from soap.message import OutgoingPart
from soap.parts import include
from soap.vocabulary import MEDIA_RELATED, MEDIA_SOAP, MEDIA_XOP

_ROOT: Final = "root@feuillet"
# A multiple of three bytes becomes whole quanta of base64.
_BASE64_STEP: Final = 3 * 65_536


@dataclass(frozen=True, slots=True)
class Package:
    """A package to be written: its HTTP Content-Type, its chunks, and its length in bytes where the root is at hand."""

    content_type: str
    chunks: Iterator[bytes]
    length: int | None


def package(root: Iterable[bytes], parts: Sequence[OutgoingPart], *, action: str | None = None) -> Package:
    """The package of a SOAP envelope (`root`, in chunks) and its attachments.

    `action` goes into the Content-Type of a request. Raises `ValueError` for a content id that `include` refuses.
    """
    # 122 random bits: no document holds this line, and none can be made to.
    boundary = f"uuid-{uuid.uuid4()}"
    stated = f'; action="{action}"' if action is not None else ""
    content_type = (
        f'{MEDIA_RELATED}; type="{MEDIA_XOP}"; boundary="{boundary}"; start="<{_ROOT}>"; '
        f'start-info="{MEDIA_SOAP}"{stated}'
    )
    root_head = _head(boundary, f'{MEDIA_XOP}; charset=UTF-8; type="{MEDIA_SOAP}"', _ROOT)[2:]
    heads = [_head(boundary, part.content_type, part.content_id) for part in parts]
    for part in parts:
        include(part.content_id)
    end = f"\r\n--{boundary}--\r\n".encode()
    length = None
    if isinstance(root, list | tuple):
        length = len(root_head) + sum(map(len, root)) + sum(map(len, heads)) + len(end)
        length += sum(part.size for part in parts)

    def chunks() -> Iterator[bytes]:
        yield root_head
        yield from root
        for head, part in zip(heads, parts, strict=True):
            yield head
            yield from exact(part)
        yield end

    return Package(content_type, chunks(), length)


def inlined(body: bytes, parts: Sequence[OutgoingPart]) -> Iterator[bytes]:
    """The body with base64 text in place of each part's `xop:Include`, streamed in the order of the body.

    Raises `ValueError` when a part is not included exactly once.
    """
    places = []
    for part in parts:
        reference = include(part.content_id)
        position = body.find(reference)
        if position < 0 or body.find(reference, position + 1) >= 0:
            raise ValueError("an outgoing part is not included exactly once")
        places.append((position, position + len(reference), part))
    places.sort(key=lambda place: place[0])
    return _spliced(body, places)


def _spliced(body: bytes, places: Sequence[tuple[int, int, OutgoingPart]]) -> Iterator[bytes]:
    done = 0
    for start, end, part in places:
        yield body[done:start]
        yield from _base64(exact(part))
        done = end
    yield body[done:]


def exact(part: OutgoingPart) -> Iterator[bytes]:
    """The chunks of a part. Raises `ValueError` at the end when they are not as many bytes as announced."""
    size = 0
    for chunk in part.chunks:
        size += len(chunk)
        yield chunk
    if size != part.size:
        raise ValueError("an outgoing part is not as long as announced")


def _base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    pending = b""
    for chunk in chunks:
        pending += chunk
        whole = len(pending) // 3 * 3
        for position in range(0, whole, _BASE64_STEP):
            yield binascii.b2a_base64(pending[position : min(position + _BASE64_STEP, whole)], newline=False)
        pending = pending[whole:]
    if pending:
        yield binascii.b2a_base64(pending, newline=False)


def _head(boundary: str, content_type: str, content_id: str) -> bytes:
    return (
        f"\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{content_id}>\r\n\r\n"
    ).encode()
