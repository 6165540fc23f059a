"""Patients' shared records: opened from a Vitale reading with consent, amended, closed, reactivated, destroyed.

What enters is kept beside what it replaces; who did it stands with it.
"""

from dmp.records.consents import PATIENT, Author, Consent, ConsentCode
from dmp.records.record import ClosingReason, Record, RecordRules, RecordStatus, StatusChange
from dmp.records.traits import (
    Address,
    Civility,
    EmergencyContact,
    Representative,
    Sex,
    Sheet,
    Telecom,
    TelecomUse,
    Traits,
)
from dmp.records.vitale import VitaleReading

__all__ = [
    "PATIENT",
    "Address",
    "Author",
    "Civility",
    "ClosingReason",
    "Consent",
    "ConsentCode",
    "EmergencyContact",
    "Record",
    "RecordRules",
    "RecordStatus",
    "Representative",
    "Sex",
    "Sheet",
    "StatusChange",
    "Telecom",
    "TelecomUse",
    "Traits",
    "VitaleReading",
]
