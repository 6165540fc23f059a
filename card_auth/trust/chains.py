"""From a holder's certificate to a pinned anchor (RFC 5280: 6), for one purpose, at one moment. Asks no network."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from card_auth.certificates import (
    EKU_ANY,
    EKU_CLIENT_AUTHENTICATION,
    EKU_EMAIL_PROTECTION,
    EXT_AUTHORITY_KEY_ID,
    EXT_BASIC_CONSTRAINTS,
    EXT_CERTIFICATE_POLICIES,
    EXT_EXTENDED_KEY_USAGE,
    EXT_KEY_USAGE,
    EXT_NAME_CONSTRAINTS,
    EXT_SUBJECT_ALTERNATIVE_NAME,
    EXT_SUBJECT_KEY_ID,
    Certificate,
    KeyUsage,
)
from card_auth.errors import CertificateUnreadable
from card_auth.professionals import (
    EXT_CARD_NUMBER,
    EXT_CARD_TYPE,
    EXT_FUTURE_PROFESSION,
    EXT_PROFESSION,
    EXT_SPECIALITIES,
    ProfessionalCertificate,
    read_professional,
)
from card_auth.trust.algorithms import refusal_of_signature, uses_sha1
from card_auth.trust.profiles import DEEPEST, Authority, HolderGroup, TrustProfile
from card_auth.trust.refusals import ChainRefused, Refusal

MOST_OFFERED: Final = 8  # certificates that come with the holder's
_MOST_CHECKS: Final = 16  # signatures checked for one chain, whatever is offered
_EKU_DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"
_UNDERSTOOD: Final = frozenset(
    {
        EXT_AUTHORITY_KEY_ID,
        EXT_BASIC_CONSTRAINTS,
        EXT_CERTIFICATE_POLICIES,
        EXT_EXTENDED_KEY_USAGE,
        EXT_KEY_USAGE,
        EXT_SUBJECT_ALTERNATIVE_NAME,
        EXT_SUBJECT_KEY_ID,
        EXT_CARD_NUMBER,
        EXT_CARD_TYPE,
        EXT_FUTURE_PROFESSION,
        EXT_PROFESSION,
        EXT_SPECIALITIES,
    }
)


class Purpose(enum.Enum):
    """What a certificate is presented for."""

    ASSERTION = "to sign an assertion"
    DOCUMENT = "to sign a document"
    TLS_CLIENT = "to open a connection"


_KEY_USAGES: Final = {
    Purpose.ASSERTION: KeyUsage.NON_REPUDIATION,
    Purpose.DOCUMENT: KeyUsage.NON_REPUDIATION,
    Purpose.TLS_CLIENT: KeyUsage.DIGITAL_SIGNATURE,
}
_SIGNING_PURPOSES: Final = frozenset({EKU_EMAIL_PROTECTION, _EKU_DOCUMENT_SIGNING, EKU_ANY})
_EXTENDED_KEY_USAGES: Final = {
    Purpose.ASSERTION: _SIGNING_PURPOSES,
    Purpose.DOCUMENT: _SIGNING_PURPOSES,
    Purpose.TLS_CLIENT: frozenset({EKU_CLIENT_AUTHENTICATION, EKU_ANY}),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """A path that holds: the holder's certificate first, the anchor last."""

    path: tuple[Certificate, ...]
    profile: TrustProfile
    holder: ProfessionalCertificate
    legacy_sha1: bool  # whether it holds only under the profile's exception for SHA-1


def build_chain(
    leaf: Certificate,
    offered: Sequence[Certificate],
    profile: TrustProfile,
    *,
    at: datetime.datetime,
    purpose: Purpose,
) -> Chain:
    """The chain from `leaf` to an anchor of `profile`, through pinned authorities and offered ones.

    Raises ChainRefused: of several paths that fail, with the reason of the one that came furthest.
    """
    # 1. the holder's certificate by itself
    _check_leaf(leaf, profile, at, purpose)
    # 2. the path, depth first, pinned authorities before offered ones
    search = _Search(profile, tuple(offered), at)
    path = search.extend((leaf,))
    if path is None:
        raise search.refusal or ChainRefused(
            Refusal.SELF_SIGNED if leaf.is_self_issued else Refusal.UNKNOWN_AUTHORITY, leaf.fingerprint
        )
    # 3. whether the nearest pinned authority may certify such a holder
    try:
        holder = read_professional(leaf)
    except CertificateUnreadable:
        raise ChainRefused(Refusal.UNREADABLE, leaf.fingerprint, "private extensions") from None
    pinned = {authority.certificate: authority for authority in profile.authorities}
    nearest = next(pinned[certificate] for certificate in path[1:] if certificate in pinned)
    if HolderGroup.of(holder.kind) not in nearest.issues:
        raise ChainRefused(Refusal.WRONG_HOLDER, leaf.fingerprint, holder.kind)
    legacy = any(uses_sha1(certificate.signature_algorithm) for certificate in path[:-1])
    return Chain(path, profile, holder, legacy)


def _check_leaf(leaf: Certificate, profile: TrustProfile, at: datetime.datetime, purpose: Purpose) -> None:
    if leaf.is_authority or leaf.may(KeyUsage.CERTIFICATE_SIGNATURE):
        raise ChainRefused(Refusal.IS_AN_AUTHORITY, leaf.fingerprint)
    if at > leaf.not_after:
        raise ChainRefused(Refusal.EXPIRED, leaf.fingerprint, f"on {leaf.not_after:%Y-%m-%d}")
    if at < leaf.not_before:
        raise ChainRefused(Refusal.NOT_YET_VALID, leaf.fingerprint, f"before {leaf.not_before:%Y-%m-%d}")
    if not leaf.may(_KEY_USAGES[purpose]):
        raise ChainRefused(Refusal.WRONG_KEY_USAGE, leaf.fingerprint, purpose.value)
    purposes = leaf.extended_key_usage
    if purposes is not None and not purposes & _EXTENDED_KEY_USAGES[purpose]:
        raise ChainRefused(Refusal.WRONG_EXTENDED_KEY_USAGE, leaf.fingerprint, purpose.value)
    if profile.policies and not leaf.policies & profile.policies:
        raise ChainRefused(Refusal.WRONG_POLICY, leaf.fingerprint)
    _check_extensions(leaf)
    try:
        refusal = profile.algorithms.refusal_of_key(leaf.public_key())
    except CertificateUnreadable:
        refusal = Refusal.UNREADABLE
    if refusal:
        raise ChainRefused(refusal, leaf.fingerprint)


def _check_extensions(certificate: Certificate) -> None:
    for oid, extension in certificate.extensions.items():
        if oid == EXT_NAME_CONSTRAINTS:  # not interpreted: to trust such an authority would be to trust it with more
            raise ChainRefused(Refusal.NAME_CONSTRAINTS, certificate.fingerprint)
        if extension.critical and oid not in _UNDERSTOOD:
            raise ChainRefused(Refusal.UNKNOWN_CRITICAL_EXTENSION, certificate.fingerprint, oid)


class _Search:
    """The search for a path; remembers why the furthest one failed."""

    def __init__(self, profile: TrustProfile, offered: tuple[Certificate, ...], at: datetime.datetime) -> None:
        self._profile = profile
        self._offered = offered
        self._at = at
        self._checks_left = _MOST_CHECKS
        self._furthest = 0
        self.refusal: ChainRefused | None = None

    def extend(self, path: tuple[Certificate, ...]) -> tuple[Certificate, ...] | None:
        """The path up to an anchor, or None. Recursion is as deep as the chain: DEEPEST at most."""
        for issuer, pinned in self._issuers(path):
            try:
                self._check_link(path, issuer)
            except ChainRefused as refusal:
                if len(path) > self._furthest:
                    self._furthest, self.refusal = len(path), refusal
                continue
            longer = (*path, issuer)
            if pinned is not None and pinned.anchor:
                return longer
            if found := self.extend(longer):
                return found
        return None

    def _issuers(self, path: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, Authority | None]]:
        wanted = path[-1].issuer.canonical()
        pinned = {authority.certificate for authority in self._profile.authorities}
        for authority in self._profile.authorities:
            if authority.certificate not in path and authority.certificate.subject.canonical() == wanted:
                yield authority.certificate, authority
        for certificate in self._offered:
            if certificate in pinned or certificate in path or certificate.is_self_issued:
                continue  # what issued itself and is not pinned leads nowhere
            if certificate.subject.canonical() == wanted:
                yield certificate, None

    def _check_link(self, path: tuple[Certificate, ...], issuer: Certificate) -> None:
        child = path[-1]
        if len(path) >= DEEPEST:
            raise ChainRefused(Refusal.PATH_TOO_LONG, child.fingerprint)
        if not issuer.is_authority:
            raise ChainRefused(Refusal.NOT_AN_AUTHORITY, issuer.fingerprint)
        if not issuer.may(KeyUsage.CERTIFICATE_SIGNATURE):
            raise ChainRefused(Refusal.AUTHORITY_MAY_NOT_SIGN, issuer.fingerprint)
        below = sum(not authority.is_self_issued for authority in path[1:])
        if issuer.path_length is not None and below > issuer.path_length:  # RFC 5280: 4.2.1.9
            raise ChainRefused(Refusal.PATH_TOO_LONG, issuer.fingerprint)
        if self._at > issuer.not_after:
            raise ChainRefused(Refusal.AUTHORITY_EXPIRED, issuer.fingerprint, f"on {issuer.not_after:%Y-%m-%d}")
        if self._at < issuer.not_before:
            raise ChainRefused(Refusal.AUTHORITY_NOT_YET_VALID, issuer.fingerprint)
        _check_extensions(issuer)
        if None not in (child.authority_key_id, issuer.subject_key_id) and (
            child.authority_key_id != issuer.subject_key_id
        ):
            raise ChainRefused(Refusal.KEY_MISMATCH, child.fingerprint)
        if not self._checks_left:
            raise ChainRefused(Refusal.TOO_MANY_CERTIFICATES, child.fingerprint)
        self._checks_left -= 1
        policy = self._profile.algorithms
        algorithm = child.signature_algorithm
        if refusal := refusal_of_signature(child.signed, child.signature, algorithm, issuer, policy, at=self._at):
            raise ChainRefused(refusal, child.fingerprint)
