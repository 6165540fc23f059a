"""Names of WS-BaseNotification 1.3 and of ITI-52 and ITI-53: namespaces, actions, topics, filters."""

from __future__ import annotations

import enum
from typing import Final

WSNT: Final = "http://docs.oasis-open.org/wsn/b-2"
WSRF_RESOURCE: Final = "http://docs.oasis-open.org/wsrf/r-2"
WSRF_FAULT: Final = "http://docs.oasis-open.org/wsrf/bf-2"
#: Of the topics.
DSUB: Final = "urn:ihe:iti:dsub:2009"
SIMPLE_DIALECT: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Simple"

_BROKERED: Final = "http://docs.oasis-open.org/wsn/bw-2"
SUBSCRIBE_ACTION: Final = f"{_BROKERED}/NotificationProducer/SubscribeRequest"
SUBSCRIBE_RESPONSE_ACTION: Final = f"{_BROKERED}/NotificationProducer/SubscribeResponse"
UNSUBSCRIBE_ACTION: Final = f"{_BROKERED}/SubscriptionManager/UnsubscribeRequest"
UNSUBSCRIBE_RESPONSE_ACTION: Final = f"{_BROKERED}/SubscriptionManager/UnsubscribeResponse"
NOTIFY_ACTION: Final = f"{_BROKERED}/NotificationConsumer/Notify"


class Topic(enum.StrEnum):
    """What a notification tells of, and how much (ITI TF-2: 3.52.5.1)."""

    FULL_DOCUMENT_ENTRY = "ihe:FullDocumentEntry"
    MINIMAL_DOCUMENT_ENTRY = "ihe:MinimalDocumentEntry"
    SUBMISSION_SET_METADATA = "ihe:SubmissionSetMetadata"
    FOLDER_METADATA = "ihe:FolderMetadata"


class FilterId(enum.StrEnum):
    """The `rim:AdhocQuery/@id` of each kind of filter (ITI TF-2: 3.52.5.2)."""

    DOCUMENT_ENTRY = "urn:uuid:aa2332d0-f8fe-11e0-be50-0800200c9a66"
    DOCUMENT_ENTRY_OF_ANY_PATIENT = "urn:uuid:742790e0-aba6-43d6-9f1f-e43ed9790b79"
    SUBMISSION_SET = "urn:uuid:fbede94e-dbdc-4f6b-bc1f-d730e677cece"
    SUBMISSION_SET_OF_ANY_PATIENT = "urn:uuid:868cad3d-ec09-4565-b66c-1be10d034399"
    FOLDER = "urn:uuid:9376254e-da05-41f5-9af3-ac56d63d8ebd"
