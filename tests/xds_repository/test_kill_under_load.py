"""All processes of a busy server are killed when chance says so; what clients saw is compared with what is there."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from soap.client.caller import NoAnswer
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.server import running, workers
from tests.xds_repository.submissions import Submission, submission
from tests.xds_repository.test_crash_points import check_invariants
from xds_registry import tables as registry_tables
from xds_repository import tables

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found in /proc")

CLIENTS = 4
KILLS = 2


@dataclass
class History:
    """What the clients of one server life saw."""

    sent: dict[str, Submission] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)

    def send(self, url: str, directory: Path, seed: int, stop: threading.Event) -> None:
        """Send submissions of one to three documents, and some of them twice, until the server is gone."""
        chance, client = random.Random(seed), Client(url, directory, timeout=120.0)
        while not stop.is_set():
            sizes = [chance.choice((10, 3000, 400_000)) for _ in range(chance.choice((1, 2, 3)))]
            papers = submission(*(chance.randbytes(size) for size in sizes))
            self.sent[papers.unique_id] = papers
            try:
                for _ in range(chance.choice((1, 1, 2))):
                    assert succeeded(client.provide(papers))
                    self.acknowledged.add(papers.unique_id)
            except NoAnswer:
                return


@pytest.mark.parametrize("seed", [20260101])
def test_what_a_killed_server_acknowledged_is_there_and_the_rest_can_be_sent_again(
    backend: Backend, tmp_path: Path, seed: int
) -> None:
    chance, history = random.Random(seed), History()
    house = House(backend, tmp_path / "spool")
    for life in range(KILLS):
        before = len(history.acknowledged)
        with running(backend, tmp_path, gunicorn=True, processes=2) as (url, server):
            stop = threading.Event()
            clients = [
                threading.Thread(target=history.send, args=(url, tmp_path / f"c{n}", seed + 100 * life + n, stop))
                for n in range(CLIENTS)
            ]
            for client in clients:
                client.start()
            while len(history.acknowledged) < before + 10 and any(client.is_alive() for client in clients):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            processes = [server.pid, *workers(server.pid)]
            for pid in processes:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            stop.set()
            for client in clients:
                client.join()
        there = _registered(house)
        assert history.acknowledged <= there.keys()  # I1
        check_invariants(house, {name: list(history.sent[name].papers) for name in there})
    assert len(history.acknowledged) >= 10 * KILLS

    with listening(house.application) as url:
        client = Client(url, tmp_path / "last")
        for papers in history.sent.values():
            assert succeeded(client.provide(papers))  # I7
        for papers in history.sent.values():
            asked = [paper.unique_id for paper in papers.papers]
            assert client.retrieve(*asked).contents == [paper.content for paper in papers.papers]  # I1
    house.clock.ahead = house.configuration.intent_lifetime * 2
    house.repository.reap()
    check_invariants(house, {name: list(papers.papers) for name, papers in history.sent.items()})
    assert house.count(tables.write_intent) == 0
    assert len(house.blobs()) == sum(len(papers.papers) for papers in history.sent.values())
    house.engine.dispose()


def _registered(house: House) -> dict[str, object]:
    with house.engine.connect() as connection:
        return {row.unique_id: row for row in connection.execute(registry_tables.submission_set.select())}
