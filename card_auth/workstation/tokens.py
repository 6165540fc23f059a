"""The PKCS#11 module, the card as it shows it, and the card's two certificates. Nothing here enters a PIN."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from card_auth import errors
from card_auth.certificates import Certificate
from card_auth.keys import KeyUse, modules, open_token
from card_auth.keys.modules import TokenInfo
from card_auth.keys.signing_key import use_of
from card_auth.professionals import read_professional
from card_auth.trust import ChainRefused, Purpose, RevocationPolicy, TrustProfile, TrustStore
from card_auth.workstation.findings import Finding, Subject, Verdict

SOON: Final = datetime.timedelta(days=30)  # in which a new card can be had
_SUBJECTS: Final = {
    KeyUse.AUTHENTICATION: Subject.AUTHENTICATION_CERTIFICATE,
    KeyUse.SIGNATURE: Subject.SIGNATURE_CERTIFICATE,
}
_PURPOSES: Final = {KeyUse.AUTHENTICATION: Purpose.TLS_CLIENT, KeyUse.SIGNATURE: Purpose.ASSERTION}
_USES: Final = {KeyUse.AUTHENTICATION: "opens connections", KeyUse.SIGNATURE: "signs assertions and documents"}


def check_module(module: Path | None) -> Iterator[Finding]:
    """Whether a module is there and can be loaded: the one that was named, or the first of the usual ones.

    Raises SupportMissing, ModuleMissing, ModuleFailed.
    """
    loaded = modules.load_module(chosen_module(module))
    detail = f"{loaded.path}: {loaded.description or 'a module without a description'}, version {loaded.version}."
    yield Finding(Subject.MODULE, Verdict.PASS, detail)


def check_tokens(module: Path | None, label: str | None) -> Iterator[Finding]:
    """The tokens of the module, each with its PIN's state. Raises TokenMissing, and what the module raises."""
    for info in tokens(module, label):
        yield _state_of_pin(info)


def check_certificates(
    module: Path | None, label: str | None, profile: TrustProfile | None, at: datetime.datetime
) -> Iterator[Finding]:
    """Both certificates of each token: there, valid at that moment, for their use, trusted when a profile is given.

    Raises TokenMissing, and what the module raises.
    """
    for info in tokens(module, label):
        with open_token(info.module, slot=info.slot) as token:
            certificates = token.certificates()
        for use in KeyUse:
            yield judge_pair_member(certificates, use, profile, at, about=info.label)


def tokens(module: Path | None, label: str | None) -> tuple[TokenInfo, ...]:
    """The tokens of that label, or all. Raises TokenMissing, and what the module raises."""
    found = modules.list_tokens(chosen_module(module))
    fitting = tuple(info for info in found if label in (None, info.label))
    if not fitting:
        raise errors.TokenMissing(f"The PKCS#11 module shows no token called {label}." if label and found else None)
    return fitting


def chosen_module(module: Path | None) -> Path:
    """The module that was named, or the first of the usual ones. Raises ModuleMissing."""
    if module is not None:
        return module
    installed = modules.installed_modules()
    if not installed:
        raise errors.ModuleMissing("None of the usual PKCS#11 modules is installed.")
    return installed[0]


def judge_pair_member(
    certificates: tuple[Certificate, ...],
    use: KeyUse,
    profile: TrustProfile | None,
    at: datetime.datetime,
    *,
    about: str = "",
) -> Finding:
    """The certificate of that use among a card's: of several, the one that lasts longest."""
    subject = _SUBJECTS[use]
    own = [one for one in certificates if not one.is_authority and _use(one) is use]
    if not own:
        detail = f"The card shows no certificate that {_USES[use]}."
        return Finding(subject, Verdict.FAIL, detail, errors.KeyMissing.remedy, about)
    certificate = max(own, key=lambda one: one.not_after)
    return judge_certificate(
        subject, certificate, at, profile=profile, purpose=_PURPOSES[use], offered=certificates, about=about
    )


def judge_certificate(
    subject: Subject,
    certificate: Certificate,
    at: datetime.datetime,
    *,
    profile: TrustProfile | None = None,
    purpose: Purpose | None = None,
    offered: tuple[Certificate, ...] = (),
    about: str = "",
) -> Finding:
    """Whether a holder's certificate is valid, and trusted by the profile. Revocation is the service's to judge."""
    if at > certificate.not_after:
        error: errors.CertificateError = errors.CertificateExpired(since=certificate.not_after)
        return Finding(subject, Verdict.FAIL, str(error), error.remedy, about)
    if at < certificate.not_before:
        error = errors.CertificateNotYetValid(until=certificate.not_before)
        return Finding(subject, Verdict.FAIL, str(error), error.remedy, about)
    detail = f"{_holder(certificate)}; valid until {certificate.not_after:%Y-%m-%d}"
    if profile is not None and purpose is not None:
        store = TrustStore([profile], revocation=RevocationPolicy(required=False), production=False)
        authorities = tuple(one for one in offered if one.is_authority)[:8]
        try:
            chain = store.verify_chain(certificate, authorities, at=at, purpose=purpose)
        except ChainRefused as refused:
            remedy = (
                "Use a card of the IGC that the service trusts; if it is one, bring the trust profile up to date "
                "(the service's support has it)."
            )
            return Finding(subject, Verdict.FAIL, f"{detail}; not trusted: {refused}", remedy, about)
        detail += f"; trusted by {chain.profile}"
    if certificate.not_after - at <= SOON:
        days = (certificate.not_after - at).days
        remedy = "Ask the card's issuer for a new card now: this one soon ends."
        return Finding(subject, Verdict.WARN, f"{detail}, which is in {days} days", remedy, about)
    return Finding(subject, Verdict.PASS, detail, about=about)


def _state_of_pin(info: TokenInfo) -> Finding:
    detail = f"serial {info.serial or 'unknown'}, {info.manufacturer} {info.model}".strip()
    if not info.pin_set:
        remedy = "Have the card's issuer or its software set the PIN."
        return Finding(Subject.TOKEN, Verdict.FAIL, f"The card has no PIN yet ({detail}).", remedy, info.label)
    if info.tries_left == 0:
        return Finding(
            Subject.TOKEN, Verdict.FAIL, errors.PinBlocked.summary, errors.PinBlocked.remedy, info.label or info.serial
        )
    if info.tries_left is not None:
        spent = "the last try is left" if info.tries_left == 1 else "a wrong PIN was entered"
        remedy = errors.PinIncorrect.remedy
        return Finding(Subject.TOKEN, Verdict.WARN, f"{detail}; {spent}", remedy, info.label)
    where = "entered on the reader" if info.pin_pad else "entered on the computer"
    return Finding(Subject.TOKEN, Verdict.PASS, f"{detail}; PIN set, {where}", about=info.label)


def _use(certificate: Certificate) -> KeyUse | None:
    try:
        return use_of(certificate)
    except errors.WrongKeyUse:
        return None


def _holder(certificate: Certificate) -> str:
    try:
        holder = read_professional(certificate)
    except errors.CertificateUnreadable:
        return "a holder whose extensions cannot be read"
    return f"{holder.name} ({holder.kind.value} {holder.national_id or holder.structure_id or '-'})"
