"""What the record's law says of a message: what its sender may see, read and file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree
from sqlalchemy import Connection, Engine, select

from card_auth.caller import Caller, PurposeOfUse
from dmp.audit import Occasion
from dmp.authorisations import AuthorisationStatus, Standing
from dmp.authorisations.entry import Announce, enter, is_in
from dmp.authorisations.listing import note_access
from dmp.authorisations.standing import standing
from dmp.errors import DmpError
from dmp.records.record import RecordRules
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind, named_patient
from dmp.rights.conditions import Condition, either
from dmp.rights.decision import Law, Refusal, Ruling
from dmp.rights.submissions import check_submission
from feuillet.law.changes import ChangeLaw
from feuillet.law.refusal import RightsRefused
from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.errors import XdsErrors, XDSUnknownPatientId
from schemas.metadata import Submission
from soap.message import IncomingMessage
from xds_registry import tables as t
from xds_registry.changes import Permit
from xds_registry.database import writing
from xds_registry.encoding import normal
from xds_registry.query.conditions import visible_entries
from xds_registry.visibility import OfRecord, Reach

_QUERY: Final = f"{{{v.RIM}}}AdhocQuery"
_OPTION: Final = f"{{{v.QUERY}}}ResponseOption"
_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'")
_AWAY: Final = frozenset({Refusal.NOT_AUTHORISED, Refusal.BLOCKED, Refusal.MATRIX})

_QUARTER: Final = timedelta(minutes=15)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_NOTED: Final = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


class RecordLaw:
    """The law with what it asks of the database. Safe to use from several threads.

    `rules` gives the dated rules of a moment; `announce` writes down, for alerts, that a record was opened in an
    emergency. `feeders` are the structures (Struct_IdNat) that announce and merge patients.
    """

    def __init__(
        self,
        engine: Engine,
        law: Law,
        *,
        rules: Callable[[datetime], RecordRules],
        announce: Announce | None = None,
        feeders: Collection[str] = (),
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.law = law
        self._engine = engine
        self._rules = rules
        self._announce = announce
        self._feeders = frozenset(feeders)
        self._noted: dict[tuple[int, str], datetime] = {}
        self._clock = clock

    def feeds(self, message: IncomingMessage) -> None:
        """Raises RightsRefused for whoever may not announce and merge patients (ITI-44)."""
        actor = _actor(message.caller)
        if actor.kind is not ActorKind.STRUCTURE or actor.structure not in self._feeders:
            raise RightsRefused(Refusal.MATRIX)

    def visibility_of(self, message: IncomingMessage) -> OfRecord:
        """What the sender of a message sees. Raises RightsRefused, XdsErrors when there is no record."""
        actor = _actor(message.caller)
        if message.body.find(_QUERY) is None:
            return self._sees(actor, *self._about(actor))
        named = _patients_named(message.body)
        patient = actor.patient or (named.copy().pop() if len(named) == 1 else None)
        if patient is None:
            raise RightsRefused(Refusal.NO_PATIENT)
        if named - {patient}:
            raise RightsRefused(Refusal.OTHER_PATIENT, patient)
        with self._engine.connect() as connection:
            held = self.standing_of(connection, actor, patient)
            ruling = self.law.ruling(actor, Action.SEARCH, patient, held)
            if ruling.refusal in _AWAY and _by_reference(message.body):
                ruling = self.law.ruling(actor, Action.LOOK_UP_REFERENCE, patient, held)
        self._require(ruling, patient)
        self._enter(message.caller, patient, held)
        self._note(actor, held)
        return OfRecord(patient, ruling.documents)

    def readable(self, unique_ids: Collection[str], message: IncomingMessage) -> frozenset[str]:
        """Which of these documents (uniqueIds in NFC) the sender of an ITI-43 may read. Raises RightsRefused.

        The same is done for a document that is hidden and for one that is not there.
        """
        actor = _actor(message.caller)
        patient = _patient_of(actor)
        with self._engine.connect() as connection:
            held = self.standing_of(connection, actor, patient)
            ruling = self.law.ruling(actor, Action.READ, patient, held)
            self._require(ruling, patient)
            entry = t.document_entry.c
            readable = select(entry.unique_id).where(
                entry.unique_id.in_(list(unique_ids)), visible_entries(ruling.documents)
            )
            found = frozenset(connection.scalars(readable))
        self._enter(message.caller, patient, held)
        self._note(actor, held)
        return found

    @staticmethod
    def removable(_unique_ids: Collection[str], _message: IncomingMessage) -> frozenset[str]:
        """Which of these documents the sender of an ITI-86 may remove: none, a record ends by its term alone."""
        return frozenset()

    def submission(self, occasion: Occasion, submission: Submission) -> Reach:
        """What a submission may refer to and replace. Raises RightsRefused, XdsErrors.

        Everything that can be said without the objects it refers to is said here, before a byte is stored.
        """
        (package,) = submission.submission_sets
        patient = named_patient(str(package.patient_id))
        actor = _actor(occasion.caller)
        with self._engine.connect() as connection:
            held = self.standing_of(connection, actor, patient)
        ruling = self.law.ruling(actor, Action.FEED, patient, held)
        if ruling.refusal is Refusal.MATRIX:
            ruling = self.law.ruling(actor, Action.FEED_AS_EMPLOYEE, patient, held)
        self._require(ruling, patient)
        errors = tuple(check_submission(actor, submission, self._rules(self._clock()), minor=held.minor))
        if errors:
            raise XdsErrors(errors)
        return Reach(self._sees(actor, patient, held), self.law.ruling(actor, Action.REPLACE, patient, held).documents)

    def permit_of(self, message: IncomingMessage) -> Permit:
        """Who is asked about the changes of a message. Raises RightsRefused when it names no patient."""
        actor = _actor(message.caller)
        patient, held = self._about(actor)
        return ChangeLaw(self.law, actor, patient, held, self._rules(self._clock())).permit

    def _about(self, actor: Actor) -> tuple[str, Standing]:
        """The patient whom an assertion is for, and how the actor stands to the record."""
        patient = _patient_of(actor)
        with self._engine.connect() as connection:
            return patient, self.standing_of(connection, actor, patient)

    def _sees(self, actor: Actor, patient: str, held: Standing) -> OfRecord:
        actions = (Action.SEARCH, Action.LOOK_UP_REFERENCE)
        documents: Condition = either(*(self.law.ruling(actor, each, patient, held).documents for each in actions))
        return OfRecord(patient, documents)

    def now(self) -> datetime:
        """The time by which the law decides."""
        return self._clock()

    def standing_of(self, connection: Connection, actor: Actor, patient: str) -> Standing:
        """How an actor stands to a patient's record at this moment."""
        return standing(connection, patient, actor.identifier, actor.structure, self._clock())

    def _enter(self, caller: object, patient: str, held: Standing) -> None:
        """Let somebody in without an authorisation: it stays on record before anything is told."""
        if not isinstance(caller, Caller) or caller.purpose_of_use is PurposeOfUse.NORMAL:
            return
        at = self._clock()
        with self._engine.connect() as connection:
            if is_in(connection, caller, held, at=at):
                return
        try:
            with writing(self._engine) as connection:
                enter(connection, caller, patient, held, at=at, rules=self._rules(at), announce=self._announce)
        except DmpError:
            raise RightsRefused(Refusal.OPPOSED, patient) from None

    def _note(self, actor: Actor, held: Standing) -> None:
        """Keep when a professional was last in a record, for their list of records; to the quarter of an hour."""
        if held.person is not AuthorisationStatus.VALID or held.record_pk is None:
            return
        at, who = self._clock(), (held.record_pk, actor.identifier)
        if at - self._noted.get(who, _LONG_AGO) < _QUARTER:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[who] = at
        with writing(self._engine) as connection:
            note_access(connection, held.record_pk, actor.identifier, at)

    @staticmethod
    def _require(ruling: Ruling, patient: str) -> None:
        if ruling.refusal is Refusal.NO_RECORD:
            raise XdsErrors((XDSUnknownPatientId(patient),))
        if ruling.refusal is not None:
            raise RightsRefused(ruling.refusal, patient)


def _actor(caller: object) -> Actor:
    return Actor.of(caller) if isinstance(caller, Caller) else Actor.nobody()


def _patient_of(actor: Actor) -> str:
    """The patient whom an assertion is for. Raises RightsRefused."""
    if actor.patient is None:
        raise RightsRefused(Refusal.NO_PATIENT)
    return actor.patient


def _patients_named(request: etree._Element) -> set[str]:
    """The patients whose identifiers are parameters of a stored query."""
    found = set[str]()
    for query in request.iter(_QUERY):
        for slot in query:
            if slot.tag == r.SLOT and slot.get("name", "").lower().endswith("patientid"):
                for value in slot.iter(r.VALUE):
                    text = value.text or ""
                    quoted = [each.replace("''", "'") for each in _QUOTED.findall(text)]
                    found |= {normal(named_patient(each)) for each in quoted or [text.strip()]}
    return found


def _by_reference(request: etree._Element) -> bool:
    return any(option.get("returnType") == "ObjectRef" for option in request.iter(_OPTION))
