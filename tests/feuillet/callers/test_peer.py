"""A proxy's word about its client's certificate counts on its own socket, in two forms, and nowhere else."""

from __future__ import annotations

import base64
import socket
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from feuillet.callers.peer import note_peer, stated_certificate
from tests.examples import some
from tests.services.pki import Pki


@pytest.fixture(scope="module")
def der(pki: Pki) -> bytes:
    """A certificate."""
    return x509.load_pem_x509_certificate(pki.client.certificate.read_bytes()).public_bytes(Encoding.DER)


def noted(header: str, family: socket.AddressFamily) -> dict[str, Any]:
    """The environment of a request that came with a header, over a socket of that family."""
    with socket.socket(family) as connection:
        environ = {
            "gunicorn.socket": connection,
            "HTTP_CLIENT_CERT": header,
            "HTTP_X_FORWARDED_FOR": "203.0.113.9, 192.0.2.7",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
        }
        note_peer(environ)
    return environ


def test_both_forms_give_the_certificate(der: bytes) -> None:
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    for header in (f":{base64.b64encode(der).decode()}:", quote(pem), quote(pem, safe="")):
        environ = noted(header, socket.AF_UNIX)
        assert environ["feuillet.peer_certificate"] == der
        assert environ["REMOTE_ADDR"] == "192.0.2.7"
        assert environ["wsgi.url_scheme"] == "https"


def test_on_a_connection_of_the_network_the_headers_are_not_looked_at(der: bytes) -> None:
    environ = noted(f":{base64.b64encode(der).decode()}:", socket.AF_INET)
    assert environ["feuillet.peer_certificate"] is None
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"


def test_two_headers_joined_state_no_certificate(der: bytes) -> None:
    once = f":{base64.b64encode(der).decode()}:"
    pem = quote(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode())
    for header in (f"{once},{once}", f"{once}, {once}", f"{pem},{pem}", pem + pem):
        assert stated_certificate(header) is None


@settings(max_examples=some(500))
@given(st.text(max_size=200) | st.text("abcXYZ0123+/=:%-", max_size=80))
def test_any_other_text_states_no_certificate_or_some_bytes(header: str) -> None:
    stated = stated_certificate(header)
    assert stated is None or header.startswith(":")
