"""TD1.1, TD1.2, TD1.3b and TD1.4: records opened, reactivated, amended and closed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.audit import Transaction
from dmp.errors import DmpError, DMPInvalidRequest, IdentityMismatch, ReasonMissing
from dmp.records.changes.amendment import amend
from dmp.records.changes.lifecycle import close, open_record, reactivate
from dmp.records.find import canonical, existing
from dmp.records.record import ClosingReason, Record
from dmp.rights.actions import Action
from dmp.services.conversation import Conversation, Done, Visit
from dmp.services.messages.demographics import read_reason
from dmp.services.messages.reading import required
from dmp.services.messages.registration import (
    Registration,
    RegistrationAnswer,
    read_registration,
    write_registration_answer,
)
from dmp.services.messages.wrapper import Acknowledgement, Head, Verdict, answering, read_head
from dmp.services.refusals import OtherAuthor, SecretConnection
from dmp.services.sheets import consents_of, named_only, reading_of, sheet_of
from dmp.services.vocabulary import ADD, REVISE, Reason
from schemas.vocabulary import HL7V3

_TRANSACTIONS: Final = {
    Reason.CREATE: Transaction.OPEN_RECORD,
    Reason.REACTIVATE: Transaction.REACTIVATE_RECORD,
    Reason.AMEND: Transaction.AMEND_SHEET,
    Reason.CLOSE: Transaction.CLOSE_RECORD,
}


def registration() -> Conversation[Registration]:
    """How PRPA_IN201311UV02 and PRPA_IN201314UV02 are served."""
    return Conversation(
        read=read_registration,
        transaction=lambda request: _TRANSACTIONS[request.reason],
        action=lambda request: _WORK[request.reason][0],
        named=lambda request: request.patient.identifiers,
        work=_register,
        refuse=_refuse,
    )


def _register(visit: Visit, request: Registration) -> Done:
    _, work = _WORK[request.reason]
    _require_author(visit, request)
    record = work(visit, request)
    answer = RegistrationAnswer(
        head=answering(request.head, str(uuid.uuid4()), visit.at),
        acknowledgement=Acknowledgement(request.head.message_id),
        reason=request.reason,
        patient=named_only(record),
    )
    return Done(reply=write_registration_answer(answer))


def _require_author(visit: Visit, request: Registration) -> None:
    """The author is whoever is authenticated, not whom the message would like (EX_GEN-1320)."""
    author, caller = request.author, visit.caller
    if author.national_id != caller.national_id or author.structure_id not in ("", caller.structure_id):
        raise OtherAuthor


def _create(visit: Visit, request: Registration) -> Record:
    """From a reading of the Vitale card, under the one identifier that the assertion names."""
    if visit.caller.secret_connection:
        raise SecretConnection
    if len(request.patient.identifiers) > 1:
        raise IdentityMismatch("A record is opened under one identifier.")
    sheet = sheet_of(request.patient)
    consents = consents_of(request.patient, visit.author, visit.at)
    record = open_record(
        visit.connection,
        visit.patient,
        sheet,
        reading=reading_of(request.patient, visit.patient, sheet.traits, consents, visit.at),
        consents=consents,
        by=visit.author,
        at=visit.at,
        rules=visit.rules,
    )
    visit.setting.announce(visit.connection, visit.patient)
    return record


def _reactivate(visit: Visit, request: Registration) -> Record:
    before = _own(visit, request)
    assert before.sheet is not None  # noqa: S101 - a destroyed record is not found
    consents = consents_of(request.patient, visit.author, visit.at)
    return reactivate(
        visit.connection,
        visit.patient,
        reading=reading_of(request.patient, visit.patient, before.sheet.traits, consents, visit.at),
        consents=consents,
        by=visit.author,
        at=visit.at,
        rules=visit.rules,
    )


def _amend(visit: Visit, request: Registration) -> Record:
    before = _own(visit, request)
    return amend(
        visit.connection,
        visit.patient,
        sheet_of(request.patient, before.sheet),
        by=visit.author,
        at=visit.at,
        consents=consents_of(request.patient, visit.author, visit.at),
    )


def _close(visit: Visit, request: Registration) -> Record:
    _own(visit, request)
    if request.closing is None:
        raise ReasonMissing
    try:
        reason = ClosingReason(request.closing.reason)
    except ValueError:
        raise DMPInvalidRequest("The reason for closing is none of those that are known.") from None
    return close(
        visit.connection, visit.patient, reason=reason, note=request.closing.note, by=visit.author, at=visit.at
    )


_WORK: Final = {
    Reason.CREATE: (Action.CREATE, _create),
    Reason.REACTIVATE: (Action.REACTIVATE, _reactivate),
    Reason.AMEND: (Action.AMEND_ADMINISTRATIVE, _amend),
    Reason.CLOSE: (Action.CLOSE, _close),
}


def _own(visit: Visit, request: Registration) -> Record:
    """The record, all of whose identifiers in the message are its own."""
    record = existing(visit.connection, visit.patient)
    known = {*record.identifiers, *record.local_identifiers}
    if any(canonical(str(one)) not in known for one in request.patient.identifiers):
        raise IdentityMismatch("An identifier of the message is not one of the record's.")
    return record


def _refuse(body: etree._Element, refusal: DmpError, at: datetime) -> bytes:
    """Answered as far as the message can be read: its head and its reason."""
    reason = read_reason(required(body, HL7V3, "controlActProcess"))
    adding = body.tag == f"{{{HL7V3}}}{ADD}"
    head: Head = read_head(body, ADD if adding else REVISE)
    if adding != (reason is Reason.CREATE):
        reason = Reason.CREATE if adding else Reason.AMEND
    return write_registration_answer(
        RegistrationAnswer(
            head=answering(head, str(uuid.uuid4()), at),
            acknowledgement=Acknowledgement(head.message_id, Verdict.ERROR, refusal.code, str(refusal)),
            reason=reason,
        )
    )
