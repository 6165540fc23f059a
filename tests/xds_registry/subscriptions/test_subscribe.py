"""ITI-52: what is accepted, what is refused and by which fault, who may end a subscription."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from card_auth.caller import AccessMode, Caller, PurposeOfUse
from dmp.audit import AuditNotWritten, Occasion, Trail, Transaction
from dmp.audit.event import Action
from soap.client.caller import SoapCaller
from soap.envelope import request_head, tail
from soap.faults import FaultCode, SoapFault
from soap.xml import parse_trusted
from tests.services.trail import events_of
from tests.xds_registry.submissions import patient
from tests.xds_registry.subscriptions.conftest import Consumer, House, slots, subscribe_body
from xds_registry.subscriptions.broker import one_record
from xds_registry.subscriptions.request import read_subscribe
from xds_registry.subscriptions.tables import subscription
from xds_registry.subscriptions.vocabulary import SUBSCRIBE_ACTION, WSNT, WSRF_RESOURCE, FilterId

OF_P1 = slots(XDSDocumentEntryPatientId=f"'{patient('P1')}'")
ANY = {"filter_id": FilterId.DOCUMENT_ENTRY_OF_ANY_PATIENT, "parameters": slots(XDSDocumentEntryTypeCode="('t^^1.2')")}


def caller(national_id: str = "899900063480", resource_id: str | None = None) -> Caller:
    """Whom an assertion names."""
    return Caller(
        national_id=national_id,
        name="NOM PRENOM",
        roles=(),
        structure_id="10B0000000",
        structure_name=None,
        sector=None,
        mode=AccessMode.DIRECT,
        purpose_of_use=PurposeOfUse.NORMAL,
        resource_id=resource_id,
    )


def refused(house: House, body: bytes) -> SoapFault:
    """The fault that a request is answered."""
    with pytest.raises(SoapFault) as fault:
        house.subscribe(body)
    assert count(house) == 0
    return fault.value


def count(house: House) -> int:
    with house.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(subscription)).scalar_one()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"parameters": ""}, "InvalidFilterFault"),  # the patient is missing
        ({"parameters": OF_P1 + slots(XDSDocumentEntryAuthorSpecialty="('x')")}, "InvalidFilterFault"),
        ({"parameters": OF_P1 + slots(XDSDocumentEntryTypeCode="('x')")}, "InvalidFilterFault"),
        ({"filter_id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", "parameters": OF_P1}, "InvalidFilterFault"),
        ({"filter_id": FilterId.SUBMISSION_SET, "parameters": OF_P1}, "InvalidFilterFault"),
        ({"topic": "ihe:FolderMetadata", "parameters": OF_P1}, "InvalidFilterFault"),
        (ANY | {"parameters": slots(XDSDocumentEntryFormatCode="('t^^1.2')")}, "InvalidFilterFault"),
        ({"parameters": OF_P1, "dialect": "urn:x"}, "TopicExpressionDialectUnknownFault"),
        ({"parameters": OF_P1, "topic": "ihe:SomethingElse"}, "TopicNotSupportedFault"),
        ({"parameters": OF_P1, "topic": "wsnt:FullDocumentEntry"}, "TopicNotSupportedFault"),
        ({"parameters": OF_P1, "topic": "ihe:Full | ihe:Minimal"}, "InvalidTopicExpressionFault"),
        ({"parameters": OF_P1, "topic": ""}, "InvalidTopicExpressionFault"),
        ({"parameters": OF_P1, "ends": "2020-01-01T00:00:00Z"}, "UnacceptableInitialTerminationTimeFault"),
        ({"parameters": OF_P1, "ends": "PT0S"}, "UnacceptableInitialTerminationTimeFault"),
        ({"parameters": OF_P1, "ends": "tomorrow"}, "UnacceptableInitialTerminationTimeFault"),
        (
            {"parameters": OF_P1, "more": "<wsnt:SubscriptionPolicy><wsnt:UseRaw/></wsnt:SubscriptionPolicy>"},
            "UnrecognizedPolicyRequestFault",
        ),
    ],
)
def test_what_is_wrong_is_called_by_its_name(
    broker: House, consumer: Consumer, changes: dict[str, Any], name: str
) -> None:
    fault = refused(broker, subscribe_body(consumer.url, **changes))
    assert (fault.code, fault.subcode) == (FaultCode.SENDER, f"{{{WSNT}}}{name}")


@pytest.mark.parametrize("consumer_address", ["http://localhost:1/", "http://metadata.internal/", "", "file:///etc"])
def test_a_consumer_that_is_not_allowed_is_refused(broker: House, consumer_address: str) -> None:
    fault = refused(broker, subscribe_body(consumer_address, parameters=OF_P1))
    assert fault.subcode == f"{{{WSNT}}}SubscribeCreationFailedFault"
    assert not consumer_address or consumer_address not in fault.reason


def test_a_fault_carries_the_detail_of_its_standard(broker: House, consumer: Consumer) -> None:
    body = subscribe_body(consumer.url, parameters="")
    envelope = (
        request_head(SUBSCRIBE_ACTION, "urn:uuid:1f6f1d3c-25a8-4cf1-b3f2-1d1c6e8c8f11", broker.url) + body + tail()
    )
    answer = requests.post(broker.url, envelope, headers={"Content-Type": "application/soap+xml"}, timeout=60)
    root = parse_trusted(answer.content)
    assert answer.status_code == 400
    (action,) = root.iter("{http://www.w3.org/2005/08/addressing}Action")
    assert action.text == "http://docs.oasis-open.org/wsn/fault"
    (detail,) = root.iter(f"{{{WSNT}}}InvalidFilterFault")
    assert [str(child.tag).rpartition("}")[2] for child in detail] == ["Timestamp", "Description", "UnknownFilter"]


def test_a_subscription_lives_no_longer_than_is_allowed(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1, ends="P10Y"))
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1, ends="2026-02-01T01:00:00+01:00"))
    with broker.engine.connect() as connection:
        ends = connection.execute(select(subscription.c.ends_at).order_by(subscription.c.pk)).scalars().all()
    start = datetime(1970, 1, 1, tzinfo=UTC)
    longest = broker.clock() + timedelta(days=366)
    assert [start + timedelta(microseconds=end) for end in ends] == [
        longest,
        longest,
        datetime(2026, 2, 1, tzinfo=UTC),
    ]


def test_ending_a_subscription_twice_finds_nothing_the_second_time(broker: House, consumer: Consumer) -> None:
    address = broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    broker.unsubscribe(address)
    assert count(broker) == 0
    for unknown in (address, "http://broker.example/subscriptions", "http://broker.example/subscriptions/x"):
        with pytest.raises(SoapFault) as fault:
            broker.unsubscribe(unknown)
        assert fault.value.subcode == f"{{{WSRF_RESOURCE}}}ResourceUnknownFault"


def test_a_subscription_is_its_owners_alone_and_unknown_to_others(broker: House, consumer: Consumer) -> None:
    asked = read_subscribe(parse_trusted(subscribe_body(consumer.url, parameters=OF_P1)))
    owner, other = (Occasion(transaction=Transaction.SUBSCRIBE, caller=caller(x)) for x in ("1", "2"))
    made = broker.broker.subscribe(asked, "", owner)
    for stranger in (other, Occasion(transaction=Transaction.SUBSCRIBE)):
        with pytest.raises(SoapFault, match="There is no such subscription"):
            broker.broker.unsubscribe(made.id, stranger)
    broker.broker.unsubscribe(made.id, owner)
    assert count(broker) == 0


def test_an_owner_has_no_more_than_so_many(open_house: Callable[..., Any], consumer: Consumer) -> None:
    with open_house(most=2) as house:
        first = house.subscribe(subscribe_body(consumer.url, parameters=OF_P1, ends="P1D"))
        house.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
        with pytest.raises(SoapFault, match="too many"):
            house.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
        house.clock.advance(days=1)  # one has ended
        house.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
        with pytest.raises(SoapFault):
            house.unsubscribe(first)


def test_unless_it_is_allowed_a_subscription_names_a_patient(
    open_house: Callable[..., Any], consumer: Consumer
) -> None:
    with open_house(permits=one_record) as house:
        assert refused(house, subscribe_body(consumer.url, **ANY)).reason == "The subscription is not permitted"
        house.subscribe(subscribe_body(consumer.url, parameters=OF_P1))


@pytest.mark.parametrize(("named", "allowed"), [("P1", True), ("P2", False)])
def test_whoever_is_let_in_for_one_patient_subscribes_to_that_one(
    broker: House, consumer: Consumer, named: str, allowed: bool
) -> None:
    asked = read_subscribe(parse_trusted(subscribe_body(consumer.url, parameters=OF_P1)))
    # with an effective date, as some assertions have it
    occasion = Occasion(transaction=Transaction.SUBSCRIBE, caller=caller(resource_id=f"{patient(named)}^PI^^20200101"))
    if allowed:
        broker.broker.subscribe(asked, "", occasion)
    else:
        with pytest.raises(SoapFault, match="not permitted"):
            broker.broker.subscribe(asked, "", occasion)


def test_each_subscription_and_its_end_are_events(broker: House, consumer: Consumer) -> None:
    body = subscribe_body(consumer.url, parameters=OF_P1)
    broker.unsubscribe(broker.subscribe(body))
    made, ended = sorted(events_of(broker.engine), key=lambda event: event.action)
    assert (made.action, ended.action) == (Action.CREATE, Action.DELETE)
    assert {event.transaction for event in (made, ended)} == {Transaction.SUBSCRIBE}
    assert {event.patient for event in (made, ended)} == {str(patient("P1"))}
    assert made.query_id == FilterId.DOCUMENT_ENTRY
    assert "XDSDocumentEntryPatientId" in made.query
    assert made.reason == ended.reason


def test_what_cannot_be_recorded_is_not_subscribed(broker: House, consumer: Consumer) -> None:
    broker.broker._trail = Trail(broker.engine, None, clock=broker.clock)
    asked = read_subscribe(parse_trusted(subscribe_body(consumer.url, parameters=OF_P1)))
    with pytest.raises(AuditNotWritten):
        broker.broker.subscribe(asked, "", Occasion(transaction=Transaction.SUBSCRIBE))
    assert count(broker) == 0
    with pytest.raises(SoapFault) as fault:
        SoapCaller(broker.url).call(SUBSCRIBE_ACTION, subscribe_body(consumer.url, parameters=OF_P1))
    assert fault.value.code is FaultCode.RECEIVER
