"""TD0.2 and TD1.3a: whether a patient has a record and how the caller stands to it, and what its sheet says."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.accounts.access import find_account
from dmp.audit import Transaction
from dmp.authorisations import AuthorisationStatus, Standing
from dmp.authorisations.listing import note_access
from dmp.authorisations.standing import standing
from dmp.errors import DmpError
from dmp.records.find import find_record
from dmp.records.record import Record, RecordStatus
from dmp.rights.actions import Action
from dmp.services.conversation import Conversation, Done, Visit
from dmp.services.messages.closing import Closing
from dmp.services.messages.demographics import (
    Demographics,
    DemographicsQuery,
    read_query,
    write_demographics,
)
from dmp.services.messages.wrapper import Acknowledgement, Verdict, answering
from dmp.services.sheets import patient_of
from dmp.services.vocabulary import Reason, ResponseCode

_TRANSACTIONS: Final = {
    Reason.TEST_EXISTENCE: Transaction.TEST_EXISTENCE,
    Reason.READ: Transaction.READ_SHEET,
}
_ACTIONS: Final = {Reason.TEST_EXISTENCE: Action.TEST_EXISTENCE, Reason.READ: Action.READ_ADMINISTRATIVE}


def demographics() -> Conversation[DemographicsQuery]:
    """How PRPA_IN201307UV02 is served."""
    return Conversation(
        read=read_query,
        transaction=lambda query: _TRANSACTIONS[query.reason],
        action=lambda query: _ACTIONS[query.reason],
        named=lambda query: (query.patient,),
        work=lambda visit, query: _WORK[query.reason](visit, query),
        refuse=_refuse,
    )


def _test_existence(visit: Visit, query: DemographicsQuery) -> Done:
    record = find_record(visit.connection, visit.patient)
    if record is None or record.status is RecordStatus.DESTROYED:
        return Done(reply=_answer(query, visit.at, ResponseCode.NOT_FOUND), results=0)
    caller = visit.caller
    held = standing(visit.connection, visit.patient, caller.national_id, caller.structure_id, visit.at)
    account = find_account(visit.connection, record.pk)
    answer = Demographics(
        head=answering(query.head, str(uuid.uuid4()), visit.at),
        acknowledgement=Acknowledgement(query.head.message_id),
        reason=query.reason,
        query_id=query.query_id,
        found=ResponseCode.FOUND,
        authorisation=_worth(held),
        treating=held.is_treating_doctor,
        patient=patient_of(record, whole=False, account_open=account is not None),
        closing=_closing(record),
    )
    return Done(reply=write_demographics(answer), results=1)


def _read_sheet(visit: Visit, query: DemographicsQuery) -> Done:
    record = find_record(visit.connection, visit.patient)
    if record is None or record.status is RecordStatus.DESTROYED:
        return Done(reply=_answer(query, visit.at, ResponseCode.NOT_FOUND), results=0)
    note_access(visit.connection, record.pk, visit.caller.national_id, visit.at)
    answer = Demographics(
        head=answering(query.head, str(uuid.uuid4()), visit.at),
        acknowledgement=Acknowledgement(query.head.message_id),
        reason=query.reason,
        query_id=query.query_id,
        found=ResponseCode.FOUND,
        patient=patient_of(record, whole=True),
        closing=_closing(record),
    )
    return Done(reply=write_demographics(answer), results=1)


_WORK: Final = {Reason.TEST_EXISTENCE: _test_existence, Reason.READ: _read_sheet}


def _worth(held: Standing) -> str:
    """The keyword value AUTORISATION: the caller's own, or their structure's where they have none."""
    if held.blocked:
        return AuthorisationStatus.FORBIDDEN.value
    if held.authorised:
        return AuthorisationStatus.VALID.value
    return (held.structure if held.person is AuthorisationStatus.NONE else held.person).value


def _closing(record: Record) -> Closing | None:
    return Closing(record.closing_reason, record.closing_note) if record.closing_reason else None


def _answer(query: DemographicsQuery, at: datetime, found: ResponseCode, refusal: DmpError | None = None) -> bytes:
    target = query.head.message_id
    accepted = Acknowledgement(target)
    return write_demographics(
        Demographics(
            head=answering(query.head, str(uuid.uuid4()), at),
            acknowledgement=accepted
            if refusal is None
            else Acknowledgement(target, Verdict.ERROR, refusal.code, str(refusal)),
            reason=query.reason,
            query_id=query.query_id,
            found=found,
        )
    )


def _refuse(body: etree._Element, refusal: DmpError, at: datetime) -> bytes:
    """A record that is not there is not found; all else is an error."""
    query = read_query(body)
    if refusal.code == "DMPNotFound":
        return _answer(query, at, ResponseCode.NOT_FOUND)
    return _answer(query, at, ResponseCode.ERROR, refusal)
