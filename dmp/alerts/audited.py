"""What the alert settings say in the audit trail."""

from __future__ import annotations

import enum
from datetime import datetime

from dmp.alerts.subscriptions import AlertKind, Medium, Subscriber
from dmp.audit import Event, Occasion
from dmp.audit.event import Action


class Change(enum.Enum):
    """What was done to a wish."""

    KEPT = Action.CREATE
    SWITCHED = Action.UPDATE
    FORGOTTEN = Action.DELETE


def changed(
    occasion: Occasion,
    change: Change,
    subscriber: Subscriber,
    *,
    patient: str,
    kind: AlertKind,
    medium: Medium,
    at: datetime,
) -> Event:
    """A wish was kept, switched or forgotten. The address is not told."""
    what = f"{kind.name.lower()} by {medium.value} to {subscriber.kind.name.lower()}"
    return Event.on(occasion, at, action=change.value, patient=patient, reason=what)
