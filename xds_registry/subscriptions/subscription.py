"""Subscriptions as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select

from dmp.audit import Occasion
from dmp.audit.event import instant, microseconds
from xds_registry.subscriptions.tables import subscription
from xds_registry.subscriptions.vocabulary import Topic


@dataclass(frozen=True, slots=True)
class Owner:
    """Who subscribed: whom the verified assertion names, else the certificate (SHA-256) of the connection."""

    national_id: str = ""
    structure_id: str = ""
    certificate: str = ""

    @classmethod
    def of(cls, occasion: Occasion) -> Owner:
        """Whoever asks. A card is renewed and its holder stays the same, so its certificate does not count."""
        if occasion.caller is None:
            return cls(certificate=occasion.certificate)
        return cls(occasion.caller.national_id, occasion.caller.structure_id)

    def is_same(self, other: Owner) -> bool:
        """Whether both are one: a person may speak from another structure."""
        return (self.national_id, self.certificate) == (other.national_id, other.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription. `query` is its filter as XML; `patient` is empty when it is about any patient."""

    id: str
    consumer: str
    topic: Topic
    query: str
    patient: str
    owner: Owner
    ends_at: datetime


def add(connection: Connection, added: Subscription, *, at: datetime) -> None:
    """Keep a subscription."""
    connection.execute(
        insert(subscription),
        {
            "id": added.id,
            "consumer": added.consumer,
            "topic": added.topic.value,
            "query": added.query,
            "patient": added.patient,
            "national_id": added.owner.national_id,
            "structure_id": added.owner.structure_id,
            "certificate": added.owner.certificate,
            "created_at": microseconds(at),
            "ends_at": microseconds(added.ends_at),
        },
    )


def remove(connection: Connection, identifier: str, owner: Owner, *, at: datetime) -> Subscription | None:
    """Forget a subscription of this owner; what it was, or None where there is none in force."""
    found = find(connection, identifier, at=at)
    if found is None or not found.owner.is_same(owner):
        return None
    connection.execute(delete(subscription).where(subscription.c.id == identifier))
    return found


def find(connection: Connection, identifier: str, *, at: datetime) -> Subscription | None:
    """A subscription that is in force."""
    columns = subscription.c
    statement = select(subscription).where(columns.id == identifier, columns.ends_at > microseconds(at))
    row = connection.execute(statement).first()
    return None if row is None else _read(row)


def concerned(connection: Connection, patient: str, *, at: datetime) -> Iterator[Subscription]:
    """The subscriptions in force about a patient or about any."""
    columns = subscription.c
    statement = select(subscription).where(
        or_(columns.patient == patient, columns.patient == ""), columns.ends_at > microseconds(at)
    )
    for row in connection.execute(statement.order_by(columns.pk)).all():
        yield _read(row)


def count_of(connection: Connection, owner: Owner, *, at: datetime) -> int:
    """How many subscriptions in force an owner has."""
    columns = subscription.c
    statement = select(func.count()).where(
        columns.national_id == owner.national_id,
        columns.certificate == owner.certificate,
        columns.ends_at > microseconds(at),
    )
    return connection.execute(statement).scalar_one()


def forget_ended(connection: Connection, *, at: datetime) -> int:
    """Forget the subscriptions whose time is over; how many."""
    return connection.execute(delete(subscription).where(subscription.c.ends_at <= microseconds(at))).rowcount


def _read(row: Row[Any]) -> Subscription:
    return Subscription(
        id=row.id,
        consumer=row.consumer,
        topic=Topic(row.topic),
        query=row.query,
        patient=row.patient,
        owner=Owner(row.national_id, row.structure_id, row.certificate),
        ends_at=instant(row.ends_at),
    )
