"""Who is on a record, and which records a professional is on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from dmp.authorisations import DateType, Holder, HolderKind, Mode
from dmp.authorisations.granting import block, declare_treating_doctor, grant, revoke
from dmp.authorisations.listing import authorisations_of, note_access, note_document, records_of
from dmp.records import PATIENT, ClosingReason
from dmp.records.calendar import months_after
from dmp.records.changes import amend, close
from tests.dmp.patients import DOCTOR, NOW, NURSE, RULES, caller, full_sheet, ins_c, opened, person

DAY = timedelta(days=1)
THIRD = replace(NURSE, national_id="810000000003", name="ZOLA Émile")


@pytest.fixture
def record_pk(connection: Connection) -> int:
    return opened(connection).pk


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.ACTIVE, [DOCTOR]),
        (Mode.FORBIDDEN, [NURSE]),
        (Mode.ALL, [DOCTOR, NURSE]),
    ],
)
def test_a_records_list_holds_who_is_authorised_or_blocked(
    connection: Connection, record_pk: int, mode: Mode, expected: list[object]
) -> None:
    grant(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    block(connection, record_pk, person(NURSE), by=PATIENT, at=NOW)
    grant(connection, record_pk, person(THIRD), by=THIRD, at=NOW, rules=RULES)
    revoke(connection, record_pk, person(THIRD), by=THIRD, at=NOW)
    found = [one.holder.identifier for one in authorisations_of(connection, record_pk, NOW, mode)]
    assert found == [who.national_id for who in expected]  # type: ignore[attr-defined]


def test_an_expired_authorisation_is_listed_for_treating_doctors_only(connection: Connection, record_pk: int) -> None:
    declare_treating_doctor(connection, record_pk, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    (one,) = authorisations_of(connection, record_pk, months_after(NOW, 13), Mode.ACTIVE)
    assert (one.holder.identifier, one.is_treating_doctor) == (DOCTOR.national_id, True)


def test_a_row_says_who_it_is(connection: Connection, record_pk: int) -> None:
    holder = Holder.person(caller())
    grant(connection, record_pk, holder, by=DOCTOR, at=NOW, rules=RULES)
    (one,) = authorisations_of(connection, record_pk, NOW)
    assert one.holder.family_name == "MARTIN Anne"
    assert one.holder.specialities == (("10", "Médecin"), ("SM26", ""))
    assert (one.granted_at, one.last_action_at) == (NOW, NOW)
    note_access(connection, record_pk, DOCTOR.national_id, NOW + DAY)
    note_access(connection, record_pk, DOCTOR.national_id, NOW)  # an earlier one comes late
    (one,) = authorisations_of(connection, record_pk, NOW)
    assert one.last_action_at == NOW + DAY


def test_a_professionals_list_holds_active_records_they_may_consult(connection: Connection) -> None:
    for number in range(1, 7):
        pk = opened(connection, number, sheet=full_sheet()).pk
        if number < 6:
            grant(connection, pk, person(NURSE), by=NURSE, at=NOW + number * DAY, rules=RULES)
        if number == 2:
            close(connection, ins_c(2), reason=ClosingReason.DEATH, by=DOCTOR, at=NOW)
        if number == 3:
            revoke(connection, pk, person(NURSE), by=NURSE, at=NOW)
        if number == 4:
            block(connection, pk, person(NURSE), by=PATIENT, at=NOW)
    found = records_of(connection, HolderKind.PERSON, NURSE.national_id, NOW + 10 * DAY)
    assert [one.identifiers for one in found] == [(ins_c(5),), (ins_c(1),)]
    first = found[0]
    assert (first.birth_name, first.usual_name, first.first_name) == ("DÉSIRÉ", "D'ÂGE-ŒUVRE", "Jean")
    assert (first.civility, first.birth_date) == ("M", "19500801")
    assert (first.last_authorisation_at, first.is_treating_doctor) == (NOW + 5 * DAY, False)
    assert records_of(connection, HolderKind.PERSON, NURSE.national_id, months_after(NOW, 24)) == ()


def test_a_list_begins_at_a_date_of_authorisation_or_document(connection: Connection) -> None:
    for number in (1, 2, 3):
        pk = opened(connection, number).pk
        grant(connection, pk, person(NURSE), by=NURSE, at=NOW + number * DAY, rules=RULES)
    note_document(connection, ins_c(1), NOW + 9 * DAY)
    note_document(connection, ins_c(9), NOW + 9 * DAY)  # who has no record

    def listed(date_type: DateType, since_days: int) -> list[str]:
        found = records_of(
            connection,
            HolderKind.PERSON,
            NURSE.national_id,
            NOW + 10 * DAY,
            date_type=date_type,
            since=NOW + since_days * DAY,
        )
        return [one.identifiers[0] for one in found]

    assert listed(DateType.LAST_AUTHORISATION, 2) == [ins_c(3), ins_c(2)]
    assert listed(DateType.LAST_DOCUMENT, 2) == [ins_c(1)]
    assert listed(DateType.LAST_DOCUMENT, 10) == []


def test_a_row_says_when_the_record_last_changed(connection: Connection, record_pk: int) -> None:
    grant(connection, record_pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    amend(connection, ins_c(), full_sheet(), by=DOCTOR, at=NOW + DAY)
    note_document(connection, ins_c(), NOW + 2 * DAY)
    (one,) = records_of(connection, HolderKind.PERSON, NURSE.national_id, NOW)
    assert (one.last_update_at, one.last_document_at) == (NOW + 2 * DAY, NOW + 2 * DAY)
