"""Who is at the other end of a connection: a client itself, or a reverse proxy that speaks for one.

A proxy reaches the server through a Unix socket that only it may open, and states the certificate that it has verified
in a header (RFC 9440). On every other connection that header is text from a stranger, and is not looked at.
"""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
from typing import Any, Final
from urllib.parse import unquote_to_bytes

_CERTIFICATE: Final = "HTTP_CLIENT_CERT"
_FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
_BEGINNING: Final = b"-----BEGIN CERTIFICATE-----"


def note_peer(environ: dict[str, Any]) -> None:
    """Put into a request's environment who sent it, as far as the connection tells.

    `feuillet.peer_certificate` is the certificate in DER of the TLS connection, or as the proxy states it; None without
    one. Behind a proxy REMOTE_ADDR is the last of X-Forwarded-For, the address that the proxy itself saw.
    """
    connection = environ.get("gunicorn.socket")
    if getattr(connection, "family", None) is socket.AF_UNIX:
        environ["feuillet.peer_certificate"] = stated_certificate(environ.get(_CERTIFICATE, ""))
        environ["REMOTE_ADDR"] = environ.get(_FORWARDED_FOR, "").rpartition(",")[2].strip()
        environ["wsgi.url_scheme"] = "https"  # the client's: TLS ends at the proxy
        return
    ask = getattr(connection, "getpeercert", None)
    environ["feuillet.peer_certificate"] = None if ask is None else ask(binary_form=True)


def stated_certificate(header: str) -> bytes | None:
    """The DER in a header; None where it holds anything else.

    Two forms: a byte sequence between colons (RFC 9440: 2.1; HAProxy, Apache httpd, Envoy can write it), and PEM with
    percent signs (nginx's `$ssl_client_escaped_cert`).
    """
    try:
        if len(header) > 2 and header[0] == header[-1] == ":":
            return base64.b64decode(header[1:-1], validate=True) or None
        pem = unquote_to_bytes(header)
        if pem.count(_BEGINNING) != 1:
            return None
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    except (binascii.Error, ValueError):
        return None
