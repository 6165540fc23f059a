"""Months and years as people count them: the same day of another month, or its last where it has no such day."""

from __future__ import annotations

import calendar
from datetime import datetime


def months_after(moment: datetime, months: int) -> datetime:
    """The same day and hour so many months later."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and hour so many months earlier."""
    return months_after(moment, -months)
