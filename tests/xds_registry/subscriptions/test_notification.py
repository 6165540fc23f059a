"""Subscribe, register, be notified: over real HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, update

from dmp.alerts.delivery import Result
from dmp.audit import Outcome, Transaction
from soap.envelope import fault_envelope
from soap.faults import receiver
from soap.vocabulary import WSA
from tests.services.trail import events_of
from tests.xds_registry.submissions import (
    code,
    entry,
    folder,
    member,
    on_demand_entry,
    patient,
    replaces,
    request,
    submission_set,
)
from tests.xds_registry.subscriptions.conftest import Consumer, House, slots, subscribe_body
from xds_registry import tables as t
from xds_registry.database import writing
from xds_registry.encoding import DEPRECATED
from xds_registry.subscriptions.tables import subscription
from xds_registry.subscriptions.vocabulary import NOTIFY_ACTION, WSNT, FilterId
from xds_registry.visibility import Everything

P1, P2 = f"'{patient('P1')}'", f"'{patient('P2')}'"
OF_P1 = slots(XDSDocumentEntryPatientId=P1)


def test_a_subscriber_is_told_of_the_whole_entry(broker: House, consumer: Consumer) -> None:
    address = broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    new = entry()
    broker.client.accept(new)
    assert [delivered.result for delivered in broker.deliver()] == [Result.SENT]
    assert consumer.objects == [[new.entry_uuid]]
    assert consumer.tags == [["ExtrinsicObject"]]
    (envelope,) = consumer.told
    assert envelope.findtext(f".//{{{WSA}}}Action") == NOTIFY_ACTION
    message = consumer.notification().find(f"{{{WSNT}}}NotificationMessage")
    assert message is not None
    assert message.findtext(f"{{{WSNT}}}SubscriptionReference/{{{WSA}}}Address") == address
    assert message.findtext(f"{{{WSNT}}}Topic") == "ihe:FullDocumentEntry"
    broker.client._valid(message.find(f"{{{WSNT}}}Message")[0])  # type: ignore[index]  # it has one child


def test_the_minimal_topic_gives_references_only(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, topic="ihe:MinimalDocumentEntry", parameters=OF_P1))
    first, second = entry(), entry()
    broker.client.accept(first, second)
    broker.deliver()
    assert consumer.tags == [["ObjectRef", "ObjectRef"]]
    assert set(consumer.objects[0]) == {first.entry_uuid, second.entry_uuid}


def test_submission_sets_and_folders_are_topics_of_their_own(broker: House, consumer: Consumer) -> None:
    for topic, filter_id, parameters in (
        ("ihe:SubmissionSetMetadata", FilterId.SUBMISSION_SET, slots(XDSSubmissionSetPatientId=P1)),
        ("ihe:FolderMetadata", FilterId.FOLDER, slots(XDSFolderPatientId=P1)),
    ):
        body = subscribe_body(consumer.url, topic=topic, filter_id=filter_id, parameters=parameters)
        broker.subscribe(body)
    holder, new, first, second = submission_set(), entry(), folder(), folder()
    broker.client.accept(holder, new, first, second)
    broker.deliver()
    assert sorted(map(str, consumer.objects)) == sorted(
        str([item.entry_uuid]) for item in (holder, first, second)
    )  # one Folder in each notification
    assert consumer.tags == [["RegistryPackage"]] * 3


def test_a_folder_that_gains_a_member_is_told_of_again(broker: House, consumer: Consumer) -> None:
    body = subscribe_body(
        consumer.url,
        topic="ihe:FolderMetadata",
        filter_id=FilterId.FOLDER,
        parameters=slots(XDSFolderPatientId=P1, XDSFolderCodeList="('folder-code^^1.2.3')"),
    )
    broker.subscribe(body)
    there, new = folder(), entry()
    broker.client.accept(there)
    broker.client.accept(new, member(there, new))
    broker.deliver()
    assert consumer.objects == [[there.entry_uuid]] * 2


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, True),
        ({"XDSDocumentEntryTypeCode": "('wanted^^1.2.3','other^^1.2.3')"}, True),
        ({"XDSDocumentEntryTypeCode": "('other^^1.2.3')"}, False),
        ({"XDSDocumentEntryClassCode": "('class^^1.2.3')", "XDSDocumentEntryTypeCode": "('other^^1.2.3')"}, False),
        ({"XDSDocumentEntryConfidentialityCode": "('N^^1.2.3')"}, True),
        ({"XDSDocumentEntryConfidentialityCode": "('R^^1.2.3')"}, False),
        ({"XDSDocumentEntryCreationTimeFrom": "'20250101'"}, False),
        ({"XDSDocumentEntryStatus": "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')"}, True),
        ({"XDSDocumentEntryStatus": "('urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated')"}, False),
    ],
)
def test_the_filter_lets_through_what_the_stored_query_would_find(
    broker: House, consumer: Consumer, parameters: dict[str, str], told: bool
) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1 + slots(**parameters)))
    broker.client.accept(entry(type_code=code("wanted")))
    broker.deliver()
    assert bool(consumer.told) is told


def test_another_patient_is_not_told_of(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=slots(XDSDocumentEntryPatientId=P2)))
    broker.client.accept(entry())
    assert broker.deliver() == []


def test_any_patient_can_be_asked_for_by_type(broker: House, consumer: Consumer) -> None:
    broker.subscribe(
        subscribe_body(
            consumer.url,
            filter_id=FilterId.DOCUMENT_ENTRY_OF_ANY_PATIENT,
            parameters=slots(XDSDocumentEntryClassCode="('class^^1.2.3')"),
        )
    )
    one, two = entry(), entry(patient_id=patient("P2"))
    broker.client.accept(one)
    broker.client.accept(two)
    broker.client.accept(entry(class_code=code("another")))
    broker.deliver()
    assert consumer.objects == [[one.entry_uuid], [two.entry_uuid]]


def test_only_the_matching_entries_of_a_submission_are_told_of(broker: House, consumer: Consumer) -> None:
    broker.subscribe(
        subscribe_body(consumer.url, parameters=OF_P1 + slots(XDSDocumentEntryTypeCode="('wanted^^1.2.3')"))
    )
    wanted = entry(type_code=code("wanted"))
    broker.client.accept(entry(), wanted, entry())
    broker.deliver()
    assert consumer.objects == [[wanted.entry_uuid]]


def test_a_replacement_is_told_of_as_a_new_entry(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    old, new = entry(), entry()
    broker.client.accept(old)
    broker.client.accept(new, replaces(new, old))
    broker.deliver()
    assert consumer.objects == [[old.entry_uuid], [new.entry_uuid]]


def test_on_demand_entries_are_told_of_to_those_who_ask_for_them(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    kind = "('urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248')"
    asking = broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1 + slots(XDSDocumentEntryType=kind)))
    broker.client.accept_on_demand(on_demand_entry())
    broker.deliver()
    assert len(consumer.told) == 1
    assert consumer.notification().findtext(f".//{{{WSNT}}}SubscriptionReference/{{{WSA}}}Address") == asking


def test_a_submission_that_is_sent_again_is_told_of_once(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    message = request(entry())
    assert not broker.client.send(message).replayed
    assert broker.client.send(message).replayed
    broker.deliver()
    assert len(consumer.told) == 1


def test_a_submission_that_is_refused_is_not_told_of(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=slots(XDSDocumentEntryPatientId=P1)))
    broker.client.accept(entry(entry_uuid=(taken := entry()).entry_uuid))
    broker.deliver()
    assert not broker.client.submit(taken).succeeded
    assert broker.deliver() == []


class ApprovedOnly(Everything):
    """A subscriber that may not see what is deprecated."""

    def document_entries(self) -> ColumnElement[bool]:
        return t.document_entry.c.status != DEPRECATED


def test_what_became_hidden_before_its_notification_left_is_not_told(
    open_house: Callable[..., Any], consumer: Consumer
) -> None:
    with open_house(visibility_of=lambda *_: ApprovedOnly()) as house:
        house.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
        old, new = entry(), entry()
        house.client.accept(old)
        house.spread()
        house.client.accept(new, replaces(new, old))
        results = [delivered.result for delivered in house.deliver()]
    assert results == [Result.WITHDRAWN, Result.SENT]
    assert consumer.objects == [[new.entry_uuid]]


def test_a_subscription_that_is_not_understood_any_more_keeps_nobody_waiting(broker: House, consumer: Consumer) -> None:
    body = subscribe_body(consumer.url, parameters=OF_P1)
    broken = broker.subscribe(body).rpartition("/")[2]
    with writing(broker.engine) as connection:
        connection.execute(update(subscription).where(subscription.c.id == broken).values(query="<a/>"))
    broker.subscribe(body)
    broker.client.accept(entry())
    assert [delivered.result for delivered in broker.deliver()] == [Result.SENT]


def test_a_consumer_that_fails_is_told_later_and_in_order(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    first, second = entry(), entry()
    consumer.status = "503 Service Unavailable"
    broker.client.accept(first)
    broker.client.accept(second)
    assert [delivered.result for delivered in broker.deliver()] == [Result.POSTPONED]
    consumer.status, consumer.answer = "200 OK", fault_envelope(receiver(), "", None)
    broker.clock.advance(minutes=1)
    assert [(d.result, d.reason) for d in broker.deliver()] == [(Result.POSTPONED, "fault Receiver")]
    consumer.answer = b""
    broker.clock.advance(minutes=5)
    assert [delivered.result for delivered in broker.deliver()] == [Result.SENT, Result.SENT]
    assert consumer.objects == [[first.entry_uuid]] * 3 + [[second.entry_uuid]]


def test_each_notification_is_an_event_with_its_objects(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    new = entry()
    broker.client.accept(new)
    broker.deliver()
    consumer.status = "500 Internal Server Error"
    broker.client.accept(entry())
    broker.deliver()
    events = [event for event in events_of(broker.engine) if event.transaction is Transaction.NOTIFY]
    told = [event for event in events if event.documents == (new.entry_uuid,)]
    assert len(events) == 3
    assert sum(event.outcome is Outcome.SERIOUS_FAILURE for event in events) == 1
    assert [(event.patient, event.endpoint) for event in told] == [(str(patient("P1")), consumer.url)]


def test_a_subscription_that_ended_is_not_met(broker: House, consumer: Consumer) -> None:
    broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1, ends="P1D"))
    ended = broker.subscribe(subscribe_body(consumer.url, parameters=OF_P1))
    broker.client.accept(entry())
    broker.spread()
    broker.unsubscribe(ended)
    broker.clock.advance(days=1)
    assert [delivered.result for delivered in broker.deliver()] == [Result.WITHDRAWN] * 2
    broker.client.accept(entry())
    assert broker.deliver() == []
    assert consumer.told == []
