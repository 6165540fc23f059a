"""An assertion counts once, whoever asks at the same time, and is forgotten when it is too old to count."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from feuillet.callers import presented
from feuillet.callers.presented import PresentedAssertions, presented_assertion
from xds_registry.database import open_database

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


def test_of_parallel_ones_one_is_admitted(engine: Engine) -> None:
    memory, same = PresentedAssertions(engine), keys()
    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: memory.admit(same, until=SOON, at=NOW), range(24)))
    assert admitted.count(True) == 1


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


def test_nobody_is_admitted_when_nothing_can_be_remembered(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(OperationalError):
        PresentedAssertions(engine).admit(keys(), until=SOON, at=NOW)
    engine.dispose()
