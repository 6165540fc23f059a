"""When a subscription ends: an instant, or a duration from now (XML Schema part 2: 3.2.6, 3.2.7)."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,11})(?:\.\d+)?S)?)?",
    re.ASCII,
)
_INSTANT: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


class NoTermination(ValueError):
    """The text is neither an instant nor a duration that leads to one."""


def termination(text: str, now: datetime) -> datetime:
    """The instant that a text means. One without a zone is in UTC. Raises `NoTermination`."""
    text = text.strip()
    try:
        if match := _INSTANT.fullmatch(text):
            return datetime.fromisoformat(match[1] + (match[2] or "Z").replace("Z", "+00:00")).astimezone(UTC)
        if match := _DURATION.fullmatch(text):
            years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
            later = _months_later(now, 12 * years + months)
            return later + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError):
        pass
    raise NoTermination("neither an instant nor a duration")


def _months_later(start: datetime, months: int) -> datetime:
    """The same day so many months later, or the last one of that month (XML Schema part 2: appendix E)."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
