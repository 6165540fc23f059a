"""TLS as a server: what callers must speak and show."""

from __future__ import annotations

import ssl

from feuillet.configuration import ConfigurationRefused
from feuillet.settings import TlsSettings


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS as a server: 1.2 or later, forward secrecy, a client certificate required, no compression or renegotiation.

    Raises `ConfigurationRefused` when a file does not hold what it should.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.set_ciphers(tls.ciphers)
    except ssl.SSLError:
        raise ConfigurationRefused(["tls.ciphers: expected a cipher list of OpenSSL, such as ECDHE+AESGCM"]) from None
    try:
        # A key with a password is refused at once: nobody is there to type it.
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        expected = "a PEM certificate followed by its chain, and its PEM key without password"
        raise ConfigurationRefused([f"tls.certificate, tls.key: expected {expected}"]) from None
    try:
        context.load_verify_locations(tls.client_authorities)
    except (ssl.SSLError, OSError):
        raise ConfigurationRefused(["tls.client_authorities: expected PEM certificates of authorities"]) from None
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])
    return context
