"""One HTTPS exchange with the service, as a browser or an EHR on this computer would have it: proxies included."""

from __future__ import annotations

import base64
import datetime
import http.client
import ssl
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECONDS: Final = 10.0  # to connect, and to wait for an answer
_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL


class Dismissed(ConnectionError):
    """The handshake succeeded, and the service then ended the connection without an answer.

    So TLS 1.3 sends away a client without a certificate, when its alert is lost with the connection.
    """


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A certificate with its key, in PEM files, that is shown to the service."""

    certificate: Path
    key: Path | None = None  # None: in the certificate's file


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is, and whom we trust to be it."""

    host: str
    port: int
    path: str
    authorities: Path | None = None  # PEM; None: those that the system trusts
    client: ClientKey | None = None

    @classmethod
    def at(cls, url: str, *, authorities: Path | None = None, client: ClientKey | None = None) -> Service:
        """The service of an https address. Raises ValueError for any other."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
            raise ValueError("expected an address that begins with https:// and holds no user name")
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return cls(parts.hostname, parts.port or 443, path, authorities, client)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that this computer's settings name for the service."""

    host: str
    port: int
    headers: dict[str, str] = field(repr=False, default_factory=dict)  # its password stays out of reports

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A HEAD request and its answer, and the connection that they had."""

    protocol: str  # "TLSv1.3"
    cipher: str
    certificate: bytes = field(repr=False)  # the service's, DER
    status: int
    date: str | None  # the header, as it came
    sent: datetime.datetime  # aware, by the computer's clock
    received: datetime.datetime


def proxy_for(service: Service) -> Proxy | None:
    """The proxy for the service: of the environment, or of the system's settings. Raises ValueError for a wrong one."""
    if urllib.request.proxy_bypass(service.host):
        return None
    address = urllib.request.getproxies().get("https")
    if not address:
        return None
    parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
    if not parts.hostname:
        raise ValueError("the computer's proxy setting for https cannot be read")
    headers = {}
    if parts.username:
        secret = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    return Proxy(parts.hostname, parts.port or 3128, headers)


def context_for(service: Service, *, with_client: bool, check_time: bool = True) -> ssl.SSLContext:
    """TLS 1.2 or later; chain and host name are always verified, validity only with `check_time`.

    Raises OSError (ssl.SSLError among them) when a file does not hold what it should.
    """
    context = ssl.create_default_context(cafile=service.authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not check_time:  # a clock that is a year off makes every certificate invalid, and is what must then be found
        context.verify_flags |= _NO_CHECK_TIME
    if with_client and service.client:
        context.load_cert_chain(service.client.certificate, service.client.key, password=lambda: "")
    return context


def exchange(service: Service, context: ssl.SSLContext, *, seconds: float = SECONDS) -> Exchange:
    """Connect and ask for the headers of the service's page. The body is not read.

    Raises OSError (ssl.SSLError and Dismissed among them), http.client.HTTPException, ValueError for a wrong proxy
    setting.
    """
    proxy = proxy_for(service)
    where = (proxy.host, proxy.port) if proxy else (service.host, service.port)
    connection = http.client.HTTPSConnection(*where, timeout=seconds, context=context)
    try:
        if proxy:
            connection.set_tunnel(service.host, service.port, headers=proxy.headers)
        connection.connect()
        tls = connection.sock
        if not isinstance(tls, ssl.SSLSocket):
            raise http.client.HTTPException("the connection is not encrypted")
        cipher = tls.cipher()
        certificate = tls.getpeercert(binary_form=True) or b""
        protocol = tls.version() or "unknown"
        sent, began = datetime.datetime.now(datetime.UTC), time.monotonic()
        try:
            headers = {"Connection": "close", "User-Agent": "feuillet-workstation"}
            connection.request("HEAD", service.path, headers=headers)
            answer = connection.getresponse()
        except (ssl.SSLEOFError, ConnectionError) as error:
            raise Dismissed("the service ended the connection without an answer") from error
        # by the monotonic clock, so that a correction of the clock in between does no harm
        received = sent + datetime.timedelta(seconds=time.monotonic() - began)
        return Exchange(
            protocol,
            cipher[0] if cipher else "unknown",
            certificate,
            answer.status,
            answer.getheader("Date"),
            sent,
            received,
        )
    finally:
        connection.close()
