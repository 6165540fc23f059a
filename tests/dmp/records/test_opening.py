"""A record is opened from a Vitale reading, with consent, once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from dmp import errors
from dmp.records import ConsentCode, RecordStatus, history
from dmp.records.changes import add_local_identifier, add_national_identifier, open_record
from dmp.records.find import find_record, search
from tests.dmp.patients import (
    DOCTOR,
    NOW,
    RULES,
    consent,
    full_sheet,
    ins_c,
    ins_nir,
    opened,
    reading,
    sheet,
)
from xds_registry.database import reading as reading_transaction
from xds_registry.database import writing


def test_a_record_holds_what_it_was_opened_with(connection: Connection) -> None:
    local = "IPP1^^^&1.2.3.4&ISO"
    record = opened(
        connection,
        sheet=full_sheet(),
        local_identifiers=[local],
        consents=[consent(), consent(ConsentCode.BREAK_GLASS_OPPOSITION), consent(ConsentCode.REGULATION_OPPOSITION)],
    )
    assert record.active
    assert record.sheet == full_sheet()
    assert (record.identifiers, record.local_identifiers) == ((ins_c(),), (local,))
    assert record.opposed_to_break_glass
    assert record.opposed_to_regulation
    assert not record.masked_readable_in_emergency
    assert record.opened_at == NOW
    assert find_record(connection, ins_c()) == find_record(connection, local) == record


def test_who_opened_it_when_and_from_which_card_is_kept(connection: Connection) -> None:
    record = opened(connection)
    (change,) = history.statuses(connection, record.pk)
    assert (change.status, change.at, change.author) == (RecordStatus.ACTIVE, NOW, DOCTOR)
    assert history.consents(connection, record.pk) == (consent(),)
    assert history.readings(connection, record.pk) == (reading(),)


def test_whoever_states_no_opposition_is_not_opposed(connection: Connection) -> None:
    record = opened(connection)
    assert not record.opposed_to_break_glass
    assert not record.opposed_to_regulation


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"reading": None}, errors.NoVitaleReading),
        ({"reading": reading(ins_c(2))}, errors.IdentityMismatch),
        ({"reading": reading(birth_date="19500802")}, errors.IdentityMismatch),
        ({"reading": reading(at=NOW - timedelta(hours=2))}, errors.VitaleReadingTooOld),
        ({"reading": reading(at=NOW + timedelta(hours=1), deferral="home visit")}, errors.VitaleReadingTooOld),
        ({"reading": reading(deferral="x" * 2001)}, errors.TooLong),
        ({"reading": reading(is_holder=False)}, errors.NotEligible),
        ({"consents": []}, errors.NoConsent),
        ({"consents": [consent(value=False)]}, errors.NoConsent),
        ({"consents": [consent(at=NOW - timedelta(hours=2))]}, errors.NoConsent),
        ({"consents": [consent(ConsentCode.REACTIVATION)]}, errors.DMPInvalidRequest),
        ({"consents": [consent(), consent()]}, errors.DMPInvalidRequest),
        ({"consents": [consent(at=NOW + timedelta(minutes=6))]}, errors.DMPInvalidRequest),
    ],
)
def test_without_card_identity_or_consent_nothing_is_opened(
    connection: Connection, changes: dict[str, Any], refusal: type[errors.DmpError]
) -> None:
    with pytest.raises(refusal):
        opened(connection, **changes)
    assert find_record(connection, ins_c()) is None


def test_deferred_use_of_a_reading_is_justified(connection: Connection) -> None:
    then = NOW - timedelta(days=2)
    home_visit = reading(at=then, deferral="home visit without a connection")
    record = opened(connection, reading=home_visit, consents=[consent(at=then)])
    assert history.readings(connection, record.pk) == (home_visit,)


@pytest.mark.parametrize(
    ("holder", "regime", "allowed"),
    [(True, "01", True), (False, "01", False), (False, "02", True), (False, "03", True), (False, None, True)],
)
def test_dependants_of_the_general_regime_have_no_record(
    connection: Connection, holder: bool, regime: str | None, allowed: bool
) -> None:
    card = reading(is_holder=holder, regime=regime)
    if allowed:
        assert opened(connection, reading=card).active
    else:
        with pytest.raises(errors.NotEligible) as refusal:
            opened(connection, reading=card)
        assert refusal.value.rule == "dependants-of-general-regime"


def test_a_deployment_lets_dependants_in(connection: Connection) -> None:
    rules = replace(RULES, dependants_of_general_regime=True)
    assert opened(connection, reading=reading(is_holder=False), rules=rules).active


@pytest.mark.parametrize(
    "identifier",
    [
        ins_c()[:21] + str((int(ins_c()[21]) + 1) % 10) + ins_c()[22:],
        "1234^^^&1.2.250.1.213.1.4.2&ISO",
        "150081505104018^^^&1.2.3&ISO",  # a local authority
    ],
)
def test_an_identifier_with_a_wrong_key_or_authority_opens_nothing(connection: Connection, identifier: str) -> None:
    with pytest.raises(errors.InsInvalid):
        open_record(
            connection,
            identifier,
            sheet(),
            reading=reading(identifier),
            consents=[consent()],
            by=DOCTOR,
            at=NOW,
            rules=RULES,
        )


def test_a_patient_has_one_record(connection: Connection) -> None:
    opened(connection)
    with pytest.raises(errors.DMPFound):
        opened(connection)


def test_of_two_openings_at_once_one_makes_the_record(law: Engine) -> None:
    together = Barrier(8)

    def open_at_once(_: int) -> str:
        together.wait()
        try:
            with writing(law) as connection:
                opened(connection)
        except errors.DMPFound:
            return "found"
        return "opened"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(open_at_once, range(8)))
    assert sorted(outcomes) == ["found"] * 7 + ["opened"]
    with reading_transaction(law) as connection:
        record = find_record(connection, ins_c())
        assert record is not None
        assert len(history.statuses(connection, record.pk)) == 1


def test_several_national_identifiers_lead_to_one_record_and_the_last_is_shown(connection: Connection) -> None:
    opened(connection)
    record = add_national_identifier(connection, ins_c(), ins_nir(), at=NOW)
    assert record.identifiers == (ins_nir(), ins_c())
    assert record.patient == ins_nir()
    assert find_record(connection, ins_nir()) == find_record(connection, ins_c()) == record


def test_an_identifier_belongs_to_one_record(connection: Connection) -> None:
    first, second = opened(connection, 1), opened(connection, 2)
    add_local_identifier(connection, first.pk, "IPP1^^^&1.2.3.4&ISO", at=NOW)
    add_local_identifier(connection, first.pk, "IPP1^^^&1.2.3.4&ISO", at=NOW)  # the same again is no harm
    with pytest.raises(errors.IdentifierTaken):
        add_local_identifier(connection, second.pk, "IPP1^^^&1.2.3.4&ISO", at=NOW)
    with pytest.raises(errors.IdentifierTaken):
        add_national_identifier(connection, ins_c(1), ins_c(2), at=NOW)


def test_a_national_identifier_is_no_local_one(connection: Connection) -> None:
    record = opened(connection)
    with pytest.raises(errors.DMPInvalidRequest):
        add_local_identifier(connection, record.pk, ins_nir(), at=NOW)


@pytest.mark.parametrize(
    "written", [f"{ins_c()}^INS-C", f"{ins_c()}^INS-C^^20100101", f"{ins_c()}\0"], ids=["type", "date", "nul"]
)
def test_a_patient_is_known_by_identifier_and_authority_whatever_else_is_written(
    connection: Connection, written: str
) -> None:
    record = opened(connection)
    assert find_record(connection, written) == record


@pytest.mark.parametrize("text", ["", "123", "^^^&1.2.3&ISO", "1^^^1.2.3"])
def test_what_is_no_identifier_is_refused(connection: Connection, text: str) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        find_record(connection, text)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"family_name": "desire"}, True),
        ({"family_name": "d age oeuvre", "first_name": "JEAN", "birth_date": "19500801"}, True),
        ({"family_name": "Désiré", "first_name": "Paul"}, False),
        ({"family_name": "Désiré", "birth_date": "19500802"}, False),
        ({"family_name": "Désir"}, False),
    ],
)
def test_patients_are_found_by_their_names_without_accents(
    connection: Connection, asked: dict[str, str], found: bool
) -> None:
    record = opened(connection, sheet=full_sheet())
    assert search(connection, **asked) == ((record,) if found else ())


def test_a_search_needs_a_name(connection: Connection) -> None:
    with pytest.raises(errors.DMPInvalidRequest):
        search(connection, family_name="--")


@pytest.mark.parametrize("make", [sheet, full_sheet, reading, ins_c], ids=lambda make: make.__name__)
def test_patients_do_not_show_in_texts_of_values(make: Callable[[], Any]) -> None:
    shown = repr(make()) if make is not ins_c else repr(reading(make()))
    for secret in ("DÉSIRÉ", "19500801", "edelweiss", "0600000000", ins_c()[:22]):
        assert secret not in shown


def test_an_opened_record_does_not_show_its_patient(connection: Connection) -> None:
    shown = repr(opened(connection, sheet=full_sheet()))
    for secret in ("DÉSIRÉ", "19500801", ins_c()[:22]):
        assert secret not in shown
