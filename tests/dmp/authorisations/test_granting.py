"""Authorisations are explicit acts, last a year, and a block is stronger than anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, select

from dmp import errors
from dmp.authorisations import ActKind, AuthorisationStatus, Holder, HolderKind
from dmp.authorisations.emergency import break_glass, open_for_regulation
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
from dmp.records import PATIENT, Author, ClosingReason
from dmp.records import tables as t
from dmp.records.calendar import months_after
from dmp.records.changes import close
from tests.dmp.patients import DOCTOR, NOW, NURSE, RULES, caller, ins_c, opened, person, structure
from xds_registry.database import writing

OTHER = replace(DOCTOR, national_id="810000000003")
VALID, EXPIRED = AuthorisationStatus.VALID, AuthorisationStatus.EXPIRED
NONE, FORBIDDEN = AuthorisationStatus.NONE, AuthorisationStatus.FORBIDDEN


@pytest.fixture
def record_pk(connection: Connection) -> int:
    return opened(connection).pk


def status(connection: Connection, who: Author, at: object = NOW) -> AuthorisationStatus:
    return standing(connection, ins_c(), who.national_id, "", at).person  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [NURSE, PATIENT], ids=["declared", "by the patient"])
def test_an_authorisation_lasts_a_year_and_says_who_gave_it(connection: Connection, record_pk: int, by: Author) -> None:
    given = grant(connection, record_pk, person(NURSE), by=by, at=NOW, rules=RULES)
    assert given.expires_at == NOW.replace(year=2027)
    (act,) = acts_on(connection, record_pk)
    assert (act.kind, act.at, act.author) == (ActKind.GRANTED, NOW, by)
    assert status(connection, NURSE, NOW.replace(year=2027) - timedelta(seconds=1)) is VALID
    assert status(connection, NURSE, NOW.replace(year=2027)) is EXPIRED


def test_nobody_is_authorised_by_itself(connection: Connection, record_pk: int) -> None:
    assert status(connection, DOCTOR) is NONE  # who opened the record included


def test_renewing_begins_a_new_year(connection: Connection, record_pk: int) -> None:
    grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    later = months_after(NOW, 18)
    assert status(connection, NURSE, later) is EXPIRED
    grant(connection, record_pk, person(NURSE), by=NURSE, at=later, rules=RULES)
    assert status(connection, NURSE, later) is VALID
    assert len(acts_on(connection, record_pk)) == 2


def test_a_deployment_decides_how_long_it_lasts(connection: Connection, record_pk: int) -> None:
    given = grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=replace(RULES, authorisation_months=1))
    assert given.expires_at == months_after(NOW, 1)


def test_a_professional_authorises_themselves_or_their_structure_and_nobody_else(
    connection: Connection, record_pk: int
) -> None:
    grant(connection, record_pk, structure(NURSE), by=NURSE, at=NOW, rules=RULES)
    found = standing(connection, ins_c(), "somebody else", NURSE.structure_id, NOW)
    assert (found.person, found.structure, found.authorised) == (NONE, VALID, True)
    for holder in (person(OTHER), structure(DOCTOR)):
        with pytest.raises(errors.DMPAccessDeniedByRightsService):
            grant(connection, record_pk, holder, by=NURSE, at=NOW, rules=RULES)
    nowhere = replace(NURSE, structure_id="")
    with pytest.raises(errors.DMPAccessDeniedByRightsService):
        grant(connection, record_pk, structure(nowhere), by=nowhere, at=NOW, rules=RULES)


@pytest.mark.parametrize("by", [NURSE, PATIENT])
def test_holder_or_patient_take_it_back_at_once(connection: Connection, record_pk: int, by: Author) -> None:
    grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    with pytest.raises(errors.DMPAccessDeniedByRightsService):
        revoke(connection, record_pk, person(NURSE), by=OTHER, at=NOW)
    revoke(connection, record_pk, person(NURSE), by=by, at=NOW)
    assert status(connection, NURSE) is NONE
    with pytest.raises(errors.DMPNotFound):
        revoke(connection, record_pk, person(NURSE), by=by, at=NOW)


def test_whom_the_patient_blocked_gets_in_no_way(connection: Connection, record_pk: int) -> None:
    grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    block(connection, record_pk, person(DOCTOR), by=PATIENT, at=NOW)
    found = standing(connection, ins_c(), DOCTOR.national_id, DOCTOR.structure_id, NOW)
    assert (found.person, found.blocked, found.authorised, found.break_glass_open) == (FORBIDDEN, True, False, False)
    with pytest.raises(errors.Blocked):
        grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    with pytest.raises(errors.Blocked):
        grant(connection, record_pk, structure(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    with pytest.raises(errors.Blocked):
        declare_treating_doctor(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    with pytest.raises(errors.Blocked):
        break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    with pytest.raises(errors.Blocked):
        open_for_regulation(connection, caller(), record_pk, at=NOW, rules=RULES)


def test_who_works_for_a_blocked_structure_is_blocked(connection: Connection, record_pk: int) -> None:
    grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    block(connection, record_pk, structure(DOCTOR), by=PATIENT, at=NOW)
    found = standing(connection, ins_c(), DOCTOR.national_id, DOCTOR.structure_id, NOW)
    assert (found.person, found.structure, found.blocked, found.authorised) == (VALID, FORBIDDEN, True, False)
    with pytest.raises(errors.Blocked):
        grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    with pytest.raises(errors.Blocked):
        break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)


def test_a_block_ends_by_an_act_of_its_own_and_leaves_nothing(connection: Connection, record_pk: int) -> None:
    grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    block(connection, record_pk, person(DOCTOR), by=PATIENT, at=NOW)
    with pytest.raises(errors.Blocked):
        grant(connection, record_pk, person(DOCTOR), by=PATIENT, at=NOW, rules=RULES)
    unblock(connection, record_pk, person(DOCTOR), by=PATIENT, at=NOW)
    assert status(connection, DOCTOR) is NONE
    grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    assert status(connection, DOCTOR) is VALID


def test_only_patient_and_treating_doctors_block(connection: Connection, record_pk: int) -> None:
    with pytest.raises(errors.DMPAccessDeniedByRightsService):
        block(connection, record_pk, person(NURSE), by=DOCTOR, at=NOW)
    declare_treating_doctor(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    block(connection, record_pk, person(NURSE), by=DOCTOR, at=NOW)
    assert status(connection, NURSE) is FORBIDDEN
    with pytest.raises(errors.DMPAccessDeniedByRightsService):
        unblock(connection, record_pk, person(NURSE), by=NURSE, at=NOW)
    unblock(connection, record_pk, person(NURSE), by=DOCTOR, at=NOW)
    with pytest.raises(errors.DMPNotFound):
        unblock(connection, record_pk, person(NURSE), by=DOCTOR, at=NOW)


def test_a_record_has_several_treating_doctors_for_as_long_as_they_are(connection: Connection, record_pk: int) -> None:
    for doctor, by in ((DOCTOR, DOCTOR), (OTHER, PATIENT)):
        declare_treating_doctor(connection, record_pk, person(doctor), by=by, at=NOW, rules=RULES)
    for doctor in (DOCTOR, OTHER):
        found = standing(connection, ins_c(), doctor.national_id, "", NOW)
        assert (found.is_treating_doctor, found.person) == (True, VALID)
    later = standing(connection, ins_c(), DOCTOR.national_id, "", months_after(NOW, 24))
    assert (later.is_treating_doctor, later.person) == (True, EXPIRED)


def test_only_a_doctor_is_a_treating_doctor(connection: Connection, record_pk: int) -> None:
    for holder, by in (
        (person(NURSE), NURSE),
        (person(NURSE), PATIENT),
        (replace(person(NURSE), profession="10"), NURSE),  # what is claimed of oneself does not count
        (structure(DOCTOR), DOCTOR),
        (Holder(kind=HolderKind.PERSON, identifier="8"), PATIENT),
    ):
        with pytest.raises(errors.NotADoctor):
            declare_treating_doctor(connection, record_pk, holder, by=by, at=NOW, rules=RULES)


@pytest.mark.parametrize("by", [DOCTOR, PATIENT])
def test_only_that_doctor_or_the_patient_ends_the_role(connection: Connection, record_pk: int, by: Author) -> None:
    for doctor in (DOCTOR, OTHER):
        declare_treating_doctor(connection, record_pk, person(doctor), by=doctor, at=NOW, rules=RULES)
    with pytest.raises(errors.DMPAccessDeniedByRightsService):
        drop_treating_doctor(connection, record_pk, person(DOCTOR), by=OTHER, at=NOW)
    drop_treating_doctor(connection, record_pk, person(DOCTOR), by=by, at=NOW)
    found = standing(connection, ins_c(), DOCTOR.national_id, "", NOW)
    assert (found.is_treating_doctor, found.person) == (False, VALID)
    with pytest.raises(errors.DMPNotFound):
        drop_treating_doctor(connection, record_pk, person(DOCTOR), by=by, at=NOW)


def test_nobody_is_authorised_on_a_closed_record(connection: Connection, record_pk: int) -> None:
    close(connection, ins_c(), reason=ClosingReason.DEATH, by=DOCTOR, at=NOW)
    with pytest.raises(errors.DMPClosed):
        grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    with pytest.raises(errors.DMPClosed):
        block(connection, record_pk, person(NURSE), by=PATIENT, at=NOW)


def test_acts_at_once_leave_one_authorisation_and_are_all_kept(law: Engine) -> None:
    with writing(law) as connection:
        record_pk = opened(connection).pk
    together = Barrier(6)

    def grant_at_once(_: int) -> None:
        together.wait()
        with writing(law) as connection:
            grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(grant_at_once, range(6)))
    with law.connect() as connection:
        assert len(connection.execute(select(t.authorisation)).all()) == 1
        assert len(acts_on(connection, record_pk)) == 6
