"""ITI-18 and ITI-51 in the audit trail (ITI TF-2: 3.18.5.1, 3.51.5.1)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from lxml import etree

from dmp.audit.event import Event, Occasion, refused
from xds_registry.query.answer import Answered

#: Queries are kept as they were sent up to so many characters; of longer ones the beginning and a digest.
_LONGEST_QUERY: Final = 65_536


def queried(occasion: Occasion, request: etree._Element, answered: Answered, at: datetime) -> tuple[Event, ...]:
    """A stored query: one event for each patient, or one without a patient."""
    what: dict[str, Any] = {"query_id": answered.query_id, "query": _text(request)}
    if answered.errors:
        what |= refused(answered.errors)
    if not answered.patients:
        results = None if answered.errors else answered.results
        return (Event.on(occasion, at, results=results, **what),)
    return tuple(
        [
            Event.on(occasion, at, patient=patient, results=None if answered.errors else results, **what)
            for patient, results in answered.patients.items()
        ]
    )


def _text(request: etree._Element) -> str:
    text: str = etree.tostring(request, encoding="unicode", with_tail=False)
    if len(text) <= _LONGEST_QUERY:
        return text
    return f"{text[:_LONGEST_QUERY]}… SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"
