"""One address served by gunicorn: its arbiter, its workers with threads, and TLS with a client certificate."""

from __future__ import annotations

import enum
import gc
import os
import socket
import ssl
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from feuillet import metrics
from feuillet.application import Application
from feuillet.callers.trust import open_admission, open_trust
from feuillet.composition import open_rooms
from feuillet.server.processes import die_with_parent
from feuillet.server.tls import tls_context
from feuillet.settings import Sections, TlsSettings

_HEADER_LINE: Final = 8190
_HEADERS: Final = 64
#: A worker whose main thread has not moved for so many seconds is replaced. Requests may take as long as they need.
_STUCK_SECONDS: Final = 120


class Door(enum.StrEnum):
    """By which way callers come; the name of its setting in `[server]`."""

    HTTPS = "https"
    PLAIN = "plain"
    PROXY = "proxy"


class Listener(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """An address and the processes that serve it; `run` returns when it has been told to stop."""

    def __init__(self, settings: Sections, descriptor: int, door: Door) -> None:
        self._settings = settings
        self._descriptor = descriptor
        self._door = door
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn what it needs to know."""
        server = self._settings.server
        options: dict[str, Any] = {
            "bind": f"fd://{self._descriptor}",
            "workers": server.plain_workers if self._door is Door.PLAIN else server.workers,
            "worker_class": "gthread",
            "threads": server.threads,
            "worker_connections": server.connections,
            "keepalive": server.keepalive_seconds,
            "graceful_timeout": server.stop_seconds,
            "timeout": _STUCK_SECONDS,
            "limit_request_line": _HEADER_LINE,
            "limit_request_fields": _HEADERS,
            "limit_request_field_size": _HEADER_LINE,
            "control_socket_disable": True,
            "proc_name": "feuillet",
            "logger_class": _Log,
            "when_ready": _leave_the_socket,
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "post_fork": _bind_to_arbiter,
            "child_exit": _forget,
        }
        if self._door is Door.HTTPS:
            assert server.tls is not None  # noqa: S101 - the settings hold it beside https
            options |= tls_options(server.tls)
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        """The application, opened in the worker that will use it."""
        operations = self._door is Door.PLAIN or self._settings.server.operations_on_https
        settings = self._settings
        trust = None if settings.trust is None else open_trust(settings.trust)
        rooms = open_rooms(settings, None if trust is None else trust[1])
        admission = open_admission(settings, rooms.trail, trust)
        if admission is not None:
            admission.start()
        application = Application(rooms, admission, operations=operations)
        # What is loaded now stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        return application


def tls_options(tls: TlsSettings) -> dict[str, Any]:
    """gunicorn's options for TLS 1.2 or later with a certificate on both sides."""
    context = tls_context(tls)
    return {
        "certfile": str(tls.certificate),
        "keyfile": str(tls.key),
        "ca_certs": str(tls.client_authorities),
        "cert_reqs": ssl.CERT_REQUIRED,
        # gunicorn would read the files again for every connection.
        "ssl_context": lambda _configuration, _default: context,
    }


class _Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own messages, as lines of ours; it writes no access log."""

    def setup(self, cfg: Any) -> None:
        """Leave the handlers as they are."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *_: Any) -> None:
        """Exchanges are told by the application."""

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """An error of ours or a peer's; its text is not written (`feuillet.logs`)."""
        del args  # may hold the address that a peer asked for
        self.error_log.error(msg.partition("%")[0].strip(), exc_info=True, **kwargs)


def _bind_to_arbiter(_arbiter: Any, worker: Any) -> None:
    die_with_parent(worker.ppid)
    metrics.PROCESS_STARTS.labels("worker").inc()


def _leave_the_socket(arbiter: Any) -> None:
    # gunicorn deletes the file of a Unix socket when it ends, unless the socket was given to it; ours is, and the next
    # arbiter goes on listening on it
    arbiter.systemd = True


def _forget(_arbiter: Any, worker: Any) -> None:
    metrics.forget(worker.pid)


def run(settings: Sections, listening: socket.socket, door: Door) -> None:
    """Serve an inherited socket until SIGTERM; requests under way are finished first."""
    os.environ.pop("GUNICORN_CMD_ARGS", None)
    Listener(settings, listening.detach(), door).run()
