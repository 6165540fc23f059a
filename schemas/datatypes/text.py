"""Times, language tags and media types (ITI TF-3: Table 4.2.3.1.7-2)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError

_DTM: Final = re.compile(r"[0-9]{4}(?:[0-9]{2}){0,5}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MIME: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(\s*;.*)?")
_FIRST_MOMENT: Final = "00000101000000"


@dataclass(frozen=True, slots=True)
class Dtm:
    """A time in UTC, as precise as it was given: `YYYY[MM[DD[hh[mm[ss]]]]]`."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Dtm:
        if not text.isascii() or not _DTM.fullmatch(text):
            raise DataTypeError("DTM", text, "a time YYYY[MM[DD[hh[mm[ss]]]]] is expected")
        full = text + _FIRST_MOMENT[len(text) :]
        year, month, day = int(full[:4]), int(full[4:6]), int(full[6:8])
        hour, minute, second = int(full[8:10]), int(full[10:12]), int(full[12:14])
        if not (1 <= month <= 12 and hour <= 23 and minute <= 59 and second <= 59 and year >= 1):
            raise DataTypeError("DTM", text, "a part of the time is out of range")
        if not 1 <= day <= calendar.monthrange(year, month)[1]:
            raise DataTypeError("DTM", text, "the month has no such day")
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
    """A language tag (RFC 5646)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> LanguageTag:
        if not _LANGUAGE.fullmatch(text):
            raise DataTypeError("LanguageTag", text, "a language tag such as fr-FR is expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class MimeType:
    """A media type (RFC 2046)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> MimeType:
        if not _MIME.fullmatch(text):
            raise DataTypeError("MimeType", text, "a media type such as text/xml is expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value
