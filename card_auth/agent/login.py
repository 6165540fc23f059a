"""Logging in to a portal with a card: the portal's challenge, signed with the authentication key.

What is signed is made here, never by the page: a fixed word, the page's origin as the browser told it, the challenge,
the moment. So the signature is of use to that portal and login only, and is no assertion, document or handshake.
"""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from card_auth.certificates import Certificate
from card_auth.errors import CertificateUnreadable, WrongKeyUse
from card_auth.keys import KeyUse, SigningKey
from card_auth.keys.signing_key import use_of
from card_auth.vihf.instants import read_instant, write_instant

PREFIX: Final = b"Feuillet portal login v1"
SHORTEST, LONGEST = 16, 64  # octets of a challenge: enough not to be guessed
WINDOW: Final = datetime.timedelta(minutes=5)  # in which a proof must reach the portal
SKEW: Final = datetime.timedelta(seconds=60)  # by which the workstation's clock may be ahead


class LoginRefused(Exception):
    """A proof that proves nothing. The message is for the portal's log."""


@dataclass(frozen=True, slots=True)
class LoginProof:
    """What the workstation answers to a challenge: PKCS#1 v1.5 with SHA-256 over `login_text`."""

    certificate: bytes = field(repr=False)  # DER
    chain: tuple[bytes, ...] = field(repr=False)  # DER, as far as the card holds it
    signed_at: str  # an instant in UTC
    signature: bytes = field(repr=False)


def login_text(origin: str, challenge: bytes, signed_at: str) -> bytes:
    """The octets that are signed. No part can hold the NUL between them."""
    return b"\0".join((PREFIX, origin.encode("ascii"), base64.urlsafe_b64encode(challenge), signed_at.encode("ascii")))


def prove(key: SigningKey, origin: str, challenge: bytes, at: datetime.datetime) -> LoginProof:
    """The proof for that challenge.

    Raises WrongKeyUse for a signature key, CertificateExpired, CertificateNotYetValid, and the card's errors.
    """
    own = key.authentication_key
    key.check_validity(at)
    signed_at = write_instant(at)
    signature = own.sign(
        login_text(origin, challenge, signed_at), padding=padding.PKCS1v15(), algorithm=hashes.SHA256()
    )
    return LoginProof(key.certificate.der, key.chain, signed_at, signature)


def verify_login(proof: LoginProof, *, origin: str, challenge: bytes, at: datetime.datetime) -> Certificate:
    """The certificate whose holder answered the portal's own challenge, at that moment (aware). Raises LoginRefused.

    A portal uses a challenge once, and then asks its trust store for the chain (`Purpose.TLS_CLIENT`).
    """
    try:
        certificate = Certificate.from_der(proof.certificate)
        public, use = certificate.public_key(), use_of(certificate)
        signed_at = read_instant(proof.signed_at)
    except (CertificateUnreadable, WrongKeyUse, ValueError) as error:
        raise LoginRefused(str(error)) from None
    if use is not KeyUse.AUTHENTICATION:
        raise LoginRefused("signed with a key that is not of authentication")
    if not SHORTEST <= len(challenge) <= LONGEST or not isinstance(public, rsa.RSAPublicKey):
        raise LoginRefused("a challenge or a key of another size or kind")
    if not at - WINDOW <= signed_at <= at + SKEW:
        raise LoginRefused("signed too long ago, or in the future")
    if not certificate.not_before <= at <= certificate.not_after:
        raise LoginRefused("the certificate is not valid now")
    try:
        text = login_text(origin, challenge, proof.signed_at)
        public.verify(proof.signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise LoginRefused("the signature is not of this challenge and this origin") from None
    return certificate
