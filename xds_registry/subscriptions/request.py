"""A `wsnt:Subscribe` as it was sent (WS-BaseNotification 1.3 §4.2; ITI TF-2: 3.52.4.1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from schemas.ebrim.reading import children
from soap.vocabulary import WSA
from soap.xml import XmlRefused, text_only
from xds_registry.subscriptions.faults import FaultName, refusal
from xds_registry.subscriptions.filters import ADHOC_QUERY, Filter, read_filter
from xds_registry.subscriptions.vocabulary import DSUB, SIMPLE_DIALECT, WSNT, Topic

SUBSCRIBE: Final = f"{{{WSNT}}}Subscribe"
_CONSUMER: Final = f"{{{WSNT}}}ConsumerReference"
_FILTER: Final = f"{{{WSNT}}}Filter"
_TOPIC: Final = f"{{{WSNT}}}TopicExpression"
_TERMINATION: Final = f"{{{WSNT}}}InitialTerminationTime"
_POLICY: Final = f"{{{WSNT}}}SubscriptionPolicy"
_NAME: Final = re.compile(r"(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)")
_TOPICS: Final = {topic.value.removeprefix("ihe:"): topic for topic in Topic}


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """What is asked for. `termination` is as it was sent, None where it was left to us."""

    consumer: str
    topic: Topic
    filter: Filter
    query: str
    termination: str | None


def read_subscribe(element: etree._Element) -> SubscribeRequest:
    """Read a request. Raises the faults of WS-BaseNotification."""
    parts = {child.tag: child for child in children(element)}
    if _POLICY in parts and len(parts[_POLICY]):
        raise refusal(FaultName.UNRECOGNIZED_POLICY, "No subscription policy is known here")
    reference = parts.get(_CONSUMER)
    address = None if reference is None else reference.find(f"{{{WSA}}}Address")
    if address is None:
        raise refusal(FaultName.CREATION_FAILED, "The subscription names no consumer")
    filters = parts.get(_FILTER)
    within = [] if filters is None else list(children(filters))
    topics = [child for child in within if child.tag == _TOPIC]
    queries = [child for child in within if child.tag == ADHOC_QUERY]
    if len(topics) != 1:
        raise refusal(FaultName.INVALID_TOPIC_EXPRESSION, "Exactly one topic is expected")
    topic = _topic(topics[0])
    if len(queries) != 1 or len(within) != 2:
        raise refusal(FaultName.INVALID_FILTER, "Exactly one AdhocQuery is expected beside the topic")
    wanted = read_filter(queries[0], topic)
    query = etree.tostring(queries[0], encoding="unicode", with_tail=False)
    termination = parts.get(_TERMINATION)
    return SubscribeRequest(
        _text(address), topic, wanted, query, None if termination is None else _text(termination) or None
    )


def _topic(expression: etree._Element) -> Topic:
    if expression.get("Dialect", "") != SIMPLE_DIALECT:
        raise refusal(FaultName.DIALECT_UNKNOWN, "The dialect of the topic expression is not known here")
    name = _NAME.fullmatch(_text(expression))
    if name is None:
        raise refusal(FaultName.INVALID_TOPIC_EXPRESSION, "The topic expression is not one topic")
    # The standard's own examples write the prefix without declaring it.
    namespace = expression.nsmap.get(name[1]) or (DSUB if name[1] == "ihe" else None)
    topic = _TOPICS.get(name[2]) if namespace == DSUB or name[1] == "ihe" else None
    if topic is None:
        raise refusal(FaultName.TOPIC_NOT_SUPPORTED, "The topic is not supported here")
    return topic


def _text(element: etree._Element) -> str:
    try:
        return text_only(element).strip()
    except XmlRefused:
        return ""
