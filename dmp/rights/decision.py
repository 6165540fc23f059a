"""Whether somebody may do something: the one place that decides. Denied unless allowed.

Sources: ASIP Santé, procédure Web DMP; GIE SESAM-Vitale PDT-INF-526 (functional rights), PDT-INF-606 (reinforced
indirect access).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from card_auth.caller import PurposeOfUse
from dmp.authorisations import Standing
from dmp.records.record import RecordStatus
from dmp.rights.actions import IN_SPITE_OF_BLOCK, NEEDS_AUTHORISATION, WITHOUT_RECORD, Action
from dmp.rights.actors import Actor, ActorKind
from dmp.rights.conditions import (
    ALWAYS,
    NEVER,
    ClassAmong,
    Condition,
    Document,
    FromStructure,
    Marked,
    Not,
    OfPatient,
    WrittenBy,
    both,
    either,
    holds,
)
from dmp.rights.marks import Marks
from dmp.rights.matrix import Cell, FunctionalMatrix, load_matrix
from dmp.rights.professions import CLASS_SYSTEM, ProfessionMatrix, load_professions

#: Documents of the patient's own space (TRE_A03).
PERSONAL: Final = ClassAmong(frozenset({f"90^^{CLASS_SYSTEM}"}))
_FEEDING: Final = frozenset({Action.FEED, Action.FEED_AS_EMPLOYEE, Action.REPLACE})
_CLOSED_ALLOWS: Final = frozenset({Action.TEST_EXISTENCE, Action.REACTIVATE})
_NONE_ALLOWS: Final = frozenset({Action.TEST_EXISTENCE, Action.CREATE})
_HOLDERS: Final = frozenset({ActorKind.PATIENT, ActorKind.REPRESENTATIVE})


class Refusal(enum.StrEnum):
    """Why not, for the trail and the operator; a caller hears the name of a fault only."""

    NO_RECORD = "the patient has no record"
    RECORD_CLOSED = "the record is closed"
    RECORD_EXISTS = "the patient has a record"
    MATRIX = "the functional matrix does not allow it"
    NO_PATIENT = "neither the assertion nor the message names one patient"
    OTHER_PATIENT = "the assertion was made for another patient"
    BLOCKED = "the patient blocked the professional"
    NOT_AUTHORISED = "the patient did not authorise it, or no longer"
    OPPOSED = "the patient opposed this access mode"
    NO_REASON = "no reason was given for breaking the glass"
    HIDDEN = "the document may not be seen"
    NOT_THIS_DOCUMENT = "the document is not one of those that may be changed so"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided about an action before any document is looked at: refused, or allowed on these documents."""

    refusal: Refusal | None
    documents: Condition

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def _refused(refusal: Refusal) -> Ruling:
    return Ruling(refusal, NEVER)


class Law:
    """The rules, as their files say them. Immutable."""

    def __init__(self, matrix: FunctionalMatrix | None = None, professions: ProfessionMatrix | None = None) -> None:
        self.matrix = load_matrix() if matrix is None else matrix
        self.professions = load_professions() if professions is None else professions

    def decide(
        self, actor: Actor, action: Action, patient: str, standing: Standing, document: Document | None = None
    ) -> Ruling:
        """Whether an actor may do something with a patient's record, or with one document of it.

        `patient` is the identifier that the registry knows the patient by, `standing` how the actor stands to the
        record at this moment.
        """
        ruling = self.ruling(actor, action, patient, standing)
        if not ruling.allowed or document is None or holds(ruling.documents, document):
            return ruling
        sight = self.ruling(actor, Action.SEARCH, patient, standing)
        seen = sight.allowed and holds(sight.documents, document)
        return _refused(Refusal.NOT_THIS_DOCUMENT if seen else Refusal.HIDDEN)

    def ruling(self, actor: Actor, action: Action, patient: str, standing: Standing) -> Ruling:
        """Whether an actor may do something with a record, and with which of its documents."""
        cell = self.matrix.cell(action, actor.kind, actor.purpose, treating=standing.is_treating_doctor)
        refusal = _of_matrix(actor, action, cell)
        if refusal is None and action not in WITHOUT_RECORD:
            refusal = _of_patient(actor, patient) or _of_state(action, standing) or _of_entry(actor, action, standing)
        if refusal is not None:
            return _refused(refusal)
        if action in WITHOUT_RECORD:
            return Ruling(None, NEVER)
        documents = _of_cell(cell, actor, patient)
        if action not in _FEEDING:
            documents = both(documents, self._visible(actor, action, standing))
        return Ruling(None, both(OfPatient(patient), documents))

    def _visible(self, actor: Actor, action: Action, standing: Standing) -> Condition:
        """Which documents exist for an actor: what they may not see they can neither read nor change.

        An author always sees their own.
        """
        own = WrittenBy(actor.author)
        if actor.kind in _HOLDERS:
            hidden = Marks.INVISIBLE_TO_PATIENT
            if actor.kind is ActorKind.REPRESENTATIVE:
                hidden |= Marks.INVISIBLE_TO_REPRESENTATIVES
            return either(Not(Marked(hidden)), own)
        if actor.kind in (ActorKind.STRUCTURE, ActorKind.EMPLOYEE):
            return FromStructure(actor.structure) if actor.structure else NEVER
        let_in = not standing.blocked and (standing.authorised or standing.is_treating_doctor)
        if action not in NEEDS_AUTHORISATION and not let_in:
            return own  # what needs no authorisation opens nothing that others wrote
        # What is quickly told comes first: a database stops at it.
        return either(both(self._unmasked(actor, standing), self.professions.documents(actor.profession)), own)

    def _unmasked(self, actor: Actor, standing: Standing) -> Condition:
        cell = self.matrix.cell(Action.READ_MASKED, actor.kind, actor.purpose, treating=standing.is_treating_doctor)
        if cell is Cell.YES or (cell is Cell.PERMITTED and standing.masked_readable_in_emergency):
            return ALWAYS
        return Not(Marked(Marks.MASKED))


def _of_cell(cell: Cell, actor: Actor, patient: str) -> Condition:
    """Which documents a cell means. `permitted` is about masked ones, which `_visible` knows of."""
    own, by_patient = WrittenBy(actor.author), WrittenBy(patient)
    documents: dict[Cell, Condition] = {
        Cell.OWN: own,
        Cell.STRUCTURE: FromStructure(actor.structure),
        Cell.PERSONAL: PERSONAL,
        Cell.PATIENT: either(own, by_patient),
        Cell.OTHERS: either(own, Not(by_patient)),
    }
    return documents.get(cell, ALWAYS)


def _of_matrix(actor: Actor, action: Action, cell: Cell) -> Refusal | None:
    """Whether the functional matrix allows it at all."""
    return Refusal.MATRIX if cell is Cell.NO or (action in _FEEDING and not actor.may_feed) else None


def _of_patient(actor: Actor, patient: str) -> Refusal | None:
    """Whether the assertion was made for this patient."""
    return None if actor.patient in (None, patient) else Refusal.OTHER_PATIENT


def _of_state(action: Action, standing: Standing) -> Refusal | None:
    """Whether the life of the record allows it."""
    status = standing.record_status
    if status is None or status is RecordStatus.DESTROYED:
        return None if action in _NONE_ALLOWS else Refusal.NO_RECORD
    if status is RecordStatus.CLOSED:
        return None if action in _CLOSED_ALLOWS else Refusal.RECORD_CLOSED
    return Refusal.RECORD_EXISTS if action in (Action.CREATE, Action.REACTIVATE) else None


def _of_entry(actor: Actor, action: Action, standing: Standing) -> Refusal | None:
    """Whether the patient lets the actor in, in the access mode they ask for."""
    if actor.kind in _HOLDERS:
        return None
    if standing.blocked and action not in IN_SPITE_OF_BLOCK:
        return Refusal.BLOCKED
    if action not in NEEDS_AUTHORISATION:
        return None
    if actor.purpose is PurposeOfUse.BREAK_GLASS:
        refusal = None if actor.reason else Refusal.NO_REASON
        return Refusal.OPPOSED if standing.opposed_to_break_glass else refusal
    if actor.purpose is PurposeOfUse.REGULATION:
        return Refusal.OPPOSED if standing.opposed_to_regulation else None
    return None if standing.authorised or standing.is_treating_doctor else Refusal.NOT_AUTHORISED
