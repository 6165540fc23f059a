"""A trace: who did what with a record, when, how, and whether they were let."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from card_auth.caller import AccessMode, PurposeOfUse
from dmp.audit.event import Event, Transaction
from dmp.audit.refusals import RefusalClass


class Deed(enum.StrEnum):
    """What was done, or was to be done."""

    READ = "read"
    SEARCHED = "searched"
    ADDED = "added"
    REPLACED = "replaced"
    MASKED = "masked"
    UNMASKED = "unmasked"
    MADE_VISIBLE = "made-visible"
    ARCHIVED = "archived"
    DELETED = "deleted"
    CHANGED = "changed"
    IDENTITY = "identity"
    AUTHORISED = "authorised"
    AUTHORISATION_ENDED = "authorisation-ended"
    TREATING_DOCTOR = "treating-doctor"
    RECORD = "record"
    HISTORY = "history"
    OTHER = "other"

    @property
    def french(self) -> str:
        """As the portal says it."""
        return _FRENCH[self]


_FRENCH: Final[Mapping[Deed, str]] = {
    Deed.READ: "Consultation de documents",
    Deed.SEARCHED: "Recherche de documents",
    Deed.ADDED: "Ajout de documents",
    Deed.REPLACED: "Remplacement d'un document",
    Deed.MASKED: "Masquage d'un document",
    Deed.UNMASKED: "Démasquage d'un document",
    Deed.MADE_VISIBLE: "Document rendu visible au patient",
    Deed.ARCHIVED: "Archivage ou désarchivage d'un document",
    Deed.DELETED: "Suppression d'un document",
    Deed.CHANGED: "Modification des attributs d'un document",
    Deed.IDENTITY: "Mise à jour de l'identité",
    Deed.AUTHORISED: "Ajout d'une autorisation",
    Deed.AUTHORISATION_ENDED: "Suppression d'une autorisation",
    Deed.TREATING_DOCTOR: "Changement de médecin traitant",
    Deed.RECORD: "Gestion du dossier",
    Deed.HISTORY: "Consultation de l'historique des accès",
    Deed.OTHER: "Autre action",
}

#: By row of the functional matrix, where an event names one; the longest beginning counts.
_BY_FUNCTION: Final[Mapping[str, Deed]] = {
    "TD0.3-add": Deed.AUTHORISED,
    "TD0.3-drop": Deed.AUTHORISATION_ENDED,
    "TD0.3-treating": Deed.TREATING_DOCTOR,
    "TD1": Deed.RECORD,
    "TD2": Deed.ADDED,
    "TD3.1": Deed.SEARCHED,
    "TD3.2": Deed.READ,
    "TD3.3a-mask": Deed.MASKED,
    "TD3.3a-unmask": Deed.UNMASKED,
    "TD3.3b": Deed.MADE_VISIBLE,
    "TD3.3c": Deed.DELETED,
    "TD3.3d": Deed.ARCHIVED,
    "replace": Deed.REPLACED,
    "reclassify": Deed.CHANGED,
    "history": Deed.HISTORY,
}
#: By number of the transaction otherwise. A transaction that is not listed is some other action.
_BY_TRANSACTION: Final[Mapping[str, Deed]] = {
    "ITI-8": Deed.IDENTITY,
    "ITI-18": Deed.SEARCHED,
    "ITI-41": Deed.ADDED,
    "ITI-42": Deed.ADDED,
    "ITI-43": Deed.READ,
    "ITI-44": Deed.IDENTITY,
    "ITI-51": Deed.SEARCHED,
    "ITI-57": Deed.CHANGED,
    "ITI-61": Deed.ADDED,
    "ITI-62": Deed.DELETED,
    "ITI-86": Deed.DELETED,
    "ITI-92": Deed.CHANGED,
    Transaction.AUDIT_LOG_USED.value: Deed.HISTORY,
}


class Result(enum.StrEnum):
    """How it ended."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    FAILED = "failed"  # the server could not


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who it was. Texts are empty where they are not known; a machine has none of them."""

    name: str
    national_id: str  # PS_IdNat, or structure/internal identifier
    profession: str  # code of TRE_G15
    structure_id: str  # Struct_IdNat


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How it was done. `reason` is what the person wrote who broke the glass."""

    mode: AccessMode | None
    purpose: PurposeOfUse | None
    reason: str
    secret: bool
    software: str

    @property
    def emergency(self) -> bool:
        """Whether the record was opened without the patient's authorisation (NOS TRE_R248)."""
        return self.purpose in (PurposeOfUse.BREAK_GLASS, PurposeOfUse.REGULATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One line of the history. `documents` are the uniqueIds that its reader may see; `transaction` is its name."""

    when: datetime
    who: Person
    deed: Deed
    transaction: str
    documents: tuple[str, ...]
    how: Access
    result: Result


def trace_of(event: Event) -> Trace:
    """What an event says to those who read the history. Queries, addresses and certificates stay in the trail."""
    return Trace(
        when=event.happened_at,
        who=Person(
            name=event.name,
            national_id=event.national_id,
            profession=event.roles[0].partition("^^")[0] if event.roles else "",
            structure_id=event.structure_id,
        ),
        deed=_deed(event),
        transaction=event.transaction.meaning,
        documents=event.documents,
        how=Access(
            mode=event.mode,
            purpose=event.purpose_of_use,
            reason=event.purpose_reason,
            secret=event.secret_connection,
            software=event.software,
        ),
        result=_result(event),
    )


def _deed(event: Event) -> Deed:
    for function in event.functions:
        beginnings = (function[:length] for length in range(len(function), 0, -1))
        found = next((_BY_FUNCTION[one] for one in beginnings if one in _BY_FUNCTION), None)
        if found is not None:
            return found
    return _BY_TRANSACTION.get(event.transaction.value, Deed.OTHER)


def _result(event: Event) -> Result:
    if event.succeeded:
        return Result.ALLOWED
    return Result.FAILED if event.refusal is RefusalClass.SERVER else Result.REFUSED
