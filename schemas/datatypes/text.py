"""Times, language tags and media types (ITI TF-3: Table 4.2.3.1.7-2)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_TOKEN: Final = r"[A-Za-z0-9!#$&^_.+-]{1,127}"  # RFC 6838, 4.2  # noqa: S105 - a lexical token
_MIME: Final = re.compile(rf"{_TOKEN}/{_TOKEN}(\s*;.*)?")
_MIME_LENGTH: Final = 256  # ebRIM LongName: what ExtrinsicObject/@mimeType can hold
_FIRST_MOMENT: Final = "00000101000000"
_LENGTHS: Final = (4, 6, 8, 10, 12, 14)
#: where each part of a full time lies, and its bounds; the day depends on the month
_PARTS: Final = (
    ("year", 0, 4, 1, 9999),
    ("month", 4, 6, 1, 12),
    ("hour", 8, 10, 0, 23),
    ("minute", 10, 12, 0, 59),
    ("second", 12, 14, 0, 59),
)


@dataclass(frozen=True, slots=True)
class Dtm:
    """A time in UTC, as precise as it was given: `YYYY[MM[DD[hh[mm[ss]]]]]`.

    A year is not the same value as its first second: what was not said stays unsaid.
    """

    value: str

    @classmethod
    def parse(cls, text: str) -> Dtm:
        if text and not (text.isascii() and text.isdigit()):
            reason = "a time is digits only, YYYY[MM[DD[hh[mm[ss]]]]] in UTC, without zone and fraction of a second"
            raise DataTypeError("DTM", text, reason)
        if len(text) not in _LENGTHS:
            reason = f"a time has 4, 6, 8, 10, 12 or 14 digits (YYYY[MM[DD[hh[mm[ss]]]]]), {len(text)} are given"
            raise DataTypeError("DTM", text, reason)
        full = text + _FIRST_MOMENT[len(text) :]
        for name, start, end, lowest, highest in _PARTS:
            if not lowest <= int(full[start:end]) <= highest:
                width = end - start
                raise DataTypeError("DTM", text, f"the {name} is not {lowest:0{width}} to {highest:0{width}}")
        days = calendar.monthrange(int(full[:4]), int(full[4:6]))[1]
        if not 1 <= int(full[6:8]) <= days:
            raise DataTypeError("DTM", text, f"the day is not 01 to {days}, the last of its month")
        return cls(text)

    @property
    def precision(self) -> int:
        """Number of digits: 4 for a year up to 14 for a second."""
        return len(self.value)

    def lower_bound(self) -> str:
        """The first second that the time covers, as 14 digits."""
        return self.value + _FIRST_MOMENT[len(self.value) :]

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class LanguageTag:
    """A language tag, equal whatever its case (RFC 5646, 2.1.1)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> LanguageTag:
        if not _LANGUAGE.fullmatch(text):
            reason = "a language tag is a language of 2 to 8 letters and subtags after hyphens, such as fr-FR"
            raise DataTypeError("LanguageTag", text, reason)
        return cls(text)

    def __str__(self) -> str:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LanguageTag) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())


@dataclass(frozen=True, slots=True)
class MimeType:
    """A media type, equal whatever the case of type and subtype; parameters count as written (RFC 2045, 5.1)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> MimeType:
        if len(text) > _MIME_LENGTH:
            raise DataTypeError("MimeType", text, f"has {len(text)} characters, more than {_MIME_LENGTH}")
        if not _MIME.fullmatch(text):
            raise DataTypeError("MimeType", text, "a media type is type/subtype, such as text/xml")
        return cls(text)

    @property
    def essence(self) -> str:
        """type/subtype in lower case, without parameters."""
        return self.value.partition(";")[0].strip().lower()

    def _key(self) -> tuple[str, str]:
        return self.essence, self.value.partition(";")[2].strip()

    def __str__(self) -> str:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MimeType) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
