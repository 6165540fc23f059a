"""Who is told of a document by the law: who would find it at that moment, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Connection, Engine

from card_auth.caller import PurposeOfUse
from dmp.alerts import (
    AlertKind,
    AnnouncedEntry,
    DocumentsAdded,
    Medium,
    Subscriber,
    SubscriberKind,
    Subscription,
    announce,
    outbox,
)
from dmp.alerts import tables as alert_tables
from dmp.alerts.delivery import deliver_next
from dmp.alerts.notices import NoticeCourier, Notices
from dmp.alerts.outbox import Retry
from dmp.alerts.subscriptions import subscribe
from dmp.audit import Trail
from dmp.authorisations import Holder
from dmp.authorisations.granting import block, declare_treating_doctor, grant, revoke
from dmp.records import Author, ClosingReason
from dmp.records import tables as record_tables
from dmp.records.changes import close
from dmp.records.consents import PATIENT as BY_PATIENT
from dmp.rights.actors import PROFESSIONALS
from dmp.rights.decision import Law
from feuillet.law.record_law import RecordLaw
from feuillet.law.telling import Telling
from schemas.affinity_domain import load_affinity_domain
from schemas.datatypes import Cx, InsAuthority, Xcn
from schemas.metadata import Author as Written
from schemas.metadata import DocumentEntry
from schemas.vocabulary import AvailabilityStatus
from soap.envelope import Addressing
from soap.message import IncomingMessage, Operation
from tests.dmp.alerts.people import Post
from tests.dmp.patients import NOW, RULES, Clock, caller, ins_c, opened
from tests.services.trail import KEY, make_trail
from tests.system.professionals import confidentiality
from tests.xds_registry import submissions as s
from tests.xds_registry.client import Client
from tests.xds_registry.update.messages import becomes, next_version, updates
from xds_registry import tables
from xds_registry.configuration import RegistryConfiguration
from xds_registry.database import open_database, writing
from xds_registry.patients import add_patient
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry
from xds_registry.subscriptions import subscription as dsub
from xds_registry.subscriptions import tables as subscription_tables
from xds_registry.subscriptions.notification import Notifications
from xds_registry.subscriptions.subscription import Owner
from xds_registry.subscriptions.vocabulary import FilterId, Topic

RECORD = ins_c(1)
AUTHOR, TREATING, OTHER, NURSE, STRANGER = (
    caller(f"81000000000{number}", profession=profession)
    for number, profession in enumerate(("10", "10", "10", "60", "10"), start=1)
)
PEOPLE = {"author": AUTHOR, "treating": TREATING, "other": OTHER, "nurse": NURSE, "stranger": STRANGER}
HOLDERS = {"patient": SubscriberKind.PATIENT, "representative": SubscriberKind.REPRESENTATIVE}
LET_IN = {"author", "treating", "other", "nurse"}


class House:
    """A record, its registry with the law beside it, and people who all want to be told of everything."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, Clock()
        make_trail(engine)
        self.trail = Trail(engine, KEY, clock=lambda: self.clock.now)
        self.added: list[str] = []
        domain = load_affinity_domain("ihe", patient_authorities=[InsAuthority.INS_C])
        domain = replace(domain, availability_statuses=frozenset(AvailabilityStatus))
        registry = Registry(
            engine, RegistryConfiguration(domain), trail=self.trail, announce=announce, clock=lambda: self.clock.now
        )
        self.client = Client(registry, None)
        self.law = RecordLaw(engine, Law(), rules=lambda _: RULES, announce=announce, clock=lambda: self.clock.now)
        self.policy = Telling(self.law)
        with writing(engine) as connection:
            add_patient(connection, Cx.parse(RECORD))
            self.record = opened(connection).pk
            for who in (AUTHOR, OTHER, NURSE):
                grant(connection, self.record, Holder.person(who), by=Author.of(who), at=NOW, rules=RULES)
            treating = Holder.person(TREATING)
            declare_treating_doctor(connection, self.record, treating, by=Author.of(TREATING), at=NOW, rules=RULES)
            for name, who in PEOPLE.items():
                self._wish(connection, name, Subscriber(SubscriberKind.PROFESSIONAL, who.national_id))
            for name, kind in HOLDERS.items():
                self._wish(connection, name, Subscriber(kind, RECORD))

    def _wish(self, connection: Connection, name: str, who: Subscriber, **more: Any) -> None:
        given = {"patient": RECORD, "medium": Medium.MAIL, "address": f"{name}@a.fr", **more}
        subscribe(connection, Subscription(subscriber=who, **given), at=NOW)

    def wish(self, name: str, holder: SubscriberKind, identifier: str, **more: Any) -> None:
        with writing(self.engine) as connection:
            self._wish(connection, name, Subscriber(holder, identifier), **more)

    def add(self, *marks: str, **changes: Any) -> DocumentEntry:
        """A document by the author comes into the record."""
        entry = document(*marks, **changes)
        self.client.accept(entry)
        self.added.append(str(entry.entry_uuid))
        return entry

    def spread(self) -> None:
        outbox.spread(self.engine, [Notices(self.policy)], at=self.clock.now)

    def told(self) -> set[str]:
        """Who is sent a message of what was announced."""
        self.spread()
        post = Post()
        courier = NoticeCourier(
            self.engine, self.policy, post, portal="https://dmp.example/", clock=lambda: self.clock.now
        )
        while deliver_next(self.engine, self.trail, {"mail": courier}, Retry()) is not None:
            pass
        return {address.removesuffix("@a.fr") for address in post.addresses}


def document(*marks: str, **changes: Any) -> DocumentEntry:
    """A document by the author."""
    person = Xcn.parse(f"{AUTHOR.national_id}^MARTIN^ANNE^^^^^^&{PROFESSIONALS}&ISO^D^^^IDNPS")
    given = {
        "patient_id": Cx.parse(RECORD),
        "class_code": s.code("10", "1.2.250.1.213.1.1.4.1"),
        "type_code": s.code("11488-4", "2.16.840.1.113883.6.1"),
        "authors": (Written(person=person),),
        "confidentiality_codes": confidentiality("N", *marks),
        **changes,
    }
    return s.entry(**given)


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/telling.db" if embedded else request.getfixturevalue("postgresql_url")
    engine = open_database(url)
    for metadata in (tables.metadata, record_tables.metadata, alert_tables.metadata, subscription_tables.metadata):
        metadata.create_all(engine)
    yield House(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        ((), LET_IN | {"patient", "representative"}),
        (("MASQUE_PS",), {"author", "treating", "patient", "representative"}),
        (("INVISIBLE_PATIENT",), LET_IN),
        (("INVISIBLE_REPRESENTANTS_LEGAUX",), LET_IN | {"patient"}),
    ],
)
def test_a_document_is_told_to_those_who_would_find_it(house: House, marks: tuple[str, ...], told: set[str]) -> None:
    house.add(*marks)
    assert house.told() == told


def test_a_type_that_a_profession_does_not_read_is_not_told_to_it(house: House) -> None:
    house.add(type_code=s.code("75496-0", "2.16.840.1.113883.6.1"))
    assert house.told() == LET_IN - {"nurse"} | {"patient", "representative"}


def test_a_document_that_is_masked_before_the_message_leaves_is_told_to_nobody_from_whom_it_is_hidden(
    house: House,
) -> None:
    entry = house.add()
    house.spread()
    house.client.change(updates(next_version(entry, confidentiality_codes=confidentiality("N", "MASQUE_PS"))))
    assert house.told() == {"author", "treating", "patient", "representative"}


def test_a_document_that_is_updated_and_deleted_before_the_message_leaves_is_told_to_nobody(house: House) -> None:
    entry = house.add()
    house.spread()
    later = next_version(entry)
    house.client.change(updates(later))
    house.client.change(becomes(later, AvailabilityStatus.APPROVED, AvailabilityStatus.DELETED))
    assert house.told() == set()


Lose = Callable[[House, Connection], object]


def _revoked(house: House, connection: Connection) -> object:
    return revoke(connection, house.record, Holder.person(OTHER), by=BY_PATIENT, at=house.clock.now)


def _blocked(house: House, connection: Connection) -> object:
    return block(connection, house.record, Holder.person(OTHER), by=BY_PATIENT, at=house.clock.now)


@pytest.mark.parametrize("spread_before", [False, True], ids=["before it is spread", "before it is sent"])
@pytest.mark.parametrize("lose", [_revoked, _blocked])
def test_who_is_revoked_or_blocked_is_not_told(house: House, lose: Lose, spread_before: bool) -> None:
    house.add()
    if spread_before:
        house.spread()
    with writing(house.engine) as connection:
        lose(house, connection)
    assert house.told() == LET_IN - {"other"} | {"patient", "representative"}


def test_a_treating_doctor_who_is_blocked_is_not_told(house: House) -> None:
    house.add()
    with writing(house.engine) as connection:
        block(connection, house.record, Holder.person(TREATING), by=BY_PATIENT, at=house.clock.now)
    assert house.told() == LET_IN - {"treating"} | {"patient", "representative"}


@pytest.mark.parametrize("spread_before", [False, True], ids=["before it is spread", "before it is sent"])
def test_whose_authorisation_has_expired_is_not_told_but_the_treating_doctor(house: House, spread_before: bool) -> None:
    house.add()
    if spread_before:
        house.spread()
    house.clock.now += timedelta(days=31 * (RULES.authorisation_months + 1))
    assert house.told() == {"treating", "patient", "representative"}


@pytest.mark.parametrize("spread_before", [False, True], ids=["before it is spread", "before it is sent"])
def test_a_closed_record_tells_nobody(house: House, spread_before: bool) -> None:
    house.add()
    if spread_before:
        house.spread()
    with writing(house.engine) as connection:
        close(connection, RECORD, reason=ClosingReason.PATIENT_REQUEST, by=BY_PATIENT, at=house.clock.now)
    assert house.told() == set()


def test_a_patient_is_told_of_their_own_record_only_whatever_the_wish_says(house: House) -> None:
    house.wish("someone", SubscriberKind.PATIENT, ins_c(2))
    house.wish("mother", SubscriberKind.REPRESENTATIVE, "mother")
    house.add()
    assert house.told() == LET_IN | {"patient", "representative"}


def test_who_is_authorised_by_no_record_is_not_told_of_it_by_a_wish_about_every_record(house: House) -> None:
    house.wish("everywhere", SubscriberKind.PROFESSIONAL, STRANGER.national_id, patient="")
    house.wish("somewhere", SubscriberKind.PROFESSIONAL, OTHER.national_id, patient="")
    house.add()
    assert house.told() == LET_IN | {"patient", "representative", "somewhere"}


def query(house: House, who: Any) -> IncomingMessage:
    """An ITI-18 of somebody."""
    operation = Operation("query", "urn:query", "urn:answer", "query", mtom=False, handler=lambda _: None)  # type: ignore[arg-type, return-value]
    body = s.query(
        QueryId.FIND_DOCUMENTS,
        {"$XDSDocumentEntryPatientId": f"'{RECORD}'", "$XDSDocumentEntryStatus": s.quoted(s.APPROVED)},
    )
    asking = replace(who, resource_id=f"{RECORD}^PI")
    return IncomingMessage(operation, Addressing("urn:query", "urn:x"), body, None, False, None, "c", caller=asking)


def test_the_patient_is_told_once_that_the_glass_was_broken_and_professionals_are_not(house: House) -> None:
    house.wish("patient", SubscriberKind.PATIENT, RECORD, kind=AlertKind.BREAK_GLASS)
    entering = replace(STRANGER, purpose_of_use=PurposeOfUse.BREAK_GLASS, purpose_reason="coma")
    house.law.visibility_of(query(house, OTHER))
    assert house.told() == set()
    for _ in range(2):
        house.law.visibility_of(query(house, entering))
    house.spread()
    assert outbox.backlog(house.engine, at=house.clock.now).messages == 1
    assert house.told() == {"patient"}


def notified(house: House, national_id: str, patient: str = RECORD) -> list[str]:
    """The documents that a system is notified of which this professional subscribed."""
    asked = s.query(QueryId.FIND_DOCUMENTS, {"$XDSDocumentEntryPatientId": f"'{patient}'"})
    wanted = dsub.Subscription(
        id=f"of {national_id}",
        consumer="https://consumer.example/",
        topic=Topic.MINIMAL_DOCUMENT_ENTRY,
        query=etree.tostring(asked[1], encoding="unicode").replace(QueryId.FIND_DOCUMENTS, FilterId.DOCUMENT_ENTRY),
        patient=patient,
        owner=Owner(national_id),
        ends_at=house.clock.now + timedelta(days=1000),
    )
    announced = DocumentsAdded(RECORD, NOW, tuple(AnnouncedEntry(x, "", "") for x in house.added))
    with writing(house.engine) as connection:
        dsub.add(connection, wanted, at=NOW)
        sees = Notifications(lambda: house.clock.now, visibility_of=house.policy.visibility_of)
        drafts = [json.loads(draft.content)["objects"] for draft in sees.drafts(connection, announced)]
        connection.rollback()
    return [uuid for objects in drafts for uuid in objects]


def test_a_system_is_notified_of_what_the_owner_of_its_subscription_would_find(house: House) -> None:
    plain, masked = house.add(), house.add("MASQUE_PS")
    psychiatric = house.add(type_code=s.code("75496-0", "2.16.840.1.113883.6.1"))
    everything = {plain.entry_uuid, masked.entry_uuid, psychiatric.entry_uuid}
    expected = {
        AUTHOR: everything,
        TREATING: everything,
        OTHER: {plain.entry_uuid, psychiatric.entry_uuid},
        NURSE: {plain.entry_uuid},
        STRANGER: set(),
    }
    for who, documents in expected.items():
        assert set(notified(house, who.national_id)) == documents
    assert notified(house, "") == []
    assert notified(house, OTHER.national_id, patient="") == []
    with writing(house.engine) as connection:
        _revoked(house, connection)
    assert notified(house, OTHER.national_id) == []
    house.clock.now += timedelta(days=31 * (RULES.authorisation_months + 1))
    assert notified(house, NURSE.national_id) == []
    with writing(house.engine) as connection:
        close(connection, RECORD, reason=ClosingReason.PATIENT_REQUEST, by=BY_PATIENT, at=house.clock.now)
    assert notified(house, TREATING.national_id) == []
