"""Who may do what with which document: every viewer, state, mark, author and action, against the law told again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from card_auth.caller import PurposeOfUse
from dmp.authorisations import AuthorisationStatus, Standing
from dmp.records.record import RecordStatus
from dmp.rights.actions import Action
from dmp.rights.actors import Actor, ActorKind
from dmp.rights.decision import Law, Refusal
from tests.dmp.rights.oracle import (
    ME,
    ON_DOCUMENTS,
    OTHER_PATIENT,
    PATIENT,
    Viewer,
    allowed,
    documents,
    standing,
    viewers,
)

LAW = Law()
DOCUMENTS = documents()
DOCTOR = Actor(kind=ActorKind.DOCTOR, identifier=ME, structure="10B0127189", profession="10")


@pytest.mark.parametrize("viewer", viewers(), ids=lambda viewer: viewer.name)
@pytest.mark.parametrize("action", ON_DOCUMENTS)
def test_each_document_is_decided_as_the_law_says(viewer: Viewer, action: Action) -> None:
    for document in DOCUMENTS:
        ruling = LAW.decide(viewer.actor, action, PATIENT, viewer.standing, document)
        assert ruling.allowed == allowed(viewer, action, document), document


def test_the_cases_are_many_and_of_both_kinds() -> None:
    answers = [allowed(v, action, d) for v in viewers() for action in ON_DOCUMENTS for d in DOCUMENTS]
    assert len(answers) > 100_000
    assert 0.1 < sum(answers) / len(answers) < 0.9


@pytest.mark.parametrize("action", Action)
def test_an_assertion_made_for_another_patient_opens_nothing(action: Action) -> None:
    ruling = LAW.decide(replace(DOCTOR, patient=OTHER_PATIENT), action, PATIENT, standing())
    assert not ruling.allowed or action in (Action.LIST_RECORDS, Action.OPEN_PORTAL)


@pytest.mark.parametrize("action", Action)
def test_without_a_record_there_is_only_to_ask_for_it_and_to_create_it(action: Action) -> None:
    without = {Action.LIST_RECORDS, Action.OPEN_PORTAL, Action.TEST_EXISTENCE, Action.CREATE}
    for held in (Standing(), Standing(record_pk=1, record_status=RecordStatus.DESTROYED)):
        assert LAW.decide(DOCTOR, action, PATIENT, held).allowed == (action in without)


@pytest.mark.parametrize("action", Action)
def test_a_closed_record_is_asked_for_and_reactivated(action: Action) -> None:
    closed = standing(record_status=RecordStatus.CLOSED)
    left = {Action.LIST_RECORDS, Action.OPEN_PORTAL, Action.TEST_EXISTENCE, Action.REACTIVATE}
    assert LAW.decide(DOCTOR, action, PATIENT, closed).allowed == (action in left)


def test_an_active_record_is_not_created_again() -> None:
    assert LAW.decide(DOCTOR, Action.CREATE, PATIENT, standing()).refusal is Refusal.RECORD_EXISTS
    assert LAW.decide(DOCTOR, Action.REACTIVATE, PATIENT, standing()).refusal is Refusal.RECORD_EXISTS


def test_the_glass_is_broken_for_a_reason() -> None:
    breaking = replace(DOCTOR, purpose=PurposeOfUse.BREAK_GLASS)
    alone = standing(person=AuthorisationStatus.NONE)
    assert LAW.decide(breaking, Action.READ, PATIENT, alone).refusal is Refusal.NO_REASON
    assert LAW.decide(replace(breaking, reason="coma"), Action.READ, PATIENT, alone).allowed


def test_reinforced_indirect_access_reads_and_does_not_feed() -> None:
    reader = replace(DOCTOR, may_feed=False)
    assert LAW.decide(reader, Action.READ, PATIENT, standing()).allowed
    for action in (Action.FEED, Action.REPLACE, Action.FEED_AS_EMPLOYEE):
        assert LAW.decide(reader, action, PATIENT, standing()).refusal is Refusal.MATRIX


def test_feeding_needs_no_authorisation() -> None:
    for status in AuthorisationStatus:
        assert LAW.decide(DOCTOR, Action.FEED, PATIENT, standing(person=status)).allowed


def test_a_hidden_document_is_refused_as_hidden_and_a_seen_one_as_not_to_be_changed() -> None:
    stranger = [d for d in DOCUMENTS if ME not in str(d.authors) and d.patient == PATIENT]
    for document in stranger:
        seen = LAW.decide(DOCTOR, Action.SEARCH, PATIENT, standing(), document).allowed
        refusal = LAW.decide(DOCTOR, Action.DELETE, PATIENT, standing(), document).refusal
        assert refusal is (Refusal.NOT_THIS_DOCUMENT if seen else Refusal.HIDDEN)


def test_a_profession_that_no_matrix_names_sees_what_it_wrote() -> None:
    unknown = replace(DOCTOR, kind=ActorKind.PROFESSIONAL, profession="77")
    for document in DOCUMENTS:
        mine = any(ME in author for author in document.authors) and document.patient == PATIENT
        assert LAW.decide(unknown, Action.READ, PATIENT, standing(), document).allowed == mine
