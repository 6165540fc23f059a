"""Hostile messages by the thousand: what must never be believed, each a small step away from what must.

Unless its name says otherwise a forged assertion bears a signature that holds: only one rule stands in its way.
"""

# ruff: noqa: E501 (tables of cases read better unwrapped)
from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from lxml import etree

from card_auth import names
from card_auth.caller import Role
from card_auth.demo_pki import AuthorityName
from card_auth.vihf import VihfVersion, issue
from card_auth.vihf.vocabulary import DS, ENVELOPED, EXC_C14N, HL7, SAML, WSSE, WSU, XSI, AttributeName
from soap.xml import parse_untrusted
from tests.card_auth.vihf.conftest import World
from tests.card_auth.vihf.messages import (
    DOCTOR,
    MORE,
    RSA_SHA256,
    SHA256,
    XMLENC,
    Forger,
    attribute,
    direct,
    envelope,
    indirect,
    saml,
    unsigned,
)
from tests.card_auth.vihf.wrapping import wrapped

NURSE = (Role("60", "1.2.250.1.71.1.2.7", "Infirmier"),)
Change = Callable[[etree._Element], object]


@dataclass(frozen=True)
class Case:
    """A message, and the connection (DER of its certificate) that it comes on."""

    name: str
    message: bytes
    peer: bytes | None


class Corpus:
    """All cases, made from one honest assertion of a doctor and one of a hospital."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now
        self.doctor, self.hospital = world.people["doctor"], world.people["hospital"]
        self.peer = self.doctor.authentication.certificate.der
        self.statement = direct(world.now)
        self.issued = issue(self.statement, self.doctor.signature.key, at=world.now)
        self.honest = envelope(self.issued)
        self.bare = unsigned(self.statement, self.doctor.signature, world.now)
        self.bare_hospital = unsigned(indirect(world.now), self.hospital.signature, world.now)
        self.forger = Forger.of(self.doctor.signature)

    def forged(self, change: Change, **how: object) -> bytes:
        """The doctor's assertion, changed and then signed with the doctor's key."""
        assertion = deepcopy(self.bare)
        change(assertion)
        return envelope(Forger.of(self.doctor.signature, **how).sign(assertion))

    def edited(self, change: Change) -> bytes:
        """The honest message, changed after it was signed; `change` gets the envelope."""
        root = parse_untrusted(self.honest)
        change(root)
        return etree.tostring(root)

    def cases(self) -> Iterator[Case]:
        """Every case."""
        families = (
            self.wrapping, self.exclusion, self.algorithms, self.truncation, self.identifiers, self.namespaces,
            self.instants, self.bindings, self.claims, self.tampering, self.content, self.signature_forms,
        )  # fmt: skip
        for family in families:
            for name, message, *peer in family():
                yield Case(f"{family.__name__}: {name}", message, peer[0] if peer else self.peer)

    def wrapping(self) -> Iterator[tuple[str, bytes]]:
        yield from wrapped(self.issued)

    def exclusion(self) -> Iterator[tuple[str, bytes]]:
        yield "no signature", envelope(etree.tostring(self.bare))
        yield "no security header", envelope().replace(b"wsse:Security", b"wsse:Insecurity")
        yield "no assertion", envelope()
        yield "two headers", self.honest.replace(b"<env:Header>", b"<env:Header><wsse:Security/>")
        yield "a header of nobody's", envelope(self.issued, body=b"<q><wsse:Security/></q>")
        yield "header in the body", self.honest.replace(b"env:Header>", b"env:Body>")
        yield "a foreign Security", envelope(self.issued, body=b'<Security xmlns="urn:f"/>')
        yield "a token beside", envelope(self.issued, b"<wsse:BinarySecurityToken/>")
        yield "a timestamp beside", envelope(self.issued, f'<u:Timestamp xmlns:u="{WSU}"/>'.encode())
        yield (
            "a second assertion in the body",
            envelope(self.issued, body=b'<s:Assertion xmlns:s="%s"/>' % SAML.encode()),
        )
        yield "a look-alike in the body", envelope(self.issued, body=b'<s:Assertion xmlns:s="urn:f"/>')
        yield "an encrypted assertion", envelope(self.issued, b'<s:EncryptedAssertion xmlns:s="%s"/>' % SAML.encode())
        yield "a look-alike signature in the body", envelope(self.issued, body=b'<Signature xmlns="urn:f"/>')
        # those that hold nothing cannot be emptied, and a chain may begin with the signer's own certificate again
        harmless = {(f"{one}Method", "emptied") for one in ("Signature", "Canonicalization", "Digest")}
        harmless.add(("X509Certificate", "doubled"))
        for local in ("SignedInfo", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate", "Reference", "DigestValue",
                      "SignatureMethod", "CanonicalizationMethod", "Transforms", "DigestMethod"):  # fmt: skip
            for name, change in (
                ("removed", _remove),
                ("emptied", _empty),
                ("foreign", _foreign),
                ("doubled", _double),
            ):
                if (local, name) not in harmless:
                    yield f"{local} {name}", self.edited(lambda root, c=change, n=local: c(_first(root, n)))
        for name, change in (
            ("emptied", _empty),
            ("foreign", _foreign),
            ("doubled", _double),
            ("in a comment", _comment),
        ):
            yield f"Signature {name}", self.edited(lambda root, c=change: c(_first(root, "Signature")))

    def algorithms(self) -> Iterator[tuple[str, bytes]]:
        methods = [
            f"{DS}rsa-sha1",
            f"{DS}dsa-sha1",
            f"{DS}hmac-sha1",
            "",
            "none",
            f"{XMLENC}rsa-1_5",
            RSA_SHA256.upper(),
        ]
        methods += [f"{MORE}{one}" for one in ("rsa-md5", "rsa-ripemd160", "rsa-sha224", "hmac-sha256", "hmac-sha512",
            "hmac-md5", "ecdsa-sha1", "ecdsa-sha256", "ecdsa-sha512")]  # fmt: skip
        methods += ["http://www.w3.org/2009/xmldsig11#dsa-sha256", "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
            "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1", f" {RSA_SHA256}", RSA_SHA256]  # fmt: skip
        digests = [
            f"{DS}sha1",
            f"{MORE}md5",
            f"{MORE}sha224",
            f"{XMLENC}ripemd160",
            "",
            "none",
            SHA256.upper(),
            f"{SHA256} ",
        ]
        for method in methods:
            for digest in [*digests, SHA256]:
                if (method, digest) != (RSA_SHA256, SHA256):
                    yield f"{method!r} with {digest!r}", self.forged(_nothing, method=method, digest=digest)

    def truncation(self) -> Iterator[tuple[str, bytes]]:
        texts = [
            index for index, element in enumerate(parse_untrusted(self.issued).iter()) if (element.text or "").strip()
        ]
        for index in texts:
            for node in (etree.Comment("c"), etree.ProcessingInstruction("p"), etree.Comment("")):
                for part in ("start", "middle", "end"):

                    def split(root: etree._Element, i: int = index, n: etree._Element = node, p: str = part) -> None:
                        element = list(next(root.iter(saml("Assertion"))).iter())[i]
                        text = element.text or ""
                        cut = {"start": 0, "middle": len(text) // 2, "end": len(text)}[p]
                        inserted = deepcopy(n)
                        element.text, inserted.tail = text[:cut], text[cut:]
                        element.append(inserted)

                    yield f"{type(node).__name__} at the {part} of text {index}", self.edited(split)

    def identifiers(self) -> Iterator[tuple[str, bytes]]:
        own = self.bare.get("ID")
        bearing = ("ID", "Id", "id", "xml:id", "u:Id", "f:ID", "AssertionID", "f:anything")
        declared = f'xmlns:u="{WSU}" xmlns:f="urn:f"'
        forger = self.forger.sign(self.bare)
        for name in bearing:
            for value in (own, own.upper(), own.swapcase()):
                mark = f'{declared} {name}="{value}"'.encode()
                yield f"{name} in the body", envelope(forger, body=b"<q %s/>" % mark)
                yield f"{name} in the header", envelope(forger, header=b'<q xmlns="urn:f" %s/>' % mark)
                yield f"{name} of the envelope", envelope(forger).replace(b"<env:Envelope", b"<env:Envelope " + mark)
                yield (
                    f"{name} of the security header",
                    envelope(forger).replace(b"<wsse:Security", b"<wsse:Security " + mark),
                )
        for bad in (
            "",
            "1abcdefgh",
            "short",
            "a b c d e f",
            "é" * 12,
            "_" * 200,
            "_abc:defghij",
            "_abcdefg#",
            "#_abcdefgh",
        ):
            yield f"ID {bad!r}", self.forged(lambda a, b=bad: a.set("ID", b))

    def namespaces(self) -> Iterator[tuple[str, bytes]]:
        old = b"urn:oasis:names:tc:SAML:2.0:assertion"
        for new in (b"urn:oasis:names:tc:SAML:1.0:assertion", b"urn:f", old.upper(), old + b" "):
            yield f"assertion of {new!r}", self.honest.replace(b'xmlns:saml2="' + old, b'xmlns:saml2="' + new)
        for new in (b"urn:f", WSSE.upper().encode(), WSSE.encode().replace(b"2004/01", b"2003/06")):
            yield f"security of {new!r}", self.honest.replace(WSSE.encode(), new)
        yield (
            "SOAP 1.1",
            self.honest.replace(
                b"http://www.w3.org/2003/05/soap-envelope", b"http://schemas.xmlsoap.org/soap/envelope/"
            ),
        )
        for local in ("Role", "PurposeOfUse"):
            for tag in (f"{{urn:f}}{local}", local, f"{{{SAML}}}{local}", f"{{{HL7}}}{local.upper()}"):
                yield f"{local} as {tag}", self.forged(lambda a, n=local, t=tag: _rename(_first(a, n), t))
            for kind in ("f:CD", "ED", "hl7:CE ", "xs:base64Binary", ""):
                yield (
                    f"{local} of type {kind!r}",
                    self.forged(lambda a, n=local, k=kind: _first(a, n).set(f"{{{XSI}}}type", k)),
                )
        for local in (
            "Subject",
            "NameID",
            "AuthnStatement",
            "AttributeStatement",
            "Attribute",
            "AttributeValue",
            "AuthnContext",
        ):
            for space in ("urn:f", "", DS, HL7):
                tag = f"{{{space}}}{local}" if space else local
                yield f"{local} as {tag}", self.forged(lambda a, n=local, t=tag: _rename(_first(a, n), t))
        yield "ID of a foreign namespace", self.forged(lambda a: a.set("{urn:f}ID", "_0123456789"))
        yield "relative namespace", self.edited(lambda root: root[0][0][0].append(etree.Element("{relative}x")))

    def instants(self) -> Iterator[tuple[str, bytes]]:
        now, second = self.now, datetime.timedelta(seconds=1)

        def at(moment: datetime.datetime) -> str:
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

        window, skew, session = (
            datetime.timedelta(minutes=5),
            datetime.timedelta(seconds=60),
            datetime.timedelta(hours=12),
        )
        outside = {
            "IssueInstant": (now - window - second, now + skew + second, now - 365 * 24 * session, now + session),
            "AuthnInstant": (now + second, now + session, now - session - second, now - 100 * session),
        }
        for name, moments in outside.items():
            for moment in moments:
                yield f"{name} {moment}", self.forged(lambda a, n=name, m=moment: _holder(a, n).set(n, at(m)))
        stamp = at(now)
        malformed = (
            "", "now", stamp[:-1], stamp[:-1] + "+00:00", stamp[:-1] + "+02:00", stamp.lower(), stamp.replace("T", " "),
            stamp[:-1] + ".Z", stamp[:-1] + ".1234567890Z", stamp[:-1] + ",5Z", f" {stamp}", f"{stamp}\n", f"-{stamp}", f"0{stamp}",
            stamp[:11] + "24:00:00Z", stamp[:17] + "60Z", stamp[:10] + "Z", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z", stamp.replace("2", "٢"), stamp + stamp, stamp + "Z",
        )  # fmt: skip
        for text in malformed:
            for name in ("IssueInstant", "AuthnInstant"):
                yield f"{name} {text!r}", self.forged(lambda a, n=name, t=text: _holder(a, n).set(n, t))
        past, future = at(now), at(now + skew + second)
        for name, value in (
            ("NotBefore", future),
            ("NotOnOrAfter", past),
            ("NotBefore", "soon"),
            ("NotOnOrAfter", "never"),
        ):
            yield f"Conditions {name} {value}", self.forged(lambda a, n=name, v=value: _conditions(a).set(n, v))
            yield f"confirmed {name} {value}", self.forged(lambda a, n=name, v=value: _confirmation(a).set(n, v))
        yield "session over", self.forged(lambda a: _holder(a, "AuthnInstant").set("SessionNotOnOrAfter", past))
        for audience in ("urn:another", "", "urn:feuillet:tes", "urn:feuillet:test2"):
            yield f"audience {audience!r}", self.forged(lambda a, u=audience: _audience(_conditions(a), u))
        yield (
            "two audiences to meet",
            self.forged(lambda a: [_audience(_conditions(a), u) for u in ("urn:feuillet:test", "urn:b")]),
        )
        yield "recipient", self.forged(lambda a: _confirmation(a).set("Recipient", "https://elsewhere.example/"))
        for local in ("ProxyRestriction", "Condition", "Advice"):
            yield local, self.forged(lambda a, n=local: etree.SubElement(_conditions(a), saml(n)))

    def bindings(self) -> Iterator[tuple[str, bytes, bytes | None]]:
        people = self.world.people
        messages: dict[str, bytes] = {}
        for name, pair in people.items():
            subject = pair.signature.certificate.subject
            if structure := subject.one(names.ORGANISATIONAL_UNIT):
                statement = indirect(self.now, structure)
            else:
                roles = NURSE if name == "nurse" else DOCTOR
                statement = direct(self.now, subject.one(names.COMMON_NAME) or "", roles=roles)
            messages[name] = envelope(issue(statement, pair.signature.key, at=self.now))
        self.own_connections = {name: (messages[name], people[name].authentication.certificate.der) for name in people}
        for name, message in messages.items():
            for other, pair in people.items():
                if other != name:
                    yield f"{name} on the connection of {other}", message, pair.authentication.certificate.der
            yield f"{name} with the signature certificate", message, people[name].signature.certificate.der
            yield f"{name} without a certificate", message, None
            yield f"{name} with rubbish", message, b"\x30\x03\x02\x01\x00"
        yield "doctor of another family", messages["doctor"], self.world.other.authentication.certificate.der
        authority = self.world.pki.authority(AuthorityName.AUTHENTICATION).der
        yield "doctor on the connection of an authority", messages["doctor"], authority

    def claims(self) -> Iterator[tuple[str, bytes]]:
        optional = {AttributeName.RESOURCE, AttributeName.PURPOSE, AttributeName.SOFTWARE_VERSION, AttributeName.SOFTWARE_ID,
            AttributeName.HOMOLOGATION, AttributeName.SUBJECT}  # fmt: skip
        present = [one.get("Name") for one in self.bare.iter(saml("Attribute"))]
        for name in present:
            if name not in optional:
                yield f"{name} missing", self.forged(lambda a, n=name: _remove(attribute(a, n)))
                yield f"{name} emptied", self.forged(lambda a, n=name: _empty(attribute(a, n)))
            for spelling in (name, name.upper(), name.swapcase()):
                yield f"{name} again as {spelling}", self.forged(lambda a, n=name, s=spelling: _again(a, n, s))
            yield (
                f"{name} twice valued",
                self.forged(lambda a, n=name: _double(attribute(a, n)[0], n == AttributeName.ROLE)),
            )
            yield (
                f"{name} nested",
                self.forged(lambda a, n=name: attribute(a, n)[0].append(deepcopy(attribute(a, n)[0]))),
            )
            yield f"{name} too long", self.forged(lambda a, n=name: _set_text(a, n, "x" * 2000))
            yield f"{name} with a control character", self.forged(lambda a, n=name: _set_text(a, n, "a\u0085b\u202e"))
        wrong = {
            AttributeName.VERSION: ("1.0", "4.0", "3", "03.0", "3.0 3.0"),
            AttributeName.MODE: ("INDIRECTE", "INDIRECTE_RENFORCEE", "directe", "DIRECT", "AUCUNE"),
            AttributeName.STRUCTURE: ("10b0127189", "1", "10B0127189;DROP", "../../etc"),
            AttributeName.SECTOR: ("SA07", "SA7^1.2.250.1.71.4.2.4", "SA07^1.2.3", "SA07^1.2.250.1.71.4.2.4^x", "^1.2.250.1.71.4.2.4"),
            AttributeName.RESOURCE_URN: ("urn:dmp2", "URN:DMP", "urn:dm"),
            AttributeName.RESOURCE: ("207058575627098^^^&1.2.250.1.213.1.4.10&ISO^NH", "207058575627097^^^&1.2.3&ISO^NH",
                "207058575627097", "207058575627097^^^&1.2.250.1.213.1.4.8&ISO^PI", "207058575627097^^^&1.2.250.1.213.1.4.10&ISO^NH~x",
                "^^^&1.2.250.1.213.1.4.10&ISO^NH", "1541187387477485562489^^^&1.2.250.1.213.1.4.2&ISO^INS-C"),
        }  # fmt: skip
        for name, values in wrong.items():
            for value in values:
                yield f"{name} {value!r}", self.forged(lambda a, n=name, v=value: _set_text(a, n, v))
        for key, value in (("code", "60"), ("code", ""), ("code", "10 "), ("codeSystem", "1.2.3"), ("codeSystem", ""),
            ("codeSystem", "1.2.250.1.71.1.2.8"), ("codeSystem", "1.2.250.1.213.1.1.4.6")):  # fmt: skip
            yield f"role {key} {value!r}", self.forged(lambda a, k=key, v=value: _first(a, "Role").set(k, v))
        for key, value in (("code", "urgence"), ("code", "NORMAL"), ("codeSystem", "1.2.3"), ("code", "")):
            yield f"purpose {key} {value!r}", self.forged(lambda a, k=key, v=value: _first(a, "PurposeOfUse").set(k, v))
        yield "another speciality", self.forged(lambda a: list(a.iter(f"{{{HL7}}}Role"))[1].set("code", "SM04"))
        yield "no speciality", self.forged(lambda a: _remove(list(attribute(a, AttributeName.ROLE))[1]))
        yield (
            "roles exchanged",
            self.forged(lambda a: attribute(a, AttributeName.ROLE).append(attribute(a, AttributeName.ROLE)[0])),
        )
        for secret in ("INVISIBLE_PATIENT", "invisible_representants_legaux", "N"):
            yield (
                f"confidentiality {secret}",
                self.forged(lambda a, s=secret: _claim(a, AttributeName.CONFIDENTIALITY, s)),
            )
        for subject in (
            "899700218897",
            "",
            "899700218896 ",
            "0899700218896",
            "89970021889\uff16",
            "899700218896\u200b",
        ):
            if subject.strip() != "899700218896":
                yield f"NameID {subject!r}", self.forged(lambda a, s=subject: _set(a.find(f".//{saml('NameID')}"), s))
        issuer = self.bare[0].text or ""
        for text in ("", "CN=899700218896", issuer.replace("899700218896", "899700218897"), issuer + ",CN=x", issuer[:-1],
            ",".join(reversed(issuer.split(",")))):  # fmt: skip
            yield f"Issuer {text!r}", self.forged(lambda a, t=text: _set(a[0], t))
        yield (
            "Issuer of another format",
            self.forged(lambda a: a[0].set("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")),
        )
        for version in ("1.1", "2", "2.0 ", ""):
            yield f"SAML {version!r}", self.forged(lambda a, v=version: a.set("Version", v))
        for level in ("", "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos", "SmartcardPKI"):
            yield f"level {level!r}", self.forged(lambda a, t=level: _set(_first(a, "AuthnContextClassRef"), t))
        yield from self._structures()

    def _structures(self) -> Iterator[tuple[str, bytes]]:
        peer = self.hospital.authentication.certificate.der
        changes: dict[str, Change] = {
            "structure of a neighbour": lambda a: _set_text(a, AttributeName.STRUCTURE, "10B0127190"),
            "person of a neighbour": lambda a: _set(_first(a, "NameID"), "30B0127190/4711"),
            "person of nobody": lambda a: _set(_first(a, "NameID"), "4711"),
            "person without a number": lambda a: _set(_first(a, "NameID"), "30B0127189/"),
            "direct mode": lambda a: _set_text(a, AttributeName.MODE, "DIRECTE"),
            "no name": lambda a: _remove(attribute(a, AttributeName.SUBJECT)),
            "role of an unknown system": lambda a: _first(a, "Role").set("codeSystem", "1.2.3.4"),
            "reinforced in 2.0": lambda a: [
                _set_text(a, AttributeName.MODE, "INDIRECTE_RENFORCEE"),
                _set_text(a, AttributeName.VERSION, VihfVersion.V2_0),
            ],
        }
        for name, change in changes.items():
            assertion = deepcopy(self.bare_hospital)
            change(assertion)
            yield name, envelope(Forger.of(self.hospital.signature).sign(assertion)), peer  # type: ignore[misc]

    def tampering(self) -> Iterator[tuple[str, bytes]]:
        """Every text and attribute of the signed assertion, one character of it changed, or shortened."""
        root = parse_untrusted(self.issued)
        for index, element in enumerate(root.iter()):
            for name in [None, *element.attrib]:
                value = element.text if name is None else element.get(name)
                if not (value or "").strip():
                    continue
                for kind in ("changed", "shortened", "lengthened"):

                    def tamper(
                        envelope_root: etree._Element, i: int = index, n: str | None = name, k: str = kind
                    ) -> None:
                        target = list(next(envelope_root.iter(saml("Assertion"))).iter())[i]
                        text = (target.text if n is None else target.get(n)) or ""
                        other = "B" if text[0] != "B" else "C"
                        new = {"changed": other + text[1:], "shortened": text[:-5], "lengthened": text + "AAAA"}[k]
                        if n is None:
                            target.text = new
                        else:
                            target.set(n, new)

                    yield f"{etree.QName(element).localname}/{name or 'text'} {index} {kind}", self.edited(tamper)

    def content(self) -> Iterator[tuple[str, bytes]]:
        """Signed with the right key, and holding what an assertion has no place for."""
        for index, element in enumerate(self.bare.iter()):
            local = etree.QName(element).localname
            for kind, change in (
                ("element", lambda e: e.append(etree.Element("{urn:f}extra"))),
                ("SAML element", lambda e: e.append(etree.Element(saml("Advice")))),
                ("attribute", lambda e: e.set("extra", "1")),
                ("foreign attribute", lambda e: e.set("{urn:f}extra", "1")),
            ):
                yield f"{kind} in {local} {index}", self.forged(lambda a, i=index, c=change: c(list(a.iter())[i]))
            if len(element):
                yield f"text in {local} {index}", self.forged(lambda a, i=index: _set(list(a.iter())[i], "words"))
        many = lambda a: [_claim(a, f"urn:extra:{number}", "x") for number in range(200)]  # noqa: E731
        yield "too many elements", self.forged(many)

    def signature_forms(self) -> Iterator[tuple[str, bytes]]:
        own = self.bare.get("ID")
        for uri in ("", "#", own, f"#{own.upper()}", f"##{own}", f"#xpointer(id('{own}'))", "#xpointer(/)", f"http://h/#{own}",
            f"#{own} ", f"#%5F{own[1:]}", "cid:1", "file:///etc/passwd", "#body"):  # fmt: skip
            yield f"URI {uri!r}", self.forged(_nothing, uri=uri)
        inclusive, comments = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", f"{EXC_C14N}WithComments"
        xslt, xpath = "http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116"
        for transforms in ((), (ENVELOPED,), (EXC_C14N,), (EXC_C14N, ENVELOPED), (ENVELOPED, inclusive), (ENVELOPED, comments),
            (ENVELOPED, EXC_C14N, EXC_C14N), (ENVELOPED, xslt), (xpath, EXC_C14N), (ENVELOPED, xpath, EXC_C14N),
            (f"{DS}base64", EXC_C14N), ("http://www.w3.org/2002/06/xmldsig-filter2", EXC_C14N)):  # fmt: skip
            yield f"transforms {transforms}", self.forged(_nothing, transforms=transforms)
        for method in (
            inclusive,
            comments,
            f"{inclusive}#WithComments",
            "http://www.w3.org/2006/12/xml-c14n11",
            "",
            "none",
        ):
            yield f"canonicalisation {method!r}", self.forged(_nothing, canonicalisation=method)
        yield "too many prefixes", self.forged(_nothing, prefixes=" ".join(f"p{number}" for number in range(17)))
        for number in (0, 2, 3):
            yield f"{number} references", self.forged(_nothing, references=number)
        for position in (0, 2, 3, 4):
            yield f"signature at {position}", self.forged(_nothing, position=position)
        for local in ("Object", "Manifest"):
            yield local, self.edited(lambda root, n=local: etree.SubElement(_first(root, "Signature"), f"{{{DS}}}{n}"))
        for local in ("KeyName", "KeyValue", "RetrievalMethod", "X509Data", "X509Url", "MgmtData"):
            yield local, self.edited(lambda root, n=local: etree.SubElement(_first(root, "KeyInfo"), f"{{{DS}}}{n}"))
            yield (
                f"{local} first",
                self.edited(lambda root, n=local: _first(root, "KeyInfo").insert(0, etree.Element(f"{{{DS}}}{n}"))),
            )
        for local in ("X509SubjectName", "X509IssuerSerial", "X509CRL", "X509SKI"):
            yield local, self.edited(lambda root, n=local: etree.SubElement(_first(root, "X509Data"), f"{{{DS}}}{n}"))
        yield (
            "HMACOutputLength",
            self.edited(lambda root: etree.SubElement(_first(root, "SignatureMethod"), f"{{{DS}}}HMACOutputLength")),
        )
        yield "a second SignedInfo", self.edited(lambda root: _double(_first(root, "SignedInfo")))
        own_certificate = self.doctor.signature.certificate.der
        strangers = {
            name: pair.signature.certificate.der for name, pair in self.world.people.items() if name != "doctor"
        }
        for name, stranger in strangers.items():
            yield f"{name}'s certificate", envelope(Forger(self.forger.key, (stranger,)).sign(self.bare))
            yield (
                f"{name}'s certificate first",
                envelope(Forger(self.forger.key, (stranger, own_certificate)).sign(self.bare)),
            )
        yield "five certificates", envelope(Forger(self.forger.key, (own_certificate,) * 5).sign(self.bare))
        yield "authentication certificate", envelope(Forger.of(self.doctor.authentication).sign(self.bare))
        for rubbish in (b"", b"\x30\x00", b"\x30\x80", own_certificate[:-1], own_certificate + b"\0", b"MIIC" * 9000):
            yield f"rubbish of {len(rubbish)} octets", envelope(Forger(self.forger.key, (rubbish,)).sign(self.bare))
        other_key = Forger(self.hospital.authentication.key._key, (own_certificate,))
        yield "another key", envelope(other_key.sign(self.bare))


def _nothing(_assertion: etree._Element) -> None:
    return None


def _first(root: etree._Element, local: str) -> etree._Element:
    return next(root.iter(f"{{*}}{local}"))


def _holder(assertion: etree._Element, name: str) -> etree._Element:
    return next(element for element in assertion.iter() if element.get(name) is not None)


def _remove(element: etree._Element) -> None:
    element.getparent().remove(element)


def _empty(element: etree._Element) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def _foreign(element: etree._Element) -> None:
    element.tag = f"{{urn:f}}{etree.QName(element).localname}"


def _double(element: etree._Element, changed: bool = False) -> None:
    copy = deepcopy(element)
    if changed:
        copy[0].set("code", "SM04")
    element.addnext(copy)


def _comment(element: etree._Element) -> None:
    parent = element.getparent()
    parent.replace(element, etree.Comment(etree.tostring(element).decode().replace("--", "- -")))


def _rename(element: etree._Element, tag: str) -> None:
    element.tag = tag


def _set(element: etree._Element, text: str) -> None:
    element.text = text


def _set_text(assertion: etree._Element, name: str, text: str) -> None:
    value = attribute(assertion, name)[0]
    _empty(value)
    value.text = text


def _again(assertion: etree._Element, name: str, spelling: str) -> None:
    second = deepcopy(attribute(assertion, name))
    second.set("Name", spelling)
    attribute(assertion, name).addnext(second)


def _claim(assertion: etree._Element, name: str, text: str) -> None:
    one = etree.SubElement(assertion.find(saml("AttributeStatement")), saml("Attribute"), Name=name)
    etree.SubElement(one, saml("AttributeValue")).text = text


def _conditions(assertion: etree._Element) -> etree._Element:
    found = assertion.find(saml("Conditions"))
    if found is None:
        found = etree.Element(saml("Conditions"))
        assertion.find(saml("Subject")).addnext(found)
    return found


def _audience(conditions: etree._Element, text: str) -> None:
    restriction = etree.SubElement(conditions, saml("AudienceRestriction"))
    etree.SubElement(restriction, saml("Audience")).text = text


def _confirmation(assertion: etree._Element) -> etree._Element:
    confirmation = etree.SubElement(assertion.find(saml("Subject")), saml("SubjectConfirmation"))
    confirmation.set("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
    return etree.SubElement(confirmation, saml("SubjectConfirmationData"))
