"""Who decides whether a caller may do what a message asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import Connection

from card_auth.caller import Caller
from dmp.authorisations import Standing
from dmp.authorisations.entry import Announce, enter
from dmp.authorisations.standing import standing
from dmp.errors import DMPClosed, DmpError, DMPFound, DMPNotFound
from dmp.records.record import RecordRules
from dmp.rights.actions import NEEDS_AUTHORISATION, Action
from dmp.rights.actors import Actor
from dmp.rights.decision import Law, Refusal
from dmp.services.refusals import Denied

#: What stands in the life of the record against it is told as it is; all else is a denial.
_STATES: Final[dict[Refusal, type[DmpError]]] = {
    Refusal.NO_RECORD: DMPNotFound,
    Refusal.RECORD_CLOSED: DMPClosed,
    Refusal.RECORD_EXISTS: DMPFound,
}


class Judge(Protocol):
    """Decides about one action, within the transaction that does it."""

    def require(self, caller: Caller, action_td: str, patient: str | None, connection: Connection) -> None:
        """Return where a caller may do an action (`dmp.rights.actions`) with a patient's record, raise `DmpError` else.

        `patient` is the identifier that the caller's assertion names; None for what is about no record.
        """
        ...


class ByLaw:
    """The judge that applies the record's law. `rules` gives the dated rules of a moment; `announce` writes down, for
    alerts, that a record was opened in an emergency."""

    def __init__(
        self,
        law: Law,
        *,
        rules: Callable[[datetime], RecordRules],
        clock: Callable[[], datetime],
        announce: Announce | None = None,
    ) -> None:
        self._law = law
        self._rules = rules
        self._clock = clock
        self._announce = announce

    def require(self, caller: Caller, action_td: str, patient: str | None, connection: Connection) -> None:
        """As `Judge` says. Who comes in in an emergency is written down in the same transaction."""
        actor, action, at = Actor.of(caller), Action(action_td), self._clock()
        held = Standing()
        if patient is not None:
            held = standing(connection, patient, actor.identifier, actor.structure, at)
        refusal = self._law.ruling(actor, action, patient or "", held).refusal
        if refusal in _STATES:
            raise _STATES[refusal]
        if refusal is not None:
            raise Denied(refusal.name)
        if action in NEEDS_AUTHORISATION:
            rules = self._rules(at)
            enter(connection, caller, patient or "", held, at=at, rules=rules, announce=self._announce)
