"""The signature: over the manifest and the signed properties, made in an accepted way, and it holds."""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from lxml import etree

from card_auth.dsg.evidence import Evidence, algorithm_of, from_base64, hash_named, transform_of
from card_auth.dsg.finding import Reason, SignatureRefused
from card_auth.dsg.vocabulary import (
    CANONICALIZATIONS,
    MANIFEST_ID,
    MANIFEST_TYPE,
    PURPOSE_ID,
    PURPOSE_SOURCE,
    ds,
)
from card_auth.errors import CertificateUnreadable
from card_auth.xmldsig import UnknownAlgorithm, verify_value


def two_references(evidence: Evidence) -> None:
    """One to the manifest, one to the signed properties, each by its identifier, in canonical form or without a word.

    No other URI is ever looked up.
    """
    properties = evidence.root.find(
        f"{ds('Object')}/{evidence.xades('QualifyingProperties')}/{evidence.xades('SignedProperties')}"
    )
    manifest = evidence.root.find(f"{ds('Object')}/{ds('Manifest')}")
    if manifest is None or manifest.get("Id") != MANIFEST_ID:
        raise SignatureRefused(Reason.WRONG_REFERENCE, MANIFEST_ID)
    for kind, target in ((MANIFEST_TYPE, manifest), (evidence.version.properties_type, properties)):
        reference = evidence.reference(kind)
        identifier = None if target is None else target.get("Id")
        if not identifier or reference.get("URI") != f"#{identifier}":
            raise SignatureRefused(Reason.WRONG_REFERENCE, "URI")
        transform = transform_of(reference)
        if transform is not None and transform not in CANONICALIZATIONS:
            raise SignatureRefused(Reason.WRONG_TRANSFORM, transform[:80])


def parts_match(evidence: Evidence) -> None:
    """Manifest and signed properties are what was signed."""
    for kind, part in (
        (MANIFEST_TYPE, evidence.manifest_bytes),
        (evidence.version.properties_type, evidence.properties_bytes),
    ):
        if not matches(evidence.reference(kind), part):
            raise SignatureRefused(Reason.WRONG_DIGEST, kind.rpartition("#")[2])


def signature_matches(evidence: Evidence) -> None:
    """The holder of the certificate's key signed it."""
    certificate = evidence.certificates[0]
    try:
        key = certificate.public_key()
    except CertificateUnreadable:
        raise SignatureRefused(Reason.UNREADABLE_CERTIFICATE, "key") from None
    method = algorithm_of(evidence.signed_info, "SignatureMethod")
    value = from_base64(evidence.root.find(ds("SignatureValue")))
    try:
        verify_value(key, method, value, evidence.signed_info_bytes)
    except UnknownAlgorithm:
        raise SignatureRefused(Reason.WEAK_ALGORITHM, method[:80]) from None
    except (InvalidSignature, ValueError):
        raise SignatureRefused(Reason.WRONG_SIGNATURE) from None
    evidence.holds = True


def for_the_purpose(evidence: Evidence) -> None:
    """The purpose is "Source", and it and the properties are of this signature (ITI TF-3: 5.5.2)."""
    own = evidence.root.get("Id", "")
    purpose = evidence.root.find(f"{ds('Object')}/{ds('SignatureProperties')}/{ds('SignatureProperty')}")
    stated = None if purpose is None else (purpose.get("Id"), (purpose.text or "").strip())
    if stated != (PURPOSE_ID, PURPOSE_SOURCE):
        raise SignatureRefused(Reason.OTHER_PURPOSE, "purposeOfSignature")
    qualifying = evidence.root.find(f"{ds('Object')}/{evidence.xades('QualifyingProperties')}")
    for element in (purpose, qualifying):
        if element is None or not own or element.get("Target") not in (f"#{own}", own):
            raise SignatureRefused(Reason.OTHER_PURPOSE, "Target")


def names_its_certificate(evidence: Evidence) -> None:
    """The signed properties name the signer's certificate (TS 101 903: 7.2.2)."""
    signer = evidence.certificates[0]
    for one in evidence.properties.iter(evidence.xades("Cert")):
        method, value = one[0]
        digest = hashes.Hash(hash_named(method.get("Algorithm", "")))
        digest.update(signer.der)
        if hmac.compare_digest(digest.finalize(), from_base64(value)):
            serial = one.find(f"{evidence.xades('IssuerSerial')}/{ds('X509SerialNumber')}")
            if serial is None or (serial.text or "").strip() == str(signer.serial_number):
                return
    raise SignatureRefused(Reason.OTHER_CERTIFICATE)


def matches(reference: etree._Element, octets: bytes) -> bool:
    """Whether octets have the digest that a reference states. Raises SignatureRefused."""
    context = hashes.Hash(hash_named(algorithm_of(reference, "DigestMethod")))
    context.update(octets)
    return hmac.compare_digest(context.finalize(), from_base64(reference.find(ds("DigestValue"))))
