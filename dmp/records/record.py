"""A patient's shared record: its identifiers, its status, and who it is about."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dmp.records.consents import Author
from dmp.records.traits import Sheet


class RecordStatus(enum.IntEnum):
    """Where a record is in its life. The numbers are those in the database."""

    ACTIVE = 1
    CLOSED = 2
    DESTROYED = 3


class ClosingReason(enum.StrEnum):
    """Why a record is closed (1.2.250.1.213.4.1.2.4). Only the first is documented; the second is ours."""

    PATIENT_REQUEST = "FERMETURE_DEMANDE_PATIENT"
    DEATH = "DECES"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A step of a record's life; `note` is the free text that came with it."""

    status: RecordStatus
    at: datetime
    author: Author
    reason: str = ""  # a ClosingReason, or what else led to it
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it stands.

    `identifiers` are national ones, the first is the one it is shown under; `local_identifiers` (PI) are those of
    establishments, each with its authority. `sheet` is None once the record was destroyed.
    """

    pk: int
    status: RecordStatus
    identifiers: tuple[str, ...] = field(repr=False)
    local_identifiers: tuple[str, ...] = field(default=(), repr=False)
    sheet: Sheet | None = field(default=None, repr=False)
    sheet_version: int = 1
    opened_at: datetime
    closed_at: datetime | None = None
    closing_reason: str = ""
    closing_note: str = field(default="", repr=False)
    opposed_to_break_glass: bool = False
    opposed_to_regulation: bool = False
    masked_readable_in_emergency: bool = False
    legal_hold: bool = False

    @property
    def active(self) -> bool:
        return self.status is RecordStatus.ACTIVE

    @property
    def patient(self) -> str:
        """The identifier that the record is shown under."""
        return self.identifiers[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """What a deployment decides about records; what it leaves open is as `rules.toml` has it (`rules.current`).

    `minors_managed` and `masked_and_invisible` are the service's parameters `fonctions-gestion-mineurs` and
    `cumul-invisible_patient-masque_ps`.
    """

    minors_managed: bool = True
    masked_and_invisible: bool = False  # whether one document may be both hidden from the patient and masked
    dependants_of_general_regime: bool = False  # whether they can have a record
    reading_lifetime: timedelta = timedelta(hours=1)  # after which use of a Vitale reading is deferred
    authorisation_months: int = 12
    break_glass_lifetime: timedelta = timedelta(minutes=30)
    retention_years: int = 10  # from closing to destruction
