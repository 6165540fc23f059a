"""What the identity feed does to the registry, whichever way the message came. Each event is one transaction.

Source: ITI TF-2: 3.8.4.1.3, 3.8.4.2.3, 3.44.4.1.3, 3.44.4.2.3.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schemas.datatypes import Cx
from xds_registry import tables as t
from xds_registry.database import writing
from xds_registry.patients import MergeResult, add_patient, find_patient, merge_patients
from xds_registry.registry import Registry


class FeedUnavailable(Exception):
    """The database does not answer; nothing was done, and the message may be sent again."""


def announce(registry: Registry, patient_id: Cx, correlation_id: str) -> bool:
    """Make a patient known; committed on return. False when it was known before.

    Raises FeedUnavailable.
    """
    try:
        with writing(registry.engine) as connection:
            added = add_patient(connection, patient_id)
            if added:
                _audit(connection, registry, "patient-added", patient_id, correlation_id)
            return added
    except (OperationalError, PoolTimeout):
        raise FeedUnavailable from None


def merge(registry: Registry, surviving: Cx, subsumed: Cx, correlation_id: str) -> MergeResult:
    """Merge `subsumed` into `surviving`, or ignore that for the reason returned; committed on return.

    Raises FeedUnavailable.
    """
    try:
        with writing(registry.engine) as connection:
            result = merge_patients(connection, surviving, subsumed)
            if result is MergeResult.MERGED:
                # The subsumed patient's row leads to the surviving one, for ever; the reverse is not unique.
                _audit(connection, registry, "patient-merged", subsumed, correlation_id)
            return result
    except (OperationalError, PoolTimeout):
        raise FeedUnavailable from None


def _audit(connection: Connection, registry: Registry, event: str, patient_id: Cx, correlation_id: str) -> None:
    patient = find_patient(connection, patient_id)
    assert patient is not None  # written in this transaction  # noqa: S101
    row = {
        "happened_at": registry.clock(),
        "event": event,
        "subject": str(patient.pk),  # not the identifier: the outbox is read by more people than the record
        "correlation_id": correlation_id,
    }
    connection.execute(insert(t.audit_event), row)
