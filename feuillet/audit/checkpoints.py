"""The heads of the trail kept at intervals, at the start and at the end."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit import AuditNotWritten, Trail, Transaction
from dmp.audit.checkpoints import MOST_EVENTS, keep, pending, sign_empty_chains
from feuillet.audit.opening import open_syslog, open_trail, required_key
from feuillet.audit.recording import record_activity
from feuillet.settings import AuditSettings, Sections

_log: Final = structlog.get_logger(__name__)


class Checkpoints:
    """Keeps signed heads, in the database and in the anchor file, every so many minutes or events."""

    def __init__(self, engine: Engine, audit: AuditSettings | None) -> None:
        self._engine = engine
        self._anchor = None if audit is None else audit.anchor
        self._seconds = 60.0 * (5.0 if audit is None else audit.checkpoint_minutes)
        self._last = time.monotonic()

    def make_when_due(self) -> None:
        """A checkpoint, if its time has come. Raises what the database and the file raise."""
        waiting = pending(self._engine)
        if waiting.events >= MOST_EVENTS or time.monotonic() >= self._last + self._seconds:
            self.make()

    def make(self) -> None:
        """A checkpoint of what has moved."""
        self._last = time.monotonic()
        moved = pending(self._engine).heads
        keep(self._engine, moved, self._anchor, datetime.now(UTC))
        for head in moved:
            _log.info("audit.checkpoint", chain=head.shard, count=head.count, hash=head.hash.hex())


def begin(settings: Sections, engine: Engine) -> None:
    """Say in the trail that the server starts. Raises `ConfigurationRefused`, `AuditNotWritten`, `OSError`."""
    key = required_key(settings)
    if settings.audit is not None and settings.audit.syslog is not None:
        open_syslog(settings.audit.syslog)
    sign_empty_chains(engine, key)
    record_activity(Trail(engine, key), Transaction.START)
    Checkpoints(engine, settings.audit).make()


def end(settings: Sections, engine: Engine) -> None:
    """Say that it has stopped. What cannot be written is told in the log."""
    try:
        record_activity(open_trail(settings, engine), Transaction.STOP)
        Checkpoints(engine, settings.audit).make()
    except (AuditNotWritten, OSError, SQLAlchemyError) as error:
        _log.error("audit.not_written", kind=type(error).__name__)
