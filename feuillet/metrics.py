"""Figures for Prometheus, added up over all processes of the server.

The client library chooses when it is imported whether to share its values: `feuillet.server.runtime` says so before.
In a process without that, the figures are the process's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from feuillet.server.runtime import VARIABLE

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)

REQUESTS: Final = Counter("feuillet_requests", "Exchanges by transaction and HTTP status", ["transaction", "status"])
SECONDS: Final = Histogram(
    "feuillet_request_seconds",
    "From the first byte of a request to the end of its answer",
    ["transaction"],
    buckets=_SECONDS,
)
RECEIVED: Final = Counter("feuillet_received_bytes", "Bytes of request bodies", ["transaction"])
SENT: Final = Counter("feuillet_sent_bytes", "Bytes of answers", ["transaction"])
ERRORS: Final = Counter("feuillet_errors", "XDS error codes and SOAP faults in answers", ["transaction", "code"])
REFUSED: Final = Counter("feuillet_callers_refused", "Requests refused for their assertion, by reason", ["reason"])
IN_FLIGHT: Final = Gauge("feuillet_requests_in_flight", "Exchanges under way", multiprocess_mode="livesum")
AUDIT_PUBLISHED: Final = Counter("feuillet_audit_events_published", "Audit events handed to the log stream")
AUDIT_SENT: Final = Counter("feuillet_audit_events_sent", "Audit events that the syslog server has read")
AUDIT_BACKLOG: Final = Gauge(
    "feuillet_audit_backlog", "Audit events that wait for the syslog server", multiprocess_mode="livemax"
)
ALERTS: Final = Counter(
    "feuillet_alerts", "Messages of alerts, by channel and what became of them", ["channel", "result"]
)
ALERTS_WAITING: Final = Gauge(
    "feuillet_alerts_waiting", "Announcements and messages that have not been sent", multiprocess_mode="livemax"
)
ALERTS_OLDEST: Final = Gauge(
    "feuillet_alerts_oldest_seconds", "Age of the oldest announcement or message", multiprocess_mode="livemax"
)
ALERTS_GIVEN_UP: Final = Gauge(
    "feuillet_alerts_given_up", "Messages that are not tried any more", multiprocess_mode="livemax"
)
REAPED: Final = Counter("feuillet_reaper_results", "What the reaper did to unfinished writes", ["result"])
PROCESS_STARTS: Final = Counter("feuillet_process_starts", "Processes started, by their part", ["part"])


def rendered() -> bytes:
    """All figures in Prometheus' text format."""
    if VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
    return generate_latest(registry)


def forget(process: int) -> None:
    """A process has ended: what it had under way does not count any more."""
    mark_process_dead(process)  # type: ignore[no-untyped-call]  # the library has no types here


def forget_all_but(processes: Iterable[int]) -> None:
    """Forget every process that is gone without anybody having said so."""
    alive = {str(process) for process in processes}
    for file in Path(os.environ[VARIABLE]).glob("gauge_live*_*.db"):
        process = file.stem.rpartition("_")[2]
        if process not in alive and not Path(f"/proc/{process}").exists():
            file.unlink(missing_ok=True)
