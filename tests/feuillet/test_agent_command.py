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
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_auth.agent import LoginProof, verify_login
from card_auth.demo_pki import DemoPki
from tests.card_auth.agent.conftest import PORTAL, Page
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
    softhsm, label = card
    master, slave = pty.openpty()
    command = [FEUILLET, "card", "agent", "--origin", PORTAL, "--port", "0"]
    command += ["--module", str(softhsm.module), "--token", label]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env={**os.environ, "COLUMNS": "500"}
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.terminate()
        process.wait()
        os.close(master)


def test_a_page_logs_in_and_the_pin_is_typed_in_the_terminal_unseen(terminal: Terminal) -> None:
    port = int(terminal.wait_for(r"http://127\.0\.0\.1:(\d+)")[1])
    page = Page(port)
    assert Page(port, "https://evil.example").ask("GET", "/status").code == "foreign-origin"

    pairing = threading.Thread(target=page.connect, args=("271828",))
    pairing.start()
    terminal.wait_for(re.escape(PORTAL) + r".*271828")
    terminal.type("yes")
    pairing.join()

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
