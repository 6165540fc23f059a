"""Child processes that tests start: they end with the test run, even when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


class NotReady(Exception):
    """A process ended, or did not become ready in time; the message ends with the last lines of its log."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    directory: Path | None = None,
    listening: socket.socket | None = None,
) -> subprocess.Popen[bytes]:
    """Start a server whose output goes to `log`; it gets SIGKILL when the thread that calls this dies.

    `user` is the account it runs as (only root can choose one); `environment` is added to the present one. The server
    finds `listening` as its file descriptor 3, as systemd hands sockets over (sd_listen_fds(3)).
    """

    def die_with_parent() -> None:  # runs after the change of user, which would clear the setting
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if listening is not None:
            os.dup2(listening.fileno(), 3)
            os.set_inheritable(3, True)  # where it was 3 already

    if listening is not None:  # only the process itself knows its number
        command = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", *command]
    account: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=directory,
            close_fds=listening is None,  # Python's own are not inherited anyway
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it makes system calls and takes no lock
            **account,
        )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, seconds: float = 600) -> None:
    """Return when `ready()` is true.

    Raises:
        NotReady: the process ended first, or `seconds` passed.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise NotReady(f"{process.args!r} ended with status {process.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise NotReady(f"{process.args!r} was not ready within {seconds:g} s:\n{_tail(log)}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], *, politely: signal.Signals = signal.SIGTERM, seconds: float = 180) -> int:
    """End a process, by force when it does not end in time; returns its exit status."""
    if process.poll() is None:
        process.send_signal(politely)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _tail(log: Path, lines: int = 20) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])
