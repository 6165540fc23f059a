"""The signature: one reference to the assertion, made in the one way that is accepted, over what is there."""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from lxml import etree

from card_auth.errors import CertificateUnreadable
from card_auth.trust import Refusal
from card_auth.vihf.evidence import Evidence, decoded
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.vocabulary import DS, ENVELOPED, EXC_C14N
from card_auth.xmldsig import UnknownAlgorithm, digest_algorithm, refusal_of_sha1, uses_sha1, verify_value

_MOST_CERTIFICATES: Final = 4  # the signer's, and at most three authorities above it


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
    try:
        algorithm = digest_algorithm(_algorithm(reference, "DigestMethod"))
    except UnknownAlgorithm:
        raise AssertionRefused(Reason.WEAK_ALGORITHM) from None
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
        verify_value(key, method, evidence.signature_value, evidence.signed_info_bytes)
    except UnknownAlgorithm:
        raise AssertionRefused(Reason.WEAK_ALGORITHM) from None
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
    if not uses_sha1(*used):
        return
    if chain is None:
        raise AssertionRefused(Reason.WEAK_ALGORITHM)
    refusal = refusal_of_sha1(evidence.trust, chain, evidence.at)
    if refusal is not None:
        over = refusal is Refusal.LEGACY_PERIOD_OVER
        raise AssertionRefused(Reason.LEGACY_PERIOD_OVER if over else Reason.WEAK_ALGORITHM)
    evidence.legacy_sha1 = True


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
