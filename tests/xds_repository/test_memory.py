"""A document of 1 GB goes in and out while the server's memory stays flat."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.responses import read_registry_response
from soap.message import OutgoingPart
from soap.parts import SpooledPart
from tests.xds_repository.house import Backend, Client, succeeded
from tests.xds_repository.server import UNLIMITED, running, workers
from tests.xds_repository.submissions import PROVIDE, RETRIEVE, Paper, retrieval, submission

MEGABYTE = 1_000_000
SIZE = 1_000 * MEGABYTE
GROWTH = 64 * MEGABYTE
_BLOCK = random.Random(1).randbytes(MEGABYTE)

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


def pieces(size: int) -> Iterator[bytes]:
    """Bytes that differ from one megabyte to the next."""
    for number in range(size // MEGABYTE):
        yield number.to_bytes(8, "big") + _BLOCK[8:]


def peak(pid: int) -> int:
    """The most memory a process has had so far, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def round_trip(client: Client, size: int) -> None:
    """Send one document of so many bytes as a stream and read it back into a file."""
    paper = Paper(b"")
    body, (part,) = submission(paper).mtom()
    outgoing = OutgoingPart(part.content_id, part.content_type, size, pieces(size))
    with client.caller.call(PROVIDE, body, parts=[outgoing], mtom=True) as answer:
        assert succeeded(read_registry_response(answer.body))
    with client.caller.call(RETRIEVE, retrieval(paper.unique_id), mtom=True) as answer:
        (received,) = answer.parts.values()
        assert isinstance(received, SpooledPart)
        expected = hashlib.sha256()
        for piece in pieces(size):
            expected.update(piece)
        assert (received.size, received.sha256) == (size, expected.hexdigest())


def test_a_document_of_1_gb_goes_in_and_out_in_flat_memory(
    backend: Backend, tmp_path: Path, say: Callable[[str], None]
) -> None:
    with running(backend, tmp_path, gunicorn=True) as (url, server):
        client = Client(url, tmp_path / "client", limits=UNLIMITED, timeout=1200.0)
        round_trip(client, 2 * MEGABYTE)  # everything is loaded and every buffer has been used once
        (worker,) = workers(server.pid)
        before = peak(worker)
        round_trip(client, SIZE)
        assert workers(server.pid) == [worker]
        growth = peak(worker) - before
    say(f"peak memory grew by {growth / MEGABYTE:.1f} MB for 1 GB in and out ({type(backend.store).__name__})")
    assert growth < GROWTH
