"""A private key with its certificate and its one use. A card has two of them, and they are never confused."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from card_auth.certificates import EKU_CLIENT_AUTHENTICATION, Certificate, KeyUsage
from card_auth.errors import CertificateExpired, CertificateNotYetValid, KeyUnsuitable, WrongKeyUse

SMALLEST_KEY = 2048  # bits (RGS annex B1: 2048 at least)


class KeyUse(enum.Enum):
    """What a key is for."""

    AUTHENTICATION = "authentication"  # opens TLS connections
    SIGNATURE = "signature"  # signs assertions and documents


def use_of(certificate: Certificate) -> KeyUse:
    """What the certificate says its key is for.

    A key that engages its holder (nonRepudiation) signs and never authenticates; of the others, one with
    digitalSignature authenticates. Raises WrongKeyUse for a certificate that allows neither.
    """
    if certificate.may(KeyUsage.NON_REPUDIATION):
        return KeyUse.SIGNATURE
    if certificate.may(KeyUsage.DIGITAL_SIGNATURE):
        purposes = certificate.extended_key_usage
        if purposes is None or EKU_CLIENT_AUTHENTICATION in purposes:
            return KeyUse.AUTHENTICATION
    raise WrongKeyUse("The certificate allows its key neither to sign nor to authenticate a client.")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One of a holder's keys. Make it with `signing_key`, `keys.files` or `keys.pkcs11`."""

    certificate: Certificate
    chain: tuple[bytes, ...] = field(repr=False)  # the authorities above, DER, the issuer first; may be empty
    use: KeyUse
    _key: rsa.RSAPrivateKey = field(repr=False)

    @property
    def private_key(self) -> rsa.RSAPrivateKey:
        """The key that signs assertions and documents. Raises WrongKeyUse for an authentication key."""
        if self.use is not KeyUse.SIGNATURE:
            raise WrongKeyUse("The authentication key was asked to sign a document.")
        return self._key

    @property
    def authentication_key(self) -> rsa.RSAPrivateKey:
        """The key that opens connections. Raises WrongKeyUse for a signature key."""
        if self.use is not KeyUse.AUTHENTICATION:
            raise WrongKeyUse("The signature key was asked to open a connection.")
        return self._key

    def check_validity(self, at: datetime.datetime) -> None:
        """Raises CertificateExpired or CertificateNotYetValid when the certificate is not valid at that time."""
        if at > self.certificate.not_after:
            raise CertificateExpired(since=self.certificate.not_after)
        if at < self.certificate.not_before:
            raise CertificateNotYetValid(until=self.certificate.not_before)


def signing_key(certificate: Certificate, chain: tuple[bytes, ...], key: object) -> SigningKey:
    """Bind a key to its certificate; the use is what the certificate says.

    Raises KeyUnsuitable (no RSA key, a short one, or not the certificate's), WrongKeyUse, CertificateUnreadable.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyUnsuitable("The private key is not an RSA key.")
    if key.key_size < SMALLEST_KEY:
        raise KeyUnsuitable(f"The private key has {key.key_size} bits, fewer than {SMALLEST_KEY}.")
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey) or public.public_numbers() != key.public_key().public_numbers():
        raise KeyUnsuitable("The private key does not belong to the certificate.")
    return SigningKey(certificate, chain, use_of(certificate), key)
