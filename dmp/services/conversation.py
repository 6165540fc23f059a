"""One request and its answer: who asks, about whom, one transaction with its audit event, the answer or the refusal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import structlog
from lxml import etree
from sqlalchemy import Connection

from card_auth.caller import Caller, PurposeOfUse
from dmp.audit import Event, Occasion, Outcome, Trail, Transaction
from dmp.audit.event import BY_ACTION, Action
from dmp.errors import DMPAccessDeniedByRightsService, DmpError
from dmp.records.consents import Author
from dmp.records.find import canonical
from dmp.records.record import RecordRules
from dmp.rights.actions import Action as Function
from dmp.services.judge import Judge
from dmp.services.messages.reading import MessageRefused
from dmp.services.refusals import Denied, Malformed, OtherPatient, class_of, fault, reason_of
from schemas.datatypes import Cx
from soap.message import IncomingMessage, Reply

_log: Final = structlog.get_logger(__name__)
Q = TypeVar("Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the services work with.

    Args:
        begin: a transaction that will write; committed when its block ends, rolled back when that raises.
        trail: where every decision is recorded.
        judge: who may do what.
        announce: makes a patient known to the registry, within a transaction.
        rules: the dated rules of a moment.
        clock: the time, in UTC.
    """

    begin: Callable[[], AbstractContextManager[Connection]]
    trail: Trail
    judge: Judge
    announce: Callable[[Connection, str], object]
    rules: Callable[[datetime], RecordRules]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request under way; `patient` is the one whom the assertion names, "" where the request is about none."""

    setting: Setting
    connection: Connection
    caller: Caller
    at: datetime
    patient: str = field(default="", repr=False)

    @property
    def author(self) -> Author:
        """The caller as the author of what is done."""
        return Author.of(self.caller)

    @property
    def rules(self) -> RecordRules:
        """The rules of this moment."""
        return self.setting.rules(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done: the answer, and what the trail says of it.

    `patients` are those who were found by traits, `query_id` and `query` the search for them.
    """

    reply: bytes = field(repr=False)
    action: Action | None = None
    act: str = ""
    unchanged: bool = False
    results: int | None = None
    patients: tuple[str, ...] = field(default=(), repr=False)
    query_id: str = ""
    query: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation(Generic[Q]):
    """How one operation is served.

    `read` makes a request of the body; `action` is what the judge is asked about, `named` the patients that the request
    itself names, None for what is about no single patient. `work` does what the judge allows, `refuse` tells that it
    was not done: it may raise `MessageRefused` where the message is too broken to be answered in its own way.
    """

    read: Callable[[etree._Element], Q]
    transaction: Callable[[Q], Transaction]
    action: Callable[[Q], Function]
    named: Callable[[Q], tuple[Cx, ...]] | None
    work: Callable[[Visit, Q], Done]
    refuse: Callable[[etree._Element, DmpError, datetime], bytes]


def converse(setting: Setting, conversation: Conversation[Q], message: IncomingMessage) -> Reply:
    """Serve a message. What is refused for want of rights raises `RecordedFault`."""
    occasion = Occasion.of(BY_ACTION[message.operation.action], message)
    at = setting.clock()
    patient = ""
    functions: tuple[str, ...] = ()
    try:
        if not isinstance(message.caller, Caller):
            raise Denied("NOBODY")
        try:
            request = conversation.read(message.body)
        except MessageRefused as wrong:
            raise Malformed(f"{wrong}.") from None
        occasion = Occasion.of(conversation.transaction(request), message)
        action = conversation.action(request)
        functions = (action.value,)
        _require_fresh(message.caller, occasion.transaction)
        if conversation.named is not None:
            patient = "" if message.caller.resource_id is None else canonical(message.caller.resource_id)
            _require_patient(patient, conversation.named(request))
        with setting.begin() as connection:
            visit = Visit(setting=setting, connection=connection, caller=message.caller, at=at, patient=patient)
            # First of all: whoever may not learns nothing of the record, nor of what is wrong with the message.
            setting.judge.require(message.caller, action.value, patient or None, connection)
            done = conversation.work(visit, request)
            setting.trail.append(connection, _events(occasion, done, at, patient=patient, functions=functions))
    except DmpError as refusal:
        event = _refusal(occasion, refusal, at, patient=patient, functions=functions)
        return _refused(setting, conversation, message, refusal, event)
    return Reply((done.reply,))


def _require_fresh(caller: Caller, transaction: Transaction) -> None:
    """Trust by a revocation list that is over is enough to read in the normal mode, and for nothing else."""
    changes = transaction.action in (Action.CREATE, Action.UPDATE, Action.DELETE)
    if caller.stale_revocation and (changes or caller.purpose_of_use is PurposeOfUse.BREAK_GLASS):
        raise Denied("STALE_REVOCATION")


def _require_patient(patient: str, named: tuple[Cx, ...]) -> None:
    """An assertion for one patient opens the record of no other."""
    if not patient or (named and patient not in [canonical(str(one)) for one in named]):
        raise OtherPatient


def _events(occasion: Occasion, done: Done, at: datetime, *, patient: str, **what: Any) -> tuple[Event, ...]:
    """One event, or one for each patient who was found."""
    what |= {"act": done.act, "unchanged": done.unchanged, "results": done.results}
    what |= {"query_id": done.query_id, "query": done.query}
    if done.action is not None:
        what["action"] = done.action
    return tuple([Event.on(occasion, at, patient=one, **what) for one in done.patients or (patient,)])


def _refusal(occasion: Occasion, refusal: DmpError, at: datetime, **what: Any) -> Event:
    return Event.on(
        occasion,
        at,
        outcome=Outcome.MINOR_FAILURE,
        refusal=class_of(refusal),
        reason=reason_of(refusal),
        **what,
    )


def _refused(
    setting: Setting, conversation: Conversation[Q], message: IncomingMessage, refusal: DmpError, event: Event
) -> Reply:
    """The answer to what is refused, once that is in the trail."""
    setting.trail.record(event)
    _log.info(
        "service.refused",
        correlation_id=message.correlation_id,
        transaction=event.transaction.value,
        code=refusal.code,
        reason=event.reason,
    )
    if isinstance(refusal, DMPAccessDeniedByRightsService):
        raise fault(refusal) from None
    try:
        return Reply((conversation.refuse(message.body, refusal, event.happened_at),))
    except MessageRefused:
        raise fault(refusal) from None
