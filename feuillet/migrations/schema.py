"""Bringing a database to the tables of this version, and telling whether it is there."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from xds_registry.database import writing

_DIRECTORY: Final = Path(__file__).parent
#: Any number that nothing else on the server takes for its advisory locks.
_LOCK: Final = 0x46657569


class SchemaState(enum.Enum):
    """What a database's tables are to this version of the program."""

    CURRENT = "the tables are those of this version"
    EMPTY = "the database has no tables yet: run `feuillet migrate`"
    OLDER = "the tables are older than this version: run `feuillet migrate`"
    NEWER = "the tables are newer than this version, which can work with them"


def state_of(engine: Engine) -> SchemaState:
    """How the tables stand. Raises what the database raises when it does not answer."""
    with engine.connect() as connection:
        return _state(connection)


def migrate(engine: Engine) -> tuple[SchemaState, SchemaState]:
    """Bring the tables to this version, in one transaction; how they stood before, and how they stand now.

    Several processes may do so at once: one does it, the others wait. On PostgreSQL no step waits more than two seconds
    for a table that others use; the whole then fails and nothing has changed.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
        before = _state(connection)
        if before in (SchemaState.EMPTY, SchemaState.OLDER):
            configuration = _configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
        return before, _state(connection)


def head() -> str:
    """The revision of this version."""
    revision = ScriptDirectory.from_config(_configuration()).get_current_head()
    assert revision is not None  # noqa: S101 - there is always one
    return revision


def _configuration() -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    return configuration


def _state(connection: Connection) -> SchemaState:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return SchemaState.EMPTY
    known = {script.revision for script in ScriptDirectory.from_config(_configuration()).walk_revisions()}
    if current not in known:
        # Migrations only add what the version before does not mind, so that nodes are renewed one after the other.
        return SchemaState.NEWER
    return SchemaState.CURRENT if current == head() else SchemaState.OLDER
