"""What stands before the root element: byte order mark, XML declaration, and whatever else tries to stand there.

Decided on the bytes, before any parser sees them: the encoding is one of two, all statements about it agree, and no
document type declaration or processing instruction gets near the parser.
"""

from __future__ import annotations

import codecs
import enum
from typing import Final

_SPACE: Final = b" \t\r\n"
_UTF8: Final = frozenset({"utf-8", "utf8"})
_UTF16: Final = frozenset({"utf-16", "utf16"})
_DECLARATION_LENGTH: Final = 256
_TRANSCODING_STEP: Final = 65_536


class Refusal(enum.StrEnum):
    """Why a document is refused; the values are what a fault may say, and hold nothing of the document."""

    NOT_WELL_FORMED = "The message is not well-formed XML"
    DOCTYPE = "A document type declaration is not allowed"
    PROCESSING_INSTRUCTION = "A processing instruction is not allowed"
    ENCODING = "The character encoding is not UTF-8 or UTF-16, or the statements about it disagree"
    VERSION = "Only XML 1.0 is accepted"
    TOO_LARGE = "The XML document is too large"
    TOO_DEEP = "The elements are nested too deeply"
    TOO_MANY_ELEMENTS = "The document has too many elements"
    TOO_MANY_COMMENTS = "The document has too many comments"
    TOO_MANY_ATTRIBUTES = "The document has too many attributes"
    TOO_MANY_NAMESPACES = "The document has too many namespace declarations"
    NAME_TOO_LONG = "A name is too long"
    VALUE_TOO_LONG = "An attribute value is too long"
    TEXT_TOO_LONG = "A text is too long; send large documents as MTOM attachments"
    TOO_SLOW = "The document takes too long to parse"


class XmlRefused(Exception):
    """The document is refused. `reason` is safe to show: it never quotes the document."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


def to_utf8(data: bytes, charset: str | None) -> tuple[bytes, int]:
    """The document as UTF-8, and where its content starts behind byte order mark and XML declaration.

    `charset` is what the transport says (HTTP `charset` parameter), or None when it says nothing.
    Raises `XmlRefused` when transport, byte order mark and declaration disagree (RFC 7303 §3), for any other
    encoding, and for XML 1.1.
    """
    stated = charset.strip().lower() if charset is not None else None
    if data[:3] == codecs.BOM_UTF8:
        family, start = _UTF8, 3
    elif data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        family, start = _UTF16, 0
        data = _transcoded(data)
    else:
        # UTF-16 without a mark, UTF-32, EBCDIC… do not start with an ASCII character followed by a non-NUL one.
        if b"\x00" in data[:4]:
            raise XmlRefused(Refusal.ENCODING)
        family, start = _UTF8, 0
    if stated is not None and stated not in family:
        raise XmlRefused(Refusal.ENCODING)
    if data[start : start + 5] != b"<?xml" or data[start + 5 : start + 6].strip(_SPACE):
        return data, start
    end = data.find(b"?>", start, start + _DECLARATION_LENGTH)
    if end < 0:
        raise XmlRefused(Refusal.NOT_WELL_FORMED)
    declared = _declared_encoding(data[start + 5 : end])
    if declared is not None and declared not in family:
        raise XmlRefused(Refusal.ENCODING)
    if family is _UTF16:
        # The declaration names an encoding that is no longer true.
        return data[end + 2 :], 0
    return data, end + 2


def root_position(data: bytes, position: int, instructions: int = 0) -> int:
    """Where the root element starts. Between declaration and root only white space and comments may stand.

    Raises `XmlRefused`: SOAP 1.2 part 1 §5 forbids document type declarations and processing instructions. So many
    `instructions` are passed over, for what is no message.
    """
    while True:
        while data[position : position + 1] and data[position] in _SPACE:
            position += 1
        if data[position : position + 1] != b"<":
            raise XmlRefused(Refusal.NOT_WELL_FORMED)
        following = data[position + 1 : position + 2]
        if following == b"?":
            instructions -= 1
            end = data.find(b"?>", position + 2)
            if instructions < 0 or end < 0:
                raise XmlRefused(Refusal.PROCESSING_INSTRUCTION)
            position = end + 2
            continue
        if following != b"!":
            return position
        if data[position : position + 4] != b"<!--":
            # `<!DOCTYPE` is the only legal reading; a misspelt one is no better.
            raise XmlRefused(Refusal.DOCTYPE)
        end = data.find(b"-->", position + 4)
        if end < 0:
            raise XmlRefused(Refusal.NOT_WELL_FORMED)
        position = end + 3


def _transcoded(data: bytes) -> bytes:
    """UTF-16 to UTF-8 in steps, so that no third copy of the whole document exists."""
    if data[:4] == codecs.BOM_UTF32_LE:
        raise XmlRefused(Refusal.ENCODING)
    steps = (data[i : i + _TRANSCODING_STEP] for i in range(0, len(data), _TRANSCODING_STEP))
    try:
        return b"".join(text.encode() for text in codecs.iterdecode(steps, "utf-16"))
    except UnicodeError as error:
        raise XmlRefused(Refusal.ENCODING) from error


def _declared_encoding(declaration: bytes) -> str | None:
    """The encoding named in the text between `<?xml` and `?>`; checks the version on the way."""
    rest = declaration.strip(_SPACE)
    found: dict[bytes, bytes] = {}
    while rest:
        name, equals, rest = rest.partition(b"=")
        rest = rest.lstrip(_SPACE)
        quote = rest[:1]
        value, closing, rest = rest[1:].partition(quote or b"'")
        name = name.strip(_SPACE)
        if not equals or quote not in (b'"', b"'") or not closing or name in found:
            raise XmlRefused(Refusal.NOT_WELL_FORMED)
        found[name] = value
        rest = rest.lstrip(_SPACE)
    version = found.get(b"version")
    if version is None:
        raise XmlRefused(Refusal.NOT_WELL_FORMED)
    if version != b"1.0":
        raise XmlRefused(Refusal.VERSION)
    encoding = found.get(b"encoding")
    return None if encoding is None else encoding.decode("ascii", "replace").lower()
