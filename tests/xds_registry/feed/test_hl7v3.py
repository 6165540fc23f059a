"""ITI-44: what each message does, and what its sender is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import structlog
from lxml import etree

from schemas.schema_files import REGISTRY_WSDL, XSD_DIRECTORY
from schemas.vocabulary import HL7V3, XDSB
from soap.client.caller import SoapCaller
from soap.message import Addressing, IncomingMessage
from soap.service import Service, SoapLimits, wsgi_application
from soap.xml import load_schema, parse_trusted
from tests.xds_registry.feed.hospital import (
    AUTHORITY,
    FOREIGN,
    SECOND_AUTHORITY,
    cx,
    events,
    ids,
    known,
    prpa,
    survivor,
)
from xds_registry import tables as t
from xds_registry.feed import identity_feed_operations
from xds_registry.feed.hl7v3 import ADDED, DUPLICATES_RESOLVED, REVISED
from xds_registry.registry import Registry

NS = {"h": HL7V3}


class Answer:
    """An acknowledgement, taken apart."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root

    def get(self, path: str, attribute: str) -> str | None:
        element = self.root.find(path, NS)
        return None if element is None else element.get(attribute)

    @property
    def verdict(self) -> str | None:
        return self.get("h:acknowledgement/h:typeCode", "code")

    @property
    def detail(self) -> str | None:
        return self.get("h:acknowledgement/h:acknowledgementDetail/h:code", "code")


def ask(registry: Registry, body: etree._Element) -> Answer:
    """What the operation of a message answers to it."""
    (operation,) = [one for one in identity_feed_operations(registry) if one.body == body.tag]
    message = IncomingMessage(operation, Addressing(operation.action, "urn:x"), body, None, False, None, "correlation")
    return Answer(parse_trusted(b"".join(operation.handler(message).body)))


def domain(identifier: str) -> str:
    return ids((AUTHORITY, identifier))


def test_an_added_patient_becomes_known(either_registry: Registry) -> None:
    answer = ask(either_registry, prpa(ADDED, ids((FOREIGN, "9"), (AUTHORITY, "7"), (SECOND_AUTHORITY, "8"))))
    assert answer.verdict == "CA"
    assert known(either_registry, cx("7"))
    assert events(either_registry) == [("added", cx("7"))]


def test_a_revision_announces_nobody(registry: Registry) -> None:
    assert ask(registry, prpa(REVISED, domain("7"))).verdict == "CA"
    assert not known(registry, cx("7"))


def test_the_answer_goes_back_to_the_sender(registry: Registry) -> None:
    request = prpa(ADDED, domain("7"))
    answer = ask(registry, request)
    assert answer.root.tag == f"{{{HL7V3}}}MCCI_IN000002UV01"
    assert answer.get("h:receiver/h:device/h:id", "root") == "1.2.840.114350.2"
    assert answer.get("h:receiver/h:device/h:id", "extension") == "HIS"
    assert answer.get("h:sender/h:device/h:id", "root") == "1.2.840.114350.1"
    original = request.find("h:id", NS)
    assert original is not None
    assert answer.get("h:acknowledgement/h:targetMessage/h:id", "root") == original.get("root")
    assert answer.get("h:acknowledgement/h:targetMessage/h:id", "extension") == "M1"
    assert answer.get("h:interactionId", "extension") == "MCCI_IN000002UV01"
    assert answer.get("h:processingCode", "code") == "D"
    assert answer.get("h:processingModeCode", "code") == "T"
    assert answer.get("h:acceptAckCode", "code") == "NE"
    load_schema(XSD_DIRECTORY / "hl7v3.xsd").assertValid(answer.root)


def test_resolved_duplicates_are_merged(either_registry: Registry) -> None:
    for name in ("old", "new"):
        ask(either_registry, prpa(ADDED, domain(name)))
    answer = ask(either_registry, prpa(DUPLICATES_RESOLVED, domain("new"), domain("old")))
    assert answer.verdict == "CA"
    assert survivor(either_registry, cx("old")) == cx("new")
    assert survivor(either_registry, cx("new")) is None
    assert [event for event, _ in events(either_registry)] == ["added", "added", "merged"]


@pytest.mark.parametrize(
    ("surviving", "subsumed"),
    [("b", "b"), ("nobody", "b"), ("b", "nobody"), ("b", "gone"), ("gone", "b")],
)
def test_a_merge_that_cannot_be_is_ignored(registry: Registry, surviving: str, subsumed: str) -> None:
    for name in ("a", "b", "gone"):
        ask(registry, prpa(ADDED, domain(name)))
    ask(registry, prpa(DUPLICATES_RESOLVED, domain("a"), domain("gone")))
    before = events(registry)
    answer = ask(registry, prpa(DUPLICATES_RESOLVED, domain(surviving), domain(subsumed)))
    assert answer.verdict == "CA"
    assert answer.get("h:acknowledgement/h:acknowledgementDetail", "typeCode") == "I"
    assert events(registry) == before


def test_a_merge_across_domains_is_ignored(registry: Registry) -> None:
    for name in ("a", "b"):
        ask(registry, prpa(ADDED, domain(name)))
    assert ask(registry, prpa(DUPLICATES_RESOLVED, domain("a"), ids((FOREIGN, "b")))).verdict == "CA"
    assert ask(registry, prpa(DUPLICATES_RESOLVED, ids((FOREIGN, "a")), domain("b"))).verdict == "CA"
    assert survivor(registry, cx("b")) is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (prpa(ADDED, domain("7"), interaction=REVISED), "NS200"),
        (prpa(ADDED, domain("7"), mode="R"), "NS250"),
        (prpa(ADDED, ids((FOREIGN, "7"))), "KEY204"),
        (prpa(ADDED, ""), "SYN101"),
        (prpa(ADDED, '<id root="1.2.3"/><id extension="7"/><id nullFlavor="UNK"/>'), "SYN101"),
        (prpa(ADDED, domain("1") + domain("2")), "SYN102"),
        (prpa(ADDED, domain("x" * 300)), "SYN102"),
        (prpa(ADDED, domain("7") * 101), "SYN102"),
        (prpa(DUPLICATES_RESOLVED, domain("7")), "SYN100"),
        (parse_trusted(f'<{ADDED} xmlns="{HL7V3}"/>'.encode()), "NS200"),
    ],
)
def test_what_is_wrong_is_named(registry: Registry, body: etree._Element, detail: str) -> None:
    answer = ask(registry, body)
    assert (answer.verdict, answer.detail) == ("CE", detail)
    assert events(registry) == []


def test_a_message_without_its_act_is_refused(registry: Registry) -> None:
    body = prpa(ADDED, domain("7"))
    act = body.find("h:controlActProcess", NS)
    assert act is not None
    body.remove(act)
    assert ask(registry, body).detail == "SYN100"


def test_a_database_that_does_not_answer_is_told_to_the_sender(registry: Registry) -> None:
    t.metadata.drop_all(registry.engine)
    answer = ask(registry, prpa(ADDED, domain("7")))
    assert (answer.verdict, answer.detail) == ("CR", "INTERR")


def test_logs_and_answers_hold_nothing_of_the_patient(registry: Registry) -> None:
    with structlog.testing.capture_logs() as logged:
        answers = [
            ask(registry, prpa(ADDED, domain("SECRET7"))),
            ask(registry, prpa(ADDED, ids((FOREIGN, "SECRET7")))),
            ask(registry, prpa(DUPLICATES_RESOLVED, domain("SECRET7"), domain("SECRET8"))),
        ]
    assert len(logged) == 3
    assert "SECRET" not in str(logged)
    assert all(b"SECRET" not in etree.tostring(answer.root) for answer in answers)


@contextmanager
def _published(registry: Registry, spool: Path) -> Iterator[str]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    operations = identity_feed_operations(registry)
    service = Service("DocumentRegistry_Service", XDSB, operations, REGISTRY_WSDL, XSD_DIRECTORY)
    application = wsgi_application(service, limits=SoapLimits(spool_reserve=0), spool_directory=spool)
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_the_three_messages_travel_over_soap(registry: Registry, tmp_path: Path) -> None:
    with _published(registry, tmp_path) as url:
        caller = SoapCaller(url, spool_directory=tmp_path)
        for body in (
            prpa(ADDED, domain("a")),
            prpa(ADDED, domain("b")),
            prpa(REVISED, domain("a")),
            prpa(DUPLICATES_RESOLVED, domain("a"), domain("b")),
        ):
            name = etree.QName(body).localname
            with caller.call(f"{HL7V3}:{name}", etree.tostring(body), mtom=False) as answer:
                assert Answer(answer.body).verdict == "CA"
    assert survivor(registry, cx("b")) == cx("a")
