"""The trail is written with the change or not at all, by many at once, and not without a key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from dmp.audit import AuditNotWritten, Trail
from dmp.audit.chain import AuditKeyError, load_key, make_key
from dmp.audit.tables import SHARDS
from dmp.audit.verification import run, verify
from tests.dmp.audit.events import event
from tests.services.trail import KEY, events_of, make_trail
from xds_registry.database import LOCK_TIMEOUT_MS, open_database, writing

PUBLIC = (KEY.public_key(),)


def test_events_are_there_with_the_change_and_gone_with_it(trail: Trail) -> None:
    with writing(trail.engine) as connection:
        trail.append(connection, (event(after=1), event(after=2)))

    def fail() -> None:
        with writing(trail.engine) as connection:
            trail.append(connection, (event(after=3),))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    trail.record(event(after=4))
    assert [(e.happened_at.second) for e in events_of(trail.engine)] == [1, 2, 4]
    report = run(verify(trail.engine, PUBLIC))
    assert (report.intact, report.events) == (True, 3)


def test_many_write_at_once_and_every_chain_holds(trail: Trail) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            trail.record(event(after=number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    report = run(verify(trail.engine, PUBLIC))
    assert (report.intact, report.events) == (True, 160)
    with trail.engine.connect() as connection:
        used = connection.execute(text("SELECT count(*) FROM audit_chain WHERE length > 0")).scalar_one()
    assert used == SHARDS[trail.engine.dialect.name]


def test_without_a_key_nothing_is_recorded(trail: Trail) -> None:
    with pytest.raises(AuditNotWritten):
        Trail(trail.engine, None).record(event())
    assert events_of(trail.engine) == []


@pytest.mark.parametrize("trouble", ["DROP TABLE audit_event", "DELETE FROM audit_chain"])
def test_what_cannot_be_recorded_is_said(trail: Trail, trouble: str) -> None:
    with trail.engine.begin() as connection:
        connection.execute(text(trouble))
    with pytest.raises(AuditNotWritten):
        trail.record(event())
    with pytest.raises(AuditNotWritten), writing(trail.engine) as connection:
        trail.append(connection, (event(),))


def test_a_head_that_somebody_keeps_locked_ends_in_a_refusal_and_not_in_waiting(postgresql_url: str) -> None:
    engine = open_database(postgresql_url, lock_timeout_ms=200)
    trail = make_trail(engine)
    with engine.connect() as holder, holder.begin():
        holder.execute(text("SELECT * FROM audit_chain FOR UPDATE"))
        with pytest.raises(AuditNotWritten, match="LockNotAvailable"):
            trail.record(event())
        with pytest.raises(AuditNotWritten, match="LockNotAvailable"), writing(engine) as connection:
            trail.append(connection, (event(),))
    trail.record(event())
    assert len(events_of(engine)) == 1
    engine.dispose()


def test_every_connection_to_postgresql_waits_for_seconds_only(postgresql_url: str) -> None:
    engine = open_database(postgresql_url)
    for _ in range(2):  # a new connection, and one from the pool
        with engine.connect() as connection:
            assert connection.execute(text("SHOW lock_timeout")).scalar_one() == f"{LOCK_TIMEOUT_MS // 1000}s"
    engine.dispose()


def test_a_head_that_was_moved_back_does_not_let_events_be_written_over(trail: Trail) -> None:
    trail.record(event(after=1))
    with trail.engine.begin() as connection:
        connection.execute(text("UPDATE audit_chain SET length = 0"))
    with pytest.raises(AuditNotWritten):
        trail.record(event(after=2))


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    made = make_key(file)
    assert load_key(file).public_key() == made
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_key(file)
    (tmp_path / "other").write_text("no key")
    with pytest.raises(AuditKeyError, match="Ed25519"):
        load_key(tmp_path / "other")
