"""Which authorities are trusted, and for what: read from a directory that holds `profile.toml` and PEM files.

name = "igc-sante"
family = "igc-sante"                # or "igc-cps", "own": persons and structures are bound within one family
test = false                        # a test profile is refused by a store in production
policies = ["1.2.250.1.213.1.7.1"]  # accepted certificate policies; none given: any

[[authority]]
file = "ac-racine.pem"
sha256 = "9c2e…"                    # of the DER: the pin
anchor = true                       # chains may end here
issues = []                         # "person", "organisation", "other": what may stand directly below
revocation_lists = ["http://…", "lists/racine.crl"]

[legacy_sha1]                       # left out: SHA-1 is refused
until = 2027-06-30
authorities = ["ac-classe-1.pem"]
"""

from __future__ import annotations

import datetime
import enum
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from card_auth.certificates import Certificate
from card_auth.errors import CertificateUnreadable
from card_auth.professionals import HolderKind
from card_auth.trust.algorithms import AlgorithmPolicy, LegacySha1

DEEPEST: Final = 4  # certificates of a chain, the holder's and the anchor's included
_SUFFIXES: Final = (".pem", ".crt", ".cer")


class ProfileError(Exception):
    """A trust profile that cannot be used; nothing starts on half a profile."""


class Family(enum.StrEnum):
    """The public key infrastructures that certificates come from."""

    IGC_SANTE = "igc-sante"
    IGC_CPS = "igc-cps"
    OWN = "own"


class HolderGroup(enum.StrEnum):
    """Whom an authority may certify."""

    PERSON = "person"
    ORGANISATION = "organisation"
    OTHER = "other"

    @classmethod
    def of(cls, kind: HolderKind) -> HolderGroup:
        """The group of a holder."""
        if kind in {HolderKind.PROFESSIONAL, HolderKind.EMPLOYEE}:
            return cls.PERSON
        return cls.ORGANISATION if kind is HolderKind.ORGANISATION else cls.OTHER


@dataclass(frozen=True, slots=True)
class Authority:
    """A pinned authority."""

    certificate: Certificate
    anchor: bool
    issues: frozenset[HolderGroup]
    revocation_lists: tuple[str, ...] = ()  # paths and http(s) addresses


@dataclass(frozen=True, slots=True)
class TrustProfile:
    """A set of pinned authorities with the rules for what they sign."""

    name: str
    family: Family
    authorities: tuple[Authority, ...]
    algorithms: AlgorithmPolicy = field(default_factory=AlgorithmPolicy)
    policies: frozenset[str] = frozenset()  # accepted certificate policies; empty: any
    test: bool = False

    def __post_init__(self) -> None:
        if not any(authority.anchor for authority in self.authorities):
            raise ProfileError(f"The trust profile {self.name} has no anchor.")
        if len({authority.certificate for authority in self.authorities}) != len(self.authorities):
            raise ProfileError(f"The trust profile {self.name} names an authority twice.")
        for authority in self.authorities:
            if not authority.certificate.is_authority:
                raise ProfileError(f"The trust profile {self.name} names a certificate that is not an authority's.")


def load_profile(directory: Path) -> TrustProfile:
    """Read the profile of a directory. Raises ProfileError."""
    try:
        settings = tomllib.loads((directory / "profile.toml").read_text(encoding="utf-8"))
        authorities = {entry["file"]: _authority(directory, entry) for entry in settings.pop("authority", [])}
        return TrustProfile(
            name=str(settings.pop("name")),
            family=Family(settings.pop("family")),
            authorities=tuple(authorities.values()),
            algorithms=AlgorithmPolicy(legacy_sha1=_legacy(settings.pop("legacy_sha1", None), authorities)),
            policies=frozenset(settings.pop("policies", ())),
            test=_flag(settings.pop("test", False)),
            **_nothing_else(settings),
        )
    except (OSError, KeyError, TypeError, ValueError, CertificateUnreadable) as error:
        raise ProfileError(f"The trust profile in {directory} cannot be used: {error}") from None


def load_directory(directory: Path, *, name: str, family: Family = Family.OWN, test: bool = False) -> TrustProfile:
    """A profile of every certificate file in a directory: those that issued themselves are anchors.

    All may certify whom they like; an authority's list is the `.crl` file of the same stem. Raises ProfileError.
    """
    authorities = []
    try:
        for file in sorted(directory.iterdir()):
            if file.suffix in _SUFFIXES:
                lists = (str(file.with_suffix(".crl")),) if file.with_suffix(".crl").exists() else ()
                authorities += [
                    Authority(certificate, certificate.is_self_issued, frozenset(HolderGroup), lists)
                    for certificate in Certificate.from_pem(file.read_bytes())
                ]
    except (OSError, CertificateUnreadable) as error:
        raise ProfileError(f"The trust directory {directory} cannot be used: {error}") from None
    return TrustProfile(name, family, tuple(authorities), test=test)


def _authority(directory: Path, entry: dict[str, Any]) -> Authority:
    known = {"file", "sha256", "anchor", "issues", "revocation_lists"}
    if unknown := set(entry) - known:
        raise ValueError(f"unknown setting {min(unknown)} of an authority")
    certificates = Certificate.from_pem((directory / entry["file"]).read_bytes())
    if len(certificates) != 1:
        raise ValueError(f"{entry['file']} holds more than one certificate")
    if certificates[0].fingerprint != str(entry["sha256"]).replace(":", "").lower():
        raise ValueError(f"{entry['file']} is not the certificate that is pinned")
    return Authority(
        certificates[0],
        _flag(entry.get("anchor", False)),
        frozenset(HolderGroup(group) for group in entry.get("issues", ())),
        tuple(_located(directory, entry.get("revocation_lists", ()))),
    )


def _located(directory: Path, locations: Iterable[str]) -> Iterable[str]:
    for location in locations:
        yield location if location.startswith(("http://", "https://")) else str(directory / location)


def _legacy(settings: dict[str, Any] | None, authorities: dict[str, Authority]) -> LegacySha1 | None:
    if settings is None:
        return None
    until = settings["until"]
    if type(until) is not datetime.date:
        raise ValueError("legacy_sha1.until is not a date")
    return LegacySha1(until, frozenset(authorities[file].certificate.fingerprint for file in settings["authorities"]))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("a setting is neither true nor false")
    return value


def _nothing_else(settings: dict[str, Any]) -> dict[str, Any]:
    if settings:
        raise ValueError(f"unknown setting {min(settings)}")
    return {}
