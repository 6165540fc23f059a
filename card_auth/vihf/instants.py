"""xs:dateTime as assertions write it: in UTC, to the second or finer, and in no other of its many forms."""

from __future__ import annotations

import datetime
import re
from typing import Final

_INSTANT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z",
    re.ASCII,
)
_YEARS: Final = range(1970, 2101)


def read_instant(text: str) -> datetime.datetime:
    """The moment, aware, in UTC; fractions below a microsecond are cut off. Raises ValueError.

    SAML 2.0 Core 1.3.3 asks for UTC; leap seconds and hour 24 are refused, since nothing here could count with them.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an instant in UTC")
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    if year not in _YEARS:
        raise ValueError("not a year of our time")
    fraction = int((match[7] or "").ljust(6, "0")[:6])
    return datetime.datetime(year, month, day, hour, minute, second, fraction, datetime.UTC)


def write_instant(moment: datetime.datetime) -> str:
    """The moment (aware) to the millisecond. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone")
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
