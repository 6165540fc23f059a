"""What the identity feed does to the registry, whichever way the message came. Each event is one transaction.

Source: ITI TF-2: 3.8.4.1.3, 3.8.4.2.3, 3.44.4.1.3, 3.44.4.2.3.
"""

from __future__ import annotations

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dmp.audit import AuditNotWritten, Event, Occasion
from schemas.datatypes import Cx
from xds_registry import audited
from xds_registry.database import writing
from xds_registry.patients import MergeDeferred, MergeResult, add_patient, merge_patients
from xds_registry.registry import Registry

_AWAY = (OperationalError, PoolTimeout, AuditNotWritten, MergeDeferred)


class FeedUnavailable(Exception):
    """The database does not answer, the audit trail cannot be written to, or the patients cannot be merged at present;
    nothing was done, and the message may be sent again."""


def announce(registry: Registry, patient_id: Cx, occasion: Occasion) -> bool:
    """Make a patient known; committed on return. False when it was known before.

    Raises FeedUnavailable.
    """
    try:
        with writing(registry.engine) as connection:
            added = add_patient(connection, patient_id)
            event = audited.announced(occasion, patient_id, registry.clock(), added=added)
            registry.trail.append(connection, (event,))
            return added
    except _AWAY:
        raise FeedUnavailable from None


def merge(registry: Registry, surviving: Cx, subsumed: Cx, occasion: Occasion) -> MergeResult:
    """Merge `subsumed` into `surviving`, or ignore that for the reason returned; committed on return.

    Raises FeedUnavailable.
    """
    try:
        with writing(registry.engine) as connection:
            result = merge_patients(connection, surviving, subsumed)
            now = registry.clock()
            if result is MergeResult.MERGED:
                registry.merging(connection, str(surviving), str(subsumed), occasion, now)
            events = audited.merged(occasion, surviving, subsumed, result, now)
            registry.trail.append(connection, events)
            return result
    except _AWAY:
        raise FeedUnavailable from None


def record(registry: Registry, event: Event) -> None:
    """Say in the trail what became of a message that changes nothing; committed on return. Raises FeedUnavailable."""
    try:
        registry.trail.record(event)
    except AuditNotWritten:
        raise FeedUnavailable from None
