"""What there is to examine: an assertion in its message, and the connection it came on.

Everything that is read from the assertion is read from bytes in canonical form: those that its digest and its
signature are computed over. What is verified is what is read.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Callable
from copy import deepcopy
from functools import cached_property, lru_cache
from typing import Final, cast

from lxml import etree

from card_auth.caller import AccessMode
from card_auth.certificates import Certificate
from card_auth.errors import CertificateUnreadable
from card_auth.professionals import ProfessionalCertificate, read_professional
from card_auth.trust import Family, TrustedChain, TrustStore
from card_auth.vihf.claims import read_claims
from card_auth.vihf.policy import VihfPolicy
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.replay import ReplayGuard
from card_auth.vihf.statement import Claims
from card_auth.vihf.vocabulary import ASSERTION, DS, EXC_C14N, SIGNATURE

#: The hardened parser: gives the root element of a document, or raises whatever the document is refused with.
Parse = Callable[[bytes], etree._Element]

_PREFIX_LIST: Final = f"{{{EXC_C14N}}}InclusiveNamespaces"
_MOST_PREFIXES: Final = 16  # canonicalisation looks for each of them at each element
_LONGEST_BASE64: Final = 32 * 1024  # characters: a certificate of 16 KB, or a signature


class Evidence:
    """One assertion under examination. What a gate asks for is worked out then, once; raises AssertionRefused.

    What only a gate can establish starts at its worst: a gate left out never makes a better impression.
    """

    def __init__(
        self,
        security: etree._Element,
        peer_certificate: bytes | None,
        *,
        parse: Parse,
        trust: TrustStore,
        policy: VihfPolicy,
        replay: ReplayGuard,
        at: datetime.datetime,
    ) -> None:
        self.security = security
        self.peer_certificate = peer_certificate
        self.parse = parse
        self.trust = trust
        self.policy = policy
        self.replay = replay
        self.at = at
        self.signer_chain: TrustedChain | None = None
        self.peer_family: Family | None = None
        self.legacy_sha1 = True

    @cached_property
    def document(self) -> etree._Element:
        """The root of the whole message."""
        return self.security.getroottree().getroot()

    @cached_property
    def assertion(self) -> etree._Element:
        """The assertion as it stands in the header."""
        found = self.security.find(ASSERTION)
        if found is None:
            raise AssertionRefused(Reason.NO_ASSERTION)
        return found

    @cached_property
    def signature(self) -> etree._Element:
        """The assertion's own signature."""
        found = self.assertion.find(SIGNATURE)
        if found is None:
            raise AssertionRefused(Reason.NO_SIGNATURE)
        return found

    @cached_property
    def signed_info_bytes(self) -> bytes:
        """What the signature value is computed over: SignedInfo in exclusive canonical form."""
        signed_info = self.signature.find(_ds("SignedInfo"))
        if signed_info is None:
            raise AssertionRefused(Reason.NO_SIGNATURE, "SignedInfo")
        return canonical(signed_info, _prefixes(signed_info, "CanonicalizationMethod"))

    @cached_property
    def signed_info(self) -> etree._Element:
        """SignedInfo as those bytes say it."""
        return self._again(self.signed_info_bytes)

    @cached_property
    def signed_bytes(self) -> bytes:
        """What the digest is computed over: the assertion without its signature, in exclusive canonical form."""
        prefixes = _prefixes(self.signed_info, "Transform")
        # a copy in the same namespaces, since a PrefixList may name some that only the envelope declares
        namespaces = cast("dict[str, str]", self.assertion.nsmap)  # the stubs know of no default namespace
        surroundings = etree.Element("surroundings", nsmap=namespaces)
        surroundings.append(deepcopy(self.assertion))
        signature = surroundings[0].find(SIGNATURE)
        if signature is not None:
            _take_out(signature)
        return canonical(surroundings[0], prefixes)

    @cached_property
    def claims(self) -> Claims:
        """The claims, as those bytes say them."""
        mode = AccessMode.DIRECT if self.signer.is_person else AccessMode.INDIRECT
        return read_claims(self._again(self.signed_bytes), unstated_mode=mode)

    @cached_property
    def signature_value(self) -> bytes:
        """The signature's octets."""
        return decoded(self.signature, "SignatureValue")

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The signer's certificate, and those of authorities that came with it. Whom they name is not yet true."""
        data = self.signature.iterfind(f"{_ds('KeyInfo')}/{_ds('X509Data')}/{_ds('X509Certificate')}")
        try:
            certificates = tuple(Certificate.from_der(_from_base64(element)) for element in data)
        except CertificateUnreadable:
            raise AssertionRefused(Reason.UNREADABLE_CERTIFICATE) from None
        if not certificates:
            raise AssertionRefused(Reason.UNREADABLE_CERTIFICATE, "none")
        return certificates

    @cached_property
    def signer(self) -> ProfessionalCertificate:
        """The holder of the signer's certificate."""
        return _holder(self.certificates[0], Reason.UNREADABLE_CERTIFICATE)

    @cached_property
    def peer(self) -> ProfessionalCertificate:
        """The holder of the connection's certificate."""
        if not self.peer_certificate:
            raise AssertionRefused(Reason.UNTRUSTED_CONNECTION, "no certificate")
        try:
            certificate = Certificate.from_der(self.peer_certificate)
        except CertificateUnreadable:
            raise AssertionRefused(Reason.UNTRUSTED_CONNECTION, "unreadable") from None
        return _holder(certificate, Reason.UNTRUSTED_CONNECTION)

    def _again(self, data: bytes) -> etree._Element:
        try:
            return self.parse(data)
        except Exception as error:  # whatever the parser refuses with, nothing is read of what it refused
            raise AssertionRefused(Reason.UNREADABLE, type(error).__name__) from error


def canonical(element: etree._Element, prefixes: tuple[str, ...] = ()) -> bytes:
    """Exclusive canonical XML without comments. Raises AssertionRefused where there is no canonical form."""
    try:
        return etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes) or None
        )
    except etree.LxmlError:  # a relative namespace name, for one: no form, and never an empty one
        raise AssertionRefused(Reason.UNREADABLE, "no canonical form") from None


def decoded(parent: etree._Element, local: str) -> bytes:
    """The octets of the one base64 child of that name. Raises AssertionRefused."""
    element = parent.find(_ds(local))
    if element is None:
        raise AssertionRefused(Reason.NO_SIGNATURE, local)
    return _from_base64(element)


def _from_base64(element: etree._Element) -> bytes:
    text = element.text or ""
    try:
        if len(element) or len(text) > _LONGEST_BASE64:
            raise binascii.Error
        octets = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:  # binascii.Error is one
        raise AssertionRefused(Reason.UNKNOWN_CONTENT, str(element.tag).rpartition("}")[2]) from None
    return octets


def _prefixes(parent: etree._Element, local: str) -> tuple[str, ...]:
    """The PrefixList of the last method or transform of that name (Exclusive XML Canonicalization: 4)."""
    methods = parent.iter(_ds(local))
    lists = [one.get("PrefixList", "") for method in methods for one in method.iterchildren(_PREFIX_LIST)]
    prefixes = tuple(lists[-1].split()) if lists else ()
    if len(lists) > 1 or len(prefixes) > _MOST_PREFIXES:
        raise AssertionRefused(Reason.WRONG_REFERENCE, "PrefixList")
    return prefixes


def _take_out(element: etree._Element) -> None:
    """Remove an element and leave the text that follows it where it is."""
    parent, tail, previous = element.getparent(), element.tail, element.getprevious()
    if parent is None:
        return
    if tail and previous is not None:
        previous.tail = (previous.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def _holder(certificate: Certificate, reason: Reason) -> ProfessionalCertificate:
    try:
        return _professional(certificate)
    except CertificateUnreadable:
        raise AssertionRefused(reason, "private extensions", certificate.fingerprint) from None


@lru_cache(maxsize=1024)
def _professional(certificate: Certificate) -> ProfessionalCertificate:
    """The same few hundred holders come with every request."""
    return read_professional(certificate)


def _ds(local: str) -> str:
    return f"{{{DS}}}{local}"
