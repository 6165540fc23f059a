"""A running agent with a card, a desk whose user answers as the test says, and a page that speaks real HTTP."""

from __future__ import annotations

import datetime
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from card_auth.agent import AgentServer, HolderCard, OneQuestion, Service, Sessions
from card_auth.agent.peripherals import Identity, Slot
from card_auth.demo_pki import CpsPair
from tests.services.softhsm import SoftHsm
from tests.services.strict_card import StrictCard, StrictCardAbsent, build

PORTAL = "https://portal.example.org"
OTHER_PORTAL = "https://other.example.org"
PIN = "1234"


@dataclass
class User:
    """Sits at the desk. Answers yes and enters the right PIN, unless told otherwise."""

    says_yes: bool = True
    pin: str | None = PIN
    meanwhile: Callable[[], None] = lambda: None  # what happens before the PIN is entered
    asked: list[str] = field(default_factory=list)
    pins_asked: list[int | None] = field(default_factory=list)

    def confirm(self, question: str, details: tuple[str, ...]) -> bool:
        self.asked.append("\n".join((question, *details)))
        return self.says_yes

    def ask_pin(self, purpose: str, *, tries_left: int | None) -> str | None:
        self.asked.append(purpose)
        self.pins_asked.append(tries_left)
        self.meanwhile()
        return self.pin


class EmptyDesk:
    """Readers without cards."""

    def slots(self) -> tuple[Slot, ...]:
        return (Slot("Reader 00 00", None),)

    def vitale(self) -> tuple[Identity, ...]:
        return ()


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.datetime.now(datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Page:
    """What a browser does for a page of an origin."""

    port: int
    origin: str | None = PORTAL
    token: str | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str | None] | None = None,
    ) -> Answer:
        """One request, with headers changed or left out (None)."""
        content = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        sent: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}", "Origin": self.origin}
        if content is not None:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(content)
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, received, answer.read().decode())
        finally:
            connection.close()

    def connect(self, code: str = "123456") -> Page:
        """Begin a session."""
        answer = self.ask("POST", "/session", {"code": code})
        assert answer.status == 200, answer.text
        self.token = answer.json["token"]
        return self


@dataclass
class Workstation:
    """An agent that runs, and who and what is around it."""

    server: AgentServer
    user: User
    clock: Clock
    card: StrictCard

    def page(self, origin: str | None = PORTAL) -> Page:
        return Page(self.server.port, origin)


@pytest.fixture(scope="session")
def built_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module of strict cards."""
    try:
        return build(tmp_path_factory.mktemp("strict card"))
    except StrictCardAbsent as absent:
        pytest.skip(str(absent))


@pytest.fixture(scope="session")
def doctors_token(softhsm: SoftHsm, cps: CpsPair) -> str:
    """The label of a token with a doctor's keys."""
    return softhsm.make_token("agent", (b"\x20", cps.authentication), (b"\x10", cps.signature))


@pytest.fixture
def strict_card(softhsm: SoftHsm, doctors_token: str, built_module: Path, tmp_path: Path) -> tuple[StrictCard, str]:
    """A doctor's card, and its label."""
    return StrictCard(tmp_path / "card", built_module, softhsm.module), doctors_token


@pytest.fixture
def workstation(strict_card: tuple[StrictCard, str]) -> Iterator[Workstation]:
    """An agent with a doctor's card, for two portals."""
    card, label = strict_card
    user, clock = User(), Clock()
    service = Service(HolderCard(card.module, token=label), EmptyDesk(), Sessions(now=clock), OneQuestion(user))
    with AgentServer(service, frozenset({PORTAL, OTHER_PORTAL})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield Workstation(server, user, clock, card)
        server.shutdown()
        thread.join()
