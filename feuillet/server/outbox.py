"""Handing the registry's audit events to the log stream: each at least once, in the order in which they happened."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, select, update

from feuillet.logs import unfiltered
from xds_registry.database import writing
from xds_registry.tables import audit_event
from xds_repository.crash_points import CrashPoint, reached

_log: Final = unfiltered()
_BATCH: Final = 500


def publish(engine: Engine) -> int:
    """Write a line for every event that has none yet; how many. What is written and not marked is written again."""
    published = 0
    while batch := _publish_batch(engine):
        published += batch
        if batch < _BATCH:
            break
    return published


def _publish_batch(engine: Engine) -> int:
    columns = audit_event.c
    waiting = select(audit_event).where(columns.published_at.is_(None)).order_by(columns.pk).limit(_BATCH)
    with engine.connect() as connection:
        if connection.execute(waiting.with_only_columns(columns.pk).limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        # Another node that publishes at the same time takes the next ones.
        rows = connection.execute(waiting.with_for_update(skip_locked=True)).all()
        for row in rows:
            _log.info(
                "audit",
                number=row.pk,
                kind=row.event,
                subject=row.subject,
                happened_at=row.happened_at.replace(tzinfo=row.happened_at.tzinfo or UTC).isoformat(),
                correlation_id=row.correlation_id,
            )
        reached(CrashPoint.OUTBOX_PUBLISHED)
        numbers = [row.pk for row in rows]
        connection.execute(update(audit_event).where(columns.pk.in_(numbers)).values(published_at=datetime.now(UTC)))
    return len(rows)
