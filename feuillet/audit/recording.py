"""What the server itself says in the trail: who was turned away, what ended in a fault, what its operator did."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable

from dmp.audit import Event, Occasion, Outcome, Trail, Transaction
from dmp.audit.event import BY_ACTION
from dmp.audit.refusals import RefusalClass
from dmp.services import RecordedFault
from feuillet.law.refusal import RightsRefused
from soap.faults import FaultCode, SoapFault
from soap.message import IncomingMessage


def witness(trail: Trail) -> Callable[[IncomingMessage, SoapFault], None]:
    """Records that a message which was admitted has ended in a fault. Raises `AuditNotWritten`."""

    def record(message: IncomingMessage, fault: SoapFault) -> None:
        transaction = BY_ACTION.get(message.operation.action)
        if transaction is None or isinstance(fault, RecordedFault):
            return
        if isinstance(fault, RightsRefused):
            trail.record(
                Event.on(
                    Occasion.of(transaction, message),
                    trail.clock(),
                    outcome=Outcome.MINOR_FAILURE,
                    refusal=RefusalClass.RIGHTS,
                    reason=fault.refusal.name,
                    patient=fault.patient,
                )
            )
            return
        ours = fault.code is FaultCode.RECEIVER
        trail.record(
            Event.on(
                Occasion.of(transaction, message),
                trail.clock(),
                outcome=Outcome.SERIOUS_FAILURE,
                refusal=RefusalClass.SERVER if ours else RefusalClass.MESSAGE,
                reason=f"{fault.code.value} {(fault.subcode or '').rpartition('}')[2]}".strip(),
            )
        )

    return record


def turned_away(trail: Trail, message: IncomingMessage, reason: str, fingerprint: str) -> None:
    """Record that a caller was not admitted. Raises `AuditNotWritten`."""
    occasion = Occasion.of(Transaction.SECURITY_ALERT, message)
    trail.record(
        Event.on(
            occasion,
            trail.clock(),
            outcome=Outcome.SERIOUS_FAILURE,
            refusal=RefusalClass.CALLER,
            reason=reason,
            refused_transaction=BY_ACTION.get(message.operation.action),
            certificate=fingerprint or occasion.certificate,
        )
    )


def operator() -> str:
    """The account that runs this process, and its machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def record_activity(trail: Trail, transaction: Transaction, *, reason: str = "") -> None:
    """Record what the application or its operator did. Raises `AuditNotWritten`."""
    trail.record(Event.on(Occasion(transaction=transaction), trail.clock(), name=operator(), reason=reason))
