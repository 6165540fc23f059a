"""Notifications go where the operator allows, over TLS that is verified, and nowhere else."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import requests

from dmp.alerts import NotSent
from tests.services.pki import Pki
from tests.xds_registry.subscriptions.conftest import Consumer
from tests.xds_repository.house import listening
from xds_registry.subscriptions.consumers import ConsumerRefused, Consumers

ALLOWED = ("his.example", "ris.example:8443", "[::1]:8443")


def consumers(*allowed: str, insecure_http: bool = False, session: requests.Session | None = None) -> Consumers:
    chosen = session or requests.Session()
    chosen.trust_env = False
    return Consumers(allowed or ALLOWED, chosen, insecure_http=insecure_http)


@pytest.mark.parametrize(
    "address",
    [
        "https://his.example/notify",
        "https://HIS.example:443/notify?a=b",
        "https://ris.example:8443",
        "https://[::1]:8443/x",
    ],
)
def test_what_is_allowed_passes(address: str) -> None:
    consumers().check(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://his.example/",
        "https://his.example:8443/",
        "https://ris.example/",
        "https://other.example/",
        "https://his.example.evil/",
        "https://evil/his.example",
        "https://his.example@evil/",
        "https://user:word@his.example/",
        "https://evil\\@his.example/",
        "https://his.example\\.evil/",
        "https://evil#@his.example/",
        "https://his.example/#x",
        "https://his.example /",
        "https://his.example\t.evil/",
        "https://his%2eexample/",
        "https://his.ex\u0430mple/",
        "https://his.example:0443/",
        "https://169.254.169.254/latest/meta-data",
        "https:his.example",
        "//his.example/",
        "gopher://his.example/",
        "file:///etc/passwd",
        "https://his.example/" + "a" * 3000,
        "https://his.example/\r\nHost: evil",
    ],
)
def test_what_is_not_allowed_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ConsumerRefused) as refused:
        consumers().check(address)
    assert not address or address not in str(refused.value)
    with pytest.raises(NotSent) as trouble:
        consumers().tell(address, b"<a/>")
    assert trouble.value.permanent


def test_a_redirection_is_not_followed(consumer: Consumer) -> None:
    elsewhere = Consumer()
    with listening(elsewhere) as url:

        def redirecting(environ: object, start_response: object) -> list[bytes]:
            start_response("307 Temporary Redirect", [("Location", url), ("Content-Length", "0")])  # type: ignore[operator]
            return []

        with listening(redirecting) as first:
            hosts = [each.removeprefix("http://").rstrip("/") for each in (first, url)]
            with pytest.raises(NotSent, match="HTTP status 307"):
                consumers(*hosts, insecure_http=True).tell(first, b"<a/>")
    assert elsewhere.told == []


def test_tls_is_verified_and_our_certificate_is_shown(pki: Pki, tmp_path: Path) -> None:
    consumer = Consumer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.ca))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pki.server.certificate, pki.server.key)
    with listening(consumer, context=context) as url:
        host = url.removeprefix("http://").rstrip("/").replace("127.0.0.1", "localhost")
        address = f"https://{host}/notify"
        with pytest.raises(NotSent, match="SSLError"):
            consumers(host).tell(address, b"<a/>")
        session = requests.Session()
        session.verify, session.cert = str(pki.ca), pki.client.files
        consumers(host, session=session).tell(address, b"<a/>")
    assert len(consumer.told) == 1
