"""An independent implementation: what we sign it verifies, and what it signs we believe."""

from __future__ import annotations

import shutil
import subprocess
from copy import deepcopy
from pathlib import Path

import pytest
from lxml import etree

from card_auth.demo_pki import AuthorityName
from card_auth.vihf import Digest, issue
from card_auth.vihf.vocabulary import DS, ENVELOPED, EXC_C14N
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.messages import SHA256, Forger, direct, envelope, unsigned
from tests.card_auth.vihf.test_round_trip import KINDS, statement_of

XMLSEC = shutil.which("xmlsec1")
ID = ("--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion")

pytestmark = pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed (Debian: xmlsec1)")


def xmlsec1(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([XMLSEC or "", *map(str, arguments)], capture_output=True, timeout=60, check=False)


def verified(world: World, file: Path, who: str) -> bool:
    names = (AuthorityName.SIGNATURE, AuthorityName.ORGANISATIONS)
    untrusted = [part for name in names for part in ("--untrusted-pem", world.pki.authority_file(name))]
    root = world.pki.authority_file(AuthorityName.ROOT)
    return xmlsec1("--verify", *ID, "--trusted-pem", root, *untrusted, file).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_xmlsec_verifies_every_kind_that_we_issue(world: World, tmp_path: Path, kind: str) -> None:
    who, statement = statement_of(kind, world.now)
    assertion = issue(statement, world.people[who].signature.key, at=world.now)
    file = tmp_path / "message.xml"
    file.write_bytes(envelope(assertion))
    assert verified(world, file, who)
    file.write_bytes(envelope(assertion).replace(b">10B0127189<", b">10B0127190<").replace(b">3391722", b">3391723"))
    assert not verified(world, file, who)


@pytest.mark.parametrize("digest", Digest)
def test_xmlsec_verifies_every_digest_that_we_sign_with(world: World, tmp_path: Path, digest: Digest) -> None:
    file = tmp_path / "message.xml"
    key = world.people["doctor"].signature.key
    file.write_bytes(envelope(issue(direct(world.now), key, at=world.now, digest=digest)))
    assert verified(world, file, "doctor")


@pytest.mark.parametrize("prefixes", [None, "saml2 xsi", "env wsse #default"])
@pytest.mark.parametrize("kind", ["direct", "indirect", "reinforced"])
def test_what_xmlsec_signs_is_believed(world: World, tmp_path: Path, kind: str, prefixes: str | None) -> None:
    who, statement = statement_of(kind, world.now)
    pair = world.people[who]
    bare = unsigned(statement, pair.signature, world.now)
    template = tmp_path / "template.xml"
    template.write_bytes(envelope(_template(bare, prefixes)))
    output = tmp_path / "signed.xml"
    keys = f"{pair.signature.key_file},{pair.signature.certificate_file}"
    outcome = xmlsec1("--sign", *ID, "--privkey-pem", keys, "--output", output, template)
    assert outcome.returncode == 0, outcome.stderr
    assert world.verify(output.read_bytes(), pair.authentication.certificate.der).national_id == statement.subject


def test_a_prefix_list_of_the_forger_is_read_as_xmlsec_reads_it(world: World, tmp_path: Path) -> None:
    doctor = world.people["doctor"]
    bare = unsigned(direct(world.now), doctor.signature, world.now)
    context = {"env": "http://www.w3.org/2003/05/soap-envelope"}
    message = envelope(Forger.of(doctor.signature, prefixes="env", context=context).sign(bare))
    file = tmp_path / "message.xml"
    file.write_bytes(message)
    assert verified(world, file, "doctor")
    assert world.verify(message, doctor.authentication.certificate.der).national_id == "899700218896"


def _template(bare: etree._Element, prefixes: str | None) -> bytes:
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}" PrefixList="{prefixes}"/>' if prefixes else ""
    signature = (
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{EXC_C14N}"/>'
        f'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<Reference URI="#{bare.get("ID")}">'
        f'<Transforms><Transform Algorithm="{ENVELOPED}"/><Transform Algorithm="{EXC_C14N}">{listed}</Transform>'
        "</Transforms>"
        f'<DigestMethod Algorithm="{SHA256}"/><DigestValue/></Reference></SignedInfo><SignatureValue/>'
        "<KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo></Signature>"
    )
    text = etree.tostring(deepcopy(bare), encoding="utf-8")
    start = text.index(b"<saml2:Subject>")
    return text[:start] + signature.encode() + text[start:]
