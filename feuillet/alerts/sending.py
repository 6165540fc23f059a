"""The threads that spread announcements and send messages, in the process beside the requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dmp.alerts import outbox
from dmp.alerts.delivery import Courier, Delivered, Result, deliver_next
from dmp.alerts.outbox import Addressees, Retry
from dmp.audit import AuditNotWritten, Trail
from feuillet import metrics
from feuillet.logs import kind, places

_log: Final = structlog.get_logger(__name__)


class Sending:
    """Sends what waits. Any number of these may run, in any number of processes, on one database."""

    def __init__(
        self,
        engine: Engine,
        trail: Trail,
        addressees: Sequence[Addressees],
        couriers: Mapping[str, Courier],
        retry: Retry,
        *,
        seconds: float,
    ) -> None:
        self._engine = engine
        self._trail = trail
        self._addressees = addressees
        self._couriers = couriers
        self._retry = retry
        self._seconds = seconds
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, senders: int) -> None:
        """One thread that spreads, and so many that send."""
        works: list[Callable[[], None]] = [self._spread, *[self._send] * senders]
        for number, work in enumerate(works):
            name = f"alerts-{number}"
            thread = threading.Thread(target=self._again_and_again, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float) -> None:
        """Finish the messages that are being sent, as far as they are done in that time; the others come again."""
        self._stopping.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def run_once(self) -> list[Delivered]:
        """Spread, then send until nothing is due."""
        outbox.spread(self._engine, self._addressees, at=self._trail.clock())
        return list(iter(self._next, None))

    def _again_and_again(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except (SQLAlchemyError, AuditNotWritten) as error:
                _log.warning("alerts.postponed", exception=kind(error))
            except Exception as error:
                _log.error("alerts.failed", exception=kind(error), where=places(error))
            self._stopping.wait(self._seconds)

    def _spread(self) -> None:
        outbox.spread(self._engine, self._addressees, at=self._trail.clock())
        waiting = outbox.backlog(self._engine, at=self._trail.clock())
        metrics.ALERTS_WAITING.set(waiting.announcements + waiting.messages)
        metrics.ALERTS_OLDEST.set(waiting.oldest.total_seconds())
        metrics.ALERTS_GIVEN_UP.set(waiting.dead)

    def _send(self) -> None:
        while not self._stopping.is_set() and self._next() is not None:
            pass

    def _next(self) -> Delivered | None:
        delivered = deliver_next(self._engine, self._trail, self._couriers, self._retry)
        if delivered is not None:
            metrics.ALERTS.labels(delivered.message.channel, delivered.result.value).inc()
            # Neither the address nor the patient: more people read the log than may know of a record.
            write = _log.info if delivered.result in (Result.SENT, Result.WITHDRAWN) else _log.warning
            write(
                "alerts.message",
                channel=delivered.message.channel,
                number=delivered.message.number,
                attempts=delivered.message.attempts,
                result=delivered.result.value,
                reason=delivered.reason or None,
            )
        return delivered
