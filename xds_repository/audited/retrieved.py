"""ITI-43 in the audit trail (ITI TF-2: 3.43.5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dmp.audit.event import Event, Occasion, refused
from schemas.errors import XdsError


def retrieved(
    occasion: Occasion, repository: str, patients: Mapping[str, str], found: Iterable[str], at: datetime
) -> list[Event]:
    """Documents (by uniqueId) that are given out: one event for each patient. `patients` tells whose each one is.

    Where that is not known here, it is the patient that the caller's assertion names.
    """
    named = "" if occasion.caller is None else occasion.caller.resource_id or ""
    grouped: dict[str, list[str]] = {}
    for document in found:
        grouped.setdefault(patients.get(document, named), []).append(document)
    return [
        Event.on(
            occasion, at, patient=patient, documents=tuple(documents), repository=repository, results=len(documents)
        )
        for patient, documents in grouped.items()
    ]


def not_retrieved(
    occasion: Occasion, repository: str, documents: Sequence[str], errors: Sequence[XdsError], at: datetime
) -> Event:
    """Documents that were asked for and are not given out."""
    named = "" if occasion.caller is None else occasion.caller.resource_id or ""
    return Event.on(occasion, at, patient=named, documents=tuple(documents), repository=repository, **refused(errors))
