"""An independent implementation: what we sign it verifies, and what it signs we believe."""

from __future__ import annotations

import re
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from card_auth.demo_pki import AuthorityName
from card_auth.dsg import Reason, Verdict, XadesVersion, sign
from card_auth.dsg.vocabulary import C14N_WITH_COMMENTS, CANONICALIZATIONS, ds
from card_auth.xmldsig import Digest
from soap.xml import parse_untrusted
from tests.card_auth.dsg.conftest import CDA, SET, World, document, parse_document
from tests.card_auth.dsg.forger import first

XMLSEC = shutil.which("xmlsec1")
IDS = [
    argument
    for name in (
        ds("Manifest"),
        *(f"{{{version.namespace}}}SignedProperties" for version in XadesVersion),
    )
    for argument in ("--id-attr:Id", f"{name[1:].replace('}', ':')}")
]

pytestmark = pytest.mark.skipif(XMLSEC is None, reason="xmlsec1 is not installed (Debian: xmlsec1)")


def xmlsec1(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([XMLSEC or "", *map(str, arguments)], capture_output=True, timeout=60, check=False, text=True)


def verified(world: World, directory: Path, signature: bytes, contents: dict[str, bytes]) -> tuple[bool, list[str]]:
    """Whether the signature holds, and the status of each reference of the manifest."""
    file = directory / "signature.xml"
    file.write_bytes(signature)
    maps: list[str | Path] = []
    for number, (uri, content) in enumerate(contents.items()):
        place = directory / f"content{number}"
        place.write_bytes(content)
        maps += [f"--url-map:{uri}", place]
    names = (AuthorityName.SIGNATURE, AuthorityName.ORGANISATIONS)
    untrusted = [part for name in names for part in ("--untrusted-pem", world.pki.authority_file(name))]
    root = world.pki.authority_file(AuthorityName.ROOT)
    report = xmlsec1("--verify", "--print-debug", *IDS, *maps, "--trusted-pem", root, *untrusted, file)
    manifest = report.stdout.partition("Manifest References List")[2]
    return report.returncode == 0, re.findall(
        r"= (?:Manifest )?Reference Verification Context|== Status: (\w+)", manifest
    )


@pytest.mark.parametrize("version", XadesVersion)
@pytest.mark.parametrize("digest", Digest)
def test_xmlsec_verifies_what_we_sign_and_each_document_of_the_manifest(
    world: World, tmp_path: Path, version: XadesVersion, digest: Digest
) -> None:
    key = world.people["doctor"].signature.key
    signature = sign(SET, key, at=world.now, parse=parse_document, version=version, digest=digest)
    contents = {f"urn:oid:{one.unique_id}": b"".join(one.content.chunks()) for one in SET.documents}
    contents[f"urn:oid:{SET.unique_id}"] = b""  # it has none, and no digest
    held, documents = verified(world, tmp_path, signature, contents)
    assert held, documents
    assert [one for one in documents if one] == ["invalid", "succeeded", "succeeded", "succeeded"]
    contents["urn:oid:1.2.250.1.999.2"] += b"x"
    held, documents = verified(world, tmp_path, signature, contents)
    assert [one for one in documents if one] == ["invalid", "succeeded", "invalid", "succeeded"]
    assert not verified(world, tmp_path, signature.replace(b"999.2", b"999.9"), contents)[0]


@pytest.mark.parametrize("sample", sorted(CDA.glob("*.xml")) or [None], ids=lambda one: one.name if one else "none")
def test_xmlsec_finds_the_same_canonical_form_of_clinical_documents(
    world: World, tmp_path: Path, sample: Path | None
) -> None:
    if sample is None:
        pytest.skip("no sample documents at ../shared")
    content = sample.read_bytes()
    submitted = replace(SET, documents=(document(1, content, "text/xml"),))
    signature = sign(submitted, world.people["doctor"].signature.key, at=world.now, parse=parse_document)
    contents = {"urn:oid:1.2.250.1.999.1": content, f"urn:oid:{SET.unique_id}": b""}
    held, documents = verified(world, tmp_path, signature, contents)
    assert held
    assert [one for one in documents if one][1:] == ["succeeded"]


@pytest.mark.parametrize("algorithm", CANONICALIZATIONS)
@pytest.mark.parametrize("reference", [None, *CANONICALIZATIONS])
@pytest.mark.parametrize("prefixes", ["prefixes", "default namespaces"])
def test_what_xmlsec_signs_is_valid(
    world: World, tmp_path: Path, algorithm: str, reference: str | None, prefixes: str
) -> None:
    doctor = world.people["doctor"].signature
    honest = sign(SET, doctor.key, at=world.now, parse=parse_document)
    if prefixes != "prefixes":
        for old, new in ((b"<ds:", b"<"), (b"</ds:", b"</"), (b"xmlns:ds=", b"xmlns=")):
            honest = honest.replace(old, new)
    template = deepcopy(parse_untrusted(honest))
    first(template, "CanonicalizationMethod").set("Algorithm", algorithm)
    for one in template[0].findall(ds("Reference")):
        one.find(ds("DigestValue")).text = ""
        if reference is not None:
            holder = etree.Element(ds("Transforms"))
            etree.SubElement(holder, ds("Transform")).set("Algorithm", reference)
            one.insert(0, holder)
    template.find(ds("SignatureValue")).text = ""
    for one in list(first(template, "X509Data")):
        one.getparent().remove(one)
    file, signed = tmp_path / "template.xml", tmp_path / "signed.xml"
    file.write_bytes(etree.tostring(template))
    key = f"{doctor.key_file},{doctor.certificate_file}"
    report = xmlsec1("--sign", "--ignore-manifests", *IDS, "--privkey-pem", key, "--output", signed, file)
    assert report.returncode == 0, report.stderr
    found = world.verify(signed.read_bytes())
    assert (found.verdict, found.reason, found.detail) == (Verdict.VALID, None, "")
    tampered = signed.read_bytes().replace(b"urn:oid:1.2.250.1.999.2", b"urn:oid:1.2.250.1.999.9")
    assert world.verify(tampered).reason is Reason.WRONG_DIGEST


def test_signxml_verifies_what_we_sign(world: World) -> None:
    doctor = world.people["hospital"].signature
    signature = sign(SET, doctor.key, at=world.now, parse=parse_document)
    result = XMLVerifier().verify(
        signature,
        x509_cert=doctor.certificate.pem.decode(),
        id_attribute="Id",
        validate_schema=False,  # which wants an element where IHE puts a text
        expect_config=SignatureConfiguration(expect_references=2, location="./", require_x509=True),
    )
    assert [etree.QName(one.signed_xml).localname for one in result] == ["Manifest", "SignedProperties"]
    assert C14N_WITH_COMMENTS.encode() in signature
