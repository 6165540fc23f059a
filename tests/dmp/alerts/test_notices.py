"""Who is told, and what a message says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from dmp.alerts import AlertKind, BreakGlassOpened, Medium, NotSent, outbox
from dmp.alerts.delivery import Delivered, Result, deliver_next
from dmp.alerts.notices import NoticeCourier, Notices
from dmp.alerts.outbox import Retry
from dmp.alerts.policy import AlertPolicy
from dmp.alerts.subscriptions import switch
from dmp.audit import AuditNotWritten, Outcome, Trail
from tests.dmp.alerts.conftest import Clock
from tests.dmp.alerts.people import (
    AT,
    DOCTOR,
    LETTER,
    MOTHER,
    OTHER_CLASS,
    OTHER_RECORD,
    OTHER_TYPE,
    PATIENT,
    RECORD,
    REPORT,
    Authorising,
    Post,
    added,
    happens,
    keep,
    wish,
)
from tests.services.trail import events_of
from xds_registry.database import writing

PORTAL = "https://dmp.example/"
Tell = Callable[..., list[Delivered]]


@pytest.fixture
def tell(engine: Engine, trail: Trail) -> Tell:
    """Spread and deliver everything by a post; what became of each message."""

    def run(post: Post, policy: AlertPolicy | None = None, retry: Retry | None = None) -> list[Delivered]:
        policy = policy or Authorising(DOCTOR.identifier)
        outbox.spread(engine, [Notices(policy)], at=trail.clock())
        courier = NoticeCourier(engine, policy, post, portal=PORTAL, clock=trail.clock)
        return list(iter(lambda: deliver_next(engine, trail, {"mail": courier}, retry or Retry()), None))

    return run


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ((), ["doctor@a.fr", "mother@a.fr", "patient@a.fr"]),
        (("INVISIBLE_PATIENT",), ["doctor@a.fr", "mother@a.fr"]),
        (("INVISIBLE_REPRESENTANTS_LEGAUX",), ["doctor@a.fr", "patient@a.fr"]),
        (("MASQUE_PS",), ["mother@a.fr", "patient@a.fr"]),
        (("INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX", "MASQUE_PS"), []),
    ],
)
def test_a_hidden_document_alerts_nobody_from_whom_it_is_hidden(
    engine: Engine, tell: Tell, hidden: tuple[str, ...], told: list[str]
) -> None:
    keep(engine, *(wish(who, address=f"{name}@a.fr") for who, name in ((PATIENT, "patient"), (MOTHER, "mother"))))
    keep(engine, wish(DOCTOR, patient="", address="doctor@a.fr"))
    happens(engine, added(*hidden))
    post = Post()
    tell(post)
    assert sorted(post.addresses) == told


@pytest.mark.parametrize("patient", [RECORD, ""])
def test_a_professional_whom_the_patient_does_not_authorise_is_not_told(
    engine: Engine, tell: Tell, patient: str
) -> None:
    keep(engine, wish(DOCTOR, patient=patient))
    happens(engine, added())
    post = Post()
    tell(post, Authorising())
    tell(post, Authorising("899900000001"))
    assert post.taken == []


def test_a_document_that_is_hidden_before_its_alert_leaves_alerts_nobody(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(DOCTOR), wish(PATIENT))
    happens(engine, added())
    outbox.spread(engine, [Notices(Authorising(DOCTOR.identifier))], at=AT)
    post = Post()
    results = [delivered.result for delivered in tell(post, Authorising())]  # the authorisation ended meanwhile
    assert sorted(results) == [Result.SENT, Result.WITHDRAWN]
    assert len(post.taken) == 1


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, True),
        ({"class_codes": {LETTER}}, True),
        ({"type_codes": {REPORT}}, True),
        ({"class_codes": {OTHER_CLASS}, "type_codes": {REPORT}}, True),
        ({"class_codes": {OTHER_CLASS}}, False),
        ({"class_codes": {OTHER_CLASS}, "type_codes": {OTHER_TYPE}}, False),
    ],
)
def test_the_document_types_that_were_chosen_decide(
    engine: Engine, tell: Tell, chosen: dict[str, set[str]], told: bool
) -> None:
    keep(engine, wish(PATIENT, **{name: frozenset(codes) for name, codes in chosen.items()}))
    happens(engine, added())
    post = Post()
    tell(post)
    assert bool(post.taken) is told


def test_a_wish_that_is_switched_off_is_not_met_though_it_was_on_when_it_happened(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(PATIENT), wish(MOTHER, active=False))
    happens(engine, added())
    outbox.spread(engine, [Notices(Authorising())], at=AT)
    with writing(engine) as connection:
        which: dict[str, Any] = {"patient": RECORD, "kind": AlertKind.DOCUMENT, "medium": Medium.MAIL}
        switch(connection, PATIENT, **which, active=False, at=AT)
    post = Post()
    assert [delivered.result for delivered in tell(post)] == [Result.WITHDRAWN]
    assert post.taken == []


def test_another_record_is_nobodys_business(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added(patient=OTHER_RECORD))
    assert tell(Post()) == []


def test_a_break_glass_opening_is_told_to_those_who_ask_for_that(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(PATIENT, address="documents@a.fr"))
    keep(engine, wish(PATIENT, kind=AlertKind.BREAK_GLASS, address="openings@a.fr"), wish(DOCTOR, patient=""))
    happens(engine, BreakGlassOpened(RECORD, AT))
    post = Post()
    tell(post)
    ((address, _, said),) = post.taken
    assert address == "openings@a.fr"
    assert said.startswith("Votre dossier a été ouvert en urgence.")


def test_a_message_says_that_there_is_news_in_french_then_english_and_nothing_else(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added())
    post = Post()
    tell(post)
    ((_, subject, said),) = post.taken
    assert subject == "Nouvelle information / New information"
    assert said == (
        f"Un document a été ajouté à votre dossier. Connectez-vous : {PORTAL}\n\n"
        f"A document was added to your record. Sign in: {PORTAL}\n"
    )


def test_an_alert_is_in_the_trail_before_it_leaves_and_so_is_its_failure(
    engine: Engine, tell: Tell, clock: Clock
) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added())
    seen: list[int] = []

    def trouble(_address: str) -> NotSent | None:
        seen.append(len(events_of(engine)))
        return NotSent("away") if len(seen) == 1 else None

    post = Post(trouble=trouble)
    tell(post)
    clock.advance(hours=1)
    tell(post)
    events = events_of(engine)
    assert seen == [1, 3]
    assert sorted(event.outcome for event in events) == [Outcome.SUCCESS, Outcome.SUCCESS, Outcome.SERIOUS_FAILURE]
    assert {event.patient for event in events} == {RECORD}
    assert not any("somebody@example.fr" in repr(event) for event in events)


def test_what_cannot_be_recorded_is_not_sent_and_comes_again(
    engine: Engine, tell: Tell, trail: Trail, clock: Clock
) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added())
    policy, post = Authorising(), Post()
    outbox.spread(engine, [Notices(policy)], at=clock())
    courier = NoticeCourier(engine, policy, post, portal=PORTAL, clock=clock)
    with pytest.raises(AuditNotWritten):
        deliver_next(engine, Trail(engine, None, clock=clock), {"mail": courier}, Retry())
    assert post.taken == []
    clock.advance(seconds=Retry().lease.total_seconds())
    tell(post)
    assert len(post.taken) == 1


def test_trouble_that_nobody_thought_of_counts_as_an_attempt(engine: Engine, tell: Tell, clock: Clock) -> None:
    def trouble(_address: str) -> NotSent | None:
        raise ZeroDivisionError

    keep(engine, wish(PATIENT))
    happens(engine, added())
    post = Post(trouble=trouble)
    (delivered,) = tell(post, retry=Retry(attempts=2))
    assert (delivered.result, delivered.reason) == (Result.POSTPONED, "ZeroDivisionError")
    clock.advance(hours=1)
    assert [delivered.result for delivered in tell(post, retry=Retry(attempts=2))] == [Result.GIVEN_UP]
    assert [event.outcome for event in events_of(engine)].count(Outcome.SERIOUS_FAILURE) == 2


def test_a_message_that_cannot_be_read_does_not_come_for_ever(engine: Engine, tell: Tell) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added())
    outbox.spread(engine, [Notices(Authorising())], at=AT)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alert_message SET content = 'x'"))
    assert [delivered.result for delivered in tell(Post(), retry=Retry(attempts=1))] == [Result.GIVEN_UP]


def test_nothing_medical_is_kept_in_the_outbox_but_codes_and_identifiers(engine: Engine) -> None:
    keep(engine, wish(PATIENT))
    happens(engine, added())
    with engine.connect() as connection:
        (content,) = connection.execute(text("SELECT content FROM alert_event")).scalars()
    assert "title" not in content
