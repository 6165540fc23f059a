"""The caller of a request: what verification has established, and nothing that was only claimed."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field


class AccessMode(enum.StrEnum):
    """How the person was identified (VIHF attribute Authentification_Mode)."""

    DIRECT = "DIRECTE"  # by their own card
    INDIRECT = "INDIRECTE"  # by their establishment, which answers for them
    REINFORCED_INDIRECT = "INDIRECTE_RENFORCEE"  # by their establishment, which identified them with two factors


class PurposeOfUse(enum.StrEnum):
    """Why the record is opened (NOS TRE_R248, 1.2.250.1.213.1.1.4.248)."""

    NORMAL = "normal"
    BREAK_GLASS = "bris_de_glace"
    REGULATION = "centre_15"


class AuthenticationLevel(enum.StrEnum):
    """How the person proved who they are (SAML 2.0 authentication context classes)."""

    SMARTCARD = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
    TLS_CLIENT = "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient"
    MOBILE_TWO_FACTOR = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered"
    PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"  # noqa: S105 (the name of a class, not a secret)
    UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"


@dataclass(frozen=True, slots=True)
class Role:
    """A coded role: a profession (TRE_G15), a speciality or other savoir-faire (TRE_R38), a function."""

    code: str
    code_system: str  # OID
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Software:
    """The software that speaks for the person."""

    name: str
    version: str | None = None
    identifier: str | None = None  # LPS_ID: this installation
    homologation: str | None = None  # LPS_ID_HOMOLOGATION_DMP: the number of its approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person or an automaton, as a verified assertion and its connection name them. Cannot be changed."""

    national_id: str  # PS_IdNat, or structure/internal identifier in the indirect modes
    name: str
    roles: tuple[Role, ...]  # the profession first, then savoir-faire
    structure_id: str  # Struct_IdNat
    structure_name: str | None
    sector: str | None  # SAxx of TRE_R02 (1.2.250.1.71.4.2.4)
    mode: AccessMode
    purpose_of_use: PurposeOfUse
    purpose_reason: str | None = None  # why the glass was broken, in the person's words
    resource_id: str | None = field(default=None, repr=False)  # the patient (CX with the INS); never in a log
    secret_connection: bool = False  # a minor's access that legal representatives must not see
    software: Software | None = None
    certificate_fingerprint: str = ""  # SHA-256 of the signature certificate, hex
    assertion_id: str = ""
    issuer: str = ""  # of the assertion: the subject of the signature certificate, as the assertion writes it
    level: AuthenticationLevel = AuthenticationLevel.UNSPECIFIED
    authenticated_at: datetime.datetime | None = None
    stale_revocation: bool = False  # trusted on a revocation list past its nextUpdate: enough to read, no more
    legacy_sha1: bool = False  # trusted only under the dated exception for SHA-1: to be audited at each use

    @property
    def profession(self) -> Role | None:
        """The first role."""
        return self.roles[0] if self.roles else None

    @property
    def specialities(self) -> tuple[Role, ...]:
        """The roles after the profession."""
        return self.roles[1:]
