"""One real server for all cases, what it keeps, and the figures of the run."""

from __future__ import annotations

import os
import socket
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hostile.case import Case, bait
from tests.services import process

PROJECT = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 60.0
_KEEPING = ("patient", "submission_set", "document_entry", "folder", "association", "stored_document", "write_intent")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    head: bytes
    body: bytes


@dataclass
class Figures:
    """Duration and processor time in seconds and growth of the server's peak memory in bytes, by case."""

    seconds: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    growth: dict[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """One line with medians and extremes."""
        figures = [f"hostile requests: {len(self.growth)} refused"]
        for name, values in (("duration", self.seconds), ("processor time", self.processor)):
            worst = max(values, key=values.__getitem__)
            median = statistics.median(values.values())
            figures.append(f"{name} median {median * 1000:.1f} ms, longest {values[worst] * 1000:.0f} ms ({worst})")
        worst = max(self.growth, key=self.growth.__getitem__)
        figures.append(f"peak memory grew by at most {self.growth[worst] / 1e6:.1f} MB ({worst})")
        return "; ".join(figures)


class Server:
    """The server's process from outside: its port, its memory, its log, its spool, its rows and its blobs."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.log = directory / "log"
        self._seen_log = 0
        self._rows: sqlite3.Connection | None = None

    @property
    def worker(self) -> int:
        """The process that answers."""
        master = (self.directory / "master.pid").read_text().strip()
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        assert len(children) == 1, "the worker did not survive"
        return int(children[0])

    def answers(self) -> bool:
        """Whether it listens yet."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return (self.directory / "rows.db").exists() and (self.directory / "master.pid").exists()

    def exchange(self, request: bytes) -> Answer:
        """Send a request and read what comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # an answer may come before the request is out
            received = bytearray()
            try:
                while data := connection.recv(65_536):
                    received += data
            except ConnectionResetError:
                pass
        head, _, body = bytes(received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), "no answer at all"
        return Answer(int(head[9:12]), head, body)

    def memory(self) -> tuple[int, int]:
        """Resident memory now, and its highest value since `forget_peak`. Bytes."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.worker}/status").read_text().splitlines())
        return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024

    def processor(self) -> float:
        """Seconds of processor time that the worker's threads have used. proc(5): /proc/pid/task/tid/schedstat"""
        used = 0
        for task in Path(f"/proc/{self.worker}/task").iterdir():
            used += int((task / "schedstat").read_text().split()[0])
        return used / 1e9

    def forget_peak(self) -> None:
        """Start measuring the peak afresh. proc(5): /proc/pid/clear_refs"""
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")

    def kept(self) -> tuple[int, tuple[str, ...]]:
        """How many rows registry and repository keep, and the files of the store."""
        if self._rows is None:
            self._rows = sqlite3.connect(self.directory / "rows.db")
        counts = " + ".join(f"(SELECT count(*) FROM {table})" for table in _KEEPING)
        rows: int = self._rows.execute(f"SELECT {counts}").fetchone()[0]
        return rows, tuple(sorted(os.fspath(p) for p in (self.directory / "store").rglob("*") if p.is_file()))

    def spooled(self) -> list[Path]:
        """What is left in the spool once the request is over, which is a moment after its answer is."""
        deadline = time.monotonic() + _PATIENCE
        while (left := list((self.directory / "spool").iterdir())) and time.monotonic() < deadline:
            time.sleep(0.01)
        return left

    def new_log(self) -> bytes:
        """What was logged since the last call."""
        with self.log.open("rb") as file:
            file.seek(self._seen_log)
            text = file.read()
        self._seen_log += len(text)
        return text


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Registry and repository behind gunicorn."""
    directory = tmp_path_factory.mktemp("hostile")
    for name in ("spool", "store"):
        (directory / name).mkdir()
    server = Server(directory, process.free_port())
    command = [sys.executable, "-m", "tests.hostile.server", directory, str(server.port)]
    running = process.start(command, log=server.log, directory=PROJECT)
    try:
        process.wait_until(server.answers, running, log=server.log)
        yield server
    finally:
        process.stop(running)


FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """What is measured on the way; printed at the end of the run."""
    return request.config.stash.setdefault(FIGURES, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures, in one line."""
    measured = config.stash.get(FIGURES, None)
    if measured is not None and measured.growth:
        terminalreporter.write_line(measured.summary())


def visited() -> bool:
    """Whether somebody followed an address in a document."""
    try:
        bait().accept()[0].close()
    except BlockingIOError:
        return False
    return True


def measured(server: Server, figures: Figures, case: Case) -> Answer:
    """Send a case, and note what it cost."""
    request = case.request()
    before, _ = server.memory()
    server.forget_peak()
    server.forget_peak()
    used = server.processor()
    started = time.perf_counter()
    answer = server.exchange(request)
    figures.seconds[case.name] = time.perf_counter() - started
    figures.processor[case.name] = server.processor() - used
    figures.growth[case.name] = server.memory()[1] - before
    return answer
