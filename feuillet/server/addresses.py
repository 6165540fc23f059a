"""The sockets that the server listens on: opened once, before any process is started, and inherited by all.

A caller that comes while a process is being replaced waits in the socket's queue; nobody is turned away.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import time
from pathlib import Path
from typing import Final

from feuillet.configuration import ConfigurationRefused

#: How long an address that another process still holds is waited for.
_HELD_SECONDS: Final = 5.0
_QUEUE: Final = 2048


def listen(key: str, address: str, *, silence_seconds: int) -> socket.socket:
    """A socket that listens on HOST:PORT.

    A connection on which nothing can be read or written for `silence_seconds` fails, so that it frees its thread.
    Raises `ConfigurationRefused`, which names the key, when the address cannot be had.
    """
    deadline = time.monotonic() + _HELD_SECONDS
    while True:
        try:
            return _opened(address, silence_seconds)
        except OSError as error:
            if time.monotonic() > deadline:
                reason = error.strerror or "unusable"
                raise ConfigurationRefused([f"{key}: expected a free address; {address}: {reason}"]) from None
        time.sleep(0.1)


def listen_for_proxy(key: str, path: Path) -> socket.socket:
    """A Unix socket that listens at a path, for processes of this user and its group only.

    A file that a killed server left there is replaced. Raises `ConfigurationRefused` when another server listens, or
    something else lies there.
    """
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        umask = os.umask(0o117)
        try:
            opened.bind(str(path))
        finally:
            os.umask(umask)
        opened.listen(_QUEUE)
    except OSError as error:
        opened.close()
        reason = error.strerror or "unusable"
        raise ConfigurationRefused([f"{key}: expected a path where a socket can be made; {path}: {reason}"]) from None
    return opened


def _clear(path: Path) -> None:
    """Remove a socket on which nobody listens. Raises OSError for anything else."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise FileExistsError(errno.EEXIST, "something that is no socket lies there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        try:
            asked.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another server listens there")


def require_free(key: str, address: str) -> None:
    """See that an address can be listened on. Raises `ConfigurationRefused`, which names the key."""
    listen(key, address, silence_seconds=1).close()


def _opened(address: str, silence_seconds: int) -> socket.socket:
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, target = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit these from the socket that accepts them.
        duration = struct.pack("ll", silence_seconds, 0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, duration)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, duration)
        opened.bind(target)
        opened.listen(_QUEUE)
    except BaseException:
        opened.close()
        raise
    return opened
