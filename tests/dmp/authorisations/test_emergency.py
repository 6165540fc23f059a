"""The glass is broken with a reason, for one record and a short time; the patient is told, an operator reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from card_auth.caller import PurposeOfUse
from dmp import errors
from dmp.authorisations.emergency import (
    LONGEST_REASON,
    acknowledge,
    awaiting_review,
    break_glass,
    notices,
    open_for_regulation,
    openings_within_a_day,
    review,
)
from dmp.authorisations.standing import standing
from dmp.records import ClosingReason, ConsentCode
from dmp.records.changes import close, reactivate
from tests.dmp.patients import DOCTOR, NOW, RULES, caller, consent, ins_c, opened, reading

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def record_pk(connection: Connection) -> int:
    return opened(connection).pk


def is_open(connection: Connection, at: object = NOW, patient: str = "", national_id: str = "") -> bool:
    found = standing(connection, patient or ins_c(), national_id or caller().national_id, "", at)  # type: ignore[arg-type]
    return found.break_glass_open


def test_the_glass_is_broken_for_half_an_hour_one_record_and_one_person(connection: Connection, record_pk: int) -> None:
    opened(connection, 2)
    opening = break_glass(connection, caller(), record_pk, " malaise ", at=NOW, rules=RULES)
    assert (opening.reason, opening.expires_at) == ("malaise", NOW + HALF_AN_HOUR)
    assert is_open(connection)
    assert is_open(connection, NOW + HALF_AN_HOUR - timedelta(seconds=1))
    assert not is_open(connection, NOW + HALF_AN_HOUR)
    assert not is_open(connection, patient=ins_c(2))
    assert not is_open(connection, national_id="810000000009")


@pytest.mark.parametrize("reason", ["", "  \n", "\0"])
def test_a_reason_is_given(connection: Connection, record_pk: int, reason: str) -> None:
    with pytest.raises(errors.ReasonMissing):
        break_glass(connection, caller(), record_pk, reason, at=NOW, rules=RULES)


def test_a_reason_is_no_book(connection: Connection, record_pk: int) -> None:
    with pytest.raises(errors.TooLong):
        break_glass(connection, caller(), record_pk, "x" * (LONGEST_REASON + 1), at=NOW, rules=RULES)


def test_a_deployment_decides_for_how_long(connection: Connection, record_pk: int) -> None:
    rules = replace(RULES, break_glass_lifetime=timedelta(minutes=5))
    opening = break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=rules)
    assert opening.expires_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("opposition", "refused", "allowed"),
    [
        (ConsentCode.BREAK_GLASS_OPPOSITION, "glass", "regulation"),
        (ConsentCode.REGULATION_OPPOSITION, "regulation", "glass"),
    ],
)
def test_each_opposition_closes_one_way_in(
    connection: Connection, opposition: ConsentCode, refused: str, allowed: str
) -> None:
    record_pk = opened(connection, consents=[consent(), consent(opposition)]).pk
    ways = {
        "glass": lambda: break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES),
        "regulation": lambda: open_for_regulation(connection, caller(), record_pk, at=NOW, rules=RULES),
    }
    with pytest.raises(errors.PatientOpposed):
        ways[refused]()
    assert ways[allowed]().record_pk == record_pk


def test_an_entry_of_the_call_centre_breaks_no_glass(connection: Connection, record_pk: int) -> None:
    opening = open_for_regulation(connection, caller(), record_pk, at=NOW, rules=RULES)
    assert opening.mode is PurposeOfUse.REGULATION
    assert not is_open(connection)


def test_closing_a_record_ends_what_was_opened(connection: Connection, record_pk: int) -> None:
    break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    close(connection, ins_c(), reason=ClosingReason.PATIENT_REQUEST, by=DOCTOR, at=NOW)
    with pytest.raises(errors.DMPClosed):
        break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    reactivate(
        connection,
        ins_c(),
        reading=reading(),
        consents=[consent(ConsentCode.REACTIVATION)],
        by=DOCTOR,
        at=NOW,
        rules=RULES,
    )
    assert not is_open(connection)


def test_the_patient_is_told_of_each_opening_once(connection: Connection, record_pk: int) -> None:
    first = break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    second = open_for_regulation(connection, caller(), record_pk, at=NOW, rules=RULES)
    assert notices(connection, record_pk) == (first, second)
    assert acknowledge(connection, record_pk, first.pk, at=NOW)
    assert not acknowledge(connection, record_pk, first.pk, at=NOW)
    assert notices(connection, record_pk) == (second,)


def test_a_patient_acknowledges_none_but_their_own_notices(connection: Connection, record_pk: int) -> None:
    other = opened(connection, 2).pk
    opening = break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    assert not acknowledge(connection, other, opening.pk, at=NOW)
    assert notices(connection, record_pk) == (opening,)


def test_each_opening_waits_for_a_review(connection: Connection, record_pk: int) -> None:
    opening = break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES)
    assert awaiting_review(connection) == (opening,)
    review(connection, opening.pk, by=DOCTOR, note="justifié", at=NOW)
    assert awaiting_review(connection) == ()
    with pytest.raises(errors.DMPInvalidRequest):
        review(connection, opening.pk, by=DOCTOR, at=NOW)


def test_openings_are_counted_by_day_and_person(connection: Connection, record_pk: int) -> None:
    other = opened(connection, 2).pk
    for hours, pk in ((0, record_pk), (1, other), (23, record_pk)):
        break_glass(connection, caller(), pk, "malaise", at=NOW + timedelta(hours=hours), rules=RULES)
    break_glass(connection, caller("810000000009"), other, "malaise", at=NOW, rules=RULES)
    open_for_regulation(connection, caller(), other, at=NOW, rules=RULES)
    assert openings_within_a_day(connection, caller().national_id, NOW + timedelta(hours=23)) == 3
    assert openings_within_a_day(connection, caller().national_id, NOW + timedelta(hours=24)) == 2
    assert openings_within_a_day(connection, caller().national_id, NOW, PurposeOfUse.REGULATION) == 1


def test_a_reason_does_not_show_in_texts_of_values(connection: Connection, record_pk: int) -> None:
    assert "malaise" not in repr(break_glass(connection, caller(), record_pk, "malaise", at=NOW, rules=RULES))
