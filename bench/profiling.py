"""Where the time of a transaction goes: the WSGI application in this process, under Python's own profiler."""

from __future__ import annotations

import cProfile
import io
import pstats
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import workload
from bench.database import CACHE, sqlite_database
from bench.product import Setup, application
from bench.rows import capture, post
from bench.servers import ROOT
from bench.workload import Posted, Submission

PROFILES: Final = ("iti18", "iti41", "iti43")
_LINES: Final = 25
_ENTRIES: Final = 10_000


def profile(name: str, *, requests: int, console: Console) -> None:
    """Print what one request costs without the profiler, and the functions that cost most with it."""
    captured = capture(workload.document(100 * 1024))
    filled = sqlite_database(_ENTRIES, captured, console.print)
    CACHE.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="profile-", dir=CACHE))
    try:
        database = directory / "rows.db"
        shutil.copyfile(filled.url.removeprefix("sqlite:///"), database)
        wsgi = application(Setup(f"sqlite:///{database}", directory))
        path = "/registry" if name == "iti18" else "/repository"
        if name == "iti43":
            requests = min(requests, 20)
        asked = _requests(name, 3 * requests, filled.patients, wsgi)
        warm, plain, profiled = asked[:requests], asked[requests : 2 * requests], asked[2 * requests :]
        for request in warm:
            _answered(wsgi, path, request)
        started = time.process_time()
        for request in plain:
            _answered(wsgi, path, request)
        console.print(f"{name}: {(time.process_time() - started) * 1000 / requests:.3f} ms CPU per request in process")
        profiler = cProfile.Profile()
        profiler.enable()
        for request in profiled:
            _answered(wsgi, path, request)
        profiler.disable()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for order in ("cumulative", "tottime"):
        _print(profiler, order, requests, console)


def _requests(name: str, count: int, patients: int, wsgi: object) -> list[Posted]:
    chosen = random.Random(count)
    if name == "iti18":
        return [workload.find_documents(workload.patient_id(chosen.randint(1, patients))) for _ in range(count)]
    if name == "iti41":
        return [
            Submission.fresh(workload.patient_id(chosen.randint(1, patients))).provided(
                workload.document(100 * 1024, number)
            )
            for number in range(count)
        ]
    submission = Submission.fresh(workload.patient_id(1))
    _answered(wsgi, "/repository", submission.provided(workload.document(10_000_000)))
    return [workload.retrieval(submission.unique_id)] * count


def _answered(wsgi: object, path: str, request: Posted) -> None:
    answer = post(wsgi, path, request)  # type: ignore[arg-type]
    if b":Success" not in answer[:8192]:
        raise RuntimeError(f"a request is refused: {answer[:2000].decode(errors='replace')}")


def _print(profiler: cProfile.Profile, order: str, requests: int, console: Console) -> None:
    """The first lines of a profile, in microseconds per request."""
    stats = pstats.Stats(profiler, stream=io.StringIO())
    rows = []
    for (file, line, function), (_, calls, own, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = file.replace(f"{ROOT}/", "").split("site-packages/")[-1]
        rows.append(
            (cumulative if order == "cumulative" else own, calls, own, cumulative, f"{place}:{line} {function}")
        )
    rows.sort(reverse=True)
    console.print(
        f"\nby {'cumulative' if order == 'cumulative' else 'own'} time; µs per request, waiting and profiler included"
    )
    console.print(f"{'calls':>8} {'own':>9} {'cumul.':>9}  function", highlight=False)
    for _, calls, own, cumulative, where in rows[:_LINES]:
        figures = f"{calls / requests:8.1f} {own * 1e6 / requests:9.1f} {cumulative * 1e6 / requests:9.1f}"
        console.print(f"{figures}  {where}", highlight=False, soft_wrap=True, markup=False)
