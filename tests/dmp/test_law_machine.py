"""Whatever happens to a record in whatever order, a caller's standing is what a plain model of the rules says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from dmp.authorisations import AuthorisationStatus, Holder
from dmp.authorisations.emergency import break_glass
from dmp.authorisations.granting import (
    block,
    declare_treating_doctor,
    drop_treating_doctor,
    grant,
    revoke,
    unblock,
)
from dmp.authorisations.listing import acts_on
from dmp.authorisations.standing import standing
from dmp.errors import DmpError
from dmp.records import PATIENT, Author, ClosingReason, Consent, ConsentCode, RecordStatus, history
from dmp.records.calendar import months_after
from dmp.records.changes import close, destroy, reactivate, state_choices
from tests.dmp.conftest import wipe
from tests.dmp.patients import DOCTOR, NOW, NURSE, RULES, caller, consent, ins_c, opened, person, reading, structure
from tests.examples import some
from xds_registry.database import writing

PROFESSIONALS = (DOCTOR, NURSE)
people = st.sampled_from(PROFESSIONALS)
holders = st.sampled_from([*(person(one) for one in PROFESSIONALS), *(structure(one) for one in PROFESSIONALS)])
actors = st.sampled_from([PATIENT, PATIENT, *PROFESSIONALS])


@dataclass
class Right:
    """What a holder has, by the rules as they are told."""

    expires_at: datetime | None = None
    blocked: bool = False
    treating: bool = False
    glass_until: datetime = NOW


@dataclass
class Model:
    """A record as the rules tell it."""

    status: RecordStatus = RecordStatus.ACTIVE
    closed_at: datetime = NOW
    opposed: bool = False
    rights: dict[str, Right] = field(default_factory=dict)
    acts: int = 0
    steps: int = 1

    def right(self, holder: Holder) -> Right:
        return self.rights.setdefault(f"{holder.kind} {holder.identifier}", Right())

    def blocked(self, author: Author) -> bool:
        return self.right(person(author)).blocked or self.right(structure(author)).blocked

    def expected(self, holder: Holder, at: datetime) -> AuthorisationStatus:
        right = self.right(holder)
        if right.blocked:
            return AuthorisationStatus.FORBIDDEN
        if right.expires_at is None:
            return AuthorisationStatus.NONE
        return AuthorisationStatus.VALID if at < right.expires_at else AuthorisationStatus.EXPIRED


def mostly(condition: Callable[[Any], bool]) -> Any:
    """A rule that is tried where it can do something, and now and then where it must be refused."""
    return precondition(lambda machine: condition(machine.model) or machine.tried % 4 == 0)


def law_machine(engine: Engine) -> type[RuleBasedStateMachine]:
    """A machine that does everything to one record of a database, and to the model."""

    class Law(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            wipe(engine)
            self.now = NOW
            self.model = Model()
            self.tried = 1
            with writing(engine) as connection:
                self.record_pk = opened(connection).pk

        def active(self) -> bool:
            return self.model.status is RecordStatus.ACTIVE

        @rule(distance=st.sampled_from([timedelta(minutes=10), timedelta(minutes=20), timedelta(days=400)]))
        def wait(self, distance: timedelta) -> None:
            self.now += distance

        @rule(holder=holders, by=actors)
        def grants(self, holder: Holder, by: Author) -> None:
            own = by.is_patient or holder.identifier in (by.national_id, by.structure_id)
            allowed = self.active() and own and not self.model.right(holder).blocked
            allowed = allowed and (by.is_patient or not self.model.blocked(by))
            self.tries(allowed, lambda c: grant(c, self.record_pk, holder, by=by, at=self.now, rules=RULES))
            if allowed:
                self.model.right(holder).expires_at = months_after(self.now, 12)
                self.model.acts += 1

        @rule(who=people, by=actors)
        def declares(self, who: Author, by: Author) -> None:
            right = self.model.right(person(who))
            allowed = self.active() and who.is_doctor and by in (who, PATIENT) and not right.blocked
            allowed = allowed and (by.is_patient or not self.model.blocked(by))
            self.tries(
                allowed,
                lambda c: declare_treating_doctor(c, self.record_pk, person(who), by=by, at=self.now, rules=RULES),
            )
            if allowed:
                right.expires_at = months_after(self.now, 12)
                self.model.acts += 1 if right.treating else 2
                right.treating = True

        @mostly(lambda model: any(right.treating for right in model.rights.values()))
        @rule(who=people, by=actors)
        def drops(self, who: Author, by: Author) -> None:
            right = self.model.right(person(who))
            allowed = right.treating and by in (who, PATIENT) and self.model.status is not RecordStatus.DESTROYED
            self.tries(allowed, lambda c: drop_treating_doctor(c, self.record_pk, person(who), by=by, at=self.now))
            if allowed:
                right.treating = False
                self.model.acts += 1

        @mostly(lambda model: any(right.expires_at for right in model.rights.values()))
        @rule(holder=holders, by=actors)
        def revokes(self, holder: Holder, by: Author) -> None:
            right = self.model.right(holder)
            own = by.is_patient or holder.identifier in (by.national_id, by.structure_id)
            allowed = own and (right.expires_at is not None or right.treating)
            self.tries(allowed, lambda c: revoke(c, self.record_pk, holder, by=by, at=self.now))
            if allowed:
                right.expires_at, right.treating = None, False
                self.model.acts += 1

        @rule(holder=holders, by=actors)
        def blocks(self, holder: Holder, by: Author) -> None:
            allowed = self.active() and (by.is_patient or self.model.right(person(by)).treating)
            self.tries(allowed, lambda c: block(c, self.record_pk, holder, by=by, at=self.now))
            if allowed:
                right = self.model.right(holder)
                right.blocked, right.expires_at, right.treating = True, None, False
                for one in PROFESSIONALS:
                    if holder.identifier in (one.national_id, one.structure_id):
                        glass = self.model.right(person(one))
                        glass.glass_until = min(glass.glass_until, self.now)
                self.model.acts += 1

        @mostly(lambda model: any(right.blocked for right in model.rights.values()))
        @rule(holder=holders)
        def unblocks(self, holder: Holder) -> None:
            right = self.model.right(holder)
            allowed = self.active() and right.blocked
            self.tries(allowed, lambda c: unblock(c, self.record_pk, holder, by=PATIENT, at=self.now))
            if allowed:
                right.blocked = False
                self.model.acts += 1

        @mostly(lambda model: model.status is RecordStatus.ACTIVE and not model.opposed)
        @rule(who=people)
        def breaks_glass(self, who: Author) -> None:
            allowed = self.active() and not self.model.opposed and not self.model.blocked(who)
            asking = caller(who.national_id, who.structure_id)
            self.tries(allowed, lambda c: break_glass(c, asking, self.record_pk, "malaise", at=self.now, rules=RULES))
            if allowed:
                right = self.model.right(person(who))
                right.glass_until = max(right.glass_until, self.now + timedelta(minutes=30))

        @mostly(lambda model: model.opposed)
        @rule(value=st.booleans())
        def opposes(self, value: bool) -> None:
            stated = Consent(ConsentCode.BREAK_GLASS_OPPOSITION, value, self.now, PATIENT)
            self.tries(self.active(), lambda c: state_choices(c, ins_c(), [stated]))
            if self.active():
                self.model.opposed = value

        @rule(often=st.integers(0, 3))
        def closes(self, often: int) -> None:
            if often:  # most of what there is to find happens while the record is open
                return
            self.tries(
                self.active(),
                lambda c: close(c, ins_c(), reason=ClosingReason.PATIENT_REQUEST, by=DOCTOR, at=self.now),
            )
            if self.active():
                self.model.status, self.model.closed_at = RecordStatus.CLOSED, self.now
                self.model.steps += 1
                for right in self.model.rights.values():
                    right.glass_until = min(right.glass_until, self.now)

        @mostly(lambda model: model.status is RecordStatus.CLOSED)
        @rule()
        def reactivates(self) -> None:
            allowed = self.model.status is RecordStatus.CLOSED
            self.tries(
                allowed,
                lambda c: reactivate(
                    c,
                    ins_c(),
                    reading=reading(at=self.now),
                    consents=[consent(ConsentCode.REACTIVATION, at=self.now)],
                    by=DOCTOR,
                    at=self.now,
                    rules=RULES,
                ),
            )
            if allowed:
                self.model.status = RecordStatus.ACTIVE
                self.model.steps += 1

        @precondition(lambda self: self.tried > 30 or self.tried % 8 == 0)
        @rule(late=st.booleans())
        def destroys(self, late: bool) -> None:
            if late and self.model.status is RecordStatus.CLOSED:
                self.now = max(self.now, months_after(self.model.closed_at, 120))
            due = months_after(self.model.closed_at, 120) <= self.now
            allowed = self.model.status is RecordStatus.CLOSED and due
            self.tries(allowed, lambda c: destroy(c, self.record_pk, by=DOCTOR, at=self.now, rules=RULES))
            if allowed:
                self.model = Model(RecordStatus.DESTROYED, steps=self.model.steps + 1)

        def tries(self, allowed: bool, act: object) -> None:
            """Do it, in a transaction of its own; it succeeds if and only if the model allows it."""
            self.tried += 1
            succeeded = False
            with suppress(DmpError), writing(engine) as connection:
                act(connection)  # type: ignore[operator]
                succeeded = True
            assert succeeded is allowed

        @invariant()
        def standing_is_what_the_rules_say(self) -> None:
            with engine.connect() as connection:
                for who in PROFESSIONALS:
                    found = standing(connection, ins_c(), who.national_id, who.structure_id, self.now)
                    right = self.model.right(person(who))
                    assert found.record_status is self.model.status
                    assert found.person is self.model.expected(person(who), self.now)
                    assert found.structure is self.model.expected(structure(who), self.now)
                    assert found.is_treating_doctor is right.treating
                    assert found.blocked is self.model.blocked(who)
                    assert found.break_glass_open is (self.now < right.glass_until)
                    if found.blocked:
                        assert not found.authorised
                        assert not found.break_glass_open
                    if self.model.status is not RecordStatus.DESTROYED:
                        assert found.opposed_to_break_glass is self.model.opposed

        @invariant()
        def nothing_that_was_done_is_forgotten(self) -> None:
            with engine.connect() as connection:
                assert len(acts_on(connection, self.record_pk)) == self.model.acts
                assert len(history.statuses(connection, self.record_pk)) == self.model.steps

    return Law


def test_a_callers_standing_is_what_the_rules_say(law: Engine) -> None:
    run_state_machine_as_test(
        law_machine(law),
        settings=settings(max_examples=some(40), stateful_step_count=40, deadline=None),
    )
