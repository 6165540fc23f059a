"""Alerts to persons, by e-mail and SMS: who gets one, and what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from dmp.alerts.announcement import Announcement, DocumentsAdded, decode, encode
from dmp.alerts.channel import Channel
from dmp.alerts.delivery import Parcel
from dmp.alerts.outbox import Draft, Message
from dmp.alerts.policy import AlertPolicy
from dmp.alerts.subscriptions import AlertKind, SubscriberKind, Subscription, about, find
from dmp.alerts.texts import SUBJECT, text
from dmp.audit import Event, Occasion, Transaction

_KEY: Final = "alert:"


class Notices:
    """Those persons whom an announcement concerns and who may know of it."""

    def __init__(self, policy: AlertPolicy) -> None:
        self._policy = policy

    def drafts(self, connection: Connection, announcement: Announcement) -> Iterator[Draft]:
        """One message for each wish, however many documents there are."""
        patients = tuple(self._policy.identifiers_of(connection, announcement.patient))
        kind, professionals = AlertKind.BREAK_GLASS, tuple[str, ...]()
        if isinstance(announcement, DocumentsAdded):
            kind = AlertKind.DOCUMENT
            professionals = tuple(self._policy.authorised_by(connection, announcement.patient))
        for number, subscription in about(connection, patients, kind, professionals=professionals):
            if is_told(connection, self._policy, subscription, announcement):
                yield Draft(f"{_KEY}{number}", subscription.medium.value, encode(announcement))


class NoticeCourier:
    """Sends alerts by one medium. `portal` is the link in the text."""

    def __init__(
        self, engine: Engine, policy: AlertPolicy, channel: Channel, *, portal: str, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._channel = channel
        self._portal = portal
        self._clock = clock

    def prepare(self, message: Message) -> Parcel | None:
        """The text for the address that the subscriber has now; None for who is not to be told any more."""
        announcement = decode(message.content)
        with self._engine.connect() as connection, connection.begin():
            subscription = find(connection, int(message.recipient.removeprefix(_KEY)))
            if subscription is None or subscription.medium.value != message.channel:
                return None
            if not is_told(connection, self._policy, subscription, announcement):
                return None
        reader = subscription.subscriber.kind
        content = text(subscription.kind, reader, self._portal)
        occasion = Occasion(transaction=Transaction.ALERT)
        told = f"{subscription.medium.value} to {reader.name.lower()}"
        event = Event.on(occasion, self._clock(), patient=announcement.patient, reason=told)
        return Parcel((event,), partial(self._channel.send, subscription.address, SUBJECT, content))


def is_told(
    connection: Connection, policy: AlertPolicy, subscription: Subscription, announcement: Announcement
) -> bool:
    """Whether a subscriber wants to be told of what happened, and may be."""
    if not subscription.active:
        return False
    if not isinstance(announcement, DocumentsAdded):
        return subscription.kind is AlertKind.BREAK_GLASS
    if subscription.kind is not AlertKind.DOCUMENT:
        return False
    subscriber = subscription.subscriber
    professional = subscriber.kind is SubscriberKind.PROFESSIONAL
    # Neither a wish about one record nor a general one gives a right.
    if professional and subscriber.identifier not in policy.authorised_by(connection, announcement.patient):
        return False
    return any(
        subscription.wants(entry.class_code, entry.type_code) and policy.may_know(connection, subscriber, entry)
        for entry in announcement.entries
    )
