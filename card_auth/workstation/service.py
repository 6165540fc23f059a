"""TLS to the service: the way there, the protocol, the service's certificate, our own, and the two clocks."""

from __future__ import annotations

import datetime
import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from card_auth import errors
from card_auth.certificates import Certificate
from card_auth.workstation import clock
from card_auth.workstation.connection import Dismissed, Exchange, Service, context_for, exchange, proxy_for
from card_auth.workstation.findings import Finding, Subject, Verdict
from card_auth.workstation.tokens import SOON, judge_certificate

_CALL: Final = "Call the service's support"
# X509_V_ERR_…: what the computer's user can do about each
_EXPIRED, _NOT_YET, _HOST, _ADDRESS = 10, 9, 62, 64
_UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21})
# alerts by which a service says that it wants a certificate, or another one
_WANTS_CERTIFICATE: Final = ("CERTIFICATE_REQUIRED",)
_REFUSES_CERTIFICATE: Final = (
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
    "HANDSHAKE_FAILURE",
    "DECRYPT_ERROR",
)

Attempt = Exchange | Exception


def check_service(service: Service, at: datetime.datetime) -> Iterator[Finding]:
    """Everything about the service, from its name to the clock, each as far as what it stands on works."""
    tried = attempt(service, with_client=False)
    if (unreachable := _unreachable(tried)) is not None:
        yield unreachable
        for subject in (Subject.SERVICE_TLS, Subject.SERVICE_CERTIFICATE, Subject.MUTUAL_TLS, Subject.CLOCK):
            yield Finding(subject, Verdict.NOT_TRIED, "The service cannot be reached.")
        return
    proxy = proxy_for(service)
    yield Finding(Subject.SERVICE, Verdict.PASS, f"{service} answers{f', through the proxy {proxy}' if proxy else ''}.")
    wants_client = _says(tried, _WANTS_CERTIFICATE) or isinstance(tried, Dismissed)
    with_client = attempt(service, with_client=True) if service.client else None
    yield from _tls(tried, with_client, wants_client=wants_client)
    yield from _mutual_tls(service, tried, with_client, at, wants_client=wants_client)
    yield _clock(service)


def attempt(service: Service, *, with_client: bool, check_time: bool = True) -> Attempt:
    """An exchange, or what stood in its way."""
    try:
        return exchange(service, context_for(service, with_client=with_client, check_time=check_time))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return error


def _unreachable(tried: Attempt) -> Finding | None:
    """The finding when there is no connection at all; None when there is, however TLS went."""
    match tried:
        case Exchange() | ssl.SSLError() | Dismissed() | ConnectionResetError() | http.client.HTTPException():
            return None
        case socket.gaierror():
            detail = "The service's name is not known here."
            remedy = "Check the address for a slip of the pen, that the computer is connected, and its DNS server."
        case ConnectionRefusedError():
            detail = "The service's computer refuses the connection."
            remedy = f"Check the port of the address. {_CALL}: it may be down."
        case TimeoutError():
            detail = "The service does not answer in time."
            remedy = "Check that the computer is connected and that its firewall lets it out to this port."
        case ValueError():
            detail = f"The connection cannot be tried: {tried}."
            remedy = "Correct the proxy in the computer's settings (or in the variable HTTPS_PROXY)."
        case OSError() if "unnel" in str(tried):
            detail = "The proxy refuses the connection to the service."
            remedy = "Have the proxy's operator allow this address, or set the proxy's user name."
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            detail = "The file of authorities cannot be read."
            remedy = "Check the path given with --ca: a PEM file of certificates."
        case _:
            detail = f"The connection fails ({type(tried).__name__})."
            remedy = "Check that the computer is connected and that its firewall lets it out to this port."
    return Finding(Subject.SERVICE, Verdict.FAIL, detail, remedy)


def _tls(tried: Attempt, with_client: Attempt | None, *, wants_client: bool) -> Iterator[Finding]:
    best = tried if isinstance(tried, Exchange) else with_client
    if isinstance(best, Exchange):
        detail = f"{best.protocol} with {best.cipher}; chain and host name verified."
        yield Finding(Subject.SERVICE_TLS, Verdict.PASS, detail)
        yield _service_certificate(best)
        return
    if wants_client:  # the handshake came to the point where we are asked who we are: the service had shown itself
        detail = "Chain and host name are verified; the service asks for a client certificate."
        yield Finding(Subject.SERVICE_TLS, Verdict.PASS, detail)
        yield Finding(
            Subject.SERVICE_CERTIFICATE, Verdict.NOT_TRIED, "The service shows no more without a client certificate."
        )
        return
    finding = _refusal_of_tls(tried)
    if isinstance(tried, ssl.SSLCertVerificationError) and tried.verify_code in {_EXPIRED, _NOT_YET}:
        word = "has expired" if tried.verify_code == _EXPIRED else "is not valid yet"
        remedy = (
            "Look at the computer's date first (below): a wrong one makes good certificates invalid. If it is right, "
            f"{_CALL.lower()}."
        )
        yield Finding(Subject.SERVICE_TLS, Verdict.FAIL, "The service does not prove who it is.", remedy)
        yield Finding(
            Subject.SERVICE_CERTIFICATE, Verdict.FAIL, f"A certificate of the service's chain {word}.", remedy
        )
        return
    yield finding
    yield Finding(Subject.SERVICE_CERTIFICATE, Verdict.NOT_TRIED, "TLS to the service does not work.")


def _refusal_of_tls(tried: Attempt) -> Finding:
    match tried:
        case ssl.SSLCertVerificationError(verify_code=code) if code in {_HOST, _ADDRESS}:
            detail = "The certificate is for another host than the one that was asked for."
            remedy = "Check the address. If it is right, do not go on: somebody may be in between. " + _CALL + "."
        case ssl.SSLCertVerificationError(verify_code=code) if code in _UNTRUSTED:
            detail = "The service's certificate comes from an authority that is not trusted here."
            remedy = (
                "Give the service's authority with --ca, or have it installed. If a proxy or an antivirus opens "
                "encrypted connections, have its operator leave this address out."
            )
        case ssl.SSLCertVerificationError():
            detail = f"The service's certificate is refused: {tried.verify_message}."
            remedy = f"{_CALL} with this message."
        case ssl.SSLError() if "VERSION" in (tried.reason or "") or "PROTOCOL" in (tried.reason or ""):
            detail = "The service speaks no TLS that is still safe (1.2 or later)."
            remedy = f"Check the address and port. {_CALL}: it must offer TLS 1.2 or 1.3."
        case _:
            detail = f"The encrypted connection cannot be made ({_reason(tried)})."
            remedy = (
                "Check the address and port, and that they are those of an https service; a service that wants a "
                f"client certificate may end so too. {_CALL} with this message."
            )
    return Finding(Subject.SERVICE_TLS, Verdict.FAIL, detail, remedy)


def _service_certificate(found: Exchange) -> Finding:
    certificate = Certificate.from_der(found.certificate)
    detail = f"Valid until {certificate.not_after:%Y-%m-%d}"
    left = certificate.not_after - found.sent
    if left <= SOON:
        remedy = f"{_CALL}: they should renew it before that day."
        return Finding(
            Subject.SERVICE_CERTIFICATE, Verdict.WARN, f"{detail}, which is in {max(left.days, 0)} days.", remedy
        )
    return Finding(Subject.SERVICE_CERTIFICATE, Verdict.PASS, f"{detail}.")


def _mutual_tls(
    service: Service, without: Attempt, with_client: Attempt | None, at: datetime.datetime, *, wants_client: bool
) -> Iterator[Finding]:
    subject = Subject.MUTUAL_TLS
    if service.client is None or with_client is None:
        if wants_client:
            remedy = "Give it with --client-certificate and --client-key."
            yield Finding(subject, Verdict.WARN, "The service asks for a client certificate; none was given.", remedy)
        else:
            yield Finding(subject, Verdict.NOT_APPLICABLE, "No client certificate was given, and none is asked for.")
        return
    try:
        own = Certificate.from_pem(service.client.certificate.read_bytes())[0]
        context_for(service, with_client=True)
    except (OSError, ValueError, errors.CertificateUnreadable):
        error = errors.KeyFileUnreadable()
        detail = "The client certificate or its key cannot be read, or they do not belong together."
        yield Finding(subject, Verdict.FAIL, detail, error.remedy)
        return
    judged = judge_certificate(subject, own, at)
    if judged.verdict is Verdict.FAIL:
        yield judged
    elif isinstance(with_client, Exchange):
        more = "it is asked for" if wants_client else "the service does not ask for it of everybody"
        detail = f"Accepted ({more}): {judged.detail}."
        yield Finding(subject, judged.verdict, detail, judged.remedy)
    elif _says(with_client, _REFUSES_CERTIFICATE) or wants_client:
        detail = f"The service refuses the client certificate ({_reason(with_client)})."
        remedy = f"Use the authentication certificate that the service knows. {_CALL} to have its authority accepted."
        yield Finding(subject, Verdict.FAIL, detail, remedy)
    elif isinstance(without, Exchange):
        remedy = f"Try again. {_CALL} with this message."
        yield Finding(
            subject, Verdict.FAIL, f"With the client certificate the connection fails ({_reason(with_client)}).", remedy
        )
    else:
        yield Finding(subject, Verdict.NOT_TRIED, "TLS to the service does not work.")


def _clock(service: Service) -> Finding:
    found = attempt(service, with_client=True, check_time=False)
    if not isinstance(found, Exchange) and service.client:
        found = attempt(service, with_client=False, check_time=False)
    if not isinstance(found, Exchange):
        return Finding(Subject.CLOCK, Verdict.NOT_TRIED, "The service gives its time only over TLS that works.")
    try:
        date = clock.read_date(found.date or "")
    except ValueError:
        remedy = f"Compare the computer's clock with another one. {_CALL}: its answers carry no Date (RFC 9110: 6.6.1)."
        return Finding(Subject.CLOCK, Verdict.WARN, "The service does not say what time it has.", remedy)
    return clock.judge(clock.skew(found.sent, date, found.received))


def _says(tried: Attempt | None, alerts: tuple[str, ...]) -> bool:
    return isinstance(tried, ssl.SSLError) and any(alert in (tried.reason or "") for alert in alerts)


def _reason(tried: Attempt | None) -> str:
    reason = tried.reason if isinstance(tried, ssl.SSLError) else None
    return (reason or type(tried).__name__).lower().replace("_", " ")
