"""Before any arithmetic: a signature document holds what it must, each in its place, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from lxml import etree

from card_auth.dsg.evidence import Evidence
from card_auth.dsg.finding import Reason, SignatureRefused
from card_auth.dsg.vocabulary import SIGNATURE, XSI, XadesVersion, ds
from card_auth.xmldsig import DS

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:^-]{0,255}", re.ASCII)  # some systems take a uniqueId
_MOST_CERTIFICATES: Final = 4  # the signer's, and at most three authorities above it


def is_a_signature(evidence: Evidence) -> None:
    """The document is one ds:Signature, and holds no other (ITI TF-3: 5.5.2)."""
    if evidence.root.tag != SIGNATURE:
        raise SignatureRefused(Reason.NO_SIGNATURE)
    if sum(1 for _ in evidence.root.iter("{*}Signature")) != 1:
        raise SignatureRefused(Reason.NO_SIGNATURE, "several")


def only_known_content(evidence: Evidence) -> None:
    """Elements, attributes and text from a closed list; no comment and no processing instruction."""
    known = _CONTENT[evidence.version]
    for node in evidence.root.iter():
        content = known.get(node.tag) if isinstance(node.tag, str) else None
        if content is None:
            raise SignatureRefused(Reason.UNKNOWN_CONTENT, "element")
        if not content.attributes.issuperset(node.attrib):
            raise SignatureRefused(Reason.UNKNOWN_CONTENT, f"attribute of {_local(node)}")
        if not content.children.issuperset(child.tag for child in node):
            raise SignatureRefused(Reason.UNKNOWN_CONTENT, f"child of {_local(node)}")
        between = any(child.tail and child.tail.strip() for child in node)
        text = bool(node.text and node.text.strip())
        if between or (text and (not content.text or len(node))):
            raise SignatureRefused(Reason.UNKNOWN_CONTENT, f"text in {_local(node)}")


def each_in_its_place(evidence: Evidence) -> None:
    """How many of each there are, and in which order (XML Signature 1.1: 4; TS 101 903: 7)."""
    root, xades = evidence.root, evidence.xades
    objects = [child for child in root if child.tag == ds("Object")]
    _children(root, ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"), *(child.tag for child in objects))
    held = Counter(child.tag for one in objects for child in one)
    if held != Counter((ds("SignatureProperties"), ds("Manifest"), xades("QualifyingProperties"))):
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, "Object")
    signed_info = root[0]
    references = (ds("Reference"),) * 2
    if [child.tag for child in signed_info][2:] != list(references):
        raise SignatureRefused(Reason.WRONG_REFERENCE, f"{max(len(signed_info) - 2, 0)} references")
    _children(signed_info, ds("CanonicalizationMethod"), ds("SignatureMethod"), *references)
    (data,) = _children(root[2], ds("X509Data"))
    if not 1 <= len(data) <= _MOST_CERTIFICATES:
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, "X509Data")
    for reference in root.iter(ds("Reference")):
        transforms = [ds("Transforms")] if reference.find(ds("Transforms")) is not None else []
        _children(reference, *transforms, ds("DigestMethod"), ds("DigestValue"))
    _one_each(root, ds("SignatureProperties"), ds("SignatureProperty"))
    _one_each(root, xades("QualifyingProperties"), xades("SignedProperties"))
    _properties(evidence)


def unique_identifiers(evidence: Evidence) -> None:
    """Identifiers are well-formed, and none is borne twice, however its case."""
    found = [value for node in evidence.root.iter() if (value := node.get("Id")) is not None]
    if not all(map(_IDENTIFIER.fullmatch, found)):
        raise SignatureRefused(Reason.AMBIGUOUS_IDENTIFIER, "form")
    if len({value.lower() for value in found}) != len(found):
        raise SignatureRefused(Reason.AMBIGUOUS_IDENTIFIER, "borne twice")


def _properties(evidence: Evidence) -> None:
    xades = evidence.xades
    signed = evidence.root.find(f"{ds('Object')}/{xades('QualifyingProperties')}/{xades('SignedProperties')}")
    if signed is None:
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, "SignedProperties")
    data = [xades("SignedDataObjectProperties")] if len(signed) > 1 else []
    (own, *_) = _children(signed, xades("SignedSignatureProperties"), *data)
    certificate = xades(
        "SigningCertificate" if own.find(xades("SigningCertificateV2")) is None else "SigningCertificateV2"
    )
    policy = [xades("SignaturePolicyIdentifier")] if len(own) > 2 else []
    _children(own, xades("SigningTime"), certificate, *policy)
    for identifier in own.iter(xades("SignaturePolicyIdentifier")):
        _children(identifier, xades("SignaturePolicyImplied"))
    if not len(own[1]):
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, "SigningCertificate")
    for one in own[1]:
        serial = [child.tag for child in one][1:2]
        (digest, *_) = _children(one, xades("CertDigest"), *serial)
        own_names = evidence.version is XadesVersion.V1_1_1 and digest.find(xades("DigestMethod")) is not None
        name = xades if own_names else ds
        _children(digest, name("DigestMethod"), name("DigestValue"))
        for issuer in one.iter(xades("IssuerSerial")):
            _children(issuer, ds("X509IssuerName"), ds("X509SerialNumber"))


def _one_each(root: etree._Element, parent: str, child: str) -> None:
    for element in root.iter(parent):
        _children(element, child)


def _children(parent: etree._Element, *tags: str) -> list[etree._Element]:
    """The children, which must be these and no others, in this order."""
    children = list(parent)
    if [child.tag for child in children] != list(tags):
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, f"children of {_local(parent)}")
    return children


@dataclass(frozen=True, slots=True)
class _Content:
    """What an element may hold."""

    attributes: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    text: bool = False


_LOCATION: Final = f"{{{XSI}}}schemaLocation"  # the DMP's samples have one; nothing is looked up there
#: Name: attributes, children, whether it holds text.
_TABLE: Final[dict[str, tuple[str, str, bool]]] = {
    "ds:Signature": ("Id xsi", "ds:SignedInfo ds:SignatureValue ds:KeyInfo ds:Object", False),
    "ds:SignedInfo": ("Id", "ds:CanonicalizationMethod ds:SignatureMethod ds:Reference", False),
    "ds:CanonicalizationMethod": ("Algorithm", "", False),
    "ds:SignatureMethod": ("Algorithm", "", False),
    "ds:Reference": ("Id URI Type", "ds:Transforms ds:DigestMethod ds:DigestValue", False),
    "ds:Transforms": ("", "ds:Transform", False),
    "ds:Transform": ("Algorithm", "", False),
    "ds:DigestMethod": ("Algorithm", "", False),
    "ds:DigestValue": ("", "", True),
    "ds:SignatureValue": ("Id", "", True),
    "ds:KeyInfo": ("Id", "ds:X509Data", False),
    "ds:X509Data": ("", "ds:X509Certificate", False),
    "ds:X509Certificate": ("", "", True),
    "ds:Object": ("Id", "ds:SignatureProperties ds:Manifest x:QualifyingProperties", False),
    "ds:SignatureProperties": ("Id", "ds:SignatureProperty", False),
    "ds:SignatureProperty": ("Id Target", "", True),
    "ds:Manifest": ("Id xsi", "ds:Reference", False),
    "ds:X509IssuerName": ("", "", True),
    "ds:X509SerialNumber": ("", "", True),
    "x:QualifyingProperties": ("Id Target xsi", "x:SignedProperties", False),
    "x:SignedProperties": ("Id xsi", "x:SignedSignatureProperties x:SignedDataObjectProperties", False),
    "x:SignedDataObjectProperties": ("Id", "", False),
    "x:SignedSignatureProperties": (
        "Id",
        "x:SigningTime x:SigningCertificate x:SigningCertificateV2 x:SignaturePolicyIdentifier",
        False,
    ),
    "x:SigningTime": ("", "", True),
    "x:SigningCertificate": ("", "x:Cert", False),
    "x:SigningCertificateV2": ("", "x:Cert", False),
    "x:Cert": ("", "x:CertDigest x:IssuerSerial x:IssuerSerialV2", False),
    "x:CertDigest": ("", "ds:DigestMethod ds:DigestValue x:DigestMethod x:DigestValue", False),
    "x:DigestMethod": ("Algorithm", "", False),  # up to 1.1.1 of XAdES's own namespace
    "x:DigestValue": ("", "", True),
    "x:IssuerSerial": ("", "ds:X509IssuerName ds:X509SerialNumber", False),
    "x:IssuerSerialV2": ("", "", True),
    "x:SignaturePolicyIdentifier": ("", "x:SignaturePolicyImplied", False),
    "x:SignaturePolicyImplied": ("", "", False),
}


def _content(version: XadesVersion) -> dict[str, _Content]:
    namespaces = {"ds": DS, "x": version.namespace}

    def clark(name: str) -> str:
        prefix, _, local = name.partition(":")
        return f"{{{namespaces[prefix]}}}{local}"

    return {
        clark(name): _Content(
            frozenset(_LOCATION if one == "xsi" else one for one in attributes.split()),
            frozenset(map(clark, children.split())),
            text,
        )
        for name, (attributes, children, text) in _TABLE.items()
    }


_CONTENT: Final = {version: _content(version) for version in XadesVersion}


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
