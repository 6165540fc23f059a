"""`feuillet card sign`: XML is signed within (XML Signature, enveloped), any other file by a signature beside it."""

from __future__ import annotations

import base64
import datetime
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from card_auth.keys import KeyUse, SigningKey, open_token
from card_auth.readers.cps import find_module
from feuillet.configuration import ConfigurationRefused
from soap.xml import XmlRefused, parse_untrusted

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_PIN_VARIABLE: Final = "FEUILLET_PIN"
_LONGEST_PIN: Final = 64  # octets
# signxml writes what it canonicalises to its debug log
logging.getLogger("signxml").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Signed:
    """What was made."""

    output: Path
    form: str  # "XML Signature" or "RSA PKCS#1 v1.5"
    signer: str
    fingerprint: str  # SHA-256 of the certificate


def given_pin(descriptor: int | None) -> str | None:
    """The PIN that a script gives: by a file descriptor, else in FEUILLET_PIN. Raises ConfigurationRefused."""
    if descriptor is None:
        return os.environ.get(_PIN_VARIABLE)
    try:
        return os.read(descriptor, _LONGEST_PIN).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationRefused(["--pin-fd: expected an open file descriptor with the PIN"]) from None


def sign_file(
    file: Path, output: Path | None, *, raw: bool, module: Path | None, token: str | None, pin: str
) -> Signed:
    """Sign and write. Raises ConfigurationRefused (a file cannot be read or written) and the errors of the card."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationRefused([f"{file}: expected a readable file ({error.strerror})"]) from None
    document = None
    if not raw and file.suffix.lower() == ".xml":
        try:
            document = parse_untrusted(content)
        except XmlRefused:
            raise ConfigurationRefused([f"{file}: expected XML that is well-formed; or sign it with --raw"]) from None
    with open_token(find_module(module), token_label=token, pin=pin) as opened:
        key = opened.key(KeyUse.SIGNATURE)
        key.check_validity(datetime.datetime.now(datetime.UTC))
        if document is not None:
            made, form, suffix = _enveloped(document, key), "XML Signature", ".signed.xml"
        else:
            made = key.private_key.sign(content, padding.PKCS1v15(), hashes.SHA256())
            form, suffix = "RSA PKCS#1 v1.5 with SHA-256", f"{file.suffix}.sig"
    place = output or file.with_suffix(suffix)
    try:
        place.write_bytes(made)
    except OSError as error:
        raise ConfigurationRefused([f"{place}: cannot be written ({error.strerror})"]) from None
    return Signed(place, form, str(key.certificate.subject), key.certificate.fingerprint)


def _enveloped(document: etree._Element, key: SigningKey) -> bytes:
    """The document with its signature as the last child of its root (XML Signature: 6.6.4)."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    # KeyInfo by hand: the library would read the certificate, and refuses those of some cards
    key_info = etree.Element(f"{{{_DS}}}KeyInfo", nsmap={"ds": _DS})
    certificate = etree.SubElement(etree.SubElement(key_info, f"{{{_DS}}}X509Data"), f"{{{_DS}}}X509Certificate")
    certificate.text = base64.encodebytes(key.certificate.der).decode().strip()
    signed = signer.sign(document, key=key.private_key, key_info=key_info)
    return bytes(etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))
