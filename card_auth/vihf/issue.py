"""Issuing a VIHF: the statement as a SAML 2.0 assertion, signed with the holder's signature key."""

from __future__ import annotations

import base64
import datetime
import logging
import uuid
from dataclasses import replace
from typing import Final

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from card_auth.caller import AccessMode, PurposeOfUse, Role
from card_auth.keys.signing_key import SigningKey
from card_auth.professionals import read_professional
from card_auth.vihf import agreement
from card_auth.vihf.claims import read_claims
from card_auth.vihf.instants import write_instant
from card_auth.vihf.patient import PRODUCTION_AUTHORITIES, TEST_AUTHORITIES, is_patient
from card_auth.vihf.policy import VihfPolicy
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.statement import Statement
from card_auth.vihf.vocabulary import (
    BROWSER,
    DS,
    HL7,
    PURPOSES,
    SAML,
    SECRET_CONNECTION,
    SECTORS,
    WSSE,
    X509_SUBJECT_NAME,
    XSI,
    AttributeName,
    VihfVersion,
)
from card_auth.xmldsig import Digest

_PREFIXES: Final = {"saml2": SAML}
_TYPE: Final = f"{{{XSI}}}type"

# signxml writes what it canonicalises to its debug log: the whole assertion, its patient included
logging.getLogger("signxml").setLevel(logging.INFO)


_METHODS: Final = {
    Digest.SHA256: (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256),
    Digest.SHA384: (SignatureMethod.RSA_SHA384, DigestAlgorithm.SHA384),
    Digest.SHA512: (SignatureMethod.RSA_SHA512, DigestAlgorithm.SHA512),
}


class StatementRefused(ValueError):
    """A statement that this key may not sign, or that no server would accept. `reason` is what a server would say."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}{f' ({detail})' if detail else ''}")
        self.reason = reason


def issue(
    statement: Statement,
    key: SigningKey,
    *,
    at: datetime.datetime,
    digest: Digest = Digest.SHA256,
    policy: VihfPolicy | None = None,
) -> bytes:
    """A signed assertion (UTF-8, without XML declaration), issued at that moment (aware). Good for one request.

    `policy` only says for which other structures the key's structure speaks. Raises WrongKeyUse for a key that is not
    of signature, CertificateExpired, CertificateNotYetValid, StatementRefused, and what a card raises when it signs.
    """
    private_key = key.private_key
    key.check_validity(at)
    _check(statement, key, at, policy or VihfPolicy())
    assertion = _assertion(statement, key, at)
    _check_reading(statement, assertion)
    method, digest_method = _METHODS[digest]
    signer = XMLSigner(
        signature_algorithm=method,
        digest_algorithm=digest_method,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signed = signer.sign(
        assertion,
        key=private_key,
        reference_uri=f"#{assertion.get('ID')}",
        key_info=_key_info(key),
        id_attribute="ID",
    )
    for element in signed.iter(f"{{{DS}}}SignatureValue"):
        element.text = _in_lines(element.text or "")  # not part of what is signed
    return etree.tostring(signed, encoding="utf-8")


def security_header(assertion: bytes) -> bytes:
    """The wsse:Security header block that carries an assertion, as it stands in a SOAP header."""
    return b'<wsse:Security xmlns:wsse="%s">%s</wsse:Security>' % (WSSE.encode(), assertion)


def _check(statement: Statement, key: SigningKey, at: datetime.datetime, policy: VihfPolicy) -> None:
    holder = read_professional(key.certificate)
    for reason in (
        agreement.refusal_of_mode(statement, holder, policy),
        agreement.refusal_of_subject(statement, holder, policy),
        agreement.refusal_of_structure(statement, holder, policy),
        agreement.refusal_of_roles(statement, holder),
    ):
        if reason is not None:
            raise StatementRefused(reason)
    if statement.authenticated_at > at:
        raise StatementRefused(Reason.AUTHENTICATED_TOO_EARLY)
    if statement.purpose_of_use is PurposeOfUse.BREAK_GLASS and not statement.purpose_reason:
        raise StatementRefused(Reason.MALFORMED_CLAIM, AttributeName.PURPOSE_REASON)
    if statement.resource_id and not is_patient(statement.resource_id, PRODUCTION_AUTHORITIES | TEST_AUTHORITIES):
        raise StatementRefused(Reason.UNKNOWN_PATIENT)


def _check_reading(statement: Statement, assertion: etree._Element) -> None:
    """A statement that readers would refuse, or would read as another, is not signed."""
    direct = statement.mode is AccessMode.DIRECT
    try:
        read = read_claims(assertion, unstated_mode=AccessMode.DIRECT if direct else AccessMode.INDIRECT).statement
    except AssertionRefused as refusal:
        raise StatementRefused(refusal.reason, refusal.detail) from None
    if replace(read, authenticated_at=statement.authenticated_at) != statement:
        raise StatementRefused(Reason.MALFORMED_CLAIM)


def _assertion(statement: Statement, key: SigningKey, at: datetime.datetime) -> etree._Element:
    root = etree.Element(
        _saml("Assertion"),
        {"Version": "2.0", "ID": f"_{uuid.uuid4()}", "IssueInstant": write_instant(at)},
        nsmap=_PREFIXES,
    )
    _add(root, "Issuer", str(key.certificate.subject)).set("Format", X509_SUBJECT_NAME)
    etree.SubElement(root, f"{{{DS}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DS})  # where signxml puts its own
    _add(_add(root, "Subject"), "NameID", statement.subject)
    authentication = _add(root, "AuthnStatement")
    authentication.set("AuthnInstant", write_instant(statement.authenticated_at))
    context = _add(authentication, "AuthnContext")
    _add(context, "AuthnContextClassRef", statement.level)
    if statement.mode is AccessMode.REINFORCED_INDIRECT:
        _add(context, "AuthnContextDecl", BROWSER)
    _add_attributes(_add(root, "AttributeStatement"), statement)
    return root


def _add_attributes(parent: etree._Element, statement: Statement) -> None:
    third = statement.version is not VihfVersion.V2_0
    values: tuple[tuple[AttributeName, str | None], ...] = (
        (AttributeName.VERSION, statement.version),
        (AttributeName.MODE, statement.mode if third else None),
        (AttributeName.STRUCTURE, statement.structure_id),
        (AttributeName.SECTOR, f"{statement.sector}^{SECTORS}" if statement.sector else None),
        (AttributeName.SUBJECT, statement.subject_name),
        (AttributeName.RESOURCE_URN, statement.resource_urn),
        (AttributeName.RESOURCE, statement.resource_id),
        (AttributeName.PURPOSE_REASON, statement.purpose_reason),
        (AttributeName.CONFIDENTIALITY, SECRET_CONNECTION if statement.secret_connection else None),
        (AttributeName.SOFTWARE, statement.software.name),
        (AttributeName.SOFTWARE_VERSION, statement.software.version),
        (AttributeName.SOFTWARE_ID, statement.software.identifier),
        (AttributeName.HOMOLOGATION, statement.software.homologation),
    )
    for name, value in values:
        if value:
            _add(_attribute(parent, name), "AttributeValue", value)
    roles = _attribute(parent, AttributeName.ROLE)
    for role in statement.roles:
        _add_code(roles, "Role", role)
    purpose = Role(statement.purpose_of_use, PURPOSES)
    _add_code(
        _attribute(parent, AttributeName.PURPOSE),
        "PurposeOfUse",
        purpose,
        system_name=f"mode acces VIHF {'2.0' if third else '1.0'}",
    )


def _attribute(parent: etree._Element, name: AttributeName) -> etree._Element:
    attribute = _add(parent, "Attribute")
    attribute.set("Name", name)
    return attribute


def _add_code(attribute: etree._Element, local: str, role: Role, *, system_name: str | None = None) -> None:
    """A coded value, HL7 V3 CE."""
    element = etree.SubElement(_add(attribute, "AttributeValue"), f"{{{HL7}}}{local}", nsmap={"hl7": HL7, "xsi": XSI})
    element.set(_TYPE, "hl7:CE")
    element.set("code", role.code)
    element.set("codeSystem", role.code_system)
    if system_name:
        element.set("codeSystemName", system_name)
    if role.display_name:
        element.set("displayName", role.display_name)


def _key_info(key: SigningKey) -> etree._Element:
    """KeyInfo by hand: the library would read the certificate, and refuses those of some cards."""
    key_info = etree.Element(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    certificate = etree.SubElement(etree.SubElement(key_info, f"{{{DS}}}X509Data"), f"{{{DS}}}X509Certificate")
    certificate.text = _in_lines(base64.b64encode(key.certificate.der).decode())
    return key_info


def _in_lines(base64_text: str) -> str:
    """Lines of 76 characters (RFC 2045: 6.8): a parser on its guard sees at once that no name is of endless length."""
    return "\n".join(base64_text[start : start + 76] for start in range(0, len(base64_text), 76))


def _add(parent: etree._Element, local: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _saml(local))
    element.text = text
    return element


def _saml(local: str) -> str:
    return f"{{{SAML}}}{local}"
