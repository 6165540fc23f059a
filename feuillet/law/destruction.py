"""Destroying records whose time is over, with all their documents, so that a crash leaves nothing half done.

    1  one transaction: the record becomes a tombstone; from then on nobody gets at anything of it
    2  one transaction: the registry forgets everything of its patient, the repository keeps the documents no more, and
       subscriptions about the patient end
    3  the blobs are deleted; what is left of them after a crash, the reaper deletes

Each transaction holds its audit event. A run begins with what an earlier one left after its first step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete

from dmp.alerts.tables import alert_subscription
from dmp.audit import Event, Occasion, Trail, Transaction
from dmp.errors import DmpError
from dmp.records import Author
from dmp.records.changes import (
    Destruction,
    destroy,
    destructions_under_way,
    documents_gone,
    due_for_destruction,
)
from dmp.records.find import record_of
from dmp.records.record import RecordRules
from xds_registry.database import reading, writing
from xds_registry.removal import Forgotten, documents_of, forget_patients
from xds_registry.subscriptions.tables import subscription
from xds_repository.crash_points import CrashPoint, reached
from xds_repository.ledger import Document, kept, take_away
from xds_repository.repository import Repository


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A record that was destroyed, or is due: its patient, how many documents, whether an earlier run began it."""

    record: int
    patient: str = field(repr=False)
    documents: int
    resumed: bool = False

    def as_json(self) -> dict[str, Any]:
        """What may be told of it: not its patient."""
        return {"record": self.record, "documents": self.documents, "resumed": self.resumed}


class Destroyer:
    """Destroys what is due. Several may run at a time: each record is destroyed once. `by` is whoever runs it."""

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        trail: Trail,
        *,
        rules: Callable[[datetime], RecordRules],
        by: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._repository = repository
        self._trail = trail
        self._rules = rules
        self._by = by
        self._clock = clock

    def due(self) -> list[Destroyed]:
        """What a run would destroy now; nothing is changed."""
        now = self._clock()
        with reading(self._engine) as connection:
            found = [(one.record_pk, one.identifiers, True) for one in destructions_under_way(connection)]
            for record_pk in due_for_destruction(connection, now, self._rules(now)):
                found.append((record_pk, record_of(connection, record_pk).identifiers, False))
            return [
                Destroyed(pk, identifiers[0], documents_of(connection, identifiers), resumed)
                for pk, identifiers, resumed in found
            ]

    def run(self) -> Iterator[Destroyed]:
        """Destroy what is due, one record after the other. Raises `AuditNotWritten` and what the database raises."""
        with reading(self._engine) as connection:
            left = destructions_under_way(connection)
        for destruction in left:
            yield from self._cleared(destruction, resumed=True)
        now = self._clock()
        with reading(self._engine) as connection:
            due = due_for_destruction(connection, now, self._rules(now))
        for record_pk in due:
            buried = self._bury(record_pk, now)
            if buried is not None:
                yield from self._cleared(buried, resumed=False)

    def _bury(self, record_pk: int, now: datetime) -> Destruction | None:
        """Step 1; None when the record is not to be destroyed any more: held, reactivated, or destroyed meanwhile."""
        try:
            with writing(self._engine) as connection:
                by = Author(national_id="operator", name=self._by)
                destruction = destroy(connection, record_pk, by=by, at=now, rules=self._rules(now))
                self._trail.append(connection, [self._event(destruction, "retention over")])
        except DmpError:
            return None
        reached(CrashPoint.RECORD_BURIED)
        return destruction

    def _cleared(self, destruction: Destruction, *, resumed: bool) -> Iterator[Destroyed]:
        """Steps 2 and 3; nothing when another run was faster."""
        now = self._clock()
        with writing(self._engine) as connection:
            if not documents_gone(connection, destruction.record_pk, at=now):
                return
            forgotten = forget_patients(connection, destruction.identifiers)
            for subscriptions in (alert_subscription, subscription):
                about = subscriptions.c.patient.in_(destruction.identifiers)
                connection.execute(delete(subscriptions).where(about))
            taken = take_away(connection, kept(connection, forgotten.documents), now)
            self._trail.append(connection, [self._told(destruction, forgotten, taken)])
        reached(CrashPoint.RECORD_CLEARED)
        self._repository.erase(taken)
        yield Destroyed(destruction.record_pk, destruction.identifiers[0], len(forgotten.documents), resumed)

    def _told(self, destruction: Destruction, forgotten: Forgotten, taken: list[Document]) -> Event:
        return self._event(
            destruction,
            "documents removed",
            documents=tuple(document.unique_id for document in taken),
            repository=self._repository.configuration.repository_unique_id,
            results=forgotten.objects,
        )

    def _event(self, destruction: Destruction, reason: str, **what: Any) -> Event:
        occasion = Occasion(transaction=Transaction.DESTROY_RECORD)
        patient = destruction.identifiers[0]
        return Event.on(occasion, self._clock(), name=self._by, patient=patient, reason=reason, **what)
