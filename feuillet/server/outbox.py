"""Handing the audit trail on: to the log stream, and to a syslog server. Each event at least once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from dmp.audit.atna import AuditSource
from dmp.audit.delivery import Entry, deliver, to_syslog
from dmp.audit.syslog import SyslogServer
from feuillet.logs import unfiltered
from xds_repository.crash_points import CrashPoint, reached

#: The names of the receivers in the table of what was delivered.
LOG: Final = "log"
SYSLOG: Final = "syslog"

_log: Final = unfiltered()


def publish(engine: Engine) -> int:
    """Write a line for every event that has none yet; how many. What is written and not marked is written again."""
    return deliver(engine, LOG, _write_lines, received=lambda: reached(CrashPoint.OUTBOX_PUBLISHED))


def send(engine: Engine, server: SyslogServer, source: AuditSource) -> int:
    """Send every event that the server has not got yet; how many. Raises `NotDelivered`."""
    return deliver(engine, SYSLOG, to_syslog(server, source))


def _write_lines(entries: Sequence[Entry]) -> None:
    """Lines without a person or a patient: more people read the log than the trail. The hash proves the row."""
    for entry in entries:
        event, position = entry.event, entry.position
        _log.info(
            "audit",
            chain=position.shard,
            number=position.number,
            hash=position.hash,
            **(
                {}
                if event is None
                else {
                    "transaction": event.transaction.value,
                    "action": event.action.value,
                    "outcome": event.outcome.value,
                    "refusal": None if event.refusal is None else event.refusal.value,
                    "reason": event.reason or None,
                    "happened_at": event.happened_at.isoformat(),
                    "correlation_id": event.correlation_id,
                }
            ),
        )
