"""ITI-57 and ITI-92 in the audit trail (metadata update supplements, ITI TF-2: 3.57.5.1, 3.92.5.1)."""

from __future__ import annotations

from datetime import datetime

from dmp.audit.event import Event, Occasion
from xds_registry.update import Applied, PreparedUpdate


def updated(occasion: Occasion, asked: PreparedUpdate, applied: Applied, at: datetime) -> tuple[Event, ...]:
    """An update that was accepted: one event for each patient it is about, the one it names first."""
    submission_set = asked.prepared.decoded.submission.submission_sets[0]
    return tuple(
        [
            Event.on(
                occasion,
                at,
                patient=patient,
                submission_set=str(submission_set.unique_id or ""),
                documents=applied.documents,
                functions=applied.functions,
                unchanged=applied.outcome.replayed,
                results=len(applied.documents),
            )
            for patient in applied.patients
        ]
    )
