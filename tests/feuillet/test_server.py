"""The processes: whatever ends is replaced, and what is told to stop finishes its work first."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.feuillet.conftest import Write
from tests.feuillet.test_application import PROVIDE, envelope
from tests.services import process
from tests.services.pki import Pki, make_pki
from tests.xds_repository.submissions import PATIENT, submission

COMMAND = Path(sys.executable).with_name("feuillet")
#: "Ready within ten seconds" on a machine of one's own; the tests share theirs.
PATIENCE = 180


@dataclass
class Server:
    """A server that is running."""

    base: str
    running: subprocess.Popen[bytes]
    log: Path

    def ready(self) -> bool:
        try:
            return requests.get(f"{self.base}/readyz", timeout=20).ok
        except requests.RequestException:
            return False

    def processes(self) -> list[int]:
        """The server's processes, the first one first."""
        found = [self.running.pid]
        for number in found:
            children = Path(f"/proc/{number}/task/{number}/children")
            found += [int(child) for child in children.read_text().split()]
        return found


@contextmanager
def serving(configuration: Path, log: Path) -> Iterator[Server]:
    """Serve a configuration whose database is ready."""
    plain = configuration.read_text().partition('plain = "')[2].partition('"')[0]
    running = process.start([COMMAND, "serve", "--config", configuration, "--insecure-demo"], log=log)
    server = Server(f"http://{plain}", running, log)
    try:
        process.wait_until(server.ready, running, log=log, seconds=PATIENCE)
        yield server
    finally:
        process.stop(running, seconds=180)


@pytest.fixture
def configuration(write: Write) -> Path:
    """A configuration with a migrated database, a feed and TLS."""
    path = write(
        ("workers = 1\n", f'workers = 1\nhttps = "127.0.0.1:{process.free_port()}"\n'),
        more=f'[registry]\nregister_unknown_patients = true\n[feed]\nmllp = "127.0.0.1:{process.free_port()}"\n',
    )
    pki = make_pki(path.parent / "pki")
    with path.open("a") as file:
        file.write(
            f'[server.tls]\ncertificate = "{pki.server.certificate}"\nkey = "{pki.server.key}"\n'
            f'client_authorities = "{pki.ca}"\n'
        )
    subprocess.run([COMMAND, "migrate", "--config", path], check=True, capture_output=True)
    return path


def gone(numbers: list[int]) -> bool:
    """Whether processes have ended."""
    return not any(_alive(number) for number in numbers)


def _alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before the file is opened, or before it is read
        return False


def test_every_process_that_is_killed_is_replaced(configuration: Path, tmp_path: Path) -> None:
    with serving(configuration, tmp_path / "log") as server:
        for position in range(1, len(server.processes())):
            before = server.processes()
            victim = before[position]
            os.kill(victim, signal.SIGKILL)
            process.wait_until(lambda victim=victim: gone([victim]), server.running, log=server.log, seconds=PATIENCE)

            def whole(count: int = len(before)) -> bool:
                return server.ready() and len(server.processes()) == count

            process.wait_until(whole, server.running, log=server.log, seconds=PATIENCE)


def test_the_first_process_takes_all_others_along_and_nothing_is_in_the_way_of_the_next(
    configuration: Path, tmp_path: Path
) -> None:
    with serving(configuration, tmp_path / "log") as server:
        everyone = server.processes()
        server.running.kill()
        server.running.wait()
        deadline = time.monotonic() + PATIENCE
        while not gone(everyone) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert gone(everyone)
    with serving(configuration, tmp_path / "log"):
        pass  # ready again


def test_a_request_under_way_is_finished_before_the_server_ends(configuration: Path, tmp_path: Path) -> None:
    body = envelope(PROVIDE, submission(b"<a/>").inline())
    with serving(configuration, tmp_path / "log") as server:
        host, _, port = server.base.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            head = f"POST /repository HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/soap+xml\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
            figures = f"{server.base}/metrics"
            process.wait_until(
                lambda: "in_flight 1.0" in requests.get(figures, timeout=20).text, server.running, log=server.log
            )
            server.running.send_signal(signal.SIGTERM)
            process.wait_until(lambda: "server.stopping" in server.log.read_text(), server.running, log=server.log)
            connection.sendall(body[100:])
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"ResponseStatusType:Success" in answer
        assert server.running.wait(PATIENCE) == 0


def test_tls_asks_for_a_certificate_and_refuses_old_versions(configuration: Path, tmp_path: Path, pki: Pki) -> None:
    https = configuration.read_text().partition('https = "')[2].partition('"')[0]
    keys = configuration.parent / "pki"
    with serving(configuration, tmp_path / "log"):
        own = {"verify": str(keys / "ca.pem"), "cert": (str(keys / "client.pem"), str(keys / "client.key"))}
        assert requests.get(f"https://{https}/healthz", timeout=60, **own).text == "alive\n"  # type: ignore[arg-type]
        assert requests.get(f"https://{https}/readyz", timeout=60, **own).status_code == 404  # type: ignore[arg-type]
        with pytest.raises(requests.RequestException):
            requests.get(f"https://{https}/healthz", timeout=60, verify=own["verify"])  # type: ignore[arg-type]
        with pytest.raises(requests.RequestException):  # of another authority
            requests.get(f"https://{https}/healthz", timeout=60, verify=own["verify"], cert=pki.client.files)  # type: ignore[arg-type]
        context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
        context.load_cert_chain(keys / "client.pem", keys / "client.key")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        host, _, port = https.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60) as raw, pytest.raises(ssl.SSLError):
            context.wrap_socket(raw, server_hostname="localhost")


def test_an_address_that_is_taken_is_named(configuration: Path) -> None:
    plain = configuration.read_text().partition('plain = "')[2].partition('"')[0]
    with socket.create_server(("127.0.0.1", int(plain.rpartition(":")[2]))):
        done = subprocess.run(
            [COMMAND, "serve", "--config", configuration, "--insecure-demo"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"server.plain: expected a free address; {plain}: Address already in use" in done.stderr


def test_audit_events_are_published_once(configuration: Path, tmp_path: Path) -> None:
    with serving(configuration, tmp_path / "log") as server:
        body = envelope(PROVIDE, submission(b"<a/>").inline())
        headers = {"Content-Type": "application/soap+xml"}
        answer = requests.post(f"{server.base}/repository", body, headers=headers, timeout=120)
        published = f'"correlation_id": "{answer.headers["X-Correlation-ID"]}"'

        def events(log: Path) -> list[str]:
            return [line for line in log.read_text().splitlines() if '"event": "audit"' in line]

        process.wait_until(
            lambda: any(published in line for line in events(server.log)), server.running, log=server.log
        )
        told = [json.loads(line) for line in events(server.log)]
        assert [line["transaction"] for line in told] == ["start", "ITI-41"]
        assert PATIENT not in server.log.read_text()
    with serving(configuration, tmp_path / "second") as server:
        process.wait_until(lambda: bool(events(server.log)), server.running, log=server.log)
        time.sleep(3)  # longer than the publisher's interval
        told += [json.loads(line) for line in events(server.log)]
    assert [line["transaction"] for line in told] == ["start", "ITI-41", "stop", "start"]
    assert [line["number"] for line in told] == [1, 2, 3, 4]
