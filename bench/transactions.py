"""ITI-18, ITI-41 and ITI-43 over HTTP against their floors, and FindDocuments in a small and a large database."""

from __future__ import annotations

import pickle
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import workload
from bench.database import EACH
from bench.databases import Databases
from bench.product import WORKERS, Setup
from bench.rounds import Comparison, Round, Samples, Target, interleave
from bench.rows import Captured
from bench.servers import Server, floor, product
from bench.wire import Connection, Failed
from bench.workload import Posted, Submission

_CDA: Final = 100 * 1024
_LARGE: Final = 10_000_000
_FEW: Final = 10_000
_MANY: Final = 1_000_000
_CONNECTIONS: Final = 4
_WARM: Final = 8


@dataclass(frozen=True, slots=True)
class Run:
    """How much is measured, where files may go, and which databases there are."""

    rounds: int
    requests: int
    directory: Path
    databases: Databases
    captured: Captured
    many: int = _MANY


def find_documents(run: Run) -> list[Comparison]:
    """ITI-18: server CPU of FindDocuments for a patient with 100 documents, LeafClass."""
    with ExitStack() as stack:
        filled = run.databases.filled(_FEW)
        setup = Setup(filled.url, fresh_directory(run, "iti18"))
        server = stack.enter_context(product(setup, run.directory))
        floors = [
            stack.enter_context(floor("iti18", run.directory, database=filled.url, serialise=serialise))
            for serialise in (False, True)
        ]
        chosen = random.Random(18)
        asked = [
            workload.find_documents(workload.patient_id(chosen.randint(1, filled.patients)))
            for _ in range(run.requests)
        ]
        _check_found(server, asked[0])
        sides = [
            _cpu_round(server, "/registry", lambda: asked, _CONNECTIONS),
            *(_cpu_round(bare, "/", lambda: asked, 1) for bare in floors),
        ]
        measured, joined, serialised = interleave(sides, run.rounds)
    return [
        Comparison(
            f"ITI-18 FindDocuments{form}",
            "server CPU per request; patient with 100 documents, LeafClass",
            against,
            "ms",
            measured,
            samples,
            Target(3.0),
        )
        for form, against, samples in (
            ("", "request parsed, the same rows by bare SQL, answer's XML serialised, sent", serialised),
            (", no XML out", "request parsed, the same rows by bare SQL, joined as they are, sent", joined),
        )
    ]


def growth(run: Run) -> list[Comparison]:
    """ITI-18 again: what it costs among many entries beside what it costs among few."""
    with ExitStack() as stack:
        sides = []
        for entries in (run.many, _FEW):
            filled = run.databases.filled(entries)
            server = stack.enter_context(
                product(Setup(filled.url, fresh_directory(run, f"of{entries}")), run.directory)
            )
            sides.append(_cpu_round(server, "/registry", _asking(filled.patients, run.requests), _CONNECTIONS))
        measured, against = interleave(sides, run.rounds)
    return [
        Comparison(
            f"FindDocuments in {run.many:,} entries",
            f"server CPU per request; {_FEW // EACH} patients in turn, anywhere in the database",
            f"the same in {_FEW:,} entries",
            "ms",
            measured,
            against,
            Target(1.2),
        )
    ]


def _asking(patients: int, requests: int) -> Callable[[], Sequence[Posted]]:
    """As many patients as the small database has, drawn from all: the same work, whatever else is stored."""
    chosen = random.Random(patients)
    active = chosen.sample(range(1, patients + 1), _FEW // EACH)

    def asked() -> Sequence[Posted]:
        return [workload.find_documents(workload.patient_id(chosen.choice(active))) for _ in range(requests)]

    return asked


def provide(run: Run) -> list[Comparison]:
    """ITI-41: server CPU of one CDA document of 100 KB, durable when it is answered."""
    with ExitStack() as stack:
        theirs, ours = run.databases.copy(_FEW), run.databases.copy(_FEW)
        directory = fresh_directory(run, "iti41")
        pickled = directory / "rows"
        pickled.write_bytes(pickle.dumps(run.captured))
        server = stack.enter_context(product(Setup(ours.url, directory), run.directory))
        bare = stack.enter_context(
            floor(
                "iti41",
                run.directory,
                database=theirs.url,
                store=str(directory / "floor"),
                captured=str(pickled),
                patients=theirs.patients,
            )
        )
        requests = max(20, run.requests // 2)
        seed = random.Random(41)

        def asked() -> list[Posted]:
            patients = (workload.patient_id(seed.randint(1, ours.patients)) for _ in range(requests))
            documents = (workload.document(_CDA, seed.getrandbits(60)) for _ in range(requests))
            return [
                Submission.fresh(patient).provided(document)
                for patient, document in zip(patients, documents, strict=True)
            ]

        def prepared() -> list[Posted]:
            with Connection(bare.port, "/") as connection:
                connection.post(Posted("text/plain", str(requests).encode()))
            return asked()

        sides = [
            _cpu_round(server, "/repository", asked, _CONNECTIONS, warm=False),
            _cpu_round(bare, "/", prepared, 1, warm=False),
        ]
        measured, against = interleave(sides, run.rounds)
    return [
        Comparison(
            "ITI-41 Provide and Register",
            f"server CPU per request; CDA of 100 KB ({workload.sample_name()}), durable",
            "hashed, file and directory synced, XML parsed and serialised, the same rows committed",
            "ms",
            measured,
            against,
            Target(3.0),
        )
    ]


def retrieve(run: Run) -> list[Comparison]:
    """ITI-43: throughput of a document of 10 MB, over one connection and over two."""
    with ExitStack() as stack:
        copied = run.databases.copy(_FEW)
        directory = fresh_directory(run, "iti43")
        content = workload.document(_LARGE)
        file = directory / "document"
        file.write_bytes(content)
        server = stack.enter_context(product(Setup(copied.url, directory), run.directory))
        bare = stack.enter_context(floor("iti43", run.directory, workers=WORKERS, file=str(file)))
        submission = Submission.fresh(workload.patient_id(1))
        with Connection(server.port, "/repository") as connection:
            _successful(connection.post(submission.provided(content)).start)
        asked = workload.retrieval(submission.unique_id)
        found: list[tuple[int, Samples, Samples]] = []
        for connections in (1, WORKERS):
            sides = [
                _throughput_round(server, "/repository", asked, connections),
                _throughput_round(bare, "/", asked, connections),
            ]
            measured, against = interleave(sides, run.rounds)
            found.append((connections, measured, against))
    return [
        Comparison(
            f"ITI-43 Retrieve, {connections} connection{'s' if connections > 1 else ''}",
            "throughput of a document of 10 MB",
            "the same bytes read, hashed, sent",
            "MB/s",
            measured,
            against,
            Target(0.6, at_least=True),
        )
        for connections, measured, against in found
    ]


def fresh_directory(run: Run, name: str) -> Path:
    """An empty directory of this run."""
    path = run.directory / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _cpu_round(
    server: Server, path: str, asked: Callable[[], Sequence[Posted]], connections: int, *, warm: bool = True
) -> Round:
    """A round that returns milliseconds of server CPU per request; requests take turns on the connections."""

    def run() -> float:
        requests = asked()
        with ExitStack() as stack:
            opened = [stack.enter_context(Connection(server.port, path)) for _ in range(connections)]
            if warm:
                _send(opened, requests[:_WARM])
            server.look()
            before = server.cpu()
            _send(opened, requests)
            return server.cpu().since(before) * 1000 / len(requests)

    return run


def _send(connections: Sequence[Connection], requests: Iterable[Posted]) -> None:
    for number, request in enumerate(requests):
        answer = connections[number % len(connections)].post(request)
        if answer.status != 200:
            raise Failed(f"a request is answered {answer.status}")
        if number == 0 or b":Failure" in answer.start:
            _successful(answer.start, strict=False)


def _successful(start: bytes, *, strict: bool = True) -> None:
    if b":Failure" in start or (strict and b":Success" not in start):
        raise Failed(f"a request is refused: {start.decode(errors='replace')}")


def _check_found(server: Server, asked: Posted) -> None:
    with Connection(server.port, "/registry") as connection:
        answer = connection.post(asked, keep=10_000_000)
    _successful(answer.start)
    if (count := answer.start.count(b"<rim:ExtrinsicObject ")) != 100:
        raise Failed(f"FindDocuments gives {count} documents and not 100")


def _throughput_round(server: Server, path: str, asked: Posted, connections: int, *, times: int = 12) -> Round:
    """A round that returns megabytes per second over all connections together."""

    def run() -> float:
        received = [0] * connections

        def fetch(number: int, connection: Connection) -> None:
            for _ in range(times):
                answer = connection.post(asked)
                if answer.status != 200 or answer.size < _LARGE:
                    raise Failed(f"a document is answered {answer.status}, {answer.size} bytes")
                received[number] += _LARGE

        with ExitStack() as stack:
            opened = [stack.enter_context(Connection(server.port, path)) for _ in range(connections)]
            for connection in opened:
                connection.post(asked)
            threads = [threading.Thread(target=fetch, args=item) for item in enumerate(opened)]
            started = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.perf_counter() - started
        if sum(received) != _LARGE * times * connections:
            raise Failed("not every document arrived")
        return sum(received) / 1e6 / seconds

    return run
