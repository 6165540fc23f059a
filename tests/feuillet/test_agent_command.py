"""`feuillet card agent`, as its user starts it: a terminal on one side, a page of the portal on the other."""

from __future__ import annotations

import base64
import datetime
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from card_auth.agent import LoginProof, verify_login
from card_auth.demo_pki import DemoPki
from tests.card_auth.agent.conftest import PORTAL, Page
from tests.services.private_pcscd import PcscdAbsent, private_pcscd
from tests.services.softhsm import SoftHsm, SoftHsmAbsent

CHALLENGE = b"a challenge of the portal"
FEUILLET = str(Path(sys.executable).with_name("feuillet"))


class Terminal:
    """The window in which the agent runs."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.shown = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read on until that is shown."""
        while not (found := re.search(pattern, self.shown)):
            self.shown += os.read(self._master, 4096).decode()
        self.shown = self.shown[found.end() :]
        return found

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> tuple[SoftHsm, str]:
    """A doctor's token."""
    directory = tmp_path_factory.mktemp("agent card")
    try:
        softhsm = SoftHsm(directory / "softhsm")
    except SoftHsmAbsent as absent:
        pytest.skip(str(absent))
    pair = DemoPki.create(directory / "pki").issue_cps()
    return softhsm, softhsm.make_token("doctor", (b"\x20", pair.authentication), (b"\x10", pair.signature))


@pytest.fixture
def terminal(card: tuple[SoftHsm, str]) -> Iterator[Terminal]:
    """A terminal with a running agent in it."""
    with running(card) as terminal:
        yield terminal


@contextmanager
def running(card: tuple[SoftHsm, str], **environment: str) -> Iterator[Terminal]:
    """An agent in a terminal, as long as it is needed."""
    softhsm, label = card
    master, slave = pty.openpty()
    command = [FEUILLET, "card", "agent", "--origin", PORTAL, "--port", "0"]
    command += ["--module", str(softhsm.module), "--token", label]
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "500", **environment},
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.terminate()
        process.wait()
        os.close(master)


def pair(terminal: Terminal, page: Page) -> None:
    """The user compares the digits and says yes."""
    pairing = threading.Thread(target=page.connect, args=("271828",))
    pairing.start()
    terminal.wait_for(re.escape(PORTAL) + r".*271828")
    terminal.type("yes")
    pairing.join()


def test_a_page_sees_readers_and_what_is_wrong_with_them(card: tuple[SoftHsm, str], tmp_path: Path) -> None:
    pytest.importorskip("smartcard", reason="pyscard is not installed (the extra `card`)")
    try:
        with private_pcscd(tmp_path) as pcscd, running(card, **pcscd.environment) as terminal:
            page = Page(int(terminal.wait_for(r"http://127\.0\.0\.1:(\d+)")[1]))
            pair(terminal, page)
            assert [one["card"] for one in page.ask("GET", "/readers").json["readers"]] == [None, None]
            assert page.ask("GET", "/vitale").code == "no-card"
            with pcscd.card(1, vitale=True):  # it knows the application, and holds no files
                wait_for_a_card(page)
                assert [one["card"] for one in page.ask("GET", "/readers").json["readers"]] == [None, "Vitale"]
                answer = page.ask("GET", "/vitale")
                assert answer.status == 409
                assert answer.json["error"]["remedy"]
        with running(card, PCSCLITE_CSOCK_NAME=str(tmp_path / "nowhere")) as terminal:
            page = Page(int(terminal.wait_for(r"http://127\.0\.0\.1:(\d+)")[1]))
            pair(terminal, page)
            assert page.ask("GET", "/readers").code == "service-unavailable"
    except PcscdAbsent as absent:
        pytest.skip(str(absent))


def wait_for_a_card(page: Page) -> None:
    """The service looks at its slots from time to time."""
    while not any(one["card"] for one in page.ask("GET", "/readers").json["readers"]):
        time.sleep(0.1)


def test_a_page_logs_in_and_the_pin_is_typed_in_the_terminal_unseen(terminal: Terminal) -> None:
    port = int(terminal.wait_for(r"http://127\.0\.0\.1:(\d+)")[1])
    page = Page(port)
    assert Page(port, "https://evil.example").ask("GET", "/status").code == "foreign-origin"

    pair(terminal, page)

    answers = []
    challenge = base64.urlsafe_b64encode(CHALLENGE).rstrip(b"=").decode()
    signing = threading.Thread(
        target=lambda: answers.append(page.ask("POST", "/sign", {"kind": "login", "challenge": challenge}))
    )
    signing.start()
    terminal.wait_for(r"PIN \(empty to refuse\)")
    terminal.type("1234")
    signing.join()
    (answer,) = answers
    assert answer.status == 200, answer.text
    proof = LoginProof(
        base64.b64decode(answer.json["certificate"]),
        (),
        answer.json["signed_at"],
        base64.b64decode(answer.json["signature"]),
    )
    verify_login(proof, origin=PORTAL, challenge=CHALLENGE, at=datetime.datetime.now(datetime.UTC))
    assert "1234" not in terminal.shown


@pytest.mark.parametrize("origin", ["*", "http://portal.example.org", "https://portal.example.org/"])
def test_an_origin_that_is_none_is_a_wrong_command_line(origin: str) -> None:
    done = subprocess.run([FEUILLET, "card", "agent", "--origin", origin], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
