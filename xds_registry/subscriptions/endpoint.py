"""The broker as a SOAP service: ITI-52 Subscribe at its address, Unsubscribe at the address of the subscription."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from dmp.audit import AuditNotWritten, Occasion, Transaction
from schemas.markup import text
from schemas.schema_files import SUBSCRIPTIONS_WSDL, XSD_DIRECTORY
from soap.faults import receiver
from soap.message import IncomingMessage, Operation, Reply
from soap.service import Service
from soap.vocabulary import WSA
from xds_registry.subscriptions.broker import Broker
from xds_registry.subscriptions.faults import FaultName, refusal
from xds_registry.subscriptions.request import SUBSCRIBE, read_subscribe
from xds_registry.subscriptions.vocabulary import (
    SUBSCRIBE_ACTION,
    SUBSCRIBE_RESPONSE_ACTION,
    UNSUBSCRIBE_ACTION,
    UNSUBSCRIBE_RESPONSE_ACTION,
    WSNT,
)

_UNSUBSCRIBE: Final = f"{{{WSNT}}}Unsubscribe"
_NAMESPACE: Final = "urn:ihe:iti:dsub:2009"


def subscription_service(broker: Broker) -> Service:
    """The service of a broker."""

    def subscribe(message: IncomingMessage) -> Reply:
        raw = etree.tostring(message.body, encoding="unicode", with_tail=False)
        try:
            made = broker.subscribe(read_subscribe(message.body), raw, Occasion.of(Transaction.SUBSCRIBE, message))
        except AuditNotWritten:
            raise receiver() from None
        reference = f"<wsa:Address>{text(broker.address_of(made))}</wsa:Address>"
        return Reply(
            (
                (
                    f'<wsnt:SubscribeResponse xmlns:wsnt="{WSNT}" xmlns:wsa="{WSA}">'
                    f"<wsnt:SubscriptionReference>{reference}</wsnt:SubscriptionReference>"
                    f"<wsnt:CurrentTime>{_instant(datetime.now(UTC))}</wsnt:CurrentTime>"
                    f"<wsnt:TerminationTime>{_instant(made.ends_at)}</wsnt:TerminationTime></wsnt:SubscribeResponse>"
                ).encode(),
            )
        )

    def unsubscribe(message: IncomingMessage) -> Reply:
        try:
            broker.unsubscribe(_named(message), Occasion.of(Transaction.SUBSCRIBE, message))
        except AuditNotWritten:
            raise receiver() from None
        return Reply((f'<wsnt:UnsubscribeResponse xmlns:wsnt="{WSNT}"/>'.encode(),))

    return Service(
        "DocumentMetadataNotificationBroker_Service",
        _NAMESPACE,
        (
            Operation(
                "DocumentMetadataNotificationBroker_Subscribe",
                SUBSCRIBE_ACTION,
                SUBSCRIBE_RESPONSE_ACTION,
                SUBSCRIBE,
                mtom=False,
                handler=subscribe,
            ),
            Operation(
                "DocumentMetadataNotificationBroker_Unsubscribe",
                UNSUBSCRIBE_ACTION,
                UNSUBSCRIBE_RESPONSE_ACTION,
                _UNSUBSCRIBE,
                mtom=False,
                handler=unsubscribe,
            ),
        ),
        SUBSCRIPTIONS_WSDL,
        XSD_DIRECTORY,
    )


def _named(message: IncomingMessage) -> str:
    """The subscription that wsa:To leads to (WS-BaseNotification 1.3 §6)."""
    name = (message.addressing.to or "").partition("?")[0].rpartition("/")[2]
    try:
        return str(uuid.UUID(name))
    except ValueError:
        raise refusal(FaultName.RESOURCE_UNKNOWN, "There is no such subscription") from None


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
