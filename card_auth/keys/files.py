"""Keys in files: PEM and PKCS#12, for establishments and for tests. A person's key stays on their card."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from card_auth.certificates import Certificate
from card_auth.errors import KeyFileUnreadable, KeyMissing
from card_auth.keys.signing_key import SigningKey, signing_key

_LARGEST_FILE = 1024 * 1024  # octets


def load_pem(certificate: Path, key: Path | None = None, *, password: str | None = None) -> SigningKey:
    """The key of a PEM file, with the certificates of another (or the same): the holder's first, then its chain.

    Raises KeyFileUnreadable, CertificateUnreadable, KeyUnsuitable, WrongKeyUse.
    """
    own, *chain = Certificate.from_pem(_content(certificate))
    try:
        private = serialization.load_pem_private_key(_content(key or certificate), _encoded(password))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileUnreadable from None
    return signing_key(own, tuple(authority.der for authority in chain), private)


def load_pkcs12(file: Path, *, password: str | None = None) -> SigningKey:
    """The key and the certificates of a PKCS#12 file.

    Raises KeyFileUnreadable, KeyMissing, CertificateUnreadable, KeyUnsuitable, WrongKeyUse.
    """
    try:
        store = pkcs12.load_pkcs12(_content(file), _encoded(password))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileUnreadable from None
    if store.key is None or store.cert is None:
        raise KeyMissing("The PKCS#12 file holds no private key with its certificate.")
    own = Certificate.from_der(store.cert.certificate.public_bytes(serialization.Encoding.DER))
    others = (
        Certificate.from_der(one.certificate.public_bytes(serialization.Encoding.DER)) for one in store.additional_certs
    )
    return signing_key(own, _in_order(own, tuple(others)), store.key)


def _in_order(own: Certificate, others: tuple[Certificate, ...]) -> tuple[bytes, ...]:
    """The chain above `own` from an unordered set, as far as it goes; what is not of the chain is left out."""
    chain: list[bytes] = []
    current = own
    by_subject = {authority.subject.canonical(): authority for authority in others}
    while not current.is_self_issued and (issuer := by_subject.pop(current.issuer.canonical(), None)):
        chain.append(issuer.der)
        current = issuer
    return tuple(chain)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise KeyFileUnreadable(f"The key file cannot be read: {error.strerror}.") from None
    if len(content) > _LARGEST_FILE:
        raise KeyFileUnreadable("The key file is too large to be one.")
    return content


def _encoded(password: str | None) -> bytes | None:
    return password.encode() if password else None
