"""The dated rules about records, as a deployment has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from dmp.records import rules
from dmp.records.record import RecordRules
from feuillet.settings import RecordSettings


def record_rules(settings: RecordSettings) -> Callable[[datetime], RecordRules]:
    """What gives the rules of a moment."""
    chosen = rules.Overrides(minors_managed=settings.minors, **settings.model_dump(exclude={"minors"}))

    def at(moment: datetime) -> RecordRules:
        return rules.current(moment.date(), chosen)

    return at
