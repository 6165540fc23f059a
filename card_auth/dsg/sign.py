"""Signing a submission set: its documents in a manifest, the manifest signed with the holder's signature key.

Source: ITI TF-3: 5.5; CI-SIS, volet Partage de documents de santé; ETSI TS 101 903.
"""

from __future__ import annotations

import base64
import datetime
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from card_auth.certificates import Certificate
from card_auth.dsg.evidence import canonical
from card_auth.dsg.finding import Reason
from card_auth.dsg.submitted import NotCanonical, Parse, SetDocument, SubmittedSet
from card_auth.dsg.vocabulary import (
    C14N,
    C14N_WITH_COMMENTS,
    CANONICALIZATIONS,
    MANIFEST_ID,
    MANIFEST_TYPE,
    NO_DIGEST,
    PROPERTIES_ID,
    PURPOSE_ID,
    PURPOSE_SOURCE,
    SIGNATURE,
    XadesVersion,
    ds,
    uri_of,
)
from card_auth.keys.signing_key import SigningKey
from card_auth.professionals import read_professional
from card_auth.vihf.instants import write_instant
from card_auth.xmldsig import DIGESTS, DS, RSA, Digest

_MOST_AUTHORITIES: Final = 3
_DIGEST_URIS: Final = {algorithm.name: uri for uri, algorithm in DIGESTS.items()}
_METHOD_URIS: Final = {algorithm.name: uri for uri, algorithm in RSA.items()}


class SetRefused(ValueError):
    """A set that is not signed, since no server would accept it. `reason` is what a server would say."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}{f' ({detail})' if detail else ''}")
        self.reason = reason


def sign(
    submitted: SubmittedSet,
    key: SigningKey,
    *,
    at: datetime.datetime,
    parse: Parse,
    version: XadesVersion = XadesVersion.V1_3_2,
    digest: Digest = Digest.SHA256,
    identifier: str = "S0",
) -> bytes:
    """The signature document of a set (UTF-8), signed at that moment (aware) by the key's holder.

    XML documents are signed in canonical form with comments, others by their octets. The holder must be an author of
    the set: the person in the direct mode, the structure in the indirect ones. `parse` reads the XML documents;
    `identifier` is the signature's Id. Raises SetRefused, WrongKeyUse for a key that is not of signature,
    CertificateExpired, CertificateNotYetValid, and what a card raises when it signs.
    """
    private_key = key.private_key
    key.check_validity(at)
    _check(submitted, key)
    algorithm = DIGESTS[_DIGEST_URIS[digest.value]]
    root = etree.Element(SIGNATURE, {"Id": identifier}, nsmap={"ds": DS, "xades": version.namespace})
    signed_info = _add(root, "SignedInfo")
    value = _add(root, "SignatureValue")
    data = _add(_add(root, "KeyInfo"), "X509Data")
    chain = (key.certificate.der, *key.chain[:_MOST_AUTHORITIES])
    for certificate in chain:
        _add(data, "X509Certificate", in_lines(certificate))
    purpose = _add(_add(_add(root, "Object"), "SignatureProperties"), "SignatureProperty", PURPOSE_SOURCE)
    purpose.set("Id", PURPOSE_ID)
    purpose.set("Target", f"#{identifier}")
    manifest = _manifest(_add(root, "Object"), submitted, algorithm, parse)
    certificates = tuple(Certificate.from_der(one) for one in chain)
    properties = _properties(_add(root, "Object"), version, identifier, certificates, algorithm=algorithm, at=at)
    _add(signed_info, "CanonicalizationMethod").set("Algorithm", C14N_WITH_COMMENTS)
    _add(signed_info, "SignatureMethod").set("Algorithm", _METHOD_URIS[algorithm.name])
    for part, kind in ((manifest, MANIFEST_TYPE), (properties, version.properties_type)):
        reference = _reference(signed_info, f"#{part.get('Id')}", algorithm, _hash(algorithm, canonical(part, C14N)))
        reference.set("Type", kind)
    octets = private_key.sign(canonical(signed_info, C14N_WITH_COMMENTS), padding.PKCS1v15(), algorithm)
    value.text = in_lines(octets)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def in_lines(octets: bytes) -> str:
    """Base64 in lines of 76 characters (RFC 2045: 6.8)."""
    text = base64.b64encode(octets).decode()
    return "\n".join(text[start : start + 76] for start in range(0, len(text), 76))


def _check(submitted: SubmittedSet, key: SigningKey) -> None:
    if not submitted.documents:
        raise SetRefused(Reason.MISSING_DOCUMENT, "none")
    if len({document.unique_id for document in submitted.documents}) != len(submitted.documents):
        raise SetRefused(Reason.REPEATED_DOCUMENT)
    holder = read_professional(key.certificate)
    # a structure may sign for another one that it speaks for, which only the server knows
    if holder.is_person and not any(author.person_id == holder.national_id for author in submitted.authors):
        raise SetRefused(Reason.OTHER_AUTHOR)
    if not holder.is_person and not any(author.structure_ids for author in submitted.authors):
        raise SetRefused(Reason.OTHER_AUTHOR)


def _manifest(
    parent: etree._Element, submitted: SubmittedSet, algorithm: hashes.HashAlgorithm, parse: Parse
) -> etree._Element:
    manifest = _add(parent, "Manifest")
    manifest.set("Id", MANIFEST_ID)
    _reference(manifest, uri_of(submitted.unique_id), algorithm, NO_DIGEST)
    for document in submitted.documents:
        transform = C14N_WITH_COMMENTS if document.is_xml else ""
        digest = _digest(document, transform, algorithm, parse)
        _reference(manifest, uri_of(document.unique_id), algorithm, digest, transform)
    return manifest


def _digest(document: SetDocument, transform: str, algorithm: hashes.HashAlgorithm, parse: Parse) -> bytes:
    if not transform:
        return document.digest(algorithm)
    try:
        return document.canonical_digest(algorithm, CANONICALIZATIONS[transform], parse)
    except NotCanonical as error:
        raise SetRefused(Reason.NOT_CANONICAL, f"{document.unique_id}: {error}") from None


def _properties(
    parent: etree._Element,
    version: XadesVersion,
    identifier: str,
    certificates: tuple[Certificate, ...],
    *,
    algorithm: hashes.HashAlgorithm,
    at: datetime.datetime,
) -> etree._Element:
    """TS 101 903: 7.2: when, with which certificates, under no policy but the community's."""
    names = version.namespace

    def add(above: etree._Element, local: str, text: str | None = None) -> etree._Element:
        element = etree.SubElement(above, f"{{{names}}}{local}")
        element.text = text
        return element

    qualifying = add(parent, "QualifyingProperties")
    qualifying.set("Target", f"#{identifier}")
    signed = add(qualifying, "SignedProperties")
    signed.set("Id", PROPERTIES_ID)
    own = add(signed, "SignedSignatureProperties")
    add(own, "SigningTime", write_instant(at))
    signing = add(own, "SigningCertificate")
    for certificate in certificates:
        one = add(signing, "Cert")
        digest = add(one, "CertDigest")
        # the two are of XAdES's own namespace in 1.1.1, and of XML Signature's since
        method, value = ("DigestMethod", "DigestValue")
        if version is XadesVersion.V1_1_1:
            add(digest, method).set("Algorithm", _DIGEST_URIS[algorithm.name])
            add(digest, value, in_lines(_hash(algorithm, certificate.der)))
        else:
            _add(digest, method).set("Algorithm", _DIGEST_URIS[algorithm.name])
            _add(digest, value, in_lines(_hash(algorithm, certificate.der)))
        issuer = add(one, "IssuerSerial")
        _add(issuer, "X509IssuerName", str(certificate.issuer))
        _add(issuer, "X509SerialNumber", str(certificate.serial_number))
    add(add(own, "SignaturePolicyIdentifier"), "SignaturePolicyImplied")
    return signed


def _reference(
    parent: etree._Element, uri: str, algorithm: hashes.HashAlgorithm, digest: bytes, transform: str = ""
) -> etree._Element:
    reference = _add(parent, "Reference")
    reference.set("URI", uri)
    if transform:
        _add(_add(reference, "Transforms"), "Transform").set("Algorithm", transform)
    _add(reference, "DigestMethod").set("Algorithm", _DIGEST_URIS[algorithm.name])
    _add(reference, "DigestValue", in_lines(digest))
    return reference


def _hash(algorithm: hashes.HashAlgorithm, octets: bytes) -> bytes:
    context = hashes.Hash(algorithm)
    context.update(octets)
    return context.finalize()


def _add(parent: etree._Element, local: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, ds(local))
    element.text = text
    return element
