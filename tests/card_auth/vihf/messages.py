"""Messages with assertions, honest and forged: the forger signs whatever it is told to, with a key that it has."""

from __future__ import annotations

import base64
import datetime
from copy import deepcopy
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from card_auth.caller import AccessMode, AuthenticationLevel, Role, Software
from card_auth.certificates import Certificate
from card_auth.demo_pki import IssuedKey
from card_auth.vihf import Statement, issue
from card_auth.vihf.vocabulary import DS, ENVELOPED, EXC_C14N, SAML, SOAP12, WSSE
from soap.xml import parse_untrusted

PATIENT = "207058575627097^^^&1.2.250.1.213.1.4.10&ISO^NH"
DOCTOR = (Role("10", "1.2.250.1.71.1.2.7", "Médecin"), Role("SM26", "1.2.250.1.71.4.2.5", "Médecine générale"))
SOFTWARE = Software("Cabinet d'essai", "4.2", "LPS-17", "DMP-0042")
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XMLENC = "http://www.w3.org/2001/04/xmlenc#"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = f"{XMLENC}sha256"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    f"{DS}sha1": hashes.SHA1(),
    SHA256: hashes.SHA256(),
    f"{MORE}sha384": hashes.SHA384(),
    f"{XMLENC}sha512": hashes.SHA512(),
}


def direct(now: datetime.datetime, subject: str = "899700218896", **changes: object) -> Statement:
    """What a doctor states with their own card."""
    statement = Statement(
        mode=AccessMode.DIRECT,
        subject=subject,
        roles=DOCTOR,
        structure_id="10B0127189",
        sector="SA07",
        resource_id=PATIENT,
        software=SOFTWARE,
        level=AuthenticationLevel.SMARTCARD,
        authenticated_at=now - datetime.timedelta(minutes=10),
    )
    return replace(statement, **changes)  # type: ignore[arg-type]


def indirect(now: datetime.datetime, structure_id: str = "10B0127189", **changes: object) -> Statement:
    """What a hospital states for one of its doctors."""
    statement = Statement(
        mode=AccessMode.INDIRECT,
        subject=f"3{structure_id[1:]}/4711",
        subject_name="Camille Untel",
        roles=DOCTOR,
        structure_id=structure_id,
        sector="SA01",
        resource_id=PATIENT,
        software=SOFTWARE,
        level=AuthenticationLevel.PASSWORD,
        authenticated_at=now - datetime.timedelta(minutes=10),
    )
    return replace(statement, **changes)  # type: ignore[arg-type]


def envelope(*blocks: bytes, body: bytes = b'<q:query xmlns:q="urn:q"/>', header: bytes = b"") -> bytes:
    """A SOAP message with those children of its security header."""
    return (
        f'<env:Envelope xmlns:env="{SOAP12}" xmlns:wsse="{WSSE}"><env:Header>'.encode()
        + header
        + b'<wsse:Security env:mustUnderstand="true">'
        + b"".join(blocks)
        + b"</wsse:Security></env:Header><env:Body>"
        + body
        + b"</env:Body></env:Envelope>"
    )


def unsigned(statement: Statement, issued: IssuedKey, now: datetime.datetime) -> etree._Element:
    """The assertion without its signature, to be changed and signed again."""
    assertion = parse_untrusted(issue(statement, issued.key, at=now))
    assertion.remove(assertion.find(f"{{{DS}}}Signature"))
    return assertion


@dataclass
class Forger:
    """Signs an assertion in any way that it is told to."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificates: tuple[bytes, ...]
    method: str = RSA_SHA256
    digest: str = SHA256
    uri: str | None = None  # None: the assertion's
    transforms: tuple[str, ...] = (ENVELOPED, EXC_C14N)
    canonicalisation: str = EXC_C14N
    prefixes: str | None = None  # PrefixList of the reference and of SignedInfo
    position: int = 1  # among the assertion's children
    references: int = 1
    context: dict[str | None, str] = field(default_factory=dict)  # namespaces of the envelope

    @classmethod
    def of(cls, issued: IssuedKey, **how: object) -> Forger:
        """The forger who has a key."""
        return cls(issued.key._key, (issued.certificate.der,), **how)  # type: ignore[arg-type]

    def sign(self, assertion: etree._Element) -> bytes:
        """The assertion with a signature, which holds unless something else than the accepted way was asked for."""
        signed = etree.Element("context", nsmap=self.context)
        signed.append(deepcopy(assertion))
        root = signed[0]
        signature = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})
        info = _sub(signature, "SignedInfo")
        self._method(info, "CanonicalizationMethod", self.canonicalisation)
        _sub(info, "SignatureMethod").set("Algorithm", self.method)
        for _ in range(self.references):
            reference = _sub(info, "Reference")
            reference.set("URI", f"#{root.get('ID')}" if self.uri is None else self.uri)
            transforms = _sub(reference, "Transforms")
            for transform in self.transforms:
                self._method(transforms, "Transform", transform)
            _sub(reference, "DigestMethod").set("Algorithm", self.digest)
            digest = hashes.Hash(_HASHES.get(self.digest, hashes.SHA256()))
            digest.update(_canonical(root, self.prefixes))
            _sub(reference, "DigestValue").text = base64.b64encode(digest.finalize()).decode()
        root.insert(self.position, signature)
        value = self._signature(_canonical(info, self.prefixes))
        _sub(signature, "SignatureValue").text = base64.b64encode(value).decode()
        data = _sub(_sub(signature, "KeyInfo"), "X509Data")
        for certificate in self.certificates:
            _sub(data, "X509Certificate").text = base64.b64encode(certificate).decode()
        return etree.tostring(root, encoding="utf-8")

    def _signature(self, data: bytes) -> bytes:
        digest = _HASHES[SHA256]
        for name, one in (("sha1", hashes.SHA1()), ("sha384", hashes.SHA384()), ("sha512", hashes.SHA512())):
            if name in self.method:
                digest = one
        if isinstance(self.key, rsa.RSAPrivateKey):
            if "MGF1" in self.method:
                return self.key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
            return self.key.sign(data, padding.PKCS1v15(), digest)
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _method(self, parent: etree._Element, local: str, algorithm: str) -> None:
        element = _sub(parent, local)
        element.set("Algorithm", algorithm)
        if self.prefixes is not None and algorithm == EXC_C14N:
            etree.SubElement(element, f"{{{EXC_C14N}}}InclusiveNamespaces", nsmap={"ec": EXC_C14N}).set(
                "PrefixList", self.prefixes
            )


def certificate_of(issued: IssuedKey) -> Certificate:
    """The certificate of a key."""
    return issued.key.certificate


def saml(local: str) -> str:
    """The Clark name of a SAML element."""
    return f"{{{SAML}}}{local}"


def attribute(assertion: etree._Element, name: str) -> etree._Element:
    """The attribute of that name."""
    return next(one for one in assertion.iter(saml("Attribute")) if one.get("Name") == name)


def _canonical(element: etree._Element, prefixes: str | None) -> bytes:
    listed = prefixes.split() if prefixes else None
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=listed)


def _sub(parent: etree._Element, local: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{DS}}}{local}")
