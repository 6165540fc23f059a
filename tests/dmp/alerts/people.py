"""Those who ask for alerts, and documents to be alerted to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from dmp.alerts import (
    AnnouncedEntry,
    ByConfidentiality,
    DocumentsAdded,
    Medium,
    NotSent,
    Subscriber,
    SubscriberKind,
    Subscription,
    announce,
)
from dmp.alerts.subscriptions import subscribe
from xds_registry.database import writing

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
RECORD = "207058575627097^^^&1.2.250.1.213.1.4.10&ISO"
OTHER_RECORD = "107058575627097^^^&1.2.250.1.213.1.4.10&ISO"
PATIENT = Subscriber(SubscriberKind.PATIENT, RECORD)
MOTHER = Subscriber(SubscriberKind.REPRESENTATIVE, "mother")
DOCTOR = Subscriber(SubscriberKind.PROFESSIONAL, "899900063480")
LETTER, REPORT = "10^^1.2.250.1.213.1.1.4.1", "11488-4^^2.16.840.1.113883.6.1"
OTHER_CLASS, OTHER_TYPE = "42^^1.2.250.1.213.1.1.4.1", "57833-6^^2.16.840.1.113883.6.1"
SYSTEM = "1.2.250.1.213.1.1.4.13"


def wish(subscriber: Subscriber, **changes: Any) -> Subscription:
    """The smallest wish: every document of the record, by e-mail."""
    given: dict[str, Any] = {"patient": RECORD, "medium": Medium.MAIL, "address": "somebody@example.fr", **changes}
    return Subscription(subscriber=subscriber, **given)


def keep(engine: Engine, *wishes: Subscription) -> None:
    """Store wishes."""
    with writing(engine) as connection:
        for each in wishes:
            subscribe(connection, each, at=AT)


def added(*confidentiality: str, patient: str = RECORD, number: int = 1) -> DocumentsAdded:
    """One document came into a record."""
    codes = frozenset(f"{code}^^{SYSTEM}" for code in confidentiality)
    return DocumentsAdded(patient, AT, (AnnouncedEntry(f"urn:uuid:{number}", LETTER, REPORT, codes),), "urn:uuid:set")


def happens(engine: Engine, *announcements: Any) -> None:
    """Announce, each in a transaction of its own."""
    for announcement in announcements:
        with writing(engine) as connection:
            announce(connection, announcement)


class Authorising(ByConfidentiality):
    """The default policy with professionals whom every patient authorises."""

    def __init__(self, *professionals: str) -> None:
        self.professionals: Collection[str] = professionals

    def authorised_by(self, _connection: Connection, _patient: str) -> Collection[str]:
        return self.professionals


@dataclass
class Post:
    """A channel that keeps what it is given; `trouble` may raise before."""

    taken: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: Callable[[str], NotSent | None] = lambda _: None

    def send(self, address: str, subject: str, text: str) -> None:
        """Keep it."""
        refused = self.trouble(address)
        if refused is not None:
            raise refused
        self.taken.append((address, subject, text))

    @property
    def addresses(self) -> list[str]:
        return [address for address, _, _ in self.taken]
