"""What a document may be, and what its bytes alone prove about that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# `<a/>`, ` a=""` and `<!---->`: the shortest that an element, an attribute and a comment can be.
_SHORTEST_ELEMENT: Final = 4
_SHORTEST_ATTRIBUTE: Final = 5
_SHORTEST_COMMENT: Final = 7

# Every character that ends a name in markup.
_DELIMITERS_AS_SPACE: Final = bytes(0x20 if byte in b" \t\r\n<>=/\"'" else byte for byte in range(256))


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What an untrusted document may be. Sizes in bytes of its UTF-8 form, text in characters.

    `namespaces_in_scope` keeps canonicalisation linear: inclusive C14N of a thousand declarations over a thousand
    elements takes seconds, of sixty-four it takes none.

    `processing_instructions` are for documents that a message carries: a message itself has none (SOAP 1.2 part 1: 5).

    `cpu_seconds` is the last resort, for a document whose cost no count foresees. The counts decide first, so it is
    wide: a processor shared with others books their time on a thread too, and must not make a refusal of that.
    """

    depth: int = 100
    elements: int = 100_000
    attributes: int = 64
    attributes_total: int = 100_000
    namespaces: int = 32
    namespaces_in_scope: int = 64
    comments: int = 10_000
    processing_instructions: int = 0
    name: int = 256
    attribute_value: int = 65_536
    text: int = 10_000_000
    document: int = 12_000_000
    cpu_seconds: float = 5.0


DEFAULT_LIMITS: Final = XmlLimits()


def harmless(data: bytes, root: int, limits: XmlLimits) -> bool:  # noqa: PLR0911 - one return per proof
    """Whether the bytes prove every limit but the depth. A False is no verdict: it only means that one has to count."""
    length = len(data)
    if length > _SHORTEST_ELEMENT * limits.elements and data.count(b"<") > limits.elements:
        return False
    if length > _SHORTEST_ATTRIBUTE * limits.attributes_total and data.count(b"=") > limits.attributes_total:
        return False
    if length > _SHORTEST_COMMENT * limits.comments and data.count(b"<!--", root) > limits.comments:
        return False
    # Looking for the rarer character alone first is ten times faster.
    if data.find(b"?", root) >= 0 and data.find(b"<?", root) >= 0:
        return False
    if data.count(b"xmlns", root) > min(limits.namespaces, limits.namespaces_in_scope):
        return False
    if length > limits.name and any(_runs(data.translate(_DELIMITERS_AS_SPACE), b" ", root, limits.name)):
        return False
    return _short_between_markup(data, root, limits)


def _short_between_markup(data: bytes, root: int, limits: XmlLimits) -> bool:
    """Whether no tag has too many attributes and no value or text is too long: looks at what is between two `<`."""
    longest = min(limits.attribute_value, limits.text)
    worth_a_look = min(_SHORTEST_ATTRIBUTE * (limits.attributes + 1) - 1, longest)
    for start, end in _runs(data, b"<", root, worth_a_look):
        if end - start > longest or data.count(b"=", start, end) > limits.attributes:
            return False
    return True


def _runs(data: bytes, mark: bytes, position: int, length: int) -> Iterator[tuple[int, int]]:
    """Start and end of every stretch of more than `length` bytes without `mark`.

    Hops from mark to mark over as many as fit in one stretch, so that short ones are not even looked at.
    """
    while position < len(data):
        last = data.rfind(mark, position, position + length + 1)
        if last >= 0:
            position = last + 1
            continue
        end = data.find(mark, position + length + 1)
        if end < 0:
            end = len(data)
        if end - position > length:
            yield position, end
        position = end + 1
