"""Wishes: kept, changed, switched, refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from dmp.alerts import AlertKind, Medium
from dmp.alerts.audited import Change, changed
from dmp.alerts.subscriptions import (
    SubscriptionRefused,
    check_address,
    forget_record,
    subscribe,
    subscriptions_of,
    switch,
    unsubscribe,
)
from dmp.audit import Occasion, Trail, Transaction
from dmp.audit.event import Action
from tests.dmp.alerts.people import AT, DOCTOR, LETTER, PATIENT, RECORD, REPORT, keep, wish
from tests.services.trail import events_of
from xds_registry.database import writing


def test_a_wish_is_given_back_as_it_was_kept(engine: Engine) -> None:
    kept = wish(PATIENT, class_codes=frozenset({LETTER}), type_codes=frozenset({REPORT, "a b^^1.2"}))
    keep(engine, kept)
    with engine.connect() as connection:
        assert subscriptions_of(connection, PATIENT) == (kept,)
        assert subscriptions_of(connection, DOCTOR) == ()


def test_a_later_wish_takes_the_place_of_the_same_one(engine: Engine) -> None:
    sms = wish(PATIENT, medium=Medium.SMS, address="+33612345678")
    keep(engine, wish(PATIENT), sms, wish(PATIENT, address="other@example.fr"))
    with engine.connect() as connection:
        assert subscriptions_of(connection, PATIENT) == (wish(PATIENT, address="other@example.fr"), sms)


def test_switching_off_keeps_the_address(engine: Engine) -> None:
    keep(engine, wish(DOCTOR, patient=""))
    which: dict[str, Any] = {"patient": "", "kind": AlertKind.DOCUMENT, "medium": Medium.MAIL}
    with writing(engine) as connection:
        assert switch(connection, DOCTOR, **which, active=False, at=AT)
        assert not switch(connection, PATIENT, **which, active=False, at=AT)
        assert subscriptions_of(connection, DOCTOR) == (wish(DOCTOR, patient="", active=False),)
        assert unsubscribe(connection, DOCTOR, **which)
        assert not unsubscribe(connection, DOCTOR, **which)


def test_a_record_that_is_destroyed_takes_its_wishes_along(engine: Engine) -> None:
    keep(engine, wish(PATIENT), wish(DOCTOR), wish(DOCTOR, patient=""))
    with writing(engine) as connection:
        assert forget_record(connection, RECORD) == 2
        assert subscriptions_of(connection, DOCTOR) == (wish(DOCTOR, patient=""),)


def test_a_change_is_an_event_that_does_not_tell_the_address(engine: Engine, trail: Trail) -> None:
    with writing(engine) as connection:
        subscribe(connection, wish(PATIENT), at=AT)
        occasion = Occasion(transaction=Transaction.ALERT_SETTINGS)
        which: dict[str, Any] = {"patient": RECORD, "kind": AlertKind.DOCUMENT, "medium": Medium.MAIL}
        trail.append(connection, (changed(occasion, Change.KEPT, PATIENT, **which, at=AT),))
    (event,) = events_of(engine)
    assert (event.action, event.patient, event.reason) == (Action.CREATE, RECORD, "document by mail to patient")
    assert "@" not in repr(event)


@pytest.mark.parametrize(
    "refused",
    [
        wish(PATIENT, patient=""),
        wish(DOCTOR, kind=AlertKind.BREAK_GLASS),
        wish(PATIENT, class_codes=frozenset({"10"})),
        wish(PATIENT, class_codes=frozenset({"10^^1.2\n11^^1.2"})),
        wish(PATIENT, address="somebody"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(engine: Engine, refused: Any) -> None:
    with writing(engine) as connection, pytest.raises(SubscriptionRefused):
        subscribe(connection, refused, at=AT)


@pytest.mark.parametrize(
    ("medium", "address"),
    [
        *(
            (Medium.MAIL, address)
            for address in ("", "a@", "@b.fr", "a@b.fr\r\nBcc: c@d.fr", "a@b.fr,c@d.fr", "é@b.fr")
        ),
        *(
            (Medium.MAIL, address)
            for address in ("<a@b.fr>", "a@b.fr,c@d.fr", "a@b.fr\n", "a b@c.fr", "a@" + "b" * 64 + ".fr")
        ),
        *((Medium.SMS, address) for address in ("0612345678", "+33 612345678", "+0612345678", "+3361234567890123", "")),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(medium: Medium, address: str) -> None:
    with pytest.raises(SubscriptionRefused) as refused:
        check_address(medium, address)
    assert not address or address not in str(refused.value)
