"""Whether the parts answer: for `/readyz` and `feuillet check`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from feuillet.logs import kind
from feuillet.migrations.schema import SchemaState, state_of
from xds_registry.database import DatabaseNotDurable, ping
from xds_repository.stores import ObjectStore, StoreError

#: How far the clock may be from the database's, in seconds.
_MOST_SKEW: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: `passed`, and in words what it saw or what is needed."""

    subject: str
    passed: bool
    detail: str


def database(engine: Engine) -> Finding:
    """Whether the database answers and keeps what it acknowledges."""
    try:
        ping(engine)
    except DatabaseNotDurable as error:
        return Finding("database", False, str(error))
    except SQLAlchemyError as error:
        return Finding("database", False, f"does not answer ({kind(error.__cause__ or error)})")
    return Finding("database", True, f"{engine.dialect.name} answers")


def schema(engine: Engine) -> Finding:
    """Whether the database has the tables of this version."""
    try:
        state = state_of(engine)
    except SQLAlchemyError as error:
        return Finding("schema", False, f"cannot be read ({kind(error.__cause__ or error)})")
    return Finding("schema", state in (SchemaState.CURRENT, SchemaState.NEWER), state.value)


def store(objects: ObjectStore) -> Finding:
    """Whether the object store answers and may be written to."""
    try:
        objects.probe()
    except StoreError as error:
        return Finding("store", False, str(error))
    return Finding("store", True, f"{type(objects).__name__} answers")


def clock(engine: Engine) -> Finding:
    """Whether this machine's clock is near the database server's; an embedded database has none of its own."""
    if engine.dialect.name != "postgresql":
        now = datetime.now(UTC)
        return Finding("clock", now.year >= 2025, f"{now:%Y-%m-%dT%H:%M:%SZ}; no other clock to compare with")
    try:
        with engine.connect() as connection:
            before = time.time()
            theirs = float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
            ours = (before + time.time()) / 2
    except SQLAlchemyError as error:
        return Finding("clock", False, f"the database's clock cannot be read ({kind(error.__cause__ or error)})")
    skew = ours - theirs
    return Finding("clock", abs(skew) <= _MOST_SKEW, f"{skew:+.3f} s from the database's")


class Readiness:
    """The findings that readiness depends on, looked up at most once per `lifetime` seconds."""

    def __init__(self, engine: Engine, objects: ObjectStore, lifetime: float = 1.0) -> None:
        self._probes: tuple[Callable[[], Finding], ...] = (lambda: database(engine), lambda: store(objects))
        self._lifetime = lifetime
        self._until = 0.0
        self._last: tuple[Finding, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        """What the probes found last."""
        if time.monotonic() >= self._until:
            self._last = tuple(probe() for probe in self._probes)
            self._until = time.monotonic() + self._lifetime
        return self._last
