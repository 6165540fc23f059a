"""xs:dateTime as signatures state it: with a time zone, to the second or finer."""

from __future__ import annotations

import datetime
import re
from typing import Final

from card_auth.vihf.instants import read_instant

_ZONED: Final = re.compile(r"(?P<local>[^Z+]{10,29}?)(?:Z|(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>\d{2}))", re.ASCII)
_FARTHEST: Final = datetime.timedelta(hours=14)


def read_zoned_instant(text: str) -> datetime.datetime:
    """The moment, aware, in UTC. Raises ValueError: a time without its zone is no moment (XML Schema 2: 3.2.7)."""
    match = _ZONED.fullmatch(text)
    if match is None:
        raise ValueError("not an instant with a time zone")
    moment = read_instant(f"{match['local']}Z")
    if match["sign"] is None:
        return moment
    minutes = int(match["minutes"])
    offset = datetime.timedelta(hours=int(match["hours"]), minutes=minutes)
    if minutes > 59 or offset > _FARTHEST:
        raise ValueError("not a time zone")
    return moment - offset if match["sign"] == "+" else moment + offset
