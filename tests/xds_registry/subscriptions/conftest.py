"""A broker beside a registry, and a consumer that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree
from sqlalchemy import Engine

from dmp.alerts import announce, outbox
from dmp.alerts import tables as alert_tables
from dmp.alerts.delivery import Delivered, deliver_next
from dmp.alerts.outbox import Retry
from schemas.vocabulary import RIM
from soap.client.caller import SoapCaller
from soap.intake import SoapLimits
from soap.service import wsgi_application
from soap.vocabulary import BODY, WSA
from soap.xml import parse_trusted
from tests.schemas.xsd.official import Schemas
from tests.services.trail import make_trail
from tests.xds_registry.client import Client
from tests.xds_registry.conftest import Clock
from tests.xds_repository.house import listening
from xds_registry.configuration import RegistryConfiguration
from xds_registry.registry import Registry
from xds_registry.subscriptions import tables
from xds_registry.subscriptions.broker import Broker, BrokerConfiguration, Permits, any_record
from xds_registry.subscriptions.consumers import Consumers
from xds_registry.subscriptions.endpoint import subscription_service
from xds_registry.subscriptions.notification import (
    NOTIFY,
    Notifications,
    NotifyCourier,
    VisibilityOf,
    everything,
)
from xds_registry.subscriptions.vocabulary import (
    DSUB,
    SIMPLE_DIALECT,
    SUBSCRIBE_ACTION,
    UNSUBSCRIBE_ACTION,
    WSNT,
    FilterId,
)


@dataclass
class Consumer:
    """A notification recipient: keeps what it is told, answers as it is set to."""

    status: str = "202 Accepted"
    answer: bytes = b""
    told: list[etree._Element] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        envelope = parse_trusted(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.told.append(envelope)
        headers = [("Content-Length", str(len(self.answer)))]
        if self.answer:
            headers.append(("Content-Type", "application/soap+xml"))
        start_response(self.status, headers)
        return [self.answer]

    @property
    def objects(self) -> list[list[str]]:
        """The ids of the objects of each notification."""
        return [[item.get("id", "") for item in self._list(envelope)] for envelope in self.told]

    @property
    def tags(self) -> list[list[str]]:
        """Their elements."""
        return [[str(item.tag).rpartition("}")[2] for item in self._list(envelope)] for envelope in self.told]

    @staticmethod
    def _list(envelope: etree._Element) -> etree._Element:
        (found,) = envelope.iter(f"{{{RIM}}}RegistryObjectList")
        return found

    def notification(self, number: int = 0) -> etree._Element:
        """The `wsnt:Notify` of a message."""
        found = self.told[number].find(f"{BODY}/{{{WSNT}}}Notify")
        assert found is not None
        return found


def slots(**parameters: str) -> str:
    """`rim:Slot`s of a filter; names without the dollar sign."""
    return "".join(
        f'<rim:Slot name="${name}"><rim:ValueList><rim:Value>{value.replace("&", "&amp;")}</rim:Value></rim:ValueList>'
        "</rim:Slot>"
        for name, value in parameters.items()
    )


def subscribe_body(
    consumer: str,
    *,
    topic: str = "ihe:FullDocumentEntry",
    filter_id: str = FilterId.DOCUMENT_ENTRY,
    parameters: str,
    dialect: str = SIMPLE_DIALECT,
    ends: str | None = None,
    more: str = "",
) -> bytes:
    """A `wsnt:Subscribe`."""
    termination = "" if ends is None else f"<wsnt:InitialTerminationTime>{ends}</wsnt:InitialTerminationTime>"
    return (
        f'<wsnt:Subscribe xmlns:wsnt="{WSNT}" xmlns:wsa="{WSA}" xmlns:rim="{RIM}" xmlns:ihe="{DSUB}">'
        f"<wsnt:ConsumerReference><wsa:Address>{consumer}</wsa:Address></wsnt:ConsumerReference>"
        f'<wsnt:Filter><wsnt:TopicExpression Dialect="{dialect}">{topic}</wsnt:TopicExpression>'
        f'<rim:AdhocQuery id="{filter_id}">{parameters}</rim:AdhocQuery></wsnt:Filter>'
        f"{termination}{more}</wsnt:Subscribe>"
    ).encode()


@dataclass
class House:
    """A registry that announces, a broker at a real address, and what sends."""

    client: Client
    clock: Clock
    consumers: Consumers
    url: str
    broker: Broker
    visibility_of: VisibilityOf

    @property
    def engine(self) -> Engine:
        return self.client.registry.engine

    def subscribe(self, body: bytes) -> str:
        """The address of the subscription."""
        with SoapCaller(self.url).call(SUBSCRIBE_ACTION, body) as answer:
            assert answer.body.tag == f"{{{WSNT}}}SubscribeResponse"
            address = answer.body.findtext(f"{{{WSNT}}}SubscriptionReference/{{{WSA}}}Address")
        assert address is not None
        return address

    def unsubscribe(self, address: str) -> None:
        """End it. What stands at `address` is reached through the one listener that there is."""
        session = requests.Session()
        session.mount("http://", _To(self.url))
        with SoapCaller(address, session=session).call(
            UNSUBSCRIBE_ACTION, f'<wsnt:Unsubscribe xmlns:wsnt="{WSNT}"/>'.encode()
        ) as answer:
            assert answer.body.tag == f"{{{WSNT}}}UnsubscribeResponse"

    def spread(self) -> None:
        outbox.spread(self.engine, [Notifications(self.clock, visibility_of=self.visibility_of)], at=self.clock())

    def deliver(self) -> list[Delivered]:
        """Spread, and send until nothing is due."""
        self.spread()
        courier = NotifyCourier(
            self.engine, self.consumers, self.broker.address_of, self.clock, visibility_of=self.visibility_of
        )
        trail = self.client.registry.trail
        return list(iter(lambda: deliver_next(self.engine, trail, {NOTIFY: courier}, Retry()), None))


class _To(requests.adapters.HTTPAdapter):
    """Sends every request to one URL."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        request.url = self._url
        return super().send(request, *arguments, **options)


@contextmanager
def house(
    engine: Engine,
    configuration: RegistryConfiguration,
    official: Schemas | None,
    clock: Clock,
    directory: Path,
    *,
    allowed: tuple[str, ...],
    permits: Permits = any_record,
    visibility_of: VisibilityOf = everything,
    most: int = 1000,
) -> Iterator[House]:
    """A house on an empty database."""
    for metadata in (alert_tables.metadata, tables.metadata):
        metadata.drop_all(engine)
        metadata.create_all(engine)
    trail = make_trail(engine)
    trail.clock = clock
    registry = Registry(engine, configuration, trail=trail, announce=announce, clock=clock)
    client = Client(registry, official)
    client.announce("P1", "P2")
    session = requests.Session()
    session.trust_env = False
    consumers = Consumers(allowed, session, insecure_http=True)
    broker = Broker(
        engine, trail, BrokerConfiguration("http://broker.example/subscriptions", most=most), consumers, permits=permits
    )
    application = wsgi_application(
        subscription_service(broker), limits=SoapLimits(spool_reserve=0), spool_directory=directory
    )
    with listening(application) as url:
        yield House(client, clock, consumers, url, broker, visibility_of)


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    """A consumer that listens."""
    running = Consumer()
    with listening(running) as url:
        running.url = url
        yield running


@pytest.fixture
def open_house(
    engine: Engine,
    configuration: RegistryConfiguration,
    official: Schemas | None,
    clock: Clock,
    tmp_path: Path,
    consumer: Consumer,
) -> Callable[..., Any]:
    """Opens a house that may notify the consumer."""
    allowed = (consumer.url.removeprefix("http://").rstrip("/"),)

    def opened(**options: Any) -> Any:
        return house(engine, configuration, official, clock, tmp_path, allowed=allowed, **options)

    return opened


@pytest.fixture
def broker(open_house: Callable[..., Any]) -> Iterator[House]:
    """The house with its defaults; subscriptions to any patient are let in."""
    with open_house() as opened:
        yield opened
