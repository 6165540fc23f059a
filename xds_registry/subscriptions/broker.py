"""The Document Metadata Notification Broker: subscribe and unsubscribe (ITI-52)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from dmp.audit import Event, Occasion, Trail
from dmp.audit.event import Action
from xds_registry.database import writing
from xds_registry.subscriptions import subscription as kept
from xds_registry.subscriptions.consumers import ConsumerRefused, Consumers
from xds_registry.subscriptions.faults import FaultName, refusal
from xds_registry.subscriptions.request import SubscribeRequest
from xds_registry.subscriptions.subscription import Owner, Subscription
from xds_registry.subscriptions.termination import NoTermination, termination

#: Says whether whoever asks may subscribe to a patient (empty: to any patient).
Permits = Callable[[Occasion, str], bool]


@dataclass(frozen=True, slots=True)
class BrokerConfiguration:
    """`address` is the URL of the service; `longest` bounds a subscription's life, `most` those of one owner."""

    address: str
    longest: timedelta = timedelta(days=366)
    most: int = 1000


def one_record(occasion: Occasion, patient: str) -> bool:
    """A caller whose assertion names a patient subscribes to that one; nobody subscribes to any patient."""
    named = None if occasion.caller is None else occasion.caller.resource_id
    return bool(patient) and (named is None or _same_patient(named, patient))


def any_record(occasion: Occasion, patient: str) -> bool:
    """The same, and any patient for those whose assertion names none."""
    if patient:
        return one_record(occasion, patient)
    return occasion.caller is None or occasion.caller.resource_id is None


class Broker:
    """Keeps subscriptions. Every one that is made or ended is in the trail, in the same transaction."""

    def __init__(
        self,
        engine: Engine,
        trail: Trail,
        configuration: BrokerConfiguration,
        consumers: Consumers,
        *,
        permits: Permits = one_record,
    ) -> None:
        self._engine = engine
        self._trail = trail
        self._consumers = consumers
        self._permits = permits
        self.configuration = configuration

    def address_of(self, subscription: Subscription) -> str:
        """The address by which a subscription is ended."""
        return f"{self.configuration.address}/{subscription.id}"

    def subscribe(self, request: SubscribeRequest, raw: str, occasion: Occasion) -> Subscription:
        """Make a subscription. `raw` is the request for the trail. Raises the faults of WS-BaseNotification."""
        now = self._trail.clock()
        try:
            self._consumers.check(request.consumer)
        except ConsumerRefused as refused:
            raise refusal(FaultName.CREATION_FAILED, str(refused), at=now) from None
        if not self._permits(occasion, request.filter.patient):
            raise refusal(FaultName.CREATION_FAILED, "The subscription is not permitted", at=now)
        latest = now + self.configuration.longest
        try:
            ends_at = latest if request.termination is None else termination(request.termination, now)
        except NoTermination:
            ends_at = now
        if ends_at <= now:
            reason = "The termination time is not in the future, or cannot be read"
            raise refusal(FaultName.UNACCEPTABLE_TERMINATION_TIME, reason, at=now)
        owner = Owner.of(occasion)
        made = Subscription(
            id=str(uuid.uuid4()),
            consumer=request.consumer,
            topic=request.topic,
            query=request.query,
            patient=request.filter.patient,
            owner=owner,
            ends_at=min(ends_at, latest),
        )
        what = {"query_id": request.filter.id.value, "query": raw}
        event = Event.on(occasion, now, patient=made.patient, reason=f"subscription {made.id}", **what)
        with writing(self._engine) as connection:
            kept.forget_ended(connection, at=now)
            if kept.count_of(connection, owner, at=now) >= self.configuration.most:
                raise refusal(FaultName.CREATION_FAILED, "There are too many subscriptions", at=now)
            kept.add(connection, made, at=now)
            self._trail.append(connection, (event,))
        return made

    def unsubscribe(self, identifier: str, occasion: Occasion) -> None:
        """End a subscription of whoever asks. Raises the fault ResourceUnknownFault, for another's too."""
        now = self._trail.clock()
        with writing(self._engine) as connection:
            ended = kept.remove(connection, identifier, Owner.of(occasion), at=now)
            if ended is None:
                raise refusal(FaultName.RESOURCE_UNKNOWN, "There is no such subscription", at=now)
            reason = f"subscription {ended.id}"
            event = Event.on(occasion, now, action=Action.DELETE, patient=ended.patient, reason=reason)
            self._trail.append(connection, (event,))


def _same_patient(left: str, right: str) -> bool:
    """CX compared by what identifies: the number and its authority."""
    first, second = left.split("^"), right.split("^")
    return first[0] == second[0] and first[3:4] == second[3:4]
