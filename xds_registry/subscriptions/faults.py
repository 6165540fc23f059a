"""The faults of WS-BaseNotification 1.3 (§4.2, §6.2) that ITI-52 names, as SOAP faults with their own detail."""

from __future__ import annotations

import enum
from datetime import UTC, datetime

from schemas.markup import text
from soap.faults import FaultCode, SoapFault
from xds_registry.subscriptions.vocabulary import WSNT, WSRF_FAULT, WSRF_RESOURCE


class FaultName(enum.Enum):
    """What is wrong: namespace and local name of the fault."""

    INVALID_FILTER = (WSNT, "InvalidFilterFault")
    DIALECT_UNKNOWN = (WSNT, "TopicExpressionDialectUnknownFault")
    INVALID_TOPIC_EXPRESSION = (WSNT, "InvalidTopicExpressionFault")
    TOPIC_NOT_SUPPORTED = (WSNT, "TopicNotSupportedFault")
    UNACCEPTABLE_TERMINATION_TIME = (WSNT, "UnacceptableInitialTerminationTimeFault")
    UNRECOGNIZED_POLICY = (WSNT, "UnrecognizedPolicyRequestFault")
    CREATION_FAILED = (WSNT, "SubscribeCreationFailedFault")
    NOT_DESTROYED = (WSNT, "UnableToDestroySubscriptionFault")
    RESOURCE_UNKNOWN = (WSRF_RESOURCE, "ResourceUnknownFault")


def refusal(name: FaultName, reason: str, *, at: datetime | None = None) -> SoapFault:
    """The fault; its reason repeats nothing of the message. `at` is the moment that its detail states."""
    namespace, local = name.value
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    inner = f"<b:Timestamp>{moment}</b:Timestamp><b:Description>{text(reason)}</b:Description>"
    if name is FaultName.INVALID_FILTER:
        inner += "<n:UnknownFilter/>"
    ours = name is FaultName.NOT_DESTROYED
    return SoapFault(
        FaultCode.RECEIVER if ours else FaultCode.SENDER,
        reason,
        subcodes=(f"{{{namespace}}}{local}",),
        detail=f'<n:{local} xmlns:n="{namespace}" xmlns:b="{WSRF_FAULT}">{inner}</n:{local}>',
        # WS-BaseNotification 1.3 §2, WS-Resource 1.2 §5: one action for all faults of each standard
        action="http://docs.oasis-open.org/wsn/fault" if namespace == WSNT else "http://docs.oasis-open.org/wsrf/fault",
    )
