"""Date and time with the precision it was written in (ITI TF-3: Table 4.2.3.1.7-2, DTM)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from schemas.datatypes.error import DataTypeError


class Precision(enum.IntEnum):
    """How precise a time is, as its number of digits."""

    YEAR = 4
    MONTH = 6
    DAY = 8
    HOUR = 10
    MINUTE = 12
    SECOND = 14


_DTM = re.compile(r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]{2})?)?)?)?)?")
#: What the digits that are not written stand for at least: the first of January, midnight.
_FIRST_MOMENT: Final = "00000101000000"


@dataclass(frozen=True, slots=True, order=True)
class Dtm:
    """A time in UTC, `YYYY[MM[DD[hh[mm[ss]]]]]`.

    Equal times are equally precise. They are ordered by their first moment; of two that begin together the less precise
    one comes first, which is the order of their texts.
    """

    value: str

    @classmethod
    def parse(cls, text: str) -> Dtm:
        """Raises DataTypeError for any other form, and for a time that the calendar does not have."""
        match = _DTM.fullmatch(text)
        if match is None:
            raise DataTypeError("DTM", text, "a UTC time written YYYY[MM[DD[hh[mm[ss]]]]] is expected, in digits only")
        year, month, day, hour, minute, second = match.groups()
        try:
            datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
        except ValueError:
            raise DataTypeError("DTM", text, "there is no such date or time") from None
        return cls(text)

    @classmethod
    def at(cls, moment: datetime) -> Dtm:
        """A moment with its time zone, to the second."""
        return cls(f"{moment.astimezone(UTC):%Y%m%d%H%M%S}".rjust(14, "0"))

    @property
    def precision(self) -> Precision:
        """The last part that is written."""
        return Precision(len(self.value))

    def lower_bound(self) -> str:
        """The first moment that this time may mean, in 14 digits; text order is time order."""
        return self.value + _FIRST_MOMENT[len(self.value) :]

    def __str__(self) -> str:
        return self.value
