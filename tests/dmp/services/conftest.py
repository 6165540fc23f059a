"""The DMP's own services on SQLite and on PostgreSQL, called through WSGI as whoever a test says."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Engine

from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from dmp.alerts import announce
from dmp.alerts import tables as alert_tables
from dmp.audit import Event
from dmp.records import tables
from dmp.records.record import RecordRules
from dmp.rights.decision import Law
from dmp.services import ByLaw, Setting, record_services
from feuillet.audit.recording import witness
from schemas.datatypes import Cx
from soap.client.caller import read_fault
from soap.envelope import request_head, tail
from soap.service import SoapLimits, wsgi_application
from soap.vocabulary import BODY, FAULT
from soap.xml import parse_untrusted
from tests.dmp.services import samples
from tests.dmp.services.client import Client
from tests.services import postgresql
from tests.services.trail import events_of, make_trail, wipe_trail
from xds_registry import tables as registry_tables
from xds_registry.database import open_database, reading, writing
from xds_registry.patients import add_patient, find_patient

DOCTOR = "899700218896"
STRUCTURE = "499700218896009"
G15, R38 = "1.2.250.1.71.1.2.7", "1.2.250.1.71.4.2.5"
RULES = RecordRules()


def caller(national_id: str = DOCTOR, profession: str = "10", patient: Cx | None = samples.INS, **what: Any) -> Caller:
    """A professional with a card, whose assertion names a patient."""
    given: dict[str, Any] = {
        "national_id": national_id,
        "name": "LIBRE Max",
        "roles": (Role(profession, G15, "Médecin"), Role("SM26", R38, "Qualifié en médecine générale")),
        "structure_id": STRUCTURE,
        "structure_name": "Cabinet du docteur Libre",
        "sector": "SA07",
        "mode": AccessMode.DIRECT,
        "purpose_of_use": PurposeOfUse.NORMAL,
        "resource_id": None if patient is None else f"{patient}^NH",
        "assertion_id": "_1",
        **what,
    }
    return Caller(**given)


@dataclass
class Clock:
    """A clock that runs with the world's, and can be set ahead."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Room:
    """The services, and what they leave behind."""

    def __init__(self, engine: Engine, spool: Path) -> None:
        self.engine = engine
        self.clock = Clock()
        self.trail = trail = make_trail(engine)
        trail.clock = self.clock
        setting = Setting(
            begin=partial(writing, engine),
            trail=trail,
            judge=ByLaw(Law(), rules=lambda _: RULES, clock=self.clock, announce=announce),
            announce=add_patient,
            rules=lambda _: RULES,
            clock=self.clock,
        )
        self._asking: Caller | None = None
        self._applications = {
            path: wsgi_application(
                service,
                limits=SoapLimits(spool_reserve=0),
                spool_directory=spool,
                admit=lambda _: self._asking,
                witness=witness(trail),
            )
            for path, service in record_services(setting).items()
        }

    def client(self, who: Caller | None) -> Client:
        """A client that speaks for somebody; None for nobody."""

        def send(service: str, action: str, body: bytes) -> etree._Element:
            self._asking = who
            return self.post(f"/si-dmp-server/v2/services/{service}", action, body)

        return Client(send)

    def post(self, path: str, action: str, body: bytes) -> etree._Element:
        """The body of an answer. Raises SoapFault."""
        head = request_head(action, f"urn:uuid:{uuid.uuid4()}", f"https://dmp.example{path}", b"")
        data = head + body + tail()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_TYPE": "application/soap+xml; charset=UTF-8",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": io.StringIO(),
        }
        status: list[str] = []
        chunks: Any = self._applications[path](environ, lambda line, *_: status.append(line))
        envelope = parse_untrusted(b"".join(chunks))
        chunks.close()
        content = envelope.find(BODY)
        assert content is not None
        if content[0].tag == FAULT:
            raise read_fault(content[0], int(status[-1][:3]))
        return content[0]

    @property
    def events(self) -> list[Event]:
        """What the trail holds, in the order of time."""
        return sorted(events_of(self.engine), key=lambda event: event.happened_at)

    @property
    def last(self) -> Event:
        """The last event."""
        return self.events[-1]

    def knows(self, patient: Cx = samples.INS) -> bool:
        """Whether the registry knows a patient."""
        with reading(self.engine) as connection:
            return find_patient(connection, str(patient)) is not None


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def opened_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables, shared by the tests of the session."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('services')}/records.db"
        else:
            cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
            url = stack.enter_context(cluster.fresh_database())
        engine = open_database(url)
        stack.callback(engine.dispose)
        for metadata in (registry_tables.metadata, tables.metadata, alert_tables.metadata):
            metadata.create_all(engine)
        make_trail(engine)
        yield engine


@pytest.fixture
def room(opened_database: Engine, tmp_path: Path) -> Room:
    """The services on empty tables."""
    with writing(opened_database) as connection:
        for metadata in (registry_tables.metadata, tables.metadata, alert_tables.metadata):
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
    wipe_trail(opened_database)
    return Room(opened_database, tmp_path)


@pytest.fixture
def doctor(room: Room) -> Client:
    """A doctor, and no record yet."""
    return room.client(caller())


@pytest.fixture
def opened(doctor: Client) -> Client:
    """The same doctor, after they opened the patient's record and were authorised."""
    assert doctor.register(samples.creation()).acknowledgement.accepted
    assert doctor.authorise().status == "DMPOk"
    return doctor


def regulating(**what: Any) -> Caller:
    """A doctor of a regulation centre."""
    return caller(purpose_of_use=PurposeOfUse.REGULATION, **what)


def other(number: int = 2, **what: Any) -> Caller:
    """Another doctor."""
    return replace(caller(f"89970021889{number}", **what), structure_id=f"49970021889{number}009")
