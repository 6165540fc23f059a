"""The migrations make exactly the tables that the code speaks of, on both databases, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from dmp.alerts import tables as alert_tables
from dmp.audit import tables as audit_tables
from dmp.records import tables as record_tables
from feuillet.callers import presented
from feuillet.migrations import schema
from feuillet.migrations.schema import SchemaState, migrate, state_of
from xds_registry import tables as registry_tables
from xds_registry.database import open_database, writing
from xds_registry.subscriptions import tables as subscription_tables
from xds_repository import tables as repository_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/empty.db" if embedded else request.getfixturevalue("postgresql_url")
    opened = open_database(url)
    yield opened
    opened.dispose()


def test_the_tables_are_those_that_the_code_speaks_of(engine: Engine) -> None:
    assert state_of(engine) is SchemaState.EMPTY
    assert migrate(engine) == (SchemaState.EMPTY, SchemaState.CURRENT)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        metadata = [
            registry_tables.metadata,
            repository_tables.metadata,
            presented.metadata,
            audit_tables.metadata,
            record_tables.metadata,
        ]
        metadata += [alert_tables.metadata, subscription_tables.metadata]
        assert compare_metadata(context, metadata) == []  # type: ignore[arg-type]  # several are documented


def test_migrating_again_does_nothing(engine: Engine) -> None:
    migrate(engine)
    assert migrate(engine) == (SchemaState.CURRENT, SchemaState.CURRENT)


def test_what_was_presented_before_a_migration_is_known_after_it(engine: Engine) -> None:
    with writing(engine) as connection:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0003")
    memory, keys = presented.PresentedAssertions(engine), (b"1" * 32, b"2" * 32)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert memory.admit(keys, until=now + timedelta(minutes=6), at=now)  # its statement is that of both versions
    assert migrate(engine) == (SchemaState.OLDER, SchemaState.CURRENT)
    assert not memory.admit(keys, until=now + timedelta(minutes=6), at=now)


def test_tables_of_a_newer_version_are_left_alone(engine: Engine) -> None:
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrate(engine) == (SchemaState.NEWER, SchemaState.NEWER)


def test_the_way_back_leaves_no_table(engine: Engine) -> None:
    migrate(engine)
    with writing(engine) as connection:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert state_of(engine) is SchemaState.EMPTY


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE submission_set_author (x INTEGER)"))
    with pytest.raises(Exception, match="submission_set_author"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["submission_set_author"]


def test_what_is_offline_is_known_after_the_migration(engine: Engine) -> None:
    """An entry that was registered as Offline before this was a column."""
    offline = b"<rim:Value>urn:ihe:iti:2010:DocumentAvailability:Offline</rim:Value>"
    migrate(engine)
    with writing(engine) as connection:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "0003")
        connection.execute(
            text("INSERT INTO patient (pk, patient_id, created_at) VALUES (1, 'P', '2026-01-01 00:00:00')")
        )
        for number, fragment in enumerate((b"<a/>", b"<a>" + offline + b"</a>", offline.replace(b"Off", b"On"))):
            connection.execute(
                text(
                    "INSERT INTO document_entry (pk, entry_uuid, logical_id, version, unique_id, patient_pk, status,"
                    " on_demand, class_code, type_code, format_code, facility_type_code, practice_setting_code,"
                    " repository_unique_id, fragment)"
                    " VALUES (:pk, :uuid, :uuid, 1, :uuid, 1, 1, 0, '', '', '', '', '', '', :fragment)"
                ),
                {"pk": number, "uuid": str(number), "fragment": fragment},
            )
    migrate(engine)
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT offline FROM document_entry ORDER BY pk"))) == [0, 1, 0]
