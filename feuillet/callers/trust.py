"""Trust as the settings describe it: the profiles, their revocation lists, and what of an assertion is accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from card_auth.trust import (
    ProfileError,
    RevocationLists,
    RevocationPolicy,
    TrustProfile,
    TrustStore,
    load_profile,
)
from card_auth.vihf import Verifier, VihfPolicy
from dmp.audit import Trail
from feuillet.callers.admission import Admission
from feuillet.callers.presented import PresentedAssertions
from feuillet.configuration import ConfigurationRefused
from feuillet.settings import Sections, TrustSettings
from soap.xml import parse_untrusted

#: The revocation lists, and whom one trusts by them.
OpenedTrust = tuple[RevocationLists, TrustStore]


def open_trust(trust: TrustSettings) -> OpenedTrust:
    """The revocation lists, still empty, and whom one trusts by them. Raises `ConfigurationRefused`."""
    profiles = load_profiles(trust.profiles)
    lists = RevocationLists(
        profiles, directory=trust.revocation_lists, interval=timedelta(minutes=trust.revocation_refresh_minutes)
    )
    revocation = RevocationPolicy(trust.revocation, timedelta(hours=trust.revocation_grace_hours))
    try:
        return lists, TrustStore(profiles, lists=lists, revocation=revocation, production=not trust.test_profiles)
    except ProfileError as error:
        raise ConfigurationRefused([f"trust.profiles: {error}"]) from None


def required_trust(settings: Sections) -> TrustSettings | None:
    """The section `[trust]`, which only an insecure demonstration may be without. Raises `ConfigurationRefused`."""
    if settings.trust is None and not settings.insecure_demo:
        expected = "expected [trust] with profiles; or --insecure-demo, for a demonstration on this machine"
        raise ConfigurationRefused([f"trust: {expected}"])
    return settings.trust


def open_admission(settings: Sections, trail: Trail, opened: OpenedTrust | None = None) -> Admission | None:
    """Who admits the callers; None where all are admitted unasked. Raises `ConfigurationRefused`.

    `opened` is the trust that other parts of the process use too: its lists are fetched once.
    """
    trust = required_trust(settings)
    if trust is None:
        return None
    lists, store = opened or open_trust(trust)
    verifier = Verifier(
        store, parse=parse_untrusted, replay=PresentedAssertions(trail.engine), policy=vihf_policy(trust)
    )
    peers = frozenset(trust.peers)
    return Admission(verifier, lists, trail=trail, peers=peers, required=not settings.insecure_demo)


def load_profiles(directory: Path) -> tuple[TrustProfile, ...]:
    """The profile of each directory in `directory`. Raises `ConfigurationRefused`."""
    places = sorted(place.parent for place in directory.glob("*/profile.toml"))
    if not places:
        raise ConfigurationRefused(["trust.profiles: expected directories with a profile.toml each"])
    try:
        return tuple(load_profile(place) for place in places)
    except ProfileError as error:
        raise ConfigurationRefused([f"trust.profiles: {error}"]) from None


def vihf_policy(trust: TrustSettings) -> VihfPolicy:
    """What is accepted of an assertion."""
    policy = VihfPolicy(
        window=timedelta(seconds=trust.window_seconds),
        skew=timedelta(seconds=trust.skew_seconds),
        session=timedelta(hours=trust.session_hours),
        audiences=frozenset(trust.audiences),
        recipients=frozenset(trust.recipients),
        homologations=None if trust.homologations is None else frozenset(trust.homologations),
    )
    if trust.patient_authorities is None:
        return policy
    return replace(policy, patient_authorities=frozenset(trust.patient_authorities))
