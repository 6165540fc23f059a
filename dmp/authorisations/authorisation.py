"""Who may consult a record: what the values are.

Source: the French shared record's TD0.3 (setAuthorization), TD0.4 (patientList), TD1.6 (listAuthorizationByPatient).
An authorisation governs consultation only; feeding a record needs none.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from card_auth.caller import Caller
from dmp.records.consents import profession_of
from dmp.records.record import RecordStatus


class HolderKind(enum.IntEnum):
    """To whom an authorisation is given. The numbers are those in the database."""

    PERSON = 1
    STRUCTURE = 2


class AuthorisationStatus(enum.StrEnum):
    """What an authorisation is at a moment (keyword values of TD0.2 and TD1.6)."""

    VALID = "VALIDE"
    EXPIRED = "EXPIREE"
    NONE = "INEXISTANTE"
    FORBIDDEN = "INTERDITE"  # the patient has blocked the holder


class Mode(enum.StrEnum):
    """Which authorisations of a record are asked for (TD1.6)."""

    ACTIVE = "ACTIVE"
    FORBIDDEN = "INTERDITE"
    ALL = "TOUTE"


class DateType(enum.StrEnum):
    """By which of its dates a record enters a professional's list (TD0.4)."""

    LAST_AUTHORISATION = "LASTAUTORIZATION"
    LAST_DOCUMENT = "LASTDOC"


class ActKind(enum.IntEnum):
    """What was done about an authorisation. The numbers are those in the database."""

    GRANTED = 1
    REVOKED = 2
    BLOCKED = 3
    UNBLOCKED = 4
    BECAME_TREATING_DOCTOR = 5
    CEASED_TO_TREAT = 6
    MERGED = 7  # two records turned out to be one patient's


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who is authorised: a professional by PS_IdNat, or a structure by Struct_IdNat.

    `specialities` are pairs of code and label; `profession` is a code of TRE_G15.
    """

    kind: HolderKind
    identifier: str
    family_name: str = ""  # of a structure: its name
    first_name: str = ""
    specialities: tuple[tuple[str, str], ...] = ()
    profession: str = ""

    @classmethod
    def person(cls, caller: Caller) -> Self:
        """The caller as a professional."""
        specialities = tuple((role.code, role.display_name or "") for role in caller.roles)
        return cls(
            kind=HolderKind.PERSON,
            identifier=caller.national_id,
            family_name=caller.name,
            specialities=specialities,
            profession=profession_of(caller),
        )

    @classmethod
    def structure(cls, caller: Caller) -> Self:
        """The structure that the caller works for."""
        return cls(kind=HolderKind.STRUCTURE, identifier=caller.structure_id, family_name=caller.structure_name or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """How a holder stands to a record, and since when."""

    pk: int
    record_pk: int
    holder: Holder
    granted_at: datetime | None
    expires_at: datetime | None
    blocked_at: datetime | None
    treating_since: datetime | None
    last_action_at: datetime

    @property
    def is_treating_doctor(self) -> bool:
        return self.treating_since is not None

    def status(self, at: datetime) -> AuthorisationStatus:
        """What it is worth at a moment; a revoked one is as none."""
        if self.blocked_at is not None:
            return AuthorisationStatus.FORBIDDEN
        if self.expires_at is None:
            return AuthorisationStatus.NONE
        return AuthorisationStatus.VALID if at < self.expires_at else AuthorisationStatus.EXPIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisedRecord:
    """A row of a professional's list of records (TD0.4)."""

    record_pk: int
    identifiers: tuple[str, ...] = field(repr=False)
    birth_name: str = field(repr=False)
    usual_name: str = field(repr=False)
    first_name: str = field(repr=False)
    civility: str = field(repr=False)
    birth_date: str = field(repr=False)  # YYYYMMDD
    is_treating_doctor: bool
    last_access_at: datetime  # what the professional last did there
    last_authorisation_at: datetime
    last_update_at: datetime  # of the sheet, or a document added
    last_document_at: datetime | None  # when a document was last added


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that a decision about one patient and one caller needs, as it is at a moment (`standing`).

    `record_status` None: there is no record, and all else is as for nobody. `person` and `structure` are the
    authorisations of the caller and of their structure. `blocked`: one of the two is forbidden.
    `break_glass_open`: the caller broke the glass, and the time for it is not over. `minor`: the patient is under 18.
    """

    record_pk: int | None = None
    record_status: RecordStatus | None = None
    person: AuthorisationStatus = AuthorisationStatus.NONE
    structure: AuthorisationStatus = AuthorisationStatus.NONE
    is_treating_doctor: bool = False
    opposed_to_break_glass: bool = False
    opposed_to_regulation: bool = False
    masked_readable_in_emergency: bool = False
    break_glass_open: bool = False
    minor: bool = False

    @property
    def blocked(self) -> bool:
        """Whether the patient has blocked the caller, or their structure: there is no way in, whatever the mode."""
        forbidden = AuthorisationStatus.FORBIDDEN
        return self.person is forbidden or self.structure is forbidden

    @property
    def authorised(self) -> bool:
        """Whether the caller, or their structure, is authorised and neither blocked."""
        return not self.blocked and AuthorisationStatus.VALID in (self.person, self.structure)
