"""What a VIHF states: the same words for those who issue one and for those who read one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from card_auth.caller import AccessMode, AuthenticationLevel, PurposeOfUse, Role, Software
from card_auth.vihf.vocabulary import DMP_RESOURCE, VihfVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Who asks, for whom, with what and why (CI-SIS, VIHF)."""

    version: VihfVersion = VihfVersion.V3_0
    mode: AccessMode
    subject: str  # NameID: PS_IdNat, or structure/internal identifier in the indirect modes
    subject_name: str | None = None  # required in the indirect modes; a card states it in the direct one
    roles: tuple[Role, ...]  # the profession first, then savoir-faire
    structure_id: str  # Struct_IdNat
    sector: str | None  # SAxx of TRE_R02
    purpose_of_use: PurposeOfUse = PurposeOfUse.NORMAL
    purpose_reason: str | None = None  # why the glass is broken
    resource_id: str | None = field(default=None, repr=False)  # the patient, CX; never in a log
    resource_urn: str = DMP_RESOURCE
    secret_connection: bool = False  # hidden from a minor's legal representatives, its traces included
    software: Software
    level: AuthenticationLevel
    authenticated_at: datetime.datetime  # aware


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when something counts; None where it is open."""

    start: datetime.datetime | None = None
    end: datetime.datetime | None = None  # the first moment at which it no longer counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """An assertion as it was read: nothing of it is true yet."""

    identifier: str
    issuer: str
    issued_at: datetime.datetime
    statement: Statement
    periods: tuple[Period, ...]  # of Conditions, SubjectConfirmation and AuthnStatement
    audiences: tuple[frozenset[str], ...]  # one set per AudienceRestriction: one of each must be us
    recipients: frozenset[str]  # SubjectConfirmationData/@Recipient: all must be us
    repeated: bool  # whether an attribute is there twice
