"""The work beside the requests: the patient feed, the reaper, alerts, the delivery and checkpoints of audit events."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dmp.audit.atna import AuditSource
from dmp.audit.delivery import backlog
from dmp.audit.syslog import NotDelivered, SyslogServer
from feuillet import metrics
from feuillet.alerts.opening import start_sending
from feuillet.audit.checkpoints import Checkpoints
from feuillet.audit.opening import audit_source, open_syslog
from feuillet.callers.presented import PresentedAssertions
from feuillet.composition import Rooms, open_rooms
from feuillet.logs import kind, places
from feuillet.server.outbox import SYSLOG, publish, send
from feuillet.server.tls import tls_context
from feuillet.settings import Sections
from xds_registry.feed import MllpServer
from xds_repository.stores import StoreError

_log: Final = structlog.get_logger(__name__)
#: How often it is looked whether enough events have happened for a checkpoint.
_CHECKPOINT_SECONDS: Final = 10.0


@dataclass(slots=True)
class Chore:
    """Something done again and again, `seconds` after it was last finished."""

    name: str
    seconds: float
    work: Callable[[], None]
    due: float = field(default_factory=time.monotonic)

    def run_when_due(self) -> float:
        """Do it if its time has come; the seconds until it is due again. What fails is told and tried again."""
        if time.monotonic() >= self.due:
            try:
                self.work()
            except (SQLAlchemyError, StoreError, NotDelivered) as error:
                _log.warning("housekeeping.postponed", chore=self.name, exception=kind(error))
            except Exception as error:
                _log.error("housekeeping.failed", chore=self.name, exception=kind(error), where=places(error))
            self.due = time.monotonic() + self.seconds
        return max(0.0, self.due - time.monotonic())


def run(settings: Sections) -> None:
    """Work until SIGTERM."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: stopping.set())
    metrics.PROCESS_STARTS.labels("companion").inc()
    rooms = open_rooms(settings)
    stop_feed = _start_feed(rooms)
    sending = start_sending(rooms)
    chores = [Chore("reaper", settings.housekeeping.reaper_seconds, lambda: _reap(rooms))]
    if settings.trust is not None:
        presented = PresentedAssertions(rooms.engine)
        forgetting = settings.housekeeping.reaper_seconds
        chores.append(Chore("presented", forgetting, lambda: _forget(presented)))
    chores += _audit_chores(rooms)
    while not stopping.is_set():
        stopping.wait(min(chore.run_when_due() for chore in chores))
    stop_feed()
    if sending is not None:
        sending.stop(settings.server.stop_seconds)
    rooms.close()


def _reap(rooms: Rooms) -> None:
    report = rooms.repository.reap()
    for result in ("cleaned", "adopted", "collected", "deferred", "erased"):
        metrics.REAPED.labels(result).inc(getattr(report, result))


def _forget(presented: PresentedAssertions) -> None:
    presented.forget(datetime.now(UTC))


def _audit_chores(rooms: Rooms) -> list[Chore]:
    settings = rooms.settings
    checkpoints = Checkpoints(rooms.engine, settings.audit)
    seconds = settings.housekeeping.audit_seconds
    chores = [
        Chore("audit", seconds, lambda: _publish(rooms)),
        Chore("audit checkpoint", max(seconds, _CHECKPOINT_SECONDS), checkpoints.make_when_due),
    ]
    syslog = None if settings.audit is None else settings.audit.syslog
    if syslog is not None:
        server, source = open_syslog(syslog), audit_source(syslog)
        chores.append(Chore("audit syslog", seconds, lambda: _send(rooms, server, source)))
    return chores


def _publish(rooms: Rooms) -> None:
    metrics.AUDIT_PUBLISHED.inc(publish(rooms.engine))


def _send(rooms: Rooms, server: SyslogServer, source: AuditSource) -> None:
    try:
        metrics.AUDIT_SENT.inc(send(rooms.engine, server, source))
    finally:
        metrics.AUDIT_BACKLOG.set(backlog(rooms.engine, SYSLOG))


def _start_feed(rooms: Rooms) -> Callable[[], None]:
    """Listen for HL7 v2 messages in threads of this process; how to stop that."""
    address = rooms.settings.feed.mllp
    if address is None or rooms.registry is None:
        return lambda: None
    host, _, port = address.rpartition(":")
    tls = rooms.settings.feed.tls
    context = None if tls is None else tls_context(tls)
    feed = MllpServer(rooms.registry, host.strip("[]"), int(port), ssl_context=context)
    thread = threading.Thread(target=feed.serve_forever, name="feed", daemon=True)
    thread.start()
    _log.info("feed.listening", address=address)

    def stop() -> None:
        feed.stop()
        thread.join(rooms.settings.server.stop_seconds)

    return stop
