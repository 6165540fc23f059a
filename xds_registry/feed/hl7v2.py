r"""Reading HL7 V2: delimiters, character sets, segments, fields and escapes.

A message is split no further than its reader asks for, so that one made of separators costs no more than another.
Source: HL7 V2.5: 2.5 (message structure), 2.7 (escapes), 2.15.9 (MSH); V2.3.1, chapter 2, has the same rules.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

_HEADER: Final = b"MSH"
#: MSH itself, MSH-1 and the four characters of MSH-2.
_HEADER_LENGTH: Final = 8
#: More segments than this in one ADT message are an attack: each costs an object.
MAX_SEGMENTS: Final = 2_000
#: What an unset value may look like: absent, or explicitly deleted (HL7 V2.5: 2.5.3).
_NULL: Final = '""'

_CHARACTER_SETS: Final = {"": "ascii", "ASCII": "ascii", "8859/1": "latin-1", "UNICODE UTF-8": "utf-8"}


class ErrorCode(enum.Enum):
    """The message error conditions of HL7 table 0357 that the feed reports."""

    SEGMENT_SEQUENCE = "100", "Segment sequence error"
    REQUIRED_FIELD_MISSING = "101", "Required field missing"
    DATA_TYPE = "102", "Data type error"
    TABLE_VALUE_NOT_FOUND = "103", "Table value not found"
    UNSUPPORTED_MESSAGE_TYPE = "200", "Unsupported message type"
    UNSUPPORTED_EVENT_CODE = "201", "Unsupported event code"
    UNSUPPORTED_VERSION = "203", "Unsupported version id"
    UNKNOWN_KEY = "204", "Unknown key identifier"
    INTERNAL = "207", "Application internal error"


class Hl7Refused(Exception):
    """A message that is not accepted.

    `reason` is shown to the sender and logged: it holds nothing of the message. `segment` and `field` (0 for none)
    say where; `rejected` tells AR (the message is none of ours, or cannot be served now) from AE (its content is
    wrong).
    """

    def __init__(
        self, code: ErrorCode, reason: str, *, segment: str = "MSH", field: int = 0, rejected: bool = False
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.segment = segment
        self.field = field
        self.rejected = rejected


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The five characters that structure a message (MSH-1, MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def parse(cls, characters: str) -> Delimiters:
        """The delimiters as MSH writes them: `|^~\\&`. Raises Hl7Refused when they cannot tell anything apart."""
        usable = all(c.isascii() and c.isprintable() and not c.isalnum() and c not in ' "' for c in characters)
        if len(characters) != 5 or len(set(characters)) != 5 or not usable:
            reason = "MSH-1 and MSH-2 must be five different punctuation characters"
            raise Hl7Refused(ErrorCode.DATA_TYPE, reason, field=2, rejected=True)
        return cls(*characters)

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent

    def escaped(self, text: str) -> str:
        r"""Text with every delimiter written as \F\ \S\ \R\ \E\ \T\ (HL7 V2.5: 2.7.1), control characters as blanks."""
        e = self.escape
        names = {self.field: "F", self.component: "S", self.repetition: "R", e: "E", self.subcomponent: "T"}
        return "".join(f"{e}{names[c]}{e}" if c in names else c if c >= " " else " " for c in text)

    def unescaped(self, text: str) -> str:
        r"""Text with its escapes resolved, \X…\ among them; sequences that mean no character stay as they are."""
        if self.escape not in text:
            return text
        out: list[str] = []
        position = 0
        while (start := text.find(self.escape, position)) >= 0:
            out.append(text[position:start])
            end = text.find(self.escape, start + 1)
            meaning = None if end < 0 else self._meaning(text[start + 1 : end])
            if meaning is None:
                out.append(self.escape)
                position = start + 1
            else:
                out.append(meaning)
                position = end + 1
        out.append(text[position:])
        return "".join(out)

    def _meaning(self, name: str) -> str | None:
        plain = {"F": self.field, "S": self.component, "R": self.repetition, "E": self.escape, "T": self.subcomponent}
        if name in plain:
            return plain[name]
        if name[:1] == "X" and len(name) > 1 and len(name) % 2 == 1:
            try:
                return bytes.fromhex(name[1:]).decode("ascii")
            except ValueError:
                return None
        return None


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. Fields are counted as the standard counts them: MSH-1 is the field separator itself."""

    name: str
    text: str
    delimiters: Delimiters

    def field(self, number: int) -> str:
        """Field `number` as sent, still escaped; empty when it is absent or explicitly null."""
        index = number - 1 if self.name == "MSH" else number
        fields = self.text.split(self.delimiters.field, index + 1)
        value = fields[index] if index < len(fields) else ""
        return "" if value == _NULL else value

    def repetitions(self, number: int, limit: int) -> list[str]:
        """The repetitions of a field that hold something. Raises Hl7Refused when there are more than `limit`."""
        values = self.field(number).split(self.delimiters.repetition, limit)
        if len(values) > limit:
            reason = f"{self.name}-{number} repeats more than {limit} times"
            raise Hl7Refused(ErrorCode.DATA_TYPE, reason, segment=self.name, field=number)
        return [value for value in values if value and value != _NULL]

    def component(self, value: str, number: int) -> str:
        """Component `number` of a field, still escaped; empty when it is absent."""
        return _nth(value, self.delimiters.component, number)

    def subcomponent(self, component: str, number: int) -> str:
        """Sub-component `number` of a component, its escapes resolved; empty when it is absent."""
        found = _nth(component, self.delimiters.subcomponent, number)
        return "" if found == _NULL else self.delimiters.unescaped(found)


def _nth(text: str, separator: str, number: int) -> str:
    parts = text.split(separator, number)
    return parts[number - 1] if number <= len(parts) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose header was understood. `codec` is the Python name of its character set."""

    delimiters: Delimiters
    segments: tuple[Segment, ...]
    codec: str

    @property
    def header(self) -> Segment:
        return self.segments[0]

    def named(self, name: str) -> list[Segment]:
        """The segments of that name, in order."""
        return [segment for segment in self.segments if segment.name == name]


def read_header(data: bytes) -> Segment | None:
    """MSH of a message that may be wrong elsewhere, for its acknowledgement; None when there is none to read."""
    if not data.startswith(_HEADER) or len(data) < _HEADER_LENGTH:
        return None
    line = data.split(b"\r", 1)[0].decode("ascii", errors="replace")
    try:
        delimiters = Delimiters.parse(line[3:8])
    except Hl7Refused:
        return None
    if line[8:9] not in ("", delimiters.field):
        return None
    return Segment("MSH", line, delimiters)


def read_message(data: bytes) -> Message:
    """The message in `data`, without the bytes of its framing. Raises Hl7Refused whatever is wrong with it.

    Segments end with CR; a LF after it is let pass, because many senders write one.
    """
    if not data.startswith(_HEADER):
        raise Hl7Refused(ErrorCode.SEGMENT_SEQUENCE, "the message does not begin with MSH", rejected=True)
    delimiters = Delimiters.parse(data[3:_HEADER_LENGTH].decode("ascii", errors="replace"))
    header = read_header(data)
    if header is None:
        reason = "MSH-2 must hold exactly four characters"
        raise Hl7Refused(ErrorCode.DATA_TYPE, reason, field=2, rejected=True)
    declared = header.field(18)
    codec = _CHARACTER_SETS.get(declared.upper())
    if codec is None:
        reason = "MSH-18 must be empty, ASCII, 8859/1 or UNICODE UTF-8"
        raise Hl7Refused(ErrorCode.TABLE_VALUE_NOT_FOUND, reason, field=18)
    segments = tuple(_segments(_decoded(data, codec, lenient=not declared), delimiters))
    return Message(delimiters, segments, codec)


def _decoded(data: bytes, codec: str, *, lenient: bool) -> str:
    """Text of a message. Where no character set is declared, foreign bytes hurt only where they are read."""
    try:
        text = data.decode(codec, errors="surrogateescape" if lenient else "strict")
    except UnicodeDecodeError:
        reason = "the message is not in the character set that MSH-18 declares"
        raise Hl7Refused(ErrorCode.DATA_TYPE, reason, field=18) from None
    if any(control in text for control in "\x00\x0b\x1c"):
        raise Hl7Refused(ErrorCode.DATA_TYPE, "the message holds binary characters", rejected=True)
    return text


def _segments(text: str, delimiters: Delimiters) -> list[Segment]:
    lines = text.split("\r", MAX_SEGMENTS)
    if len(lines) > MAX_SEGMENTS:
        reason = f"the message has more than {MAX_SEGMENTS} segments"
        raise Hl7Refused(ErrorCode.SEGMENT_SEQUENCE, reason, rejected=True)
    segments: list[Segment] = []
    for number, line in enumerate(lines, 1):
        content = line.removeprefix("\n")
        if not content:
            continue
        name = content[:3]
        named = len(name) == 3 and name.isascii() and name.isalnum() and name == name.upper()
        if not named or content[3:4] not in ("", delimiters.field):
            reason = f"segment {number} does not begin with a segment name and the field separator"
            raise Hl7Refused(ErrorCode.SEGMENT_SEQUENCE, reason)
        if name == "MSH" and segments:
            raise Hl7Refused(ErrorCode.SEGMENT_SEQUENCE, "the message holds a second MSH")
        segments.append(Segment(name, content, delimiters))
    return segments
