"""A CPS card read through its PKCS#11 module, without a PIN: who holds it, until when, and where they practise."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from card_auth import errors
from card_auth.certificates import Certificate
from card_auth.keys import PracticeSituation, modules, open_token, practice_situations, speciality
from card_auth.keys.modules import TokenInfo
from card_auth.keys.signing_key import KeyUse, use_of
from card_auth.professionals import HolderKind, ProfessionalCertificate, read_professional
from card_auth.readers.kind import CardKind


@dataclass(frozen=True, slots=True)
class CpsCard:
    """What a card of the CPS family says of its holder."""

    kind: CardKind  # CPS, CPE, or unknown when its certificates are of none of these
    token: TokenInfo
    holder: ProfessionalCertificate  # of the signature certificate, else of the authentication certificate
    signature: Certificate | None
    authentication: Certificate | None
    situations: tuple[PracticeSituation, ...]
    speciality: str | None  # TRE_R38; of the certificate, else of the card's data

    @property
    def tries_left(self) -> int | None:
        """PIN tries: 0 blocked, None when none is known to be spent."""
        return self.token.tries_left

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The holder's certificates."""
        return tuple(one for one in (self.authentication, self.signature) if one is not None)

    def check_validity(self, at: datetime.datetime) -> None:
        """Raises CertificateExpired or CertificateNotYetValid when one of the certificates is not valid then."""
        for certificate in self.certificates:
            if at > certificate.not_after:
                raise errors.CertificateExpired(since=certificate.not_after)
            if at < certificate.not_before:
                raise errors.CertificateNotYetValid(until=certificate.not_before)


def find_module(module: Path | None) -> Path:
    """`module`, or the first of the usual ones that is installed. Raises ModuleMissing."""
    if module is not None:
        return module
    installed = modules.installed_modules()
    if not installed:
        raise errors.ModuleMissing
    return installed[0]


def read_cps(module: Path | None = None, *, token_label: str | None = None, slot: int | None = None) -> CpsCard:
    """Read the card that `module` (or the installed one) shows.

    Raises SupportMissing, ModuleMissing, ModuleFailed, TokenMissing, CardPulledOut, KeyMissing (no certificate of a
    holder), CertificateUnreadable.
    """
    with open_token(find_module(module), token_label=token_label, slot=slot) as token:
        certificates = token.certificates()
        data = token.data_objects()
        info = token.info
    latest: dict[KeyUse, Certificate] = {}
    for certificate in certificates:
        if certificate.is_authority:
            continue
        try:
            use = use_of(certificate)
        except errors.WrongKeyUse:
            continue  # of another use than ours
        if use not in latest or certificate.not_after > latest[use].not_after:
            latest[use] = certificate
    signature, authentication = latest.get(KeyUse.SIGNATURE), latest.get(KeyUse.AUTHENTICATION)
    own = signature or authentication
    if own is None:
        raise errors.KeyMissing("The card shows no certificate of a holder.")
    holder = read_professional(own)
    kinds = {HolderKind.PROFESSIONAL: CardKind.CPS, HolderKind.EMPLOYEE: CardKind.CPE}
    return CpsCard(
        kind=kinds.get(holder.kind, CardKind.UNKNOWN),
        token=info,
        holder=holder,
        signature=signature,
        authentication=authentication,
        situations=practice_situations(data),
        speciality=next(iter(holder.specialities), None) or speciality(data),
    )
