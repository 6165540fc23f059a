"""The one question that servers ask: is this certificate, presented for this purpose now, of someone we trust?"""

from __future__ import annotations

import datetime
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from card_auth.certificates import Certificate
from card_auth.errors import CertificateUnreadable
from card_auth.professionals import ProfessionalCertificate
from card_auth.trust.chains import MOST_OFFERED, Chain, Purpose, build_chain
from card_auth.trust.lists import Freshness, RevocationLists
from card_auth.trust.profiles import Family, ProfileError, TrustProfile
from card_auth.trust.refusals import ChainRefused, Refusal

_MOST_REMEMBERED: Final = 4096  # chains: the callers of a large hospital


@dataclass(frozen=True, slots=True)
class RevocationPolicy:
    """How fresh the lists must be. By default a missing list refuses, and an old one counts for a day more.

    A chain that was trusted on an old list says so (`TrustedChain.revocation`): refuse writing and breaking the glass.
    """

    required: bool = True  # False: certificates are trusted without any list, which suits demonstrations only
    grace: datetime.timedelta = datetime.timedelta(hours=24)  # after a list's nextUpdate


@dataclass(frozen=True, slots=True)
class TrustedChain:
    """A certificate that is trusted for a purpose, and what else a decision needs to know."""

    certificate: Certificate
    path: tuple[Certificate, ...] = field(repr=False)  # the holder's first, the anchor last
    holder: ProfessionalCertificate
    profile: str
    family: Family
    purpose: Purpose
    revocation: Freshness  # FRESH, STALE within the grace, or NOT_CHECKED
    legacy_sha1: bool  # trusted only under the dated exception: to be audited at each use
    valid_until: datetime.datetime  # the first certificate of the path to expire


@dataclass(frozen=True, slots=True)
class _Remembered:
    chain: TrustedChain
    generation: int
    since: datetime.datetime
    until: datetime.datetime


class TrustStore:
    """Pinned profiles with their revocation lists. Safe to use from several threads; never asks the network."""

    def __init__(
        self,
        profiles: Iterable[TrustProfile],
        *,
        lists: RevocationLists | None = None,
        revocation: RevocationPolicy = RevocationPolicy(),
        production: bool = True,
        remember: datetime.timedelta = datetime.timedelta(minutes=5),
    ) -> None:
        """Raises ProfileError: no profile, a test profile in production, or lists required and not given."""
        self.profiles = tuple(profiles)
        if not self.profiles:
            raise ProfileError("No trust profile is configured: nobody could be trusted.")
        if production and (test := [profile.name for profile in self.profiles if profile.test]):
            raise ProfileError(f"The trust profile {test[0]} is for tests and must not be used in production.")
        if revocation.required and lists is None:
            raise ProfileError("Revocation lists are required and none are configured.")
        self._lists = lists
        self._revocation = revocation
        self._remember = remember
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def verify_chain(
        self,
        certificate: Certificate | bytes,
        intermediates: Sequence[Certificate | bytes] = (),
        *,
        at: datetime.datetime,
        purpose: Purpose,
    ) -> TrustedChain:
        """The trusted chain of `certificate` (DER or read) at that moment (aware, UTC). Raises ChainRefused.

        What was trusted is remembered for minutes, by the digest of all that was presented and until a list changes:
        the same caller's next request costs microseconds.
        """
        generation = self._lists.generation if self._lists else 0
        presented = tuple(one if isinstance(one, bytes) else one.der for one in (certificate, *intermediates))
        key = _digest(presented, purpose)
        with self._lock:
            known = self._remembered.get(key)
            if known and known.generation == generation and known.since <= at < known.until:
                self._remembered.move_to_end(key)
                return known.chain
        if len(intermediates) > MOST_OFFERED:
            raise ChainRefused(Refusal.TOO_MANY_CERTIFICATES, detail=str(len(intermediates)))
        leaf = _read(certificate)
        chain = self._first_chain(leaf, tuple(_read(one) for one in intermediates), at, purpose)
        trusted, until = self._with_revocation(chain, at, purpose)
        since = max(one.not_before for one in chain.path)
        remembered = _Remembered(trusted, generation, max(since, at - self._remember), min(until, at + self._remember))
        with self._lock:
            self._remembered[key] = remembered
            self._remembered.move_to_end(key)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return trusted

    def _first_chain(
        self, leaf: Certificate, offered: tuple[Certificate, ...], at: datetime.datetime, purpose: Purpose
    ) -> Chain:
        """The chain in the first profile that has one; else the most telling refusal."""
        refusals = []
        for profile in self.profiles:
            try:
                return build_chain(leaf, offered, profile, at=at, purpose=purpose)
            except ChainRefused as refusal:
                refusals.append(refusal)
        vague = (Refusal.UNKNOWN_AUTHORITY, Refusal.SELF_SIGNED)
        raise next((one for one in refusals if one.reason not in vague), refusals[0])

    def _with_revocation(
        self, chain: Chain, at: datetime.datetime, purpose: Purpose
    ) -> tuple[TrustedChain, datetime.datetime]:
        """The trusted chain, and until when the conclusion holds without being drawn again. Raises ChainRefused."""
        valid_until = min(certificate.not_after for certificate in chain.path)
        until = valid_until
        legacy = chain.profile.algorithms.legacy_sha1
        if chain.legacy_sha1 and legacy:
            end = datetime.datetime.combine(legacy.until, datetime.time(), datetime.UTC)
            until = min(until, end)
        worst = Freshness.FRESH if self._lists else Freshness.NOT_CHECKED
        for certificate, issuer in zip(chain.path, chain.path[1:], strict=False):
            if self._lists is None:
                break
            freshness, boundary = self._check_revocation(self._lists, certificate, issuer, at, purpose)
            if freshness is not Freshness.FRESH:
                worst = freshness if worst is not Freshness.STALE else worst
            until = min(until, boundary) if boundary else until
        trusted = TrustedChain(
            certificate=chain.path[0],
            path=chain.path,
            holder=chain.holder,
            profile=chain.profile.name,
            family=chain.profile.family,
            purpose=purpose,
            revocation=worst,
            legacy_sha1=chain.legacy_sha1,
            valid_until=valid_until,
        )
        return trusted, until

    def _check_revocation(
        self,
        lists: RevocationLists,
        certificate: Certificate,
        issuer: Certificate,
        at: datetime.datetime,
        purpose: Purpose,
    ) -> tuple[Freshness, datetime.datetime | None]:
        status = lists.status(certificate, issuer, at)
        # a document stays signed when its signer's card is lost later; an assertion or a connection is of now
        if status.revoked_at is not None and (purpose is not Purpose.DOCUMENT or status.revoked_at <= at):
            reason = Refusal.AUTHORITY_REVOKED if certificate.is_authority else Refusal.REVOKED
            raise ChainRefused(reason, certificate.fingerprint, f"on {status.revoked_at:%Y-%m-%d}")
        if not self._revocation.required:
            known = status.freshness is not Freshness.UNKNOWN
            return (status.freshness if known else Freshness.NOT_CHECKED), status.fresh_until
        if status.fresh_until is None:
            raise ChainRefused(Refusal.REVOCATION_UNKNOWN, certificate.fingerprint)
        if status.freshness is Freshness.FRESH:
            return Freshness.FRESH, status.fresh_until
        end = status.fresh_until + self._revocation.grace
        if at > end:
            raise ChainRefused(
                Refusal.REVOCATION_STALE, certificate.fingerprint, f"since {status.fresh_until:%Y-%m-%dT%H:%MZ}"
            )
        return Freshness.STALE, end


def _read(certificate: Certificate | bytes) -> Certificate:
    try:
        return certificate if isinstance(certificate, Certificate) else Certificate.from_der(certificate)
    except CertificateUnreadable as error:
        raise ChainRefused(Refusal.UNREADABLE, detail=str(error)) from None


def _digest(presented: tuple[bytes, ...], purpose: Purpose) -> bytes:
    digest = hashlib.sha256(purpose.name.encode())
    for one in presented:
        digest.update(len(one).to_bytes(4, "big") + one)
    return digest.digest()
