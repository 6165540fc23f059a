"""Which signatures over certificates and revocation lists count, and the check of one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from card_auth import der
from card_auth.certificates import Certificate, PublicKey, SignatureAlgorithm, signature_algorithm
from card_auth.errors import CertificateUnreadable
from card_auth.trust.refusals import Refusal

_RSA: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "1.2.840.113549.1.1.5": hashes.SHA1,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
_ECDSA: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
_WEAK: Final = frozenset(
    {
        "1.2.840.113549.1.1.2",  # md2WithRSAEncryption
        "1.2.840.113549.1.1.4",  # md5WithRSAEncryption
        "1.2.840.10040.4.3",  # dsa-with-sha1
        "1.2.840.10045.4.1",  # ecdsa-with-SHA1
        "1.3.14.3.2.29",  # sha1WithRSASignature
    }
)
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1")
_SMALLEST_EXPONENT: Final = 65537
_LARGEST_EXPONENT: Final = 2**32


@dataclass(frozen=True, slots=True)
class LegacySha1:
    """SHA-1 as a named exception: for the certificates of some authorities, until a day (that day not included)."""

    until: datetime.date
    authorities: frozenset[str]  # SHA-256 of the issuing authorities' certificates, hex


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """What a signature must be made with: RSA (PKCS#1 v1.5 or PSS) or ECDSA, with SHA-256 or longer."""

    smallest_rsa: int = 2048  # bits
    largest_rsa: int = 8192  # bits: a larger key only burns our time
    legacy_sha1: LegacySha1 | None = None

    def refusal_of_key(self, key: PublicKey) -> Refusal | None:
        """Why a key is not accepted; None when it is."""
        if isinstance(key, rsa.RSAPublicKey):
            fits = self.smallest_rsa <= key.key_size <= self.largest_rsa
            exponent = key.public_numbers().e
            fits = fits and _SMALLEST_EXPONENT <= exponent < _LARGEST_EXPONENT and exponent % 2 == 1
        else:
            fits = key.curve.name in _CURVES
        return None if fits else Refusal.WEAK_KEY

    def refusal_of_algorithm(
        self, algorithm: SignatureAlgorithm, authority: str, at: datetime.datetime
    ) -> Refusal | None:
        """Why a signature by that authority (fingerprint) is not accepted at that time; None when it is."""
        if algorithm.oid in _WEAK:
            return Refusal.WEAK_ALGORITHM
        if algorithm.oid in _RSA and _RSA[algorithm.oid] is hashes.SHA1:
            legacy = self.legacy_sha1
            if legacy is None or authority not in legacy.authorities:
                return Refusal.WEAK_ALGORITHM
            return None if at.date() < legacy.until else Refusal.LEGACY_PERIOD_OVER
        known = algorithm.oid in _RSA or algorithm.oid in _ECDSA or algorithm.oid == _RSA_PSS
        return None if known else Refusal.UNKNOWN_ALGORITHM


def uses_sha1(algorithm: SignatureAlgorithm) -> bool:
    """Whether a signature counts under a legacy period only."""
    return _RSA.get(algorithm.oid) is hashes.SHA1


def refusal_of_signature(
    signed: bytes,
    signature: bytes,
    algorithm: SignatureAlgorithm,
    authority: Certificate,
    policy: AlgorithmPolicy,
    *,
    at: datetime.datetime,
) -> Refusal | None:
    """Why `signature` over `signed` is not one of that authority; None when it is. Policy comes before arithmetic."""
    if refusal := policy.refusal_of_algorithm(algorithm, authority.fingerprint, at):
        return refusal
    try:
        key = authority.public_key()
    except CertificateUnreadable:
        return Refusal.UNREADABLE
    if refusal := policy.refusal_of_key(key):
        return refusal
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme, digest = _rsa_scheme(algorithm)
            key.verify(signature, signed, scheme, digest)
        else:
            key.verify(signature, signed, ec.ECDSA(_ECDSA[algorithm.oid]()))
    except (InvalidSignature, UnsupportedAlgorithm, KeyError, ValueError):
        return Refusal.BAD_SIGNATURE
    return None


def _rsa_scheme(algorithm: SignatureAlgorithm) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    """Raises KeyError for another family's algorithm, ValueError (DerError) for parameters that are not these."""
    if algorithm.oid != _RSA_PSS:
        if algorithm.parameters not in (b"", b"\x05\x00"):  # RFC 8017: A.2.4
            raise ValueError("parameters where there are none")
        return padding.PKCS1v15(), _RSA[algorithm.oid]()
    # RSASSA-PSS-params (RFC 4055: 3.1); all of its defaults mean SHA-1 and are refused by their absence
    members = der.read(algorithm.parameters).sequence()
    digest_oid = signature_algorithm(der.read(members.take(0xA0).content)).oid
    digest = _HASHES[digest_oid]()
    mask = signature_algorithm(der.read(members.take(0xA1).content))
    if mask.oid != _MGF1 or signature_algorithm(der.read(mask.parameters)).oid != digest_oid:
        raise ValueError("a mask that does not go with the digest")
    salt = der.read(members.take(0xA2).content).integer()
    if salt != digest.digest_size:
        raise ValueError("a salt that is not as long as the digest")
    if (trailer := members.take_optional(0xA3)) and der.read(trailer.content).integer() != 1:
        raise ValueError("an unknown trailer")
    members.end()
    return padding.PSS(padding.MGF1(digest), salt), digest
