"""ITI-62 in the audit trail (ITI TF-2: 3.62.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from dmp.audit.event import Event, Occasion, refused
from schemas.errors import XdsError
from xds_registry.removal.remove import Removed

#: How many objects the event of a refused removal names.
_MOST_NAMED: Final = 1000


def removed(occasion: Occasion, taken: Sequence[Removed], at: datetime) -> list[Event]:
    """Objects that were removed: one event for each patient."""
    return [
        Event.on(
            occasion,
            at,
            patient=what.patient,
            documents=what.documents,
            objects=what.objects,
            results=len(what.objects),
        )
        for what in taken
    ]


def not_removed(occasion: Occasion, entry_uuids: Sequence[str], errors: Sequence[XdsError], at: datetime) -> Event:
    """A removal that was refused."""
    return Event.on(occasion, at, objects=tuple(entry_uuids[:_MOST_NAMED]), **refused(errors))
