"""Starting a server: everything that can be found wrong is found before the first process is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit import AuditNotWritten
from feuillet import probes
from feuillet.audit.checkpoints import begin, end
from feuillet.callers.trust import open_trust, required_trust
from feuillet.commands.exits import NotMigrated, PartUnavailable
from feuillet.composition import open_engine, open_rooms
from feuillet.migrations.schema import SchemaState, state_of
from feuillet.server.supervisor import Part, Supervisor, parts_of
from feuillet.server.tls import tls_context
from feuillet.settings import Sections
from xds_repository.stores import StoreError

_log: Final = structlog.get_logger(__name__)


def serve(settings: Sections, extra: Sequence[Part] = ()) -> bool:
    """Serve until told to stop; True when everything ended by itself. `extra` parts run beside the server's own.

    Raises `ConfigurationRefused`, `NotMigrated`, `PartUnavailable`; nothing runs then.
    """
    if settings.insecure_demo:
        _log.warning("server.insecure", meaning="--insecure-demo: whoever is on this machine may read and write all")
    for tls in (settings.server.tls, settings.feed.tls):
        if tls is not None:
            tls_context(tls)
    require_parts(settings)
    require_trust(settings)
    parts = [*parts_of(settings), *extra]
    with _open_engine(settings) as engine:
        try:
            begin(settings, engine)
        except (AuditNotWritten, OSError, SQLAlchemyError) as error:
            raise PartUnavailable(f"audit: the trail cannot be written to ({type(error).__name__})") from None
    ended_well = Supervisor(parts, stop_seconds=settings.server.stop_seconds).run()
    with _open_engine(settings) as engine:
        end(settings, engine)
    return ended_well


@contextmanager
def _open_engine(settings: Sections) -> Iterator[Engine]:
    """The database, with no connection left open: processes are forked before and after."""
    engine = open_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def require_trust(settings: Sections) -> None:
    """See that it is known whom to trust. Raises `ConfigurationRefused`."""
    trust = required_trust(settings)
    if trust is not None:
        # what is fetched now is kept for the workers, which then need not wait for it
        open_trust(trust)[0].refresh()


def require_parts(settings: Sections) -> None:
    """See that the database and the store answer and that the tables are there."""
    try:
        rooms = open_rooms(settings)
    except StoreError as error:
        raise PartUnavailable(f"store: {error}") from None
    try:
        for finding in (probes.database(rooms.engine), probes.store(rooms.store)):
            if not finding.passed:
                raise PartUnavailable(f"{finding.subject}: {finding.detail}")
        try:
            state = state_of(rooms.engine)
        except SQLAlchemyError as error:
            raise PartUnavailable("database: the tables cannot be looked at") from error
        if state in (SchemaState.EMPTY, SchemaState.OLDER):
            raise NotMigrated(f"database: {state.value}")
    finally:
        rooms.close()
