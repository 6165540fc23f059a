"""Amending, closing, reactivating: nothing is lost that was stated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from dmp import errors
from dmp.records import (
    PATIENT,
    ClosingReason,
    Consent,
    ConsentCode,
    RecordStatus,
    Representative,
    Sheet,
    history,
)
from dmp.records import tables as t
from dmp.records.calendar import months_after, months_before
from dmp.records.changes import amend, close, reactivate, state_choices
from dmp.records.find import find_record
from dmp.records.rules import Overrides, current
from dmp.records.sheets import decode, encode
from dmp.records.traits import is_minor
from tests.dmp.patients import (
    DOCTOR,
    NOW,
    NURSE,
    RULES,
    consent,
    full_sheet,
    ins_c,
    opened,
    reading,
    sheet,
)
from xds_registry.database import writing

LATER = NOW + timedelta(days=30)


def reactivated(connection: Connection, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "reading": reading(at=LATER),
        "consents": [consent(ConsentCode.REACTIVATION, at=LATER)],
        "by": NURSE,
        "at": LATER,
        "rules": RULES,
    }
    return reactivate(connection, ins_c(), **(values | changes))


def closed(connection: Connection) -> None:
    close(connection, ins_c(), reason=ClosingReason.PATIENT_REQUEST, note="ne souhaite plus", by=DOCTOR, at=NOW)


def test_a_closed_record_says_when_and_why(connection: Connection) -> None:
    opened(connection)
    closed(connection)
    record = find_record(connection, ins_c())
    assert record is not None
    assert (record.status, record.closed_at) == (RecordStatus.CLOSED, NOW)
    assert (record.closing_reason, record.closing_note) == ("FERMETURE_DEMANDE_PATIENT", "ne souhaite plus")


def test_a_closed_record_changes_no_more(connection: Connection) -> None:
    opened(connection)
    closed(connection)
    with pytest.raises(errors.DMPClosed):
        closed(connection)
    with pytest.raises(errors.DMPClosed):
        amend(connection, ins_c(), full_sheet(), by=DOCTOR, at=LATER)
    with pytest.raises(errors.DMPClosed):
        state_choices(connection, ins_c(), [consent(ConsentCode.BREAK_GLASS_OPPOSITION)])
    with pytest.raises(errors.DMPClosed):
        opened(connection)


def test_a_reactivated_record_is_as_it_was(connection: Connection) -> None:
    before = opened(connection, sheet=full_sheet())
    closed(connection)
    after = reactivated(connection)
    assert after == before
    assert [change.status for change in history.statuses(connection, after.pk)] == [
        RecordStatus.ACTIVE,
        RecordStatus.CLOSED,
        RecordStatus.ACTIVE,
    ]
    assert history.statuses(connection, after.pk)[1].note == "ne souhaite plus"
    assert len(history.readings(connection, after.pk)) == 2


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"reading": None}, errors.NoVitaleReading),
        ({"reading": reading(at=NOW)}, errors.VitaleReadingTooOld),
        ({"reading": reading(ins_c(2), LATER)}, errors.IdentityMismatch),
        ({"consents": []}, errors.NoConsent),
        ({"consents": [consent(ConsentCode.REACTIVATION, value=False, at=LATER)]}, errors.NoConsent),
        ({"consents": [consent(ConsentCode.OPENING, at=LATER)]}, errors.DMPInvalidRequest),
    ],
)
def test_without_card_and_consent_nothing_is_reactivated(
    connection: Connection, changes: dict[str, Any], refusal: type[errors.DmpError]
) -> None:
    opened(connection)
    closed(connection)
    with pytest.raises(refusal):
        reactivated(connection, **changes)
    record = find_record(connection, ins_c())
    assert record is not None
    assert record.status is RecordStatus.CLOSED


def test_an_active_record_or_none_is_not_reactivated(connection: Connection) -> None:
    with pytest.raises(errors.DMPNotFound):
        reactivated(connection)
    opened(connection)
    with pytest.raises(errors.DMPFound):
        reactivated(connection)


def test_reactivation_can_bring_a_new_sheet(connection: Connection) -> None:
    opened(connection)
    closed(connection)
    assert reactivated(connection, sheet=full_sheet()).sheet == full_sheet()


def test_every_version_of_a_sheet_is_kept_with_who_wrote_it(connection: Connection) -> None:
    record = opened(connection)
    after = amend(connection, ins_c(), full_sheet(), by=NURSE, at=LATER)
    assert after.sheet == full_sheet()
    assert after.sheet_version == 2
    assert history.sheets(connection, record.pk) == ((NOW, DOCTOR, sheet()), (LATER, NURSE, full_sheet()))


def test_the_same_sheet_again_makes_no_version(connection: Connection) -> None:
    opened(connection)
    assert amend(connection, ins_c(), sheet(), by=NURSE, at=LATER).sheet_version == 1


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(connection: Connection) -> None:
    seen = opened(connection).sheet_version
    amend(connection, ins_c(), full_sheet(), by=NURSE, at=LATER, seen_version=seen)
    with pytest.raises(errors.SheetChanged):
        amend(connection, ins_c(), sheet(usual_name="X"), by=DOCTOR, at=LATER, seen_version=seen)


def test_amendments_at_once_all_leave_a_version(law: Engine) -> None:
    with writing(law) as connection:
        record = opened(connection)
    together = Barrier(6)

    def amend_at_once(number: int) -> None:
        together.wait()
        with writing(law) as connection:
            amend(connection, ins_c(), sheet(usual_name=f"N{number}"), by=NURSE, at=LATER)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(amend_at_once, range(6)))
    with law.connect() as connection:
        written = {found.traits.usual_name for _, _, found in history.sheets(connection, record.pk)}
    assert written == {"", "N0", "N1", "N2", "N3", "N4", "N5"}


def test_an_opposition_holds_at_once_and_what_was_stated_before_stays(connection: Connection) -> None:
    record = opened(connection)
    stated = [
        Consent(ConsentCode.BREAK_GLASS_OPPOSITION, True, LATER, PATIENT),
        Consent(ConsentCode.MASKED_IN_EMERGENCY, True, LATER, PATIENT),
    ]
    after = state_choices(connection, ins_c(), stated)
    assert after.opposed_to_break_glass
    assert after.masked_readable_in_emergency
    withdrawn = Consent(ConsentCode.BREAK_GLASS_OPPOSITION, False, LATER + timedelta(days=1), PATIENT)
    assert not amend(connection, ins_c(), sheet(), by=DOCTOR, at=LATER, consents=[withdrawn]).opposed_to_break_glass
    assert history.consents(connection, record.pk) == (consent(), *stated, withdrawn)


def test_consent_to_open_is_no_amendment(connection: Connection) -> None:
    opened(connection)
    with pytest.raises(errors.DMPInvalidRequest):
        state_choices(connection, ins_c(), [consent(ConsentCode.OPENING)])


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)


@given(texts, st.lists(texts, max_size=3), texts)
def test_a_sheet_is_read_as_it_was_written(name: str, lines: list[str], city: str) -> None:
    full = full_sheet()
    assert full.address is not None
    changed = replace(full, address=replace(full.address, lines=tuple(lines), city=city, additional=name))
    assert decode(encode(changed)) == changed


@pytest.mark.parametrize(
    "make",
    [
        lambda: sheet(usual_name="x" * 201),
        lambda: Sheet(
            traits=sheet().traits,
            representatives=tuple(Representative(relationship="MTH", name="X", first_names=("Y",)) for _ in range(21)),
        ),
        lambda: sheet(birth_date="1950-8-1"),
        lambda: sheet(birth_name=" "),
        lambda: sheet(usual_name="a\0"),
    ],
    ids=["text", "list", "date", "no name", "nul"],
)
def test_a_sheet_that_cannot_be_kept_is_refused(make: Any) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        make()


@pytest.mark.parametrize(
    ("birth_date", "day", "minor"),
    [
        ("20080314", date(2026, 3, 13), True),
        ("20080314", date(2026, 3, 14), False),
        ("20080229", date(2026, 2, 28), True),  # no such day eighteen years later
        ("20080229", date(2026, 3, 1), False),
        ("20080300", date(2026, 3, 30), True),  # the day is not known
        ("20080300", date(2026, 4, 1), False),
        ("20080000", date(2026, 12, 30), True),  # nor the month
        ("20082063", date(2026, 12, 30), True),  # of another calendar
        ("20080000", date(2027, 1, 1), False),
        ("19500801", date(2026, 1, 1), False),
    ],
)
def test_a_patient_is_a_minor_until_eighteen(birth_date: str, day: date, minor: bool) -> None:
    assert is_minor(birth_date, datetime(day.year, day.month, day.day, 12, tzinfo=UTC)) is minor


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 240))
def test_months_are_counted_as_people_do(moment: datetime, months: int) -> None:
    later = months_after(moment, months)
    assert (later.year - moment.year) * 12 + later.month - moment.month == months
    assert later.day <= moment.day
    assert later.day == moment.day or (later + timedelta(days=1)).day == 1
    assert months_before(later, months).month == moment.month


def test_rules_are_those_of_the_day_unless_a_deployment_decides() -> None:
    assert current(date(2026, 1, 1)) == RULES
    assert current(date(1999, 1, 1)) == RULES  # before the first day of a rule that day's counts
    changed = current(date(2026, 1, 1), Overrides(dependants_of_general_regime=True, authorisation_months=36))
    assert changed == replace(RULES, dependants_of_general_regime=True, authorisation_months=36)


def test_moments_of_any_zone_are_kept_as_the_same_moment(connection: Connection) -> None:
    paris = NOW.astimezone(timezone(timedelta(hours=1)))
    record = opened(connection, reading=reading(at=paris), consents=[consent(at=paris)], at=paris)
    assert record.opened_at == NOW
    assert connection.execute(select(t.record.c.opened_at)).scalar_one() == NOW


def test_a_moment_without_a_zone_is_refused(connection: Connection) -> None:
    with pytest.raises(Exception, match="zone"):
        connection.execute(t.access_attempt.insert().values(subject=bytes(32), kind=1, at=datetime(2026, 1, 1)))
