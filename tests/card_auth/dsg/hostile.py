"""Signature documents that must never be believed, each a small step away from one that must.

Unless its name says otherwise, a forged one bears a signature that holds: only one rule stands in its way.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace

from lxml import etree

from card_auth.caller import AccessMode
from card_auth.demo_pki import AuthorityName
from card_auth.dsg import Octets, Reason, SetAuthor, SubmittedSet, sign
from card_auth.dsg.vocabulary import C14N, C14N_WITH_COMMENTS, XadesVersion, ds
from card_auth.xmldsig import DS, MORE, XMLENC
from soap.xml import parse_untrusted
from tests.card_auth.dsg.conftest import SET, World, document, parse_document
from tests.card_auth.dsg.forger import Change, base64_of, changed, first, resigned

XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
ENVELOPED = f"{DS}enveloped-signature"
BASE64 = f"{DS}base64"
FORM = frozenset({Reason.UNKNOWN_CONTENT, Reason.NO_SIGNATURE, Reason.WRONG_REFERENCE, Reason.WRONG_TRANSFORM})
BROKEN = frozenset({Reason.WRONG_DIGEST, Reason.WRONG_SIGNATURE})


@dataclass(frozen=True)
class Case:
    """A signature document, what it comes with, and why it is refused: one of those reasons."""

    name: str
    signature: bytes
    reasons: frozenset[Reason]
    submitted: SubmittedSet = SET
    options: dict[str, object] = field(default_factory=dict)


class Corpus:
    """All cases, made from honest signatures of a doctor."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.doctor = world.people["doctor"]
        self.key = self.doctor.signature.key.private_key
        self.honest = sign(SET, self.doctor.signature.key, at=world.now, parse=parse_document)
        self.older = sign(
            SET, self.doctor.signature.key, at=world.now, parse=parse_document, version=XadesVersion.V1_1_1
        )

    def cases(self) -> Iterator[Case]:
        """Every case."""
        families = (
            self.unreadable, self.content, self.places, self.identifiers, self.references, self.wrapping,
            self.algorithms, self.tampering, self.manifests, self.transforms, self.properties, self.times,
            self.certificates, self.callers, self.documents,
        )  # fmt: skip
        for family in families:
            for name, signature, reasons, *more in family():
                expected = frozenset({reasons}) if isinstance(reasons, Reason) else reasons
                submitted = next((one for one in more if isinstance(one, SubmittedSet)), SET)
                options = next((one for one in more if isinstance(one, dict)), {})
                yield Case(f"{family.__name__}: {name}", signature, expected, submitted, options)

    def forged(self, change: Change, honest: bytes | None = None) -> bytes:
        """Changed, and signed with the doctor's key."""
        return resigned(changed(honest or self.honest, change), self.key)

    def edited(self, change: Change, honest: bytes | None = None) -> bytes:
        """Changed after it was signed."""
        return etree.tostring(changed(honest or self.honest, change))

    def unreadable(self) -> Iterator[tuple]:
        body = self.honest.partition(b"?>")[2].strip()
        for name, octets in (
            ("nothing", b""), ("no XML", b"%PDF-1.7"), ("cut off", self.honest[:-9]), ("twice", body + body),
            ("a document type", b"<!DOCTYPE a>" + body),
            ("an entity", b'<!DOCTYPE a [<!ENTITY e "x">]>' + body),
            ("an external entity", b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + body),
            ("default attributes", b'<!DOCTYPE a [<!ATTLIST a Id CDATA "x">]>' + body),
            ("a style sheet", b'<?xml-stylesheet href="a.xsl"?>' + body),
            ("another encoding", b'<?xml version="1.0" encoding="ISO-8859-1"?>' + body),
            ("XML 1.1", b'<?xml version="1.1"?>' + body), ("deep", b"<a>" * 200 + b"</a>" * 200),
        ):  # fmt: skip
            yield name, octets, Reason.UNREADABLE
        yield "too large", self.honest + b" " * 4_000_000, Reason.TOO_LARGE
        for name, octets in (
            ("another root", b'<Signature xmlns="urn:f"/>'), ("an element above", b"<a>" + body + b"</a>"),
            ("no namespace", b"<Signature/>"), ("an Object", f'<Object xmlns="{DS}"/>'.encode()),
            ("a SOAP envelope", b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"/>'),
            ("a signature within", self.edited(lambda r: first(r, "Object").append(deepcopy(r)))),
            ("a look-alike within", self.edited(lambda r: etree.SubElement(first(r, "Object"), "{urn:f}Signature"))),
        ):  # fmt: skip
            yield name, octets, Reason.NO_SIGNATURE

    def content(self) -> Iterator[tuple]:
        """Signed with the right key, and holding what a signature document has no place for."""
        for honest, version in ((self.honest, "1.3.2"), (self.older, "1.1.1")):
            for index, element in enumerate(parse_untrusted(honest).iter()):
                local = etree.QName(element).localname
                for kind, change in (
                    ("element", lambda e: e.append(etree.Element("{urn:f}extra"))),
                    ("attribute", lambda e: e.set("extra", "1")),
                    ("comment", lambda e: e.append(etree.Comment("c"))),
                    ("xml:base", lambda e: e.set("{http://www.w3.org/XML/1998/namespace}base", "http://h/")),
                    ("own element", lambda e: e.append(etree.Element(ds("KeyName")))),
                ):
                    yield (
                        f"{kind} in {local} {index} of {version}",
                        self.forged(lambda r, i=index, c=change: c(list(r.iter())[i]), honest),
                        FORM,
                    )
                if len(element):
                    yield (
                        f"text in {local} {index} of {version}",
                        self.forged(lambda r, i=index: setattr(list(r.iter())[i], "text", "words"), honest),
                        Reason.UNKNOWN_CONTENT,
                    )

    def places(self) -> Iterator[tuple]:
        """Something is missing, empty, there twice, or of another namespace."""
        locals_ = sorted({etree.QName(element).localname for element in parse_untrusted(self.honest).iter()})
        # those that are of no consequence: a policy may go unsaid, authorities and their certificates may be more
        harmless = {("SignaturePolicyIdentifier", "removed"), ("X509Certificate", "doubled"), ("Cert", "doubled")}
        harmless |= {("IssuerSerial", "removed"), ("Object", "removed")}
        empty = ("CanonicalizationMethod", "SignatureMethod", "DigestMethod", "Transform", "SignaturePolicyImplied")
        any_ = FORM | {Reason.MALFORMED_TIME, Reason.OTHER_PURPOSE, Reason.OTHER_SET, Reason.UNREADABLE_CERTIFICATE,
            Reason.OTHER_CERTIFICATE, Reason.WRONG_SIGNATURE, Reason.WRONG_DIGEST, Reason.AMBIGUOUS_IDENTIFIER,
            Reason.UNREADABLE, Reason.WEAK_ALGORITHM}  # fmt: skip
        for local in locals_:
            for name, change in (
                ("removed", _remove),
                ("emptied", _empty),
                ("foreign", _foreign),
                ("doubled", _double),
            ):
                if (local, name) in harmless or (name == "emptied" and local in empty) or local == "Signature":
                    continue
                yield f"{local} {name}", self.edited(lambda r, c=change, n=local: c(first(r, n))), any_
        for index in range(3):
            yield f"Object {index} removed", self.forged(lambda r, i=index: _remove(r.findall(ds("Object"))[i])), FORM
        yield "Object first", self.forged(lambda r: r.insert(0, r.find(ds("Object")))), FORM
        yield "properties before", self.forged(lambda r: r.insert(1, r.find(ds("KeyInfo")))), FORM

    def identifiers(self) -> Iterator[tuple]:
        bearers = ("Signature", "SignatureValue", "KeyInfo", "Object", "SignatureProperty", "SignedInfo", "Reference")
        for local in bearers:
            for taken in ("IHEManifest", "ihemanifest", "S0-SignedProperties", "S0-SIGNEDPROPERTIES"):
                yield (
                    f"{taken} on {local}",
                    self.forged(lambda r, n=local, v=taken: first(r, n).set("Id", v)),
                    Reason.AMBIGUOUS_IDENTIFIER,
                )
        for malformed in ("", " ", "a b", "-a", "#a", "a'", 'a"', "a/b", "a" * 257, "é"):
            yield (
                f"Id {malformed[:10]!r}",
                self.forged(lambda r, v=malformed: r.set("Id", v)),
                Reason.AMBIGUOUS_IDENTIFIER,
            )

    def references(self) -> Iterator[tuple]:
        uris = ("", "#", "IHEManifest", "#IHEMANIFEST", "#S0", "#xpointer(/)", "#xpointer(id('IHEManifest'))",
            "http://127.0.0.1:9/#IHEManifest", "file:///etc/passwd", "cid:1", "#IHEManifest ", "##IHEManifest",
            "urn:oid:1.2.250.1.999.1", "#%49HEManifest")  # fmt: skip
        for number in (0, 1):
            for uri in uris:
                yield (
                    f"URI {uri!r} of reference {number}",
                    self.forged(lambda r, n=number, u=uri: _reference(r, n).set("URI", u)),
                    Reason.WRONG_REFERENCE,
                )
            yield (
                f"no URI of reference {number}",
                self.forged(lambda r, n=number: _reference(r, n).attrib.pop("URI")),
                Reason.WRONG_REFERENCE,
            )
            for kind in (None, "", f"{DS}Object", f"{DS}manifest", "http://uri.etsi.org/01903/v1.1.1#SignedProperties"):
                yield (
                    f"Type {kind!r} of reference {number}",
                    self.forged(lambda r, n=number, k=kind: _type(_reference(r, n), k)),
                    Reason.WRONG_REFERENCE,
                )
            for transforms in ((XSLT,), (XPATH,), (FILTER,), (ENVELOPED,), (BASE64,), ("",), (C14N, C14N), ()):
                yield (
                    f"transforms {transforms} of reference {number}",
                    self.forged(lambda r, n=number, t=transforms: _transforms(_reference(r, n), t)),
                    FORM,
                )
        yield "three references", self.forged(lambda r: _third(r, "")), Reason.WRONG_REFERENCE
        yield "a reference to the purpose", self.forged(lambda r: _third(r, "#purposeOfSignature")), FORM
        yield "a document beside", self.forged(lambda r: _third(r, "http://127.0.0.1:9/a")), FORM
        yield "twice the manifest", self.forged(lambda r: _copy_reference(r, 0, 1)), Reason.WRONG_REFERENCE
        yield "twice the properties", self.forged(lambda r: _copy_reference(r, 1, 0)), Reason.WRONG_REFERENCE
        yield "one reference", self.forged(lambda r: _remove(_reference(r, 1))), Reason.WRONG_REFERENCE
        for method in (XSLT, XPATH, "", "none", f"{C14N}#withcomments", "http://www.w3.org/2010/xml-c14n2"):
            yield (
                f"canonicalisation {method!r}",
                self.forged(lambda r, m=method: first(r, "CanonicalizationMethod").set("Algorithm", m)),
                Reason.WRONG_TRANSFORM,
            )
        yield (
            "the manifest by another name",
            self.forged(lambda r: (first(r, "Manifest").set("Id", "M"), _reference(r, 0).set("URI", "#M"))),
            Reason.WRONG_REFERENCE,
        )

    def wrapping(self) -> Iterator[tuple]:
        """A signed part beside one that is not signed, which a reader might take for it."""
        for local in ("Manifest", "SignedProperties", "QualifyingProperties", "SignatureProperties"):
            for where in ("before", "after", "within", "in an Object of its own"):
                for same in (True, False):

                    def wrap(r: etree._Element, n: str = local, w: str = where, s: bool = same) -> None:
                        own = first(r, n)
                        evil = deepcopy(own)
                        for one in evil.iter():
                            if not s and one.get("Id"):
                                one.set("Id", f"evil-{one.get('Id')}")
                        for one in evil.iter(ds("DigestValue")):
                            one.text = base64_of(bytes(32))
                        if w == "before":
                            own.addprevious(evil)
                        elif w == "after":
                            own.addnext(evil)
                        elif w == "within":
                            own.append(evil)
                        else:
                            etree.SubElement(r, ds("Object")).append(evil)

                    yield f"{local} {where}, {same=}", self.edited(wrap), FORM
        for keep in (True, False):

            def swap(r: etree._Element, k: bool = keep) -> None:
                own = first(r, "Manifest")
                evil = deepcopy(own)
                own.getparent().replace(own, evil)
                if k:
                    first(r, "KeyInfo").append(own)

            yield (
                f"the signed manifest moved, {keep=}",
                self.edited(lambda r: (swap(r), _digest_of(r, 1))),
                FORM | BROKEN,
            )

    def algorithms(self) -> Iterator[tuple]:
        methods = [f"{DS}rsa-sha1", f"{DS}dsa-sha1", f"{DS}hmac-sha1", "", "none", f"{XMLENC}rsa-1_5"]
        methods += [f"{MORE}{one}" for one in ("rsa-md5", "rsa-ripemd160", "rsa-sha224", "hmac-sha256", "hmac-sha512",
            "ecdsa-sha1", "ecdsa-sha256", "RSA-SHA256")]  # fmt: skip
        for method in methods:
            yield (
                f"signature {method!r}",
                self.forged(lambda r, m=method: first(r, "SignatureMethod").set("Algorithm", m)),
                Reason.WEAK_ALGORITHM,
            )
        digests = [f"{DS}sha1", f"{MORE}md5", f"{MORE}sha224", f"{XMLENC}ripemd160", "", "none", f"{XMLENC}sha256 "]
        for index in range(len(list(parse_untrusted(self.honest).iter(ds("DigestMethod"))))):
            for digest in digests:
                yield (
                    f"digest {digest!r} at {index}",
                    self.forged(lambda r, i=index, d=digest: _weaken(list(r.iter(ds("DigestMethod")))[i], d)),
                    # a digest that nobody computed is not that of SHA-1
                    frozenset({Reason.WEAK_ALGORITHM, Reason.OTHER_CERTIFICATE}),
                )

    def tampering(self) -> Iterator[tuple]:
        """Every text and every attribute that is signed, changed after it was signed."""
        for honest, version in ((self.honest, "1.3.2"), (self.older, "1.1.1")):
            any_ = FORM | BROKEN | {Reason.AMBIGUOUS_IDENTIFIER, Reason.WEAK_ALGORITHM, Reason.OTHER_PURPOSE,
                Reason.UNREADABLE_CERTIFICATE}  # fmt: skip
            for index, element in enumerate(parse_untrusted(honest).iter()):
                local = etree.QName(element).localname
                names = [None] if (element.text or "").strip() else []
                for name in [*names, *element.attrib]:
                    for kind in ("changed", "lengthened"):

                        def tamper(r: etree._Element, i: int = index, n: object = name, k: str = kind) -> None:
                            target = list(r.iter())[i]
                            text = str(target.text if n is None else target.get(n))
                            other = "A" if text[0] != "A" else "B"
                            new = other + text[1:] if k == "changed" else f"{text}AAAA"
                            if n is None:
                                target.text = new
                            else:
                                target.set(n, new)

                        if local == "X509Certificate" and index > _signer(honest):
                            continue  # an authority's: the server has its own
                        yield f"{local}/{name or 'text'} {index} of {version} {kind}", self.edited(tamper, honest), any_

    def manifests(self) -> Iterator[tuple]:
        def at(number: int, change: Change) -> bytes:
            return self.forged(lambda r: change(first(r, "Manifest")[number]))

        for number in (1, 2, 3):
            yield f"document {number} missing", at(number, _remove), Reason.MISSING_DOCUMENT
            yield f"document {number} twice", at(number, _double), Reason.REPEATED_DOCUMENT
            for uri in ("urn:oid:1.2.3", "", "http://127.0.0.1:9/a", "file:///etc/passwd", "cid:1", "#S0",
                        f"1.2.250.1.999.{number}", f"URN:OID:1.2.250.1.999.{number}"):  # fmt: skip
                yield (
                    f"document {number} is {uri!r}",
                    at(number, lambda e, u=uri: e.set("URI", u)),
                    Reason.UNKNOWN_DOCUMENT,
                )
            yield (
                f"document {number} with no digest",
                at(number, lambda e: setattr(e[-1], "text", "AA==")),
                Reason.OTHER_DOCUMENT,
            )
            yield (
                f"document {number} with an empty digest",
                at(number, lambda e: setattr(e[-1], "text", "")),
                Reason.OTHER_DOCUMENT,
            )
            yield f"only document {number}", self.forged(lambda r, n=number: _only(r, n)), Reason.MISSING_DOCUMENT
        yield "digests of two swapped", self.forged(_swap), Reason.OTHER_DOCUMENT
        yield "a document more", at(3, lambda e: _add_after(e, "urn:oid:1.2.3")), Reason.UNKNOWN_DOCUMENT
        yield "the set twice", at(3, lambda e: _add_after(e, "urn:oid:1.2.250.1.999.0")), Reason.UNKNOWN_DOCUMENT
        yield "no set", at(0, _remove), Reason.OTHER_SET
        yield (
            "the set last",
            self.forged(lambda r: first(r, "Manifest").append(first(r, "Manifest")[0])),
            Reason.OTHER_SET,
        )
        yield "another set", at(0, lambda e: e.set("URI", "urn:oid:1.2.3")), Reason.OTHER_SET
        yield "nothing in it", self.forged(lambda r: _empty(first(r, "Manifest"))), Reason.OTHER_SET
        for digest in ("", "AAA=", "AAAA", base64_of(bytes(32))):
            yield (
                f"the set's digest {digest[:8]!r}",
                at(0, lambda e, d=digest: setattr(e[-1], "text", d)),
                Reason.OTHER_SET,
            )
        yield "the set transformed", at(0, lambda e: _transforms(e, (C14N,))), Reason.OTHER_SET
        yield "submitted as another set", self.honest, Reason.OTHER_SET, replace(SET, unique_id="1.2.3")

    def transforms(self) -> Iterator[tuple]:
        for transforms in ((XSLT,), (XPATH,), (FILTER,), (ENVELOPED,), (BASE64,), ("",), ("none",), (C14N, C14N),
            (ENVELOPED, C14N), (XSLT, C14N), (C14N, XSLT), ()):  # fmt: skip
            yield (
                f"{transforms} of an XML document",
                self.forged(lambda r, t=transforms: _transforms(first(r, "Manifest")[1], t)),
                FORM,
            )
        for number in (2, 3):
            for transform in (C14N, C14N_WITH_COMMENTS, BASE64, XSLT):
                yield (
                    f"{transform} of binary document {number}",
                    self.forged(lambda r, n=number, t=transform: _transforms(first(r, "Manifest")[n], (t,))),
                    Reason.WRONG_TRANSFORM,
                )
        yield (
            "octets of an XML document that was digested in canonical form",
            self.forged(lambda r: first(r, "Manifest")[1].remove(first(r, "Manifest")[1][0])),
            Reason.OTHER_DOCUMENT,
        )
        yield (
            "without the comments that are in the document",
            self.forged(lambda r: _transforms(first(r, "Manifest")[1], (C14N,))),
            Reason.OTHER_DOCUMENT,
        )

    def properties(self) -> Iterator[tuple]:
        for name, text in (("another", "1.2.840.10065.1.12.1.1"), ("none", ""), ("in words", "Source")):
            yield (
                f"purpose {name}",
                self.edited(lambda r, t=text: setattr(first(r, "SignatureProperty"), "text", t)),
                Reason.OTHER_PURPOSE,
            )
        for local in ("SignatureProperty", "QualifyingProperties"):
            for target in ("", "#", "#other", "#IHEManifest", None):
                yield (
                    f"Target {target!r} of {local}",
                    self.edited(lambda r, n=local, t=target: _target(first(r, n), t)),
                    Reason.OTHER_PURPOSE,
                )
        yield "no Id of the signature", self.edited(lambda r: r.attrib.pop("Id")), Reason.OTHER_PURPOSE
        stranger = self.world.people["colleague"].signature.certificate

        other = base64_of(hashlib.sha256(stranger.der).digest())
        for honest in (self.honest, self.older):
            yield (
                f"a certificate that is a colleague's, {len(honest)}",
                self.forged(lambda r: [setattr(one[0][1], "text", other) for one in r.iter("{*}Cert")], honest),
                Reason.OTHER_CERTIFICATE,
            )
            yield (
                f"another serial number, {len(honest)}",
                self.forged(lambda r: [setattr(one, "text", "1") for one in r.iter(ds("X509SerialNumber"))], honest),
                Reason.OTHER_CERTIFICATE,
            )
            yield (
                f"no certificate, {len(honest)}",
                self.forged(lambda r: _empty(first(r, "SigningCertificate")), honest),
                Reason.UNKNOWN_CONTENT,
            )
        yield (
            "the authority only",
            self.forged(lambda r: _remove(first(r, "Cert"))),
            Reason.OTHER_CERTIFICATE,
        )
        yield (
            "a policy of somebody's",
            self.forged(lambda r: setattr(first(r, "SignaturePolicyImplied"), "tag", "{urn:f}SignaturePolicyId")),
            Reason.UNKNOWN_CONTENT,
        )

    def times(self) -> Iterator[tuple]:
        now = self.world.now

        def at(text: str) -> bytes:
            return self.forged(lambda r: setattr(first(r, "SigningTime"), "text", text))

        day = datetime.timedelta(days=1, seconds=1)
        yield "yesterday", at((now - day).strftime("%Y-%m-%dT%H:%M:%SZ")), Reason.SIGNED_TOO_EARLY
        yield "tomorrow", at((now + day).strftime("%Y-%m-%dT%H:%M:%SZ")), Reason.SIGNED_IN_THE_FUTURE
        yield "by its zone", at(now.strftime("%Y-%m-%dT%H:%M:%S-02:00")), Reason.SIGNED_IN_THE_FUTURE
        yield "in 1970", at("1970-01-01T00:00:00Z"), Reason.SIGNED_TOO_EARLY
        for text in (now.strftime("%Y-%m-%dT%H:%M:%S"), now.strftime("%Y-%m-%d"), "now", "", "9999-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"):  # fmt: skip
            yield f"{text!r}", at(text), Reason.MALFORMED_TIME

    def certificates(self) -> Iterator[tuple]:
        def with_certificates(*ders: bytes) -> bytes:
            return self.edited(lambda r: _certificates(r, ders))

        own = self.doctor.signature.certificate.der
        people = self.world.people
        for name, pair in people.items():
            if name != "doctor":
                theirs = sign_as(self.world, name)
                yield f"{name}'s signature", theirs, Reason.OTHER_SIGNER
                # keys are shared among the people of the tests: what tells is the certificate that is named
                yield (
                    f"{name}'s certificate",
                    with_certificates(pair.signature.certificate.der),
                    Reason.OTHER_CERTIFICATE,
                )
        yield "no certificate that can be read", with_certificates(own[:-1]), Reason.UNREADABLE_CERTIFICATE
        for rubbish in (b"", b"\x30\x00", own + b"\0", b"MIIC" * 9000):
            yield (
                f"rubbish of {len(rubbish)} octets",
                with_certificates(rubbish),
                frozenset({Reason.UNREADABLE_CERTIFICATE, Reason.UNKNOWN_CONTENT}),
            )
        yield "five certificates", with_certificates(*(own,) * 5), Reason.UNKNOWN_CONTENT
        authentication = self.doctor.authentication
        yield (
            "authentication certificate",
            self.named(authentication.certificate.der, authentication.key.authentication_key),
            Reason.WRONG_KEY_USAGE,
        )
        authority = self.world.pki.authority(AuthorityName.SIGNATURE)
        yield (
            "an authority's certificate",
            self.named(authority.der, self.world.pki.authority_key(AuthorityName.SIGNATURE)),
            Reason.UNTRUSTED_SIGNER,
        )
        root = self.world.pki.authority(AuthorityName.ROOT)
        yield (
            "the root's",
            self.named(root.der, self.world.pki.authority_key(AuthorityName.ROOT)),
            Reason.UNTRUSTED_SIGNER,
        )
        yield (
            "another key",
            resigned(parse_untrusted(self.honest), authentication.key.authentication_key),
            Reason.WRONG_SIGNATURE,
        )
        short = self.world.pki.issue_cps(
            "899700218801",  # a card of its own: files are named by it
            now=self.world.now - datetime.timedelta(hours=5), valid_for=datetime.timedelta(hours=2),
            keys=(self.key, self.key),
        )  # fmt: skip
        yield (
            "expired when it signed",
            self.named(short.signature.certificate.der, self.key),
            Reason.NOT_VALID_AT_SIGNING,
        )
        late = self.world.pki.issue_cps(
            "899700218802", now=self.world.now + datetime.timedelta(hours=5), keys=(self.key, self.key)
        )
        yield "not valid yet", self.named(late.signature.certificate.der, self.key), Reason.NOT_VALID_AT_SIGNING

    def named(self, der: bytes, key: object) -> bytes:
        """Signed with a key under a certificate that everything in the document names."""

        def change(r: etree._Element) -> None:
            _certificates(r, (der,))
            one = first(r, "Cert")
            one[0][1].text = base64_of(hashlib.sha256(der).digest())
            one.remove(one[1])

        return resigned(changed(self.honest, change), key)  # type: ignore[arg-type]

    def callers(self) -> Iterator[tuple]:
        world = self.world
        for name, caller in (
            ("a colleague", world.caller("colleague", national_id="899700218897")),
            ("their hospital", world.caller("hospital", AccessMode.INDIRECT)),
            ("their hospital, reinforced", world.caller("hospital", AccessMode.REINFORCED_INDIRECT)),
            ("nobody by that name", world.caller(national_id="")),
        ):
            yield f"submitted by {name}", self.honest, Reason.OTHER_SIGNER, {"caller": caller}
        hospital = sign_as(world, "hospital")
        clinic = world.caller("clinic", AccessMode.INDIRECT, structure_id="10B0127190")
        yield "a hospital's, by a doctor", hospital, Reason.OTHER_SIGNER, {"caller": world.caller()}
        yield "a hospital's, by a clinic", hospital, Reason.OTHER_SIGNER, {"caller": clinic}
        for name, authors in (
            ("nobody", ()),
            ("a colleague", (SetAuthor("899700218897", frozenset({"10B0127189"})),)),
            ("a structure", (SetAuthor("", frozenset({"10B0127189"})),)),
            ("a longer number", (SetAuthor("8997002188960"),)),
        ):
            yield f"the author is {name}", self.honest, Reason.OTHER_AUTHOR, replace(SET, authors=authors)
        for name, authors in (
            ("a person", (SetAuthor("899700218896"),)),
            ("a clinic's", (SetAuthor("", frozenset({"9"})),)),
        ):
            caller = world.caller("hospital", AccessMode.INDIRECT)
            submitted = replace(SET, authors=authors)
            yield f"a hospital's, whose author is {name}", hospital, Reason.OTHER_AUTHOR, submitted, {"caller": caller}

    def documents(self) -> Iterator[tuple]:
        contents = [b"".join(one.content.chunks()) for one in SET.documents]
        for number, content in enumerate(contents):
            for name, other in (
                ("longer", content + b"<!---->"),
                ("replaced", b"<other/>"),
                ("empty", b"" if content else b" "),
            ):
                reason = Reason.OTHER_DOCUMENT
                if number == 0 and name == "empty":
                    reason = Reason.NOT_CANONICAL
                yield f"document {number + 1} {name}", self.honest, reason, _with(number, other)
        xml = contents[0]
        for name, other in (
            ("a comment more", xml.replace(b"<title>", b"<title><!--x-->")),
            ("a comment less", xml.replace(b"<!-- within -->", b"")),
            ("a comment before", xml.replace(b"<!-- before -->", b"<!-- other -->")),
            ("a comment after", xml.replace(b"<!-- after -->", b"")),
            ("another style sheet", xml.replace(b"a.xsl", b"b.xsl")),
            ("an attribute", xml.replace(b'a="1"', b'a="2"')),
            ("another namespace", xml.replace(b"urn:hl7-org:v3", b"urn:hl7-org:v2")),
            ("white space", xml.replace(b"<title>", b" <title>")),
            ("an accent", xml.replace(b"\xc3\xa9", b"e")),
        ):
            yield f"XML: {name}", self.honest, Reason.OTHER_DOCUMENT, _with(0, other)
        for name, other in (
            ("no XML", b"%PDF"),
            ("a document type", b"<!DOCTYPE a>" + xml.partition(b"?>")[2]),
            ("an entity", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'),
            ("latin", b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>'),
            ("deep", b"<a>" * 300 + b"</a>" * 300),
            ("instructions", b"<?p?>" * 17 + b"<a/>"),
            ("too large", b"<a>" + b" " * 12_000_000 + b"</a>"),
            ("a relative namespace", b'<a xmlns:b="c"/>'),
        ):
            yield f"XML: {name}", self.honest, Reason.NOT_CANONICAL, _with(0, other)
        more = replace(SET, documents=(*SET.documents, document(4, b"x", "text/plain")))
        yield "one document more in the set", self.honest, Reason.MISSING_DOCUMENT, more
        yield (
            "one document less in the set",
            self.honest,
            Reason.UNKNOWN_DOCUMENT,
            replace(SET, documents=SET.documents[1:]),
        )
        binary = replace(SET, documents=(replace(SET.documents[0], mime_type="application/pdf"), *SET.documents[1:]))
        yield "XML that is not said to be", self.honest, Reason.WRONG_TRANSFORM, binary


def sign_as(world: World, who: str) -> bytes:
    """An honest signature of somebody else's."""
    everybody = replace(
        SET, authors=tuple(SetAuthor(n, frozenset({"10B0127189"})) for n in ("899700218896", "899700218897"))
    )
    return sign(everybody, world.people[who].signature.key, at=world.now, parse=parse_document)


def _with(number: int, content: bytes) -> SubmittedSet:
    documents = [*SET.documents]
    documents[number] = replace(documents[number], content=Octets(content))
    return replace(SET, documents=tuple(documents))


def _signer(honest: bytes) -> int:
    return next(i for i, e in enumerate(parse_untrusted(honest).iter()) if e.tag == ds("X509Certificate"))


def _reference(root: etree._Element, number: int) -> etree._Element:
    return root[0].findall(ds("Reference"))[number]


def _type(reference: etree._Element, kind: str | None) -> None:
    reference.attrib.pop("Type")
    if kind is not None:
        reference.set("Type", kind)


def _target(element: etree._Element, target: str | None) -> None:
    element.attrib.pop("Target")
    if target is not None:
        element.set("Target", target)


def _transforms(reference: etree._Element, transforms: tuple[str, ...]) -> None:
    for one in reference.findall(ds("Transforms")):
        reference.remove(one)
    holder = etree.Element(ds("Transforms"))
    for transform in transforms:
        etree.SubElement(holder, ds("Transform")).set("Algorithm", transform)
    reference.insert(0, holder)


def _third(root: etree._Element, uri: str) -> None:
    third = deepcopy(_reference(root, 0))
    third.set("URI", uri)
    third.set("Type", f"{DS}SignatureProperties")
    root[0].append(third)


def _copy_reference(root: etree._Element, source: int, target: int) -> None:
    references = root[0].findall(ds("Reference"))
    root[0].replace(references[target], deepcopy(references[source]))


def _weaken(method: etree._Element, algorithm: str) -> None:
    """Another digest, and its value where it can be computed by whoever signs anew."""
    method.set("Algorithm", algorithm)


def _digest_of(root: etree._Element, number: int) -> None:
    first(root, "Manifest")[number][-1].text = base64_of(bytes(32))


def _certificates(root: etree._Element, ders: tuple[bytes, ...]) -> None:
    data = first(root, "X509Data")
    _empty(data)
    for der in ders:
        etree.SubElement(data, ds("X509Certificate")).text = base64_of(der)


def _only(root: etree._Element, number: int) -> None:
    manifest = first(root, "Manifest")
    for index, one in enumerate(list(manifest)):
        if index not in (0, number):
            manifest.remove(one)


def _swap(root: etree._Element) -> None:
    one, two = first(root, "Manifest")[2][-1], first(root, "Manifest")[3][-1]
    one.text, two.text = two.text, one.text


def _add_after(reference: etree._Element, uri: str) -> None:
    more = deepcopy(reference)
    more.set("URI", uri)
    reference.addnext(more)


def _remove(element: etree._Element) -> None:
    element.getparent().remove(element)


def _empty(element: etree._Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def _foreign(element: etree._Element) -> None:
    element.tag = f"{{urn:f}}{etree.QName(element).localname}"


def _double(element: etree._Element) -> None:
    element.addnext(deepcopy(element))
