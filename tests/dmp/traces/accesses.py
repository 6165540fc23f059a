"""Accesses to one patient's record, by several people, for the tests of its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from card_auth.caller import PurposeOfUse, Role
from dmp.audit import Event, Transaction
from tests.dmp.audit.events import CALLER, PATIENT, START, occasion

DOCTOR = replace(CALLER, purpose_of_use=PurposeOfUse.NORMAL, purpose_reason=None)
NURSE = replace(
    DOCTOR, national_id="899700300001", name="SOIN Anne", roles=(Role("60", "1.2.250.1.71.1.2.7"),), structure_id="12"
)
OTHER_PATIENT = "153078988513^^^&1.2.250.1.213.1.4.10&ISO"
OLD_IDENTIFIER = "1541187387477485562488^^^&1.2.250.1.213.1.4.2&ISO"


def access(transaction: Transaction = Transaction.RETRIEVE, *, hours: float = 0.0, **what: Any) -> Event:
    """An access so many hours after the start, by the doctor unless `caller` is another."""
    caller = what.pop("caller", DOCTOR)
    what.setdefault("patient", PATIENT)
    return Event.on(occasion(transaction, caller=caller), START + timedelta(hours=hours), **what)
