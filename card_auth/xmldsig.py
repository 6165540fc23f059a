"""XML Signature as far as it counts here: the accepted algorithms, and the check of one signature value.

No library for XML signatures checks them: those read certificates more strictly than cards write them
(`card_auth.certificates`), and what remains once the form of a signature is fixed is one digest and one verification.
"""

from __future__ import annotations

import datetime
import enum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from card_auth.certificates import PublicKey, SignatureAlgorithm
from card_auth.trust import Refusal, TrustedChain, TrustStore

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
SHA1: Final = f"{DS}sha1"
RSA_SHA1: Final = f"{DS}rsa-sha1"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
XMLENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_RSA_SHA1_OID: Final = "1.2.840.113549.1.1.5"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"


class Digest(enum.Enum):
    """The hash that digest and signature are made with."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    SHA1: hashes.SHA1(),  # noqa: S303 (counts under a dated exception only, see `refusal_of_sha1`)
    f"{XMLENC}sha256": hashes.SHA256(),
    f"{MORE}sha384": hashes.SHA384(),
    f"{XMLENC}sha512": hashes.SHA512(),
}
RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    RSA_SHA1: hashes.SHA1(),  # noqa: S303
    f"{MORE}rsa-sha256": hashes.SHA256(),
    f"{MORE}rsa-sha384": hashes.SHA384(),
    f"{MORE}rsa-sha512": hashes.SHA512(),
}
_RSA_PSS: Final[dict[str, hashes.HashAlgorithm]] = {
    f"{_MORE_2007}sha256-rsa-MGF1": hashes.SHA256(),
    f"{_MORE_2007}sha384-rsa-MGF1": hashes.SHA384(),
    f"{_MORE_2007}sha512-rsa-MGF1": hashes.SHA512(),
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    f"{MORE}ecdsa-sha256": hashes.SHA256(),
    f"{MORE}ecdsa-sha384": hashes.SHA384(),
    f"{MORE}ecdsa-sha512": hashes.SHA512(),
}


class UnknownAlgorithm(ValueError):
    """An algorithm that does not count, or that is of another kind of key."""


def digest_algorithm(name: str) -> hashes.HashAlgorithm:
    """The hash of that URI. Raises UnknownAlgorithm."""
    return _known(DIGESTS, name)


def verify_value(key: PublicKey, method: str, signature: bytes, signed: bytes) -> None:
    """Check a SignatureValue over the canonical SignedInfo. Raises UnknownAlgorithm, InvalidSignature, ValueError."""
    if isinstance(key, rsa.RSAPublicKey):
        if method in _RSA_PSS:
            digest = _RSA_PSS[method]  # RFC 9231: 2.3.10
            key.verify(signature, signed, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        else:
            key.verify(signature, signed, padding.PKCS1v15(), _known(RSA, method))
        return
    digest = _known(_ECDSA, method)
    size = (key.curve.key_size + 7) // 8  # XML Signature 1.1: 6.4.3, the two integers side by side
    if len(signature) != 2 * size:
        raise InvalidSignature
    pair = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(*pair), signed, ec.ECDSA(digest))


def uses_sha1(*algorithms: str) -> bool:
    """Whether one of these URIs stands for SHA-1."""
    return any(algorithm in (SHA1, RSA_SHA1) for algorithm in algorithms)


def refusal_of_sha1(trust: TrustStore, chain: TrustedChain, at: datetime.datetime) -> Refusal | None:
    """Why the holder of that chain may not sign with SHA-1 at that time; None within the dated exception of a profile.

    Comes after the chain: until then nobody knows whose exception it would be.
    """
    profile = next(profile for profile in trust.profiles if profile.name == chain.profile)
    authority = chain.path[1].fingerprint
    return profile.algorithms.refusal_of_algorithm(SignatureAlgorithm(_RSA_SHA1_OID), authority, at)


def _known(table: dict[str, hashes.HashAlgorithm], name: str) -> hashes.HashAlgorithm:
    try:
        return table[name]
    except KeyError:
        raise UnknownAlgorithm(name[:80]) from None
