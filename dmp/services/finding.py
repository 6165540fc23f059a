"""TD0.4 and TD0.5: the records that a caller is authorised on, and patients found by their traits."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Final

from lxml import etree

from dmp.audit import Transaction
from dmp.authorisations import AuthorisedRecord, DateType, HolderKind
from dmp.authorisations.listing import records_of
from dmp.errors import DmpError, DMPInvalidRequest, ReasonMissing
from dmp.records.find import search
from dmp.records.names import searched
from dmp.records.record import Record
from dmp.records.traits import Sex
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind
from dmp.services.conversation import Conversation, Done, Visit
from dmp.services.messages import candidates as c
from dmp.services.messages.operations import record_list as m
from dmp.services.messages.operations.outcome import Outcome
from dmp.services.messages.patient import Observation, Patient
from dmp.services.messages.people import PostalAddress
from dmp.services.messages.wrapper import Acknowledgement, Verdict, answering
from dmp.services.messages.writing import local_moment
from dmp.services.sheets import patient_of
from dmp.services.vocabulary import ObservationCode, ResponseCode, Status
from schemas.datatypes import Cx

#: A search that finds more has to be made narrower.
MOST_CANDIDATES: Final = 50
_WHOLE_DATE: Final = 8


def list_records() -> Conversation[m.RecordListQuery]:
    """How `patientList` is served (TD0.4)."""
    return Conversation(
        read=m.read_record_list_query,
        transaction=lambda _: Transaction.LIST_RECORDS,
        action=lambda _: Action.LIST_RECORDS,
        named=None,
        work=_list,
        refuse=_refuse_list,
    )


def find_candidates() -> Conversation[c.CandidateQuery]:
    """How PRPA_IN201305UV02 is served (TD0.5)."""
    return Conversation(
        read=c.read_candidate_query,
        transaction=lambda _: Transaction.SEARCH_PATIENTS,
        action=lambda _: Action.SEARCH_PATIENTS,
        named=None,
        work=_find,
        refuse=_refuse_find,
    )


def _list(visit: Visit, query: m.RecordListQuery) -> Done:
    """An employee and an establishment see the structure's; the latter only authorisations given since a date."""
    kind = Actor.of(visit.caller).kind
    by_structure = kind in (ActorKind.EMPLOYEE, ActorKind.STRUCTURE)
    if kind is ActorKind.STRUCTURE and (query.since is None or query.by is not m.ListedBy.LAST_AUTHORISATION):
        raise ReasonMissing("An establishment lists the authorisations given since a date.")
    found = records_of(
        visit.connection,
        HolderKind.STRUCTURE if by_structure else HolderKind.PERSON,
        visit.caller.structure_id if by_structure else visit.caller.national_id,
        visit.at,
        date_type=DateType(query.by.value),
        since=query.since,
    )
    rows = tuple(_row(one) for one in found)
    reply = m.write_record_list(m.RecordList(Outcome(Status.OK.value), rows))
    return Done(reply=reply, act=query.by.value, results=len(rows))


def _row(one: AuthorisedRecord) -> m.RecordRow:
    return m.RecordRow(
        identifiers=tuple(Cx.parse(identifier) for identifier in one.identifiers),
        usual_name=one.usual_name or one.birth_name,
        birth_name=one.birth_name if one.usual_name else "",
        first_name=one.first_name,
        civility=one.civility,
        birth_date=one.birth_date,
        treating=one.is_treating_doctor,
        last_access=local_moment(one.last_access_at),
        last_update=local_moment(one.last_update_at),
        last_addition=local_moment(one.last_document_at),
    )


def _find(visit: Visit, query: c.CandidateQuery) -> Done:
    sought = query.sought
    whole = len(sought.birth_date) == _WHOLE_DATE
    found = search(
        visit.connection,
        family_name=sought.family,
        first_name=sought.given,
        birth_date=sought.birth_date if whole else "",
        sex=Sex(sought.sex) if sought.sex in set(Sex) else None,
        limit=MOST_CANDIDATES + 1,
    )
    if len(found) > MOST_CANDIDATES:
        raise DMPInvalidRequest("Too many patients have these traits; state more of them.")
    fitting = [record for record in found if _fits(record, sought)]
    answer = c.Candidates(
        head=answering(query.head, str(uuid.uuid4()), visit.at),
        acknowledgement=Acknowledgement(query.head.message_id),
        query_id=query.query_id,
        sought=sought,
        found=ResponseCode.FOUND if fitting else ResponseCode.NOT_FOUND,
        patients=tuple(_candidate(record) for record in fitting),
    )
    return Done(
        reply=c.write_candidates(answer),
        results=len(fitting),
        patients=tuple(record.patient for record in fitting),
        query_id=query.query_id.extension or query.query_id.root,
        query=c.write_candidate_query(query).decode(),
    )


def _fits(record: Record, sought: c.SoughtTraits) -> bool:
    """What the search by names leaves open: a part of the birth date, the place of living."""
    assert record.sheet is not None  # noqa: S101 - only active records are found
    address = record.sheet.address
    city, code = ("", "") if address is None else (address.city, address.postal_code)
    return (
        record.sheet.traits.birth_date.startswith(sought.birth_date)
        and (not sought.postal_code or code == sought.postal_code)
        and (not sought.city or searched(city) == searched(sought.city))
    )


def _candidate(record: Record) -> Patient:
    """Enough to tell patients apart: identity, the place of living, and whether they oppose this access."""
    assert record.sheet is not None  # noqa: S101 - only active records are found
    address = record.sheet.address
    place = None if address is None else PostalAddress(postal_code=address.postal_code, city=address.city)
    opposed = Observation(ObservationCode.REGULATION_OPPOSITION, record.opposed_to_regulation)
    shown = patient_of(record, whole=False)
    return replace(shown, address=None if place == PostalAddress() else place, observations=(opposed,))


def _refuse_list(_body: etree._Element, refusal: DmpError, _at: datetime) -> bytes:
    return m.write_record_list(m.RecordList(Outcome(refusal.code, str(refusal))))


def _refuse_find(body: etree._Element, refusal: DmpError, at: datetime) -> bytes:
    query = c.read_candidate_query(body)
    return c.write_candidates(
        c.Candidates(
            head=answering(query.head, str(uuid.uuid4()), at),
            acknowledgement=Acknowledgement(query.head.message_id, Verdict.ERROR, refusal.code, str(refusal)),
            query_id=query.query_id,
            sought=query.sought,
            found=ResponseCode.ERROR,
        )
    )
