"""The signature: one reference to the assertion, made in the one way that is accepted, over what is there.

It is checked here and not by a library for XML signatures: those read certificates more strictly than cards write them
(`card_auth.certificates`), and what remains to be done once the form is fixed is one digest and one verification.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from card_auth.certificates import PublicKey, SignatureAlgorithm
from card_auth.errors import CertificateUnreadable
from card_auth.trust import Refusal
from card_auth.vihf.evidence import Evidence, decoded
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.vocabulary import DS, ENVELOPED, EXC_C14N

_MOST_CERTIFICATES: Final = 4  # the signer's, and at most three authorities above it
_SHA1: Final = f"{DS}sha1"
_RSA_SHA1: Final = f"{DS}rsa-sha1"
_RSA_SHA1_OID: Final = "1.2.840.113549.1.1.5"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_XMLENC: Final = "http://www.w3.org/2001/04/xmlenc#"

_DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    _SHA1: hashes.SHA1(),  # noqa: S303 (counts under a dated exception only, see `strong_algorithms`)
    f"{_XMLENC}sha256": hashes.SHA256(),
    f"{_MORE}sha384": hashes.SHA384(),
    f"{_XMLENC}sha512": hashes.SHA512(),
}
_RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    _RSA_SHA1: hashes.SHA1(),  # noqa: S303
    f"{_MORE}rsa-sha256": hashes.SHA256(),
    f"{_MORE}rsa-sha384": hashes.SHA384(),
    f"{_MORE}rsa-sha512": hashes.SHA512(),
}
_RSA_PSS: Final[dict[str, hashes.HashAlgorithm]] = {
    f"{_MORE_2007}sha256-rsa-MGF1": hashes.SHA256(),
    f"{_MORE_2007}sha384-rsa-MGF1": hashes.SHA384(),
    f"{_MORE_2007}sha512-rsa-MGF1": hashes.SHA512(),
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    f"{_MORE}ecdsa-sha256": hashes.SHA256(),
    f"{_MORE}ecdsa-sha384": hashes.SHA384(),
    f"{_MORE}ecdsa-sha512": hashes.SHA512(),
}


def one_reference(evidence: Evidence) -> None:
    """One reference, to the assertion by its ID, enveloped and in exclusive canonical form (SAML 2.0 Core: 5.4)."""
    method, _, reference = _children(evidence.signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    transforms, _, _ = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    identifier = evidence.assertion.get("ID")
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise AssertionRefused(Reason.WRONG_REFERENCE, "URI")
    if [transform.get("Algorithm") for transform in transforms] != [ENVELOPED, EXC_C14N] or len(transforms[0]):
        raise AssertionRefused(Reason.WRONG_REFERENCE, "transforms")
    if method.get("Algorithm") != EXC_C14N:
        raise AssertionRefused(Reason.WRONG_REFERENCE, "canonicalisation")
    _, _, key_info = _children(evidence.signature, "SignedInfo", "SignatureValue", "KeyInfo")
    (data,) = _children(key_info, "X509Data")
    if not 1 <= len(data) <= _MOST_CERTIFICATES:
        raise AssertionRefused(Reason.WRONG_REFERENCE, "certificates")


def digest_matches(evidence: Evidence) -> None:
    """The assertion is what was signed."""
    reference = evidence.signed_info.find(_ds("Reference"))
    if reference is None:
        raise AssertionRefused(Reason.WRONG_REFERENCE, "none")
    algorithm = _known(_DIGESTS, _algorithm(reference, "DigestMethod"))
    context = hashes.Hash(algorithm)
    context.update(evidence.signed_bytes)
    if not hmac.compare_digest(context.finalize(), decoded(reference, "DigestValue")):
        raise AssertionRefused(Reason.WRONG_DIGEST)


def signature_matches(evidence: Evidence) -> None:
    """The holder of the certificate's key signed it."""
    certificate = evidence.certificates[0]
    try:
        key = certificate.public_key()
    except CertificateUnreadable:
        raise AssertionRefused(Reason.UNREADABLE_CERTIFICATE, "key", certificate.fingerprint) from None
    method = _algorithm(evidence.signed_info, "SignatureMethod")
    try:
        _verify(key, method, evidence.signature_value, evidence.signed_info_bytes)
    except (InvalidSignature, ValueError):
        raise AssertionRefused(Reason.WRONG_SIGNATURE, fingerprint=certificate.fingerprint) from None


def strong_algorithms(evidence: Evidence) -> None:
    """SHA-2, or SHA-1 as long as the profile of the signer's authority names it as an exception.

    Comes after the chain: until then nobody knows whose exception it would be.
    """
    reference = evidence.signed_info.find(_ds("Reference"))
    used = {_algorithm(evidence.signed_info, "SignatureMethod")}
    if reference is not None:
        used.add(_algorithm(reference, "DigestMethod"))
    chain = evidence.signer_chain
    evidence.legacy_sha1 = chain is None or chain.legacy_sha1
    if not used & {_SHA1, _RSA_SHA1}:
        return
    if chain is None:
        raise AssertionRefused(Reason.WEAK_ALGORITHM)
    profile = next(profile for profile in evidence.trust.profiles if profile.name == chain.profile)
    authority = chain.path[1].fingerprint
    refusal = profile.algorithms.refusal_of_algorithm(SignatureAlgorithm(_RSA_SHA1_OID), authority, evidence.at)
    if refusal is not None:
        over = refusal is Refusal.LEGACY_PERIOD_OVER
        raise AssertionRefused(Reason.LEGACY_PERIOD_OVER if over else Reason.WEAK_ALGORITHM)
    evidence.legacy_sha1 = True


def _verify(key: PublicKey, method: str, signature: bytes, signed: bytes) -> None:
    """Raises InvalidSignature, ValueError, or AssertionRefused for a method that is unknown or of another key."""
    if isinstance(key, rsa.RSAPublicKey):
        if method in _RSA_PSS:
            digest = _RSA_PSS[method]  # RFC 9231: 2.3.10
            key.verify(signature, signed, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        else:
            key.verify(signature, signed, padding.PKCS1v15(), _known(_RSA, method))
        return
    digest = _known(_ECDSA, method)
    size = (key.curve.key_size + 7) // 8  # XML Signature 1.1: 6.4.3, the two integers side by side
    if len(signature) != 2 * size:
        raise InvalidSignature
    pair = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(*pair), signed, ec.ECDSA(digest))


def _known(table: dict[str, hashes.HashAlgorithm], name: str) -> hashes.HashAlgorithm:
    try:
        return table[name]
    except KeyError:
        raise AssertionRefused(Reason.WEAK_ALGORITHM) from None


def _algorithm(parent: etree._Element, local: str) -> str:
    element = parent.find(_ds(local))
    return "" if element is None else element.get("Algorithm", "")


def _children(parent: etree._Element, *locals_: str) -> list[etree._Element]:
    """The children, which must be these and no others, in this order."""
    children = list(parent)
    if [child.tag for child in children] != [_ds(local) for local in locals_]:
        raise AssertionRefused(Reason.WRONG_REFERENCE, str(parent.tag).rpartition("}")[2])
    return children


def _ds(local: str) -> str:
    return f"{{{DS}}}{local}"
