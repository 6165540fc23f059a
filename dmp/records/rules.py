"""The dated rules of `rules.toml`, and what a deployment puts in their place."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from dmp.records.record import RecordRules

_FILE: Final = Path(__file__).with_name("rules.toml")

#: The name under which a refusal of a dependant is reported.
DEPENDANTS: Final = "dependants-of-general-regime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a deployment decided; None leaves a rule as `rules.toml` has it."""

    minors_managed: bool = True
    masked_and_invisible: bool = False
    dependants_of_general_regime: bool | None = None
    reading_minutes: float | None = None
    authorisation_months: int | None = None
    break_glass_minutes: float | None = None
    retention_years: int | None = None


def current(on: date, overrides: Overrides | None = None) -> RecordRules:
    """The rules as they are on a day."""
    chosen = overrides or Overrides()

    def value(name: str, override: bool | float | None) -> bool | float:
        return _dated(name, on) if override is None else override

    return RecordRules(
        minors_managed=chosen.minors_managed,
        masked_and_invisible=chosen.masked_and_invisible,
        dependants_of_general_regime=bool(value(DEPENDANTS, chosen.dependants_of_general_regime)),
        reading_lifetime=timedelta(minutes=value("reading-minutes", chosen.reading_minutes)),
        authorisation_months=int(value("authorisation-months", chosen.authorisation_months)),
        break_glass_lifetime=timedelta(minutes=value("break-glass-minutes", chosen.break_glass_minutes)),
        retention_years=int(value("retention-years", chosen.retention_years)),
    )


def _dated(name: str, on: date) -> bool | float:
    """The value of a rule on a day; before its first day, that of its first day."""
    rows = [(since, value) for rule, since, value in _rows() if rule == name]
    begun = [row for row in rows if row[0] <= on]
    return max(begun)[1] if begun else min(rows)[1]


@cache
def _rows() -> tuple[tuple[str, date, bool | float], ...]:
    rules = tomllib.loads(_FILE.read_text(encoding="utf-8"))["rule"]
    return tuple((rule["name"], rule["since"], rule["value"]) for rule in rules)
