"""ITI-53 Document Metadata Notify: whom an announcement concerns, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine

from dmp.alerts import Announcement, DocumentsAdded
from dmp.alerts.delivery import Parcel
from dmp.alerts.outbox import Draft, Message
from dmp.audit import Event, Occasion, Transaction
from schemas.markup import attribute, text
from schemas.vocabulary import LCM, RIM
from soap.faults import SoapFault
from soap.vocabulary import WSA
from xds_registry.database import reading
from xds_registry.query.search import Found
from xds_registry.subscriptions import subscription as kept
from xds_registry.subscriptions.consumers import Consumers
from xds_registry.subscriptions.filters import matching, stored_filter
from xds_registry.subscriptions.subscription import Subscription
from xds_registry.subscriptions.vocabulary import DSUB, SIMPLE_DIALECT, WSNT, Topic
from xds_registry.visibility import EVERYTHING, Visibility

_log: Final = structlog.get_logger(__name__)
#: The channel of notifications in the outbox.
NOTIFY: Final = "notify"
_KEY: Final = "notify:"
#: What the owner of a subscription sees at this moment.
VisibilityOf = Callable[[Connection, Subscription], Visibility]


def everything(_connection: Connection, _subscription: Subscription) -> Visibility:
    """Every subscriber sees every row: those who may subscribe are trusted systems."""
    return EVERYTHING


class Notifications:
    """The subscriptions that an announcement concerns."""

    def __init__(self, clock: Callable[[], datetime], *, visibility_of: VisibilityOf = everything) -> None:
        self._clock = clock
        self._visibility_of = visibility_of

    def drafts(self, connection: Connection, announcement: Announcement) -> Iterator[Draft]:
        """One notification for each subscription; of Folders one for each Folder (ITI TF-2: 3.53.4.1.2)."""
        if not isinstance(announcement, DocumentsAdded):
            return
        for each in kept.concerned(connection, announcement.patient, at=self._clock()):
            found = _matching(connection, each, _objects(announcement, each.topic), self._visibility_of)
            uuids = [row.entry_uuid for row in found]
            groups = [[one] for one in uuids] if each.topic is Topic.FOLDER_METADATA else [uuids] if uuids else []
            for group in groups:
                content = {"objects": group, "patient": announcement.patient}
                yield Draft(f"{_KEY}{each.id}", NOTIFY, json.dumps(content, separators=(",", ":")))


class NotifyCourier:
    """Sends notifications. `address_of` names a subscription to its consumer."""

    def __init__(
        self,
        engine: Engine,
        consumers: Consumers,
        address_of: Callable[[Subscription], str],
        clock: Callable[[], datetime],
        *,
        visibility_of: VisibilityOf = everything,
    ) -> None:
        self._engine = engine
        self._consumers = consumers
        self._address_of = address_of
        self._clock = clock
        self._visibility_of = visibility_of

    def prepare(self, message: Message) -> Parcel | None:
        """The notification with the metadata as it is now; None when the subscription ended or nothing may be seen."""
        content, now = json.loads(message.content), self._clock()
        with reading(self._engine) as connection:
            told = kept.find(connection, message.recipient.removeprefix(_KEY), at=now)
            if told is None:
                return None
            found = _matching(connection, told, content["objects"], self._visibility_of)
        if not found:
            return None
        body = notify(told.topic, found, self._address_of(told))
        occasion = Occasion(transaction=Transaction.NOTIFY, endpoint=told.consumer)
        reason = f"subscription {told.id}"
        event = Event.on(occasion, now, patient=content["patient"], reason=reason, **_audited(told.topic, found))
        return Parcel((event,), partial(self._consumers.tell, told.consumer, body))


def notify(topic: Topic, objects: Sequence[Found], reference: str) -> bytes:
    """The `wsnt:Notify` of objects (ITI TF-2: 3.53.4.1.2)."""
    if topic is Topic.MINIMAL_DOCUMENT_ENTRY:
        listed = b"".join(_object_ref(row) for row in objects)
    else:
        listed = b"".join(row.fragment for row in objects)
    before = (
        f'<wsnt:Notify xmlns:wsnt="{WSNT}" xmlns:wsa="{WSA}" xmlns:lcm="{LCM}" xmlns:rim="{RIM}">'
        "<wsnt:NotificationMessage>"
        f"<wsnt:SubscriptionReference><wsa:Address>{text(reference)}</wsa:Address></wsnt:SubscriptionReference>"
        f'<wsnt:Topic xmlns:ihe="{DSUB}" Dialect="{SIMPLE_DIALECT}">{topic.value}</wsnt:Topic>'
        "<wsnt:Message><lcm:SubmitObjectsRequest><rim:RegistryObjectList>"
    )
    after = (
        "</rim:RegistryObjectList></lcm:SubmitObjectsRequest></wsnt:Message></wsnt:NotificationMessage></wsnt:Notify>"
    )
    return before.encode() + listed + after.encode()


def _object_ref(row: Found) -> bytes:
    home = f' home="{attribute(row.home)}"' if row.home else ""
    return f'<rim:ObjectRef id="{attribute(row.entry_uuid)}"{home}/>'.encode()


def _objects(announcement: DocumentsAdded, topic: Topic) -> Sequence[str]:
    if topic is Topic.SUBMISSION_SET_METADATA:
        return [announcement.submission_set]
    if topic is Topic.FOLDER_METADATA:
        return announcement.folders
    return [entry.entry_uuid for entry in announcement.entries]


def _matching(
    connection: Connection, told: Subscription, objects: Sequence[str], visibility_of: VisibilityOf
) -> list[Found]:
    if not objects:
        return []
    try:
        wanted = stored_filter(told.query, told.topic)
    except SoapFault:
        # Accepted by an earlier version, and not understood by this one: nobody else's notifications wait for it.
        _log.error("subscription.unreadable", subscription=told.id)
        return []
    return matching(connection, wanted, objects, visibility_of(connection, told))


def _audited(topic: Topic, found: Sequence[Found]) -> dict[str, Any]:
    """What the trail says of the objects (ITI TF-2: 3.53.5.1.2)."""
    uuids = tuple(row.entry_uuid for row in found)
    if topic is Topic.SUBMISSION_SET_METADATA:
        return {"submission_set": uuids[0], "results": len(uuids)}
    return {"folders" if topic is Topic.FOLDER_METADATA else "documents": uuids, "results": len(uuids)}
