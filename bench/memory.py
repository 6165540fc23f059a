"""One gigabyte in and out: how much memory the server's processes take for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bench import machine, workload
from bench.product import Setup
from bench.servers import Server, product
from bench.transactions import Run
from bench.wire import Connection, Failed
from bench.workload import Submission

_SIZE: Final = 1_000_000_000
_PIECE: Final = 1_000_000
_MOST: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident memory of all processes of a server, in bytes: before, and by how much it grew at its peak."""

    title: str
    before: int
    growth: int
    target: int = _MOST

    @property
    def met(self) -> bool:
        return self.growth < self.target

    def as_json(self) -> dict[str, Any]:
        return {"title": self.title, "before": self.before, "growth": self.growth, "met": self.met}


def memory(run: Run, setup: Setup, store: str) -> list[Growth]:
    """ITI-41, then ITI-43, of one document of 1 GB."""
    with product(setup, run.directory) as server:
        submission = Submission.fresh(workload.patient_id(1))
        for small in (Submission.fresh(workload.patient_id(1)) for _ in range(8)):  # what any first request loads
            with Connection(server.port, "/repository") as connection:
                connection.post(small.provided(workload.document(300_000)))
                connection.post(workload.retrieval(small.unique_id))
        kind, length, chunks = submission.streamed(_SIZE, _content())
        provided = _growth(server, f"ITI-41 in, {store}", lambda c: c.stream(kind, length, chunks))
        asked = workload.retrieval(submission.unique_id)
        return [provided, _growth(server, f"ITI-43 out, {store}", lambda c: c.post(asked), size=_SIZE)]


def _content() -> Iterator[bytes]:
    """Bytes that no two pieces share, so that nothing on the way can keep one for another."""
    for number in range(_SIZE // _PIECE):
        seed = hashlib.sha256(number.to_bytes(8, "big")).digest()
        yield (seed * (_PIECE // len(seed) + 1))[:_PIECE]


def _growth(server: Server, title: str, exchange: Any, *, size: int = 0) -> Growth:
    server.look()
    machine.forget_peaks(server.processes)
    before = machine.resident(server.processes)
    with Connection(server.port, "/repository") as connection:
        answer = exchange(connection)
    if answer.status != 200 or b":Success" not in answer.start or answer.size < size:
        raise Failed(f"1 GB is answered {answer.status}, {answer.size} bytes")
    return Growth(title, before, machine.peak_resident(server.processes) - before)
