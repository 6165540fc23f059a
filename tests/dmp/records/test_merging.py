"""Two records that turn out to be one patient's become one, and nobody gains a right by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from dmp.accounts import ChannelKind, OneTimeChannel
from dmp.accounts.access import create_account, find_account
from dmp.authorisations import AuthorisationStatus
from dmp.authorisations.emergency import break_glass, notices
from dmp.authorisations.granting import block, declare_treating_doctor, grant
from dmp.authorisations.listing import acts_on
from dmp.authorisations.standing import standing
from dmp.records import PATIENT, ClosingReason, ConsentCode, RecordStatus, history
from dmp.records.calendar import months_after
from dmp.records.changes import close, destroy, due_for_destruction, lift_legal_hold, merge, set_legal_hold
from dmp.records.find import find_record, search
from tests.dmp.patients import DOCTOR, NOW, NURSE, RULES, caller, consent, full_sheet, ins_c, opened, person

LATER = NOW + timedelta(days=1)


def merged(connection: Connection) -> int:
    """The record once patient 2 turned out to be patient 1."""
    record_pk = merge(connection, ins_c(1), ins_c(2), by=DOCTOR, at=LATER).record_pk
    assert record_pk is not None
    return record_pk


def test_both_identifiers_lead_to_the_surviving_record(connection: Connection) -> None:
    survivor, subsumed = opened(connection, 1), opened(connection, 2, sheet=full_sheet())
    assert merged(connection) == survivor.pk
    record = find_record(connection, ins_c(2))
    assert record is not None
    assert record == find_record(connection, ins_c(1))
    assert (record.pk, record.patient) == (survivor.pk, ins_c(1))
    assert set(record.identifiers) == {ins_c(1), ins_c(2)}
    assert record.sheet == survivor.sheet
    assert {found for _, _, found in history.sheets(connection, survivor.pk)} == {survivor.sheet, subsumed.sheet}
    assert len(history.consents(connection, survivor.pk)) == 2
    assert [record.pk for record in search(connection, family_name="Désiré")] == [survivor.pk]


def test_a_record_of_the_subsumed_patient_alone_becomes_the_survivors(connection: Connection) -> None:
    record = opened(connection, 2)
    assert merged(connection) == record.pk
    found = find_record(connection, ins_c(1))
    assert found is not None
    assert found.identifiers == (ins_c(1), ins_c(2))


def test_a_survivor_alone_takes_the_other_identifier(connection: Connection) -> None:
    record = opened(connection, 1)
    assert merged(connection) == record.pk
    found = find_record(connection, ins_c(2))
    assert found is not None
    assert found.identifiers == (ins_c(1), ins_c(2))


def test_patients_without_records_have_none_afterwards(connection: Connection) -> None:
    assert merge(connection, ins_c(1), ins_c(2), by=DOCTOR, at=LATER).record_pk is None
    assert find_record(connection, ins_c(1)) is None


def test_merging_again_changes_nothing(connection: Connection) -> None:
    opened(connection, 1)
    opened(connection, 2)
    pk = merged(connection)
    before = find_record(connection, ins_c(1))
    assert merged(connection) == pk
    assert find_record(connection, ins_c(1)) == before


def test_an_opposition_of_either_counts(connection: Connection) -> None:
    opened(connection, 1, consents=[consent(), consent(ConsentCode.MASKED_IN_EMERGENCY)])
    opened(connection, 2, consents=[consent(), consent(ConsentCode.BREAK_GLASS_OPPOSITION)])
    merged(connection)
    record = find_record(connection, ins_c(1))
    assert record is not None
    assert record.opposed_to_break_glass
    assert not record.masked_readable_in_emergency


def test_a_block_of_either_counts_and_of_two_authorisations_the_longer(connection: Connection) -> None:
    first, second = opened(connection, 1).pk, opened(connection, 2).pk
    grant(connection, first, person(DOCTOR), by=DOCTOR, at=NOW, rules=RULES)
    block(connection, second, person(DOCTOR), by=PATIENT, at=NOW)
    grant(connection, first, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    grant(connection, second, person(NURSE), by=NURSE, at=LATER, rules=RULES)
    third = DOCTOR.national_id[:-1] + "7"
    other = replace(DOCTOR, national_id=third)
    declare_treating_doctor(connection, second, person(other), by=other, at=NOW, rules=RULES)
    merged(connection)
    assert standing(connection, ins_c(2), DOCTOR.national_id, "", LATER).person is AuthorisationStatus.FORBIDDEN
    last = months_after(LATER, 12) - timedelta(seconds=1)
    assert standing(connection, ins_c(2), NURSE.national_id, "", last).person is AuthorisationStatus.VALID
    assert standing(connection, ins_c(1), third, "", LATER).is_treating_doctor
    assert len(acts_on(connection, first)) == 8  # six that were done, two of the merge


def test_of_two_decisions_on_status_the_later_counts(connection: Connection) -> None:
    opened(connection, 1)
    opened(connection, 2)
    close(connection, ins_c(2), reason=ClosingReason.PATIENT_REQUEST, by=DOCTOR, at=NOW + timedelta(hours=1))
    merged(connection)
    record = find_record(connection, ins_c(1))
    assert record is not None
    assert (record.status, record.closing_reason) == (RecordStatus.CLOSED, "FERMETURE_DEMANDE_PATIENT")


def test_notices_and_the_account_pass_on(connection: Connection) -> None:
    opened(connection, 1)
    other = opened(connection, 2).pk
    break_glass(connection, caller(), other, "malaise", at=NOW, rules=RULES)
    create_account(connection, other, [OneTimeChannel(ChannelKind.SMS, "0600000000")], at=NOW)
    pk = merged(connection)
    assert len(notices(connection, pk)) == 1
    account = find_account(connection, pk)
    assert account is not None
    assert account.channels == (OneTimeChannel(ChannelKind.SMS, "0600000000"),)


def test_of_two_accounts_the_survivors_stays(connection: Connection) -> None:
    first, second = opened(connection, 1).pk, opened(connection, 2).pk
    channel = OneTimeChannel(ChannelKind.SMS, "0600000000")
    login = create_account(connection, first, [channel], at=NOW).login
    create_account(connection, second, [channel], at=NOW)
    account = find_account(connection, merged(connection))
    assert account is not None
    assert account.login == login
    assert find_account(connection, second) is None


def test_a_legal_hold_passes_on_and_both_are_destroyed_together(connection: Connection) -> None:
    opened(connection, 1)
    opened(connection, 2, sheet=full_sheet())
    set_legal_hold(connection, ins_c(2), reason="tribunal", by=DOCTOR, at=NOW)
    pk = merged(connection)
    record = find_record(connection, ins_c(1))
    assert record is not None
    assert record.legal_hold
    lift_legal_hold(connection, ins_c(1), by=DOCTOR, at=LATER)
    close(connection, ins_c(1), reason=ClosingReason.DEATH, by=DOCTOR, at=LATER)
    due = months_after(LATER, 120)
    assert due_for_destruction(connection, due, RULES) == (pk,)
    assert set(destroy(connection, pk, by=DOCTOR, at=due, rules=RULES).identifiers) == {ins_c(1), ins_c(2)}
    assert history.sheets(connection, pk) == ()
