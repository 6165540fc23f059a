"""Text and attribute values as XML characters: for messages that are written by concatenation."""

from __future__ import annotations

import re

# XML 1.0 §2.2: characters that no document may hold, not even escaped.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def text(value: str) -> str:
    """`value` as element content; characters that XML cannot carry become U+FFFD."""
    if _ILLEGAL.search(value):
        value = _ILLEGAL.sub("\ufffd", value)
    return value.translate(_TEXT)


def attribute(value: str) -> str:
    """`value` as the content of a double-quoted attribute; characters that XML cannot carry become U+FFFD."""
    if _ILLEGAL.search(value):
        value = _ILLEGAL.sub("\ufffd", value)
    return value.translate(_ATTRIBUTE)
