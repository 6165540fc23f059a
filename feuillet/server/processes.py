"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from feuillet.logs import kind, places

_log: Final = structlog.get_logger(__name__)
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends. Linux; elsewhere nothing happens.

    `parent` is the process that should be the parent: when it is gone already, this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def start(part: str, work: Callable[[], None], *, without: Iterable[socket.socket | None] = ()) -> int:
    """Run `work` in a child process, which does not inherit the sockets `without`; its process id.

    The caller must have one thread only.
    """
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        die_with_parent(parent)
        for inherited in without:
            if inherited is not None:
                inherited.close()
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        _log.error("process.failed", part=part, exception=kind(error), where=places(error))
    finally:
        sys.stdout.flush()
        os._exit(status)
