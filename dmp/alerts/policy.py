"""Who may know that a document is there: whoever may not is not alerted to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from sqlalchemy import Connection

from dmp.alerts.announcement import AnnouncedEntry
from dmp.alerts.subscriptions import Subscriber, SubscriberKind

#: TRE_A07, the system of the DMP's own confidentiality codes.
_SYSTEM: Final = "1.2.250.1.213.1.1.4.13"
#: The confidentialityCode that hides a document from each kind of subscriber.
_HIDES_FROM: Final = {
    SubscriberKind.PATIENT: f"INVISIBLE_PATIENT^^{_SYSTEM}",
    SubscriberKind.REPRESENTATIVE: f"INVISIBLE_REPRESENTANTS_LEGAUX^^{_SYSTEM}",
    SubscriberKind.PROFESSIONAL: f"MASQUE_PS^^{_SYSTEM}",
}


class AlertPolicy(Protocol):
    """What alerts ask of the record's law. Asked when an announcement is spread, and again before a message is sent."""

    def identifiers_of(self, connection: Connection, patient: str) -> Collection[str]:
        """Every identifier of the record that `patient` is one of."""
        ...

    def authorised_by(self, connection: Connection, patient: str) -> Collection[str]:
        """The national identifiers of the professionals whom the patient lets see the record at this moment."""
        ...

    def may_know(self, connection: Connection, subscriber: Subscriber, entry: AnnouncedEntry) -> bool:
        """Whether the subscriber may know that the document is there."""
        ...


class ByConfidentiality:
    """What the confidentiality codes say by themselves. No professional is authorised by anybody."""

    def identifiers_of(self, _connection: Connection, patient: str) -> Collection[str]:
        return (patient,)

    def authorised_by(self, _connection: Connection, _patient: str) -> Collection[str]:
        return ()

    def may_know(self, _connection: Connection, subscriber: Subscriber, entry: AnnouncedEntry) -> bool:
        return _HIDES_FROM[subscriber.kind] not in entry.confidentiality
