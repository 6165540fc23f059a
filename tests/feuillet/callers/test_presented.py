"""An assertion counts once, whoever asks at the same time, and is forgotten when it is too old to count."""

from __future__ import annotations

import secrets
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from feuillet.callers import presented
from feuillet.callers.presented import PresentedAssertions, presented_assertion
from xds_registry.database import open_database, writing

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=6)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/presented.db" if embedded else request.getfixturevalue("postgresql_url")
    opened = open_database(url)
    presented.metadata.create_all(opened)
    yield opened
    opened.dispose()


def keys() -> list[bytes]:
    return [secrets.token_bytes(32), secrets.token_bytes(32)]


def test_either_key_is_enough_to_be_known_again(engine: Engine) -> None:
    memory = PresentedAssertions(engine)
    first, other = keys(), keys()
    assert memory.admit(first, until=SOON, at=NOW)
    assert not memory.admit(first, until=SOON, at=NOW)
    assert not memory.admit([first[0], other[1]], until=SOON, at=NOW)
    assert not memory.admit([other[0], first[1]], until=SOON, at=NOW)
    assert memory.admit(other, until=SOON, at=NOW)  # what was refused with it has left nothing behind


def test_of_a_hundred_parallel_ones_one_is_admitted(engine: Engine) -> None:
    memory, same = PresentedAssertions(engine), keys()
    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: memory.admit(same, until=SOON, at=NOW), range(100)))
    assert admitted.count(True) == 1


def test_of_parallel_ones_that_are_too_old_to_be_known_one_is_admitted(engine: Engine) -> None:
    memory, same = PresentedAssertions(engine), keys()
    assert memory.admit(same, until=NOW - timedelta(minutes=1), at=NOW - timedelta(minutes=7))
    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: memory.admit(same, until=SOON, at=NOW), range(100)))
    assert admitted.count(True) == 1


def test_one_key_too_old_and_one_that_still_counts_are_known(engine: Engine) -> None:
    memory, old, young = PresentedAssertions(engine), keys(), keys()
    memory.admit(old, until=NOW, at=NOW - timedelta(minutes=6))
    memory.admit(young, until=SOON, at=NOW)
    assert not memory.admit([old[0], young[1]], until=SOON, at=NOW)
    assert memory.admit(old, until=SOON, at=NOW)  # the refusal has not remembered it anew


_PRESENT_AND_DIE = """
import os, signal, sys
from datetime import datetime
from feuillet.callers.presented import PresentedAssertions
from xds_registry.database import open_database
url, until, at, *keys = sys.argv[1:]
when = datetime.fromisoformat
admitted = PresentedAssertions(open_database(url)).admit(
    [bytes.fromhex(key) for key in keys], until=when(until), at=when(at)
)
os.write(1, b"admitted" if admitted else b"refused")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_admitted_is_known_though_its_process_was_killed_at_once(engine: Engine) -> None:
    same, url = keys(), engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _PRESENT_AND_DIE, url, SOON.isoformat(), NOW.isoformat(), *[k.hex() for k in same]]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    said = [child.communicate(timeout=60)[0] for child in children]
    assert sorted(said) == [b"admitted", b"refused", b"refused"]
    assert [child.returncode for child in children] == [-signal.SIGKILL] * 3
    assert not PresentedAssertions(engine).admit(same, until=SOON, at=NOW)


def test_what_is_too_old_is_forgotten_and_what_is_not_is_kept(engine: Engine) -> None:
    memory = PresentedAssertions(engine)
    old, young = keys(), keys()
    elsewhere = timezone(timedelta(hours=2))
    memory.admit(old, until=SOON.astimezone(elsewhere), at=NOW)
    memory.admit(young, until=SOON + timedelta(minutes=1), at=NOW)
    assert memory.forget(SOON - timedelta(seconds=1)) == 0
    assert memory.forget(SOON.astimezone(elsewhere)) == 2
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(presented_assertion)).scalar_one() == 2
    assert not memory.admit(young, until=SOON, at=NOW)
    assert memory.admit(young, until=SOON + timedelta(hours=1), at=SOON + timedelta(minutes=1))


def test_wherever_a_power_failure_cuts_the_log_what_came_of_a_request_is_gone_with_its_memory(tmp_path: Path) -> None:
    file, same = tmp_path / "presented.db", keys()
    engine = open_database(f"sqlite:///{file}")
    presented.metadata.create_all(engine)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE outcome (of_request INTEGER)"))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert PresentedAssertions(engine).admit(same, until=SOON, at=NOW)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO outcome VALUES (1)"))
    database, log = file.read_bytes(), Path(f"{file}-wal").read_bytes()
    engine.dispose()
    seen = Counter[tuple[bool, bool]]()
    for length in (*range(32, len(log), 24 + 8192), len(log)):  # SQLite's file format: 4.1
        copy = tmp_path / f"cut{length}.db"
        copy.write_bytes(database)
        Path(f"{copy}-wal").write_bytes(log[:length])
        cut = open_database(f"sqlite:///{copy}")
        with cut.connect() as connection:
            outcome = connection.execute(text("SELECT count(*) FROM outcome")).scalar_one() == 1
        known = not PresentedAssertions(cut).admit(same, until=SOON, at=NOW)
        seen[outcome, known] += 1
        cut.dispose()
    assert set(seen) == {(False, False), (False, True), (True, True)}, seen


def test_what_others_commit_waits_for_the_disk_as_before(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/presented.db", pool_size=1)
    presented.metadata.create_all(engine)
    memory = PresentedAssertions(engine)
    for _ in range(3):
        memory.admit(keys(), until=SOON, at=NOW)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
    engine.dispose()


def test_nobody_is_admitted_when_nothing_can_be_remembered(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(sqlite3.OperationalError):
        PresentedAssertions(engine).admit(keys(), until=SOON, at=NOW)
    engine.dispose()
