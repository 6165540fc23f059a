"""What the DMP's first software signs: XAdES 1.1.1 with SHA-1, which counts as a dated exception only."""

from __future__ import annotations

import base64
import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from card_auth.demo_pki import AuthorityName
from card_auth.dsg import Reason, Verdict, XadesVersion
from card_auth.dsg.vocabulary import C14N_WITH_COMMENTS
from card_auth.trust import RevocationLists, TrustStore
from card_auth.trust.algorithms import AlgorithmPolicy, LegacySha1
from card_auth.xmldsig import DS, MORE, XMLENC
from soap.xml import parse_untrusted
from tests.card_auth.dsg.conftest import SET, World, parse_document
from tests.card_auth.dsg.forger import canonical
from tests.card_auth.dsg.test_xmlsec import XMLSEC, verified

DAY = datetime.timedelta(days=1)
XADES = "http://uri.etsi.org/01903/v1.1.1#"


def in_the_first_form(world: World, digest: str = f"{DS}sha1", method: str = f"{DS}rsa-sha1") -> bytes:
    """A signature in default namespaces, with schema locations, a local time and the entry's uniqueId as its Id."""
    doctor = world.people["doctor"].signature
    name = {f"{DS}sha1": "sha1", f"{XMLENC}sha256": "sha256"}[digest]

    def value(octets: bytes) -> str:
        return base64.b64encode(hashlib.new(name, octets).digest()).decode()

    def reference(uri: str, stated: str, transform: str = "", kind: str = "") -> str:
        transforms = f'<Transforms><Transform Algorithm="{transform}"/></Transforms>' if transform else ""
        return (
            f'<Reference{kind} URI="{uri}">{transforms}<DigestMethod Algorithm="{digest}"/>'
            f"<DigestValue>{stated}</DigestValue></Reference>"
        )

    entries = reference(f"urn:oid:{SET.unique_id}", "AA==")
    for one in SET.documents:
        content = b"".join(one.content.chunks())
        if one.is_xml:
            tree = parse_document(content).getroottree()
            content = etree.tostring(tree, method="c14n", with_comments=True)
        entries += reference(f"urn:oid:{one.unique_id}", value(content), C14N_WITH_COMMENTS if one.is_xml else "")
    local = world.now.astimezone(datetime.timezone(datetime.timedelta(hours=2)))
    certificate = doctor.certificate
    location = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a http://127.0.0.1:9/a.xsd"'
    )
    types = [f' Type="{DS}Manifest"', f' Type="{XADES}SignedProperties"']
    text = (
        f'<Signature xmlns="{DS}" Id="1.2.250.1.999.77"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{C14N_WITH_COMMENTS}"/><SignatureMethod Algorithm="{method}"/>'
        f"{reference('#IHEManifest', '', kind=types[0])}{reference('#S0-SignedProperties', '', kind=types[1])}"
        "</SignedInfo><SignatureValue/><KeyInfo><X509Data><X509Certificate>"
        f"{base64.b64encode(certificate.der).decode()}</X509Certificate></X509Data></KeyInfo>"
        '<Object><SignatureProperties><SignatureProperty Id="purposeOfSignature" Target="#1.2.250.1.999.77">'
        "1.2.840.10065.1.12.1.14</SignatureProperty></SignatureProperties></Object>"
        f'<Object><Manifest Id="IHEManifest" {location}>{entries}</Manifest></Object>'
        f'<Object><QualifyingProperties xmlns="{XADES}" Target="#1.2.250.1.999.77">'
        f'<SignedProperties Id="S0-SignedProperties" {location}><SignedSignatureProperties>'
        f"<SigningTime>{local.isoformat(timespec='milliseconds')}</SigningTime><SigningCertificate><Cert><CertDigest>"
        f'<DigestMethod Algorithm="{digest}"/><DigestValue>{value(certificate.der)}</DigestValue></CertDigest>'
        f'<IssuerSerial><X509IssuerName xmlns="{DS}">CN=TEST</X509IssuerName>'
        f'<X509SerialNumber xmlns="{DS}">{certificate.serial_number}</X509SerialNumber></IssuerSerial></Cert>'
        "</SigningCertificate><SignaturePolicyIdentifier><SignaturePolicyImplied/></SignaturePolicyIdentifier>"
        "</SignedSignatureProperties><SignedDataObjectProperties/></SignedProperties></QualifyingProperties></Object>"
        "</Signature>"
    )
    root = parse_untrusted(text.encode())
    info = root[0]
    for number, part in ((2, root.find(f".//{{{DS}}}Manifest")), (3, root.find(f".//{{{XADES}}}SignedProperties"))):
        info[number][-1].text = value(canonical(part, C14N_WITH_COMMENTS))
    algorithm = hashes.SHA1() if method.endswith("sha1") else hashes.SHA256()
    octets = doctor.key.private_key.sign(canonical(info, C14N_WITH_COMMENTS), padding.PKCS1v15(), algorithm)
    root[1].text = base64.b64encode(octets).decode()
    return etree.tostring(root)


def trusting(world: World, until: datetime.date, authority: AuthorityName) -> TrustStore:
    """The server's trust, with SHA-1 allowed to the cards of an authority up to a day."""
    exception = LegacySha1(until, frozenset({world.pki.authority(authority).fingerprint}))
    profile = replace(world.profile, algorithms=AlgorithmPolicy(legacy_sha1=exception))
    lists = RevocationLists([profile])
    lists.refresh()
    return TrustStore([profile], lists=lists, production=False)


SHA1, SHA256 = {}, {"digest": f"{XMLENC}sha256", "method": f"{MORE}rsa-sha256"}
MIXED = [{"digest": f"{XMLENC}sha256"}, {"method": f"{MORE}rsa-sha256"}]


def test_the_first_form_is_valid_with_a_digest_of_today(world: World) -> None:
    found = world.verify(in_the_first_form(world, **SHA256))
    assert (found.verdict, found.reason, found.xades) == (Verdict.VALID, None, XadesVersion.V1_1_1)
    assert (found.signed_at, found.legacy_sha1) == (world.now, False)


@pytest.mark.parametrize("how", [SHA1, *MIXED], ids=["both", "signature", "digests"])
def test_sha1_counts_within_its_period_and_is_marked(world: World, how: dict[str, str]) -> None:
    signature = in_the_first_form(world, **how)
    found = world.verify(signature, trust=trusting(world, world.now.date() + DAY, AuthorityName.SIGNATURE))
    assert (found.verdict, found.reason, found.legacy_sha1) == (Verdict.VALID, None, True)
    assert found.summary == "valid legacy-sha1"
    over = world.verify(signature, trust=trusting(world, world.now.date(), AuthorityName.SIGNATURE))
    assert (over.verdict, over.reason) == (Verdict.INVALID, Reason.LEGACY_PERIOD_OVER)
    other = world.verify(signature, trust=trusting(world, world.now.date() + DAY, AuthorityName.ORGANISATIONS))
    assert other.reason is Reason.WEAK_ALGORITHM
    assert world.verify(signature).reason is Reason.WEAK_ALGORITHM


def test_within_its_period_sha1_is_still_checked(world: World) -> None:
    trust = trusting(world, world.now.date() + DAY, AuthorityName.SIGNATURE)
    signature = in_the_first_form(world)
    assert world.verify(signature.replace(b"999.3", b"999.4"), trust=trust).reason is Reason.WRONG_DIGEST
    fewer = replace(SET, documents=SET.documents[:2])
    assert world.verify(signature, fewer, trust=trust).reason is Reason.UNKNOWN_DOCUMENT


@pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed (Debian: xmlsec1)")
def test_xmlsec_reads_the_first_form_as_we_do(world: World, tmp_path: Path) -> None:
    contents = {f"urn:oid:{one.unique_id}": b"".join(one.content.chunks()) for one in SET.documents}
    contents[f"urn:oid:{SET.unique_id}"] = b""
    held, documents = verified(world, tmp_path, in_the_first_form(world, **SHA256), contents)
    assert held
    assert [one for one in documents if one] == ["invalid", "succeeded", "succeeded", "succeeded"]
