"""Who wants to be told of what: the alert settings of a record and of a professional.

A patient (or a legal representative) is told of the documents of one record, and of break-glass openings; a
professional of the documents of one record, or of every patient who authorises them. Document types are chosen by
classCode, by typeCode, or not at all: then every document counts.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from dmp.alerts.tables import alert_subscription
from dmp.audit.event import microseconds

#: RFC 5321 §4.1.2, the part of it that is in use: nothing quoted, no comment, ASCII.
_MAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}", re.ASCII
)
#: ITU-T E.164
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_LONGEST_MAIL: Final = 254


class SubscriptionRefused(ValueError):
    """Alerts cannot be had so. The message says what would be accepted, never what was asked for."""


class SubscriberKind(enum.IntEnum):
    """Who is told."""

    PATIENT = 1
    REPRESENTATIVE = 2
    PROFESSIONAL = 3


class AlertKind(enum.IntEnum):
    """What they are told of."""

    DOCUMENT = 1
    BREAK_GLASS = 2


class Medium(enum.StrEnum):
    """By which way."""

    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who is told: a patient or legal representative by an identifier, a professional by the national one."""

    kind: SubscriberKind
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One wish. `patient` is the record (`id^^^&OID&ISO`); empty, it is every patient who authorises the professional.

    `class_codes` and `type_codes` (`code^^scheme`) choose documents; a document that one of them names counts. Without
    any, every document does.
    """

    subscriber: Subscriber
    patient: str
    medium: Medium
    address: str
    kind: AlertKind = AlertKind.DOCUMENT
    class_codes: frozenset[str] = frozenset()
    type_codes: frozenset[str] = frozenset()
    active: bool = True

    def wants(self, class_code: str, type_code: str) -> bool:
        """Whether a document of this class and type is one of those that were chosen."""
        if not self.class_codes and not self.type_codes:
            return True
        return class_code in self.class_codes or type_code in self.type_codes


def check_address(medium: Medium, address: str) -> str:
    """The address, if it is one and nothing else. Raises `SubscriptionRefused`."""
    if medium is Medium.MAIL and (len(address) > _LONGEST_MAIL or not _MAIL.fullmatch(address)):
        raise SubscriptionRefused("expected an e-mail address such as name@example.fr")
    if medium is Medium.SMS and not _PHONE.fullmatch(address):
        raise SubscriptionRefused("expected a telephone number in international form, such as +33612345678")
    return address


def subscribe(connection: Connection, subscription: Subscription, *, at: datetime) -> None:
    """Keep a wish; it takes the place of an earlier one of the same person, record, kind and medium.

    Whether the person may have it is for the caller to decide. Raises `SubscriptionRefused`.
    """
    _check(subscription)
    values = {
        "address": subscription.address,
        "class_codes": "\n".join(sorted(subscription.class_codes)),
        "type_codes": "\n".join(sorted(subscription.type_codes)),
        "active": subscription.active,
        "changed_at": microseconds(at),
    }
    same = _same(subscription.subscriber, subscription.patient, subscription.kind, subscription.medium)
    if not connection.execute(update(alert_subscription).where(same).values(values)).rowcount:
        subscriber = subscription.subscriber
        names = {"subscriber_kind": subscriber.kind, "subscriber": subscriber.identifier}
        names |= {"patient": subscription.patient, "kind": subscription.kind, "medium": subscription.medium.value}
        connection.execute(insert(alert_subscription), names | values)


def switch(
    connection: Connection,
    subscriber: Subscriber,
    *,
    patient: str,
    kind: AlertKind,
    medium: Medium,
    active: bool,
    at: datetime,
) -> bool:
    """Switch a wish on or off, address and document types kept; False where there is none."""
    statement = update(alert_subscription).where(_same(subscriber, patient, kind, medium))
    changed = connection.execute(statement.values(active=active, changed_at=microseconds(at)))
    return bool(changed.rowcount)


def unsubscribe(
    connection: Connection, subscriber: Subscriber, *, patient: str, kind: AlertKind, medium: Medium
) -> bool:
    """Forget a wish and its address; False where there is none."""
    return bool(connection.execute(delete(alert_subscription).where(_same(subscriber, patient, kind, medium))).rowcount)


def forget_record(connection: Connection, patient: str) -> int:
    """Forget every wish about a record, for good; how many."""
    if not patient:
        raise ValueError("a record is named by its patient")
    return connection.execute(delete(alert_subscription).where(alert_subscription.c.patient == patient)).rowcount


def subscriptions_of(connection: Connection, subscriber: Subscriber) -> tuple[Subscription, ...]:
    """Every wish of a person, switched on or not."""
    columns = alert_subscription.c
    statement = select(alert_subscription).where(
        columns.subscriber_kind == subscriber.kind, columns.subscriber == subscriber.identifier
    )
    return tuple(_read(row) for row in connection.execute(statement.order_by(columns.pk)))


def find(connection: Connection, number: int) -> Subscription | None:
    """The wish of a row."""
    row = connection.execute(select(alert_subscription).where(alert_subscription.c.pk == number)).first()
    return None if row is None else _read(row)


def about(
    connection: Connection, patients: Sequence[str], kind: AlertKind, *, professionals: Sequence[str]
) -> Iterator[tuple[int, Subscription]]:
    """The wishes in force about a record, by their rows: of its own, and the general ones of these professionals."""
    columns = alert_subscription.c
    active = and_(columns.kind == kind, columns.active.is_(True))
    of_record = select(alert_subscription).where(active, columns.patient.in_(patients)).order_by(columns.pk)
    for row in connection.execute(of_record).all():
        yield row.pk, _read(row)
    for start in range(0, len(professionals), 500):
        general = select(alert_subscription).where(
            active,
            columns.patient == "",
            columns.subscriber_kind == SubscriberKind.PROFESSIONAL,
            columns.subscriber.in_(professionals[start : start + 500]),
        )
        for row in connection.execute(general.order_by(columns.pk)).all():
            yield row.pk, _read(row)


def _check(subscription: Subscription) -> None:
    check_address(subscription.medium, subscription.address)
    professional = subscription.subscriber.kind is SubscriberKind.PROFESSIONAL
    if not subscription.subscriber.identifier:
        raise SubscriptionRefused("expected the identifier of who is to be told")
    if not subscription.patient and not professional:
        raise SubscriptionRefused("expected one record: only a professional is told of every patient's")
    if subscription.kind is AlertKind.BREAK_GLASS and professional:
        raise SubscriptionRefused("expected a patient or a legal representative: they are told of break-glass openings")
    for code in subscription.class_codes | subscription.type_codes:
        value, separator, scheme = code.partition("^^")
        if not (value and separator and scheme) or not code.isprintable():
            raise SubscriptionRefused("expected codes of the form code^^codingScheme")


def _same(subscriber: Subscriber, patient: str, kind: AlertKind, medium: Medium) -> ColumnElement[bool]:
    columns = alert_subscription.c
    return and_(
        columns.subscriber_kind == subscriber.kind,
        columns.subscriber == subscriber.identifier,
        columns.patient == patient,
        columns.kind == kind,
        columns.medium == medium.value,
    )


def _read(row: Row[Any]) -> Subscription:
    return Subscription(
        subscriber=Subscriber(SubscriberKind(row.subscriber_kind), row.subscriber),
        patient=row.patient,
        kind=AlertKind(row.kind),
        medium=Medium(row.medium),
        address=row.address,
        class_codes=frozenset(row.class_codes.splitlines()),
        type_codes=frozenset(row.type_codes.splitlines()),
        active=bool(row.active),
    )
