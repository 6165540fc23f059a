"""Whom we trust: pinned authorities by profile, chains to them, revocation. No request ever waits for the network."""

from card_auth.trust.algorithms import AlgorithmPolicy, LegacySha1
from card_auth.trust.chains import Purpose
from card_auth.trust.lists import Freshness, ListState, RevocationLists
from card_auth.trust.profiles import (
    Authority,
    Family,
    HolderGroup,
    ProfileError,
    TrustProfile,
    load_directory,
    load_profile,
)
from card_auth.trust.refusals import ChainRefused, Refusal
from card_auth.trust.store import RevocationPolicy, TrustedChain, TrustStore

__all__ = [
    "AlgorithmPolicy",
    "Authority",
    "ChainRefused",
    "Family",
    "Freshness",
    "HolderGroup",
    "LegacySha1",
    "ListState",
    "ProfileError",
    "Purpose",
    "Refusal",
    "RevocationLists",
    "RevocationPolicy",
    "TrustProfile",
    "TrustStore",
    "TrustedChain",
    "load_directory",
    "load_profile",
]
