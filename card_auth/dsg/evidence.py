"""What there is to examine: a signature document, the set that it is to sign, and who submits it.

Manifest and signed properties are read from bytes in canonical form: those that their digests are computed over, as
SignedInfo is from those that the signature is computed over. What is verified is what is read.
"""

from __future__ import annotations

import base64
import datetime
from copy import deepcopy
from functools import cached_property
from typing import Final, cast

from cryptography.hazmat.primitives import hashes
from lxml import etree

from card_auth.caller import Caller
from card_auth.certificates import Certificate
from card_auth.dsg.finding import Reason, SignatureRefused
from card_auth.dsg.instants import read_zoned_instant
from card_auth.dsg.policy import DsgPolicy
from card_auth.dsg.submitted import Content, Parse, SubmittedSet
from card_auth.dsg.vocabulary import C14N, CANONICALIZATIONS, MANIFEST_TYPE, XadesVersion, ds
from card_auth.errors import CertificateUnreadable
from card_auth.trust import TrustedChain, TrustStore
from card_auth.xmldsig import UnknownAlgorithm, digest_algorithm

_LONGEST_BASE64: Final = 32 * 1024  # characters: a certificate of 16 KB, or a signature


class Evidence:
    """One signature under examination. What a gate asks for is worked out then, once; raises SignatureRefused.

    What only a gate can establish starts at its worst: a gate left out never makes a better impression.
    """

    def __init__(
        self,
        signature: Content,
        submitted: SubmittedSet,
        *,
        caller: Caller | None,
        parse: Parse,
        parse_document: Parse,
        trust: TrustStore,
        policy: DsgPolicy,
        at: datetime.datetime,
    ) -> None:
        self.submitted = submitted
        self.caller = caller
        self.parse_document = parse_document
        self.trust = trust
        self.policy = policy
        self.at = at
        self.holds = False  # the signature itself: until then nobody is named
        self.chain: TrustedChain | None = None
        self.stale_revocation = True
        self.legacy_sha1 = True
        self.unjudged: Reason | None = Reason.NOBODY_KNOWN
        self._parse = parse
        self._signature = signature

    @cached_property
    def root(self) -> etree._Element:
        """The signature document as it came."""
        size = self._signature.size
        if size > self.policy.largest_signature:
            raise SignatureRefused(Reason.TOO_LARGE, f"{size} octets")
        return self._read(b"".join(self._signature.chunks()))

    @cached_property
    def version(self) -> XadesVersion:
        """The version of XAdES: one namespace of its elements."""
        for version in self.policy.versions:
            if self.root.find(f"{ds('Object')}/{{{version.namespace}}}QualifyingProperties") is not None:
                return version
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, "no QualifyingProperties of an accepted version")

    @cached_property
    def signed_info_bytes(self) -> bytes:
        """What the signature value is computed over."""
        signed_info = self._only(self.root, ds("SignedInfo"))
        return canonical(signed_info, algorithm_of(signed_info, "CanonicalizationMethod"))

    @cached_property
    def signed_info(self) -> etree._Element:
        """SignedInfo as those bytes say it."""
        return self._read(self.signed_info_bytes)

    @cached_property
    def manifest_bytes(self) -> bytes:
        """What the digest of the manifest is computed over."""
        manifest = self._only(self.root, f"{ds('Object')}/{ds('Manifest')}")
        return part_in(manifest, self.reference(MANIFEST_TYPE))

    @cached_property
    def manifest(self) -> etree._Element:
        """The manifest as those bytes say it."""
        return self._read(self.manifest_bytes)

    @cached_property
    def properties_bytes(self) -> bytes:
        """What the digest of the signed properties is computed over."""
        path = f"{ds('Object')}/{self.xades('QualifyingProperties')}/{self.xades('SignedProperties')}"
        reference = self.reference(self.version.properties_type)
        return part_in(self._only(self.root, path), reference)

    @cached_property
    def properties(self) -> etree._Element:
        """SignedSignatureProperties as those bytes say them."""
        return self._only(self._read(self.properties_bytes), self.xades("SignedSignatureProperties"))

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The signer's certificate, and those of authorities that came with it. Whom they name is not yet true."""
        path = f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}"
        try:
            found = tuple(Certificate.from_der(from_base64(element)) for element in self.root.iterfind(path))
        except CertificateUnreadable:
            raise SignatureRefused(Reason.UNREADABLE_CERTIFICATE) from None
        if not found:
            raise SignatureRefused(Reason.UNREADABLE_CERTIFICATE, "none")
        return found

    @cached_property
    def signed_at(self) -> datetime.datetime:
        """SigningTime (aware, UTC); what the signer says."""
        text = self._only(self.properties, self.xades("SigningTime")).text or ""
        try:
            return read_zoned_instant(text.strip())
        except ValueError:
            raise SignatureRefused(Reason.MALFORMED_TIME) from None

    @property
    def trusted(self) -> TrustedChain:
        """The signer's chain, once `trusted_signer` has established it."""
        if self.chain is None:
            raise SignatureRefused(Reason.UNTRUSTED_SIGNER)
        return self.chain

    def reference(self, kind: str) -> etree._Element:
        """The one reference of SignedInfo of that Type."""
        found = [one for one in self.signed_info.iterfind(ds("Reference")) if one.get("Type") == kind]
        if len(found) != 1:
            raise SignatureRefused(Reason.WRONG_REFERENCE, f"{len(found)} of Type {kind[:80]}")
        return found[0]

    def xades(self, local: str) -> str:
        """The Clark name of an element of XAdES in the version that is spoken."""
        return f"{{{self.version.namespace}}}{local}"

    def _read(self, data: bytes) -> etree._Element:
        try:
            return self._parse(data)
        except Exception as error:  # whatever the parser refuses with, nothing is read of what it refused
            raise SignatureRefused(Reason.UNREADABLE, type(error).__name__) from None

    @staticmethod
    def _only(parent: etree._Element, path: str) -> etree._Element:
        found = parent.findall(path)
        if len(found) != 1:
            raise SignatureRefused(Reason.NO_SIGNATURE, path.rpartition("}")[2])
        return found[0]


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """An element in canonical form, in the namespaces that it stands in. Raises SignatureRefused."""
    method = CANONICALIZATIONS.get(algorithm)
    if method is None:
        raise SignatureRefused(Reason.WRONG_TRANSFORM, algorithm[:80])
    # A copy that is a document of its own, in the same namespaces: within another one libxml2 takes a default namespace
    # that was declared further up for none, and writes so.
    namespaces = cast("dict[str, str]", element.nsmap)  # the stubs know of no default namespace
    whole = etree.Element(element.tag, nsmap=namespaces)
    for name, value in element.attrib.items():
        whole.set(name, value)
    whole.text = element.text
    whole.extend([deepcopy(child) for child in element])
    try:
        return etree.tostring(
            whole.getroottree(), method="c14n", exclusive=method.exclusive, with_comments=method.comments
        )
    except etree.LxmlError:  # a relative namespace name, for one: no form, and never an empty one
        raise SignatureRefused(Reason.UNREADABLE, "no canonical form") from None


def algorithm_of(parent: etree._Element, local: str) -> str:
    """The Algorithm of the child of that name; empty without one."""
    element = parent.find(ds(local))
    return "" if element is None else element.get("Algorithm", "")


def transform_of(reference: etree._Element) -> str | None:
    """The one transform of a reference; None where there is none. Raises SignatureRefused for several."""
    transforms = reference.findall(f"{ds('Transforms')}/{ds('Transform')}")
    if len(transforms) > 1 or (not transforms and reference.find(ds("Transforms")) is not None):
        raise SignatureRefused(Reason.WRONG_TRANSFORM, f"{len(transforms)} transforms")
    return transforms[0].get("Algorithm", "") if transforms else None


def part_in(element: etree._Element, reference: etree._Element) -> bytes:
    """A part of the signature document in the form that a reference to it says."""
    transform = transform_of(reference)
    return canonical(element, C14N if transform is None else transform)  # XML Signature 1.1: 4.4.3.2


def hash_named(algorithm: str) -> hashes.HashAlgorithm:
    """The hash of that URI. Raises SignatureRefused."""
    try:
        return digest_algorithm(algorithm)
    except UnknownAlgorithm:
        raise SignatureRefused(Reason.WEAK_ALGORITHM, algorithm[:80]) from None


def from_base64(element: etree._Element | None) -> bytes:
    """The octets of a base64 element. Raises SignatureRefused."""
    text = "" if element is None else element.text or ""
    try:
        if element is None or len(element) or len(text) > _LONGEST_BASE64:
            raise ValueError
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # binascii.Error is one
        name = "" if element is None else str(element.tag).rpartition("}")[2]
        raise SignatureRefused(Reason.UNKNOWN_CONTENT, name) from None
