"""Signing documents by their digests: a detached XML signature (XMLDSig Core 1.1), with the signature key.

The page gives digests and identifiers, and the agent writes what is signed: a page that could have any octets signed
could have an assertion signed and call it a document.
"""

from __future__ import annotations

import base64
import datetime
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from card_auth.keys import SigningKey
from card_auth.vihf.vocabulary import DS

MOST_DOCUMENTS: Final = 20  # of one submission set; more could not be looked at before they are confirmed
OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*)){1,63}", re.ASCII)
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is to be signed."""

    unique_id: str  # OID
    sha256: bytes
    title: str = field(repr=False)  # what the holder is asked about; not signed


def sign_documents(key: SigningKey, documents: tuple[Document, ...], at: datetime.datetime) -> bytes:
    """A ds:Signature with one reference to each document (urn:oid:…). Raises WrongKeyUse for an authentication key,
    CertificateExpired, CertificateNotYetValid, and the card's errors.
    """
    own = key.private_key
    key.check_validity(at)
    signature = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})
    signed = _add(signature, "SignedInfo")
    _add(signed, "CanonicalizationMethod", Algorithm=_EXCLUSIVE)
    _add(signed, "SignatureMethod", Algorithm=_RSA_SHA256)
    for document in documents:
        reference = _add(signed, "Reference", URI=f"urn:oid:{document.unique_id}")
        _add(reference, "DigestMethod", Algorithm=_SHA256)
        _add(reference, "DigestValue").text = base64.b64encode(document.sha256).decode()
    octets = etree.tostring(signed, method="c14n", exclusive=True, with_comments=False)
    value = own.sign(octets, padding=padding.PKCS1v15(), algorithm=hashes.SHA256())
    _add(signature, "SignatureValue").text = base64.b64encode(value).decode()
    data = _add(_add(signature, "KeyInfo"), "X509Data")
    for der in (key.certificate.der, *key.chain):
        _add(data, "X509Certificate").text = base64.b64encode(der).decode()
    return etree.tostring(signature, encoding="utf-8")


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{DS}}}{name}", attributes)
