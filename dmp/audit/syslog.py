"""Syslog over TLS: messages of RFC 5424 in the frames of RFC 5425, and a way to know that they arrived.

Syslog acknowledges nothing, and what was written to a connection is lost when its other end dies. So every batch ends
its connection in order: we close our half and wait for the server to close its own, which it does when it has read all.
A connection that ends in any other way counts as nothing sent; what arrived all the same comes twice, with one hash.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

#: Facility 10 (security), severity 5 (notice): ITI TF-2: 3.20.7.1
_PRIORITY: Final = 85
_MESSAGE_ID: Final = "IHE+RFC-3881"
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 30.0


class SyslogMisconfigured(ValueError):
    """The files for TLS do not hold what they should. The message names the key."""


class NotDelivered(Exception):
    """It is not sure that the server has the messages; they are to be sent again. The text names the kind of error."""


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """Where messages go. `ca` are the authorities (PEM) that its certificate must come from; its name is `host`."""

    host: str
    port: int
    context: ssl.SSLContext


def tls_client(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later towards a syslog server (RFC 5425 §4.2, §5). Raises `SyslogMisconfigured`."""
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError):
        raise SyslogMisconfigured("ca: expected PEM certificates of authorities") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None and key is not None:
        try:
            context.load_cert_chain(certificate, key, password=lambda: "")
        except (OSError, ssl.SSLError, ValueError):
            raise SyslogMisconfigured("certificate, key: expected a PEM certificate and its PEM key") from None
    return context


def formatted(xml: str, *, happened_at: datetime, host: str, process: int) -> bytes:
    """A message of RFC 5424 §6 that carries an audit message. No BOM: ITI TF-2: 3.20.7.1 discourages it."""
    moment = happened_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    name = _UNPRINTABLE.sub("", host)[:255] or "-"
    return f"<{_PRIORITY}>1 {moment} {name} feuillet {process} {_MESSAGE_ID} - {xml}".encode()


def framed(message: bytes) -> bytes:
    """RFC 5425 §4.3: the length in octets, a space, the message."""
    return b"%d %s" % (len(message), message)


def send(server: SyslogServer, messages: Iterable[bytes]) -> None:
    """Send messages over a connection of their own; the server has read them all on return. Raises `NotDelivered`."""
    try:
        with closing(socket.create_connection((server.host, server.port), timeout=_CONNECT_SECONDS)) as plain:
            plain.settimeout(_ANSWER_SECONDS)
            with server.context.wrap_socket(plain, server_hostname=server.host) as connection:
                connection.sendall(b"".join(map(framed, messages)))
                _end(connection)
    except OSError as error:  # ssl.SSLError and TimeoutError are OSErrors too
        raise NotDelivered(type(error).__name__) from None


def _end(connection: ssl.SSLSocket) -> None:
    """Close our half, and wait until the server has closed its own."""
    try:
        connection.unwrap().close()
    except ssl.SSLEOFError:
        return  # it has closed the connection without TLS's own farewell
    except ssl.SSLError as error:
        if error.reason not in ("UNEXPECTED_EOF_WHILE_READING", "APPLICATION_DATA_AFTER_CLOSE_NOTIFY"):
            raise
