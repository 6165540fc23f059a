"""Who may consult a record: authorisations, médecin traitant, what is blocked, entries in an emergency.

Each is given for one record, by an explicit act that stays on record with who did it and when.
"""

from dmp.authorisations.authorisation import (
    ActKind,
    Authorisation,
    AuthorisationStatus,
    AuthorisedRecord,
    DateType,
    Holder,
    HolderKind,
    Mode,
    Standing,
)

__all__ = [
    "ActKind",
    "Authorisation",
    "AuthorisationStatus",
    "AuthorisedRecord",
    "DateType",
    "Holder",
    "HolderKind",
    "Mode",
    "Standing",
]
