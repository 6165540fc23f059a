"""A refusal on the wire: the caller hears the name of a fault, the trail and the operator why."""

from __future__ import annotations

from typing import Final

from dmp.rights.decision import Refusal
from soap.faults import FaultCode, SoapFault
from soap.vocabulary import SOAP12

_CODES: Final = {Refusal.RECORD_CLOSED: "DMPClosed"}
_WORDS: Final = {
    "DMPClosed": "The record is closed",
    "DMPAccessDeniedByRightsService": "Access is denied by the rights service",
}


class RightsRefused(SoapFault):
    """Nothing of what was asked for is done. `refusal` is the reason, `patient` whose record it was about."""

    def __init__(self, refusal: Refusal, patient: str = "") -> None:
        code = _CODES.get(refusal, "DMPAccessDeniedByRightsService")
        super().__init__(FaultCode.SENDER, _WORDS[code], subcodes=(f"{{{SOAP12}}}{code}",))
        self.refusal = refusal
        self.patient = patient
