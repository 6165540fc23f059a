"""The certificates of the test IGC, as the national ones are made. `card_auth.demo_pki` decides which and for whom."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from card_auth import der

KEY_BITS: Final = 2048
AUTHORITY_YEARS: Final = datetime.timedelta(days=3650)


def new_key(bits: int = KEY_BITS) -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def authority_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    own: rsa.RSAPrivateKey,
    issuing: rsa.RSAPrivateKey,
    start: datetime.datetime,
    *,
    path_length: int,
) -> x509.Certificate:
    """The certificate of an authority with the key `own`, signed with `issuing`."""
    return (
        certificate_builder(subject, issuer, own.public_key(), start, AUTHORITY_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
        .sign(issuing, hashes.SHA256())
    )


def certificate_builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: rsa.RSAPublicKey,
    start: datetime.datetime,
    valid_for: datetime.timedelta,
) -> x509.CertificateBuilder:
    """A certificate without extensions, valid from `start` on, with a serial number of its own."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + valid_for)
    )


def key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """The keyUsage extension with those bits."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def der_integer(number: int) -> bytes:
    """An INTEGER in DER, as the private extensions hold it."""
    return der.encode(der.INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def write_key(file: Path, key: rsa.RSAPrivateKey) -> None:
    """Write an unencrypted private key that only its owner may read."""
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
