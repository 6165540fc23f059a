"""ITI-8 and ITI-44 in the audit trail (ITI TF-2: 3.8.5.1, 3.44.5.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dmp.audit.event import Action, Event, Occasion, Outcome
from dmp.audit.refusals import RefusalClass
from schemas.datatypes import Cx
from xds_registry.patients import MergeResult


def announced(occasion: Occasion, patient_id: Cx, at: datetime, *, added: bool) -> Event:
    """A patient became known, or was known before."""
    return Event.on(occasion, at, patient=str(patient_id), unchanged=not added)


def revised(occasion: Occasion, patient_id: Cx | None, at: datetime) -> Event:
    """Demographics were sent, which the registry does not keep."""
    return Event.on(occasion, at, action=Action.UPDATE, patient=str(patient_id or ""), unchanged=True)


def merged(occasion: Occasion, surviving: Cx, subsumed: Cx, result: MergeResult, at: datetime) -> tuple[Event, Event]:
    """Two patients were found to be one: the subsumed one is deleted, the surviving one updated."""
    what: dict[str, Any] = {}
    if result is not MergeResult.MERGED:
        what = {"outcome": Outcome.MINOR_FAILURE, "refusal": RefusalClass.CONFLICT, "reason": result.name}
    return (
        Event.on(occasion, at, action=Action.DELETE, patient=str(subsumed), **what),
        Event.on(occasion, at, action=Action.UPDATE, patient=str(surviving), **what),
    )


def message_refused(occasion: Occasion, reason: str, at: datetime, *, ours: bool = False) -> Event:
    """A message of the patient feed that was not accepted; `ours` when that was no fault of it."""
    return Event.on(
        occasion,
        at,
        outcome=Outcome.SERIOUS_FAILURE if ours else Outcome.MINOR_FAILURE,
        refusal=RefusalClass.SERVER if ours else RefusalClass.CONTENT,
        reason=reason,
    )
