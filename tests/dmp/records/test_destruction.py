"""A record is destroyed ten years after it was closed, once nobody holds it back; a tombstone stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from dmp import errors
from dmp.accounts import ChannelKind, OneTimeChannel
from dmp.accounts.access import create_account
from dmp.authorisations.emergency import break_glass
from dmp.authorisations.granting import grant
from dmp.records import ClosingReason, RecordStatus, history
from dmp.records import tables as t
from dmp.records.calendar import months_after
from dmp.records.changes import (
    amend,
    close,
    destroy,
    destructions_under_way,
    documents_gone,
    due_for_destruction,
    lift_legal_hold,
    merge,
    reactivate,
    set_legal_hold,
)
from dmp.records.find import find_record, search
from tests.dmp.patients import (
    DOCTOR,
    NOW,
    NURSE,
    RULES,
    caller,
    consent,
    full_sheet,
    ins_c,
    ins_nir,
    opened,
    person,
    reading,
)

DUE = months_after(NOW, 120)
SECOND = timedelta(seconds=1)


def closed(connection: Connection, number: int = 1) -> int:
    """A closed record with something of everything."""
    record = opened(connection, number, sheet=full_sheet(), local_identifiers=[f"IPP{number}^^^&1.2.3.4&ISO"])
    grant(connection, record.pk, person(NURSE), by=NURSE, at=NOW, rules=RULES)
    break_glass(connection, caller("810000000009", "9"), record.pk, "malaise", at=NOW, rules=RULES)
    create_account(connection, record.pk, [OneTimeChannel(ChannelKind.SMS, "0600000000")], at=NOW)
    close(connection, ins_c(number), reason=ClosingReason.DEATH, note="Jean est mort", by=DOCTOR, at=NOW)
    return record.pk


def test_a_record_is_due_ten_years_after_it_was_closed(connection: Connection) -> None:
    pk = closed(connection)
    opened(connection, 2)
    assert due_for_destruction(connection, DUE - SECOND, RULES) == ()
    assert due_for_destruction(connection, DUE, RULES) == (pk,)
    assert due_for_destruction(connection, DUE, replace(RULES, retention_years=20)) == ()


def test_nothing_is_destroyed_before_it_is_due(connection: Connection) -> None:
    pk, active = closed(connection), opened(connection, 2).pk
    for record_pk, at in ((pk, DUE - SECOND), (active, DUE)):
        with pytest.raises(errors.NotDue):
            destroy(connection, record_pk, by=DOCTOR, at=at, rules=RULES)
    with pytest.raises(errors.DMPNotFound):
        destroy(connection, 0, by=DOCTOR, at=DUE, rules=RULES)


def test_a_legal_hold_keeps_a_record_until_it_is_lifted(connection: Connection) -> None:
    pk = closed(connection)
    assert set_legal_hold(connection, ins_c(), reason="tribunal", by=DOCTOR, at=DUE).legal_hold
    assert due_for_destruction(connection, DUE, RULES) == ()
    with pytest.raises(errors.LegalHold):
        destroy(connection, pk, by=DOCTOR, at=DUE, rules=RULES)
    assert not lift_legal_hold(connection, ins_c(), by=DOCTOR, at=DUE).legal_hold
    assert due_for_destruction(connection, DUE, RULES) == (pk,)
    reasons = [change.reason for change in history.statuses(connection, pk)]
    assert reasons[-2:] == ["legal hold", "legal hold lifted"]


def test_a_legal_hold_says_why(connection: Connection) -> None:
    closed(connection)
    with pytest.raises(errors.ReasonMissing):
        set_legal_hold(connection, ins_c(), reason=" ", by=DOCTOR, at=DUE)


def test_a_destroyed_record_says_nothing_of_its_patient(connection: Connection) -> None:
    pk = closed(connection)
    destruction = destroy(connection, pk, by=NURSE, at=DUE, rules=RULES)
    assert destruction.identifiers == (ins_c(),)
    record = find_record(connection, ins_c())
    assert record is not None
    assert (record.status, record.sheet, record.closing_note) == (RecordStatus.DESTROYED, None, "")
    assert record.local_identifiers == ()
    assert [change.status for change in history.statuses(connection, pk)] == [
        RecordStatus.ACTIVE,
        RecordStatus.CLOSED,
        RecordStatus.DESTROYED,
    ]
    kept = "".join(repr(tuple(row)) for table in t.metadata.sorted_tables for row in connection.execute(select(table)))
    for secret in ("DÉSIRÉ", "DESIRE", "edelweiss", "0600000000", "19500801", "est mort", "IPP1", "malaise"):
        assert secret not in kept
    assert search(connection, family_name="Désiré") == ()


def test_a_destroyed_record_lets_nothing_be_done(connection: Connection) -> None:
    pk = closed(connection)
    destroy(connection, pk, by=NURSE, at=DUE, rules=RULES)
    with pytest.raises(errors.DMPNotFound):
        amend(connection, ins_c(), full_sheet(), by=DOCTOR, at=DUE)
    with pytest.raises(errors.DMPNotFound):
        reactivate(connection, ins_c(), reading=reading(), consents=[], by=DOCTOR, at=DUE, rules=RULES)
    with pytest.raises(errors.DMPNotFound):
        grant(connection, pk, person(NURSE), by=NURSE, at=DUE, rules=RULES)
    with pytest.raises(errors.DMPNotFound):
        destroy(connection, pk, by=NURSE, at=DUE, rules=RULES)


def test_nothing_begins_for_a_patient_while_their_documents_are_being_removed(connection: Connection) -> None:
    pk = closed(connection)
    destruction = destroy(connection, pk, by=NURSE, at=DUE, rules=RULES)
    assert destructions_under_way(connection) == (destruction,)
    again = {"at": DUE, "reading": reading(at=DUE), "consents": [consent(at=DUE)]}
    with pytest.raises(errors.DestructionUnderWay):
        opened(connection, **again)
    with pytest.raises(errors.DestructionUnderWay):
        merge(connection, ins_nir(), ins_c(), by=DOCTOR, at=DUE)
    documents_gone(connection, pk, at=DUE)
    assert destructions_under_way(connection) == ()
    fresh = opened(connection, **again)
    assert fresh.active
    assert fresh.pk != pk


def test_only_documents_of_a_destroyed_record_are_gone(connection: Connection) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        documents_gone(connection, closed(connection), at=DUE)
