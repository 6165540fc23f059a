"""What a message is refused for before or beside the record's law, and what its sender hears of it.

Rights make SOAP faults (`Sender`, with the DMP's code as subcode); all else is answered in the transaction's own way.
"""

from __future__ import annotations

from typing import Final

from dmp.audit.refusals import RefusalClass
from dmp.errors import (
    DestructionUnderWay,
    DMPAccessDeniedByRightsService,
    DMPClosed,
    DmpError,
    DMPFound,
    DMPInvalidRequest,
    DMPNotFound,
    DMPPatientAccessAlreadyExists,
    DMPPatientAccessNotFound,
    DMPPatientAccessOTPAlreadyExists,
    IdentifierTaken,
    SheetChanged,
)
from soap.faults import FaultCode, SoapFault
from soap.vocabulary import SOAP12


class Denied(DMPAccessDeniedByRightsService):
    """The judge refuses; `reason` is for the trail, the caller hears the fault's name only."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class OtherPatient(DMPAccessDeniedByRightsService):
    """The message is about another patient than the assertion was made for, or that names none."""

    text = "The assertion was not made for the patient of the message."


class OtherAuthor(DMPAccessDeniedByRightsService):
    """The message names another author than whoever sends it."""

    text = "The author of the message is not the one whom the assertion names."


class SecretConnection(DMPAccessDeniedByRightsService):
    """A record is not opened under a secret connection."""

    text = "A record is not opened under a secret connection."


class Malformed(DMPInvalidRequest):
    """The message is not what it must be."""


class RecordedFault(SoapFault):
    """A fault that stands in the audit trail already, with its reason."""


_CLASSES: Final[tuple[tuple[tuple[type[DmpError], ...], RefusalClass], ...]] = (
    ((OtherPatient,), RefusalClass.PATIENT),
    ((DMPAccessDeniedByRightsService,), RefusalClass.RIGHTS),
    ((DMPNotFound, DMPPatientAccessNotFound), RefusalClass.ABSENT),
    (
        (
            *(DMPFound, DMPClosed, DMPPatientAccessAlreadyExists, DMPPatientAccessOTPAlreadyExists),
            *(IdentifierTaken, SheetChanged, DestructionUnderWay),
        ),
        RefusalClass.CONFLICT,
    ),
)


def class_of(refusal: DmpError) -> RefusalClass:
    """The class of a refusal, for the trail."""
    return next((kind for errors, kind in _CLASSES if isinstance(refusal, errors)), RefusalClass.CONTENT)


def reason_of(refusal: DmpError) -> str:
    """The name of the rule, for the trail."""
    return refusal.reason if isinstance(refusal, Denied) else type(refusal).__name__


def fault(refusal: DmpError) -> RecordedFault:
    """The SOAP fault that a refusal is."""
    return RecordedFault(FaultCode.SENDER, str(refusal), subcodes=(f"{{{SOAP12}}}{refusal.code}",))
