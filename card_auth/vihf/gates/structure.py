"""Before any arithmetic: one header, one assertion, one signature, each in its place, and nothing unknown in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from card_auth.vihf.evidence import Evidence
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.vocabulary import (
    ASSERTION,
    DS,
    ENVELOPE,
    EXC_C14N,
    HEADER,
    HL7,
    ISSUER,
    SAML,
    SECURITY,
    SIGNATURE,
    XSI,
)

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{7,127}", re.ASCII)
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_bearers: Final = etree.XPath(
    f"count(//@*[string-length(.) = $length][translate(., '{_UPPER}', '{_UPPER.lower()}') = $identifier])"
)
_TYPE: Final = f"{{{XSI}}}type"
_TYPES: Final = frozenset({"CE", "string", "anyType"})
_MOST_ELEMENTS: Final = 200  # of an assertion; forty are usual


def one_security_header(evidence: Evidence) -> None:
    """One wsse:Security in the message, a child of its SOAP header (WS-Security 1.1: 5)."""
    header = evidence.security.getparent()
    place = (evidence.document.tag, None if header is None else header.tag, evidence.security.tag)
    in_place = place == (ENVELOPE, HEADER, SECURITY) and header is not None and header.getparent() is evidence.document
    if not in_place or sum(1 for _ in evidence.document.iter("{*}Security")) != 1:
        raise AssertionRefused(Reason.NO_SECURITY)


def one_assertion(evidence: Evidence) -> None:
    """One Assertion in the message, whatever its namespace, and that one a child of the security header."""
    found = list(evidence.document.iter("{*}Assertion", "{*}EncryptedAssertion"))
    if len(found) != 1 or found[0].tag != ASSERTION or found[0].getparent() is not evidence.security:
        raise AssertionRefused(Reason.NO_ASSERTION, f"{len(found)} found")


def one_signature(evidence: Evidence) -> None:
    """One Signature in the message, whatever its namespace, and that one next to the issuer (SAML 2.0 Core: 2.3.3)."""
    found = list(evidence.document.iter("{*}Signature"))
    if len(found) != 1 or found[0].tag != SIGNATURE or found[0].getparent() is not evidence.assertion:
        raise AssertionRefused(Reason.NO_SIGNATURE, f"{len(found)} found")
    children = [child.tag for child in evidence.assertion]
    if children[:2] != [ISSUER, SIGNATURE]:
        raise AssertionRefused(Reason.NO_SIGNATURE, "not after the issuer")


def only_known_content(evidence: Evidence) -> None:
    """Elements, attributes and text from a closed list; no comment and no processing instruction."""
    for number, node in enumerate(evidence.assertion.iter(), start=1):
        content = _CONTENT.get(node.tag) if isinstance(node.tag, str) else None
        if content is None or number > _MOST_ELEMENTS:
            raise AssertionRefused(Reason.UNKNOWN_CONTENT, "element")
        for name, value in node.items():
            if name not in content.attributes or (name == _TYPE and str(value).rpartition(":")[2] not in _TYPES):
                raise AssertionRefused(Reason.UNKNOWN_CONTENT, f"attribute of {_local(node)}")
        text, parent = node.text, False
        for child in node:
            parent = True
            if child.tag not in content.children:
                raise AssertionRefused(Reason.UNKNOWN_CONTENT, f"child of {_local(node)}")
            if child.tail and child.tail.strip():
                raise AssertionRefused(Reason.UNKNOWN_CONTENT, f"text in {_local(node)}")
        if text and (parent or not content.text) and text.strip():
            raise AssertionRefused(Reason.UNKNOWN_CONTENT, f"text in {_local(node)}")
    if sum(1 for _ in evidence.security.iterchildren()) != 1:
        raise AssertionRefused(Reason.UNKNOWN_CONTENT, "beside the assertion")


def unique_identifier(evidence: Evidence) -> None:
    """The assertion's ID is no other attribute's value anywhere in the message, whatever that attribute and its case.

    Identifiers of the body may repeat among themselves, as those of ebRIM do in a submission.
    """
    identifier = evidence.assertion.get("ID", "")
    if not _IDENTIFIER.fullmatch(identifier):
        raise AssertionRefused(Reason.AMBIGUOUS_IDENTIFIER, "form")
    if _bearers(evidence.document, length=len(identifier), identifier=identifier.lower()) != 1:
        raise AssertionRefused(Reason.AMBIGUOUS_IDENTIFIER, "borne twice")


@dataclass(frozen=True, slots=True)
class _Content:
    """What an element may hold. The order and the number of children are for those who read them."""

    attributes: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    text: bool = False


def _content(attributes: str = "", children: str = "", *, text: bool = False) -> _Content:
    return _Content(frozenset(map(_clark, attributes.split())), frozenset(map(_clark, children.split())), text)


_NAMESPACES: Final = {"saml": SAML, "ds": DS, "ec": EXC_C14N, "hl7": HL7, "xsi": XSI}


def _clark(name: str) -> str:
    prefix, colon, local = name.rpartition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}" if colon else local


_CODED: Final = _content("xsi:type code codeSystem codeSystemName displayName")
_CONTENT: Final = {
    _clark(name): content
    for name, content in {
        "saml:Assertion": _content(
            "Version ID IssueInstant",
            "saml:Issuer ds:Signature saml:Subject saml:Conditions saml:AuthnStatement saml:AttributeStatement",
        ),
        "saml:Issuer": _content("Format", text=True),
        "saml:Subject": _content("", "saml:NameID saml:SubjectConfirmation"),
        "saml:NameID": _content("Format", text=True),
        "saml:SubjectConfirmation": _content("Method", "saml:SubjectConfirmationData"),
        "saml:SubjectConfirmationData": _content("NotBefore NotOnOrAfter Recipient"),
        "saml:Conditions": _content("NotBefore NotOnOrAfter", "saml:AudienceRestriction saml:OneTimeUse"),
        "saml:AudienceRestriction": _content("", "saml:Audience"),
        "saml:Audience": _content(text=True),
        "saml:OneTimeUse": _content(),
        "saml:AuthnStatement": _content("AuthnInstant SessionIndex SessionNotOnOrAfter", "saml:AuthnContext"),
        "saml:AuthnContext": _content("", "saml:AuthnContextClassRef saml:AuthnContextDecl"),
        "saml:AuthnContextClassRef": _content(text=True),
        "saml:AuthnContextDecl": _content("xsi:type", text=True),
        "saml:AttributeStatement": _content("", "saml:Attribute"),
        "saml:Attribute": _content("Name NameFormat FriendlyName", "saml:AttributeValue"),
        "saml:AttributeValue": _content("xsi:type", "hl7:Role hl7:PurposeOfUse", text=True),
        "hl7:Role": _CODED,
        "hl7:PurposeOfUse": _CODED,
        "ds:Signature": _content("Id", "ds:SignedInfo ds:SignatureValue ds:KeyInfo"),
        "ds:SignedInfo": _content("", "ds:CanonicalizationMethod ds:SignatureMethod ds:Reference"),
        "ds:CanonicalizationMethod": _content("Algorithm", "ec:InclusiveNamespaces"),
        "ds:SignatureMethod": _content("Algorithm"),
        "ds:Reference": _content("URI", "ds:Transforms ds:DigestMethod ds:DigestValue"),
        "ds:Transforms": _content("", "ds:Transform"),
        "ds:Transform": _content("Algorithm", "ec:InclusiveNamespaces"),
        "ec:InclusiveNamespaces": _content("PrefixList"),
        "ds:DigestMethod": _content("Algorithm"),
        "ds:DigestValue": _content(text=True),
        "ds:SignatureValue": _content(text=True),
        "ds:KeyInfo": _content("", "ds:X509Data"),
        "ds:X509Data": _content("", "ds:X509Certificate"),
        "ds:X509Certificate": _content(text=True),
    }.items()
}


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
