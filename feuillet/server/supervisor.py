"""The first process: starts the others, starts again what ends, and ends them all when it is told to stop.

Nothing is kept on disk about who runs: after any kill, a new start finds no lock, socket or process file in its way.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from feuillet import metrics
from feuillet.server import companion, listener, processes
from feuillet.server.addresses import listen, listen_for_proxy, require_free
from feuillet.server.listener import Door
from feuillet.settings import Sections

_log: Final = structlog.get_logger(__name__)
_STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
_HANDLED: Final = _STOP | {signal.SIGHUP, signal.SIGCHLD}
#: A part that ends again and again is started again after a pause that doubles, within these bounds in seconds.
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 4.0
#: A part that ran so long had no trouble starting.
_STEADY_SECONDS: Final = 10.0


@dataclass(slots=True)
class Part:
    """One child process. `lasting` parts are started again when they end; `reloads` ones read files anew on SIGHUP.

    `listens_on` is inherited by the process, and kept open here while it is replaced.
    """

    name: str
    work: Callable[[], None]
    lasting: bool = True
    reloads: bool = False
    listens_on: socket.socket | None = None
    process: int | None = None
    started: float = 0.0
    due: float | None = 0.0
    pause: float = _FIRST_PAUSE


def parts_of(settings: Sections) -> list[Part]:
    """The parts that the settings ask for, their addresses opened. Raises `ConfigurationRefused`."""
    server = settings.server
    if settings.feed.mllp is not None:
        require_free("feed.mllp", settings.feed.mllp)
    parts = [Part("companion", lambda: companion.run(settings))]
    for door, address in ((Door.HTTPS, server.https), (Door.PLAIN, server.plain)):
        if address is not None:
            opened = listen(f"server.{door}", address, silence_seconds=server.silence_seconds)
            parts.append(_part(settings, door, opened))
    if server.proxy is not None:
        parts.append(_part(settings, Door.PROXY, listen_for_proxy("server.proxy", server.proxy)))
    return parts


def _part(settings: Sections, door: Door, opened: socket.socket) -> Part:
    return Part(door, partial(listener.run, settings, opened, door), reloads=True, listens_on=opened)


class Supervisor:
    """Runs parts until SIGTERM, SIGINT or SIGQUIT. `stop_seconds` is what requests under way are given to finish."""

    def __init__(self, parts: Sequence[Part], *, stop_seconds: float) -> None:
        self._parts = parts
        self._stop_seconds = stop_seconds

    def run(self) -> bool:
        """Start and watch; returns when all have ended: True when none had to be killed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        _log.info("server.starting", process=os.getpid(), parts=[part.name for part in self._parts])
        while True:
            self._start_due()
            number = self._wait()
            if number in _STOP:
                break
            if number == signal.SIGHUP:
                self._signal(signal.SIGHUP, [part for part in self._parts if part.reloads])
            self._reap()
        return self._stop()

    def _start_due(self) -> None:
        now = time.monotonic()
        for part in self._parts:
            if part.process is None and part.due is not None and part.due <= now:
                others = [other.listens_on for other in self._parts if other is not part]
                part.process, part.started = processes.start(part.name, part.work, without=others), now
                _log.info("part.started", part=part.name, process=part.process)

    def _wait(self) -> int | None:
        waiting = [part.due for part in self._parts if part.process is None and part.due is not None]
        pause = max(0.0, min(waiting) - time.monotonic()) if waiting else 3600.0
        received = signal.sigtimedwait(_HANDLED, pause)
        return None if received is None else received.si_signo

    def _reap(self) -> None:
        for part in self._parts:
            if part.process is None:
                continue
            ended, status = os.waitpid(part.process, os.WNOHANG)
            if not ended:
                continue
            metrics.forget_all_but(other.process for other in self._parts if other.process not in (None, ended))
            part.process, part.due = None, None
            code = os.waitstatus_to_exitcode(status)
            if part.lasting:
                steady = time.monotonic() - part.started > _STEADY_SECONDS
                part.pause = _FIRST_PAUSE if steady else min(part.pause * 2, _LONGEST_PAUSE)
                part.due = time.monotonic() + part.pause
                _log.error("part.ended", part=part.name, status=code, again_in=part.pause)
            else:
                _log.info("part.ended", part=part.name, status=code)

    def _stop(self) -> bool:
        _log.info("server.stopping")
        for part in self._parts:
            part.lasting = False
            part.due = None
            if part.listens_on is not None:
                _close(part.listens_on)
        self._signal(signal.SIGTERM, self._parts)
        # gunicorn takes up to its own deadline; a little later it cannot be meant to end by itself any more
        deadline = time.monotonic() + self._stop_seconds + 5.0
        while any(part.process for part in self._parts) and time.monotonic() < deadline:
            received = signal.sigtimedwait(_HANDLED, max(0.0, min(1.0, deadline - time.monotonic())))
            if received is not None and received.si_signo in _STOP:
                self._signal(signal.SIGQUIT, self._parts)
            self._reap()
        left = [part for part in self._parts if part.process is not None]
        self._signal(signal.SIGKILL, left)
        _log.info("server.stopped", killed=[part.name for part in left])
        return not left

    @staticmethod
    def _signal(number: signal.Signals, parts: Sequence[Part]) -> None:
        for part in parts:
            if part.process is not None:
                os.kill(part.process, number)


def _close(listening: socket.socket) -> None:
    """Stop listening; the file of a Unix socket goes too."""
    path = listening.getsockname() if listening.family is socket.AF_UNIX else None
    listening.close()
    if path:
        Path(path).unlink(missing_ok=True)
