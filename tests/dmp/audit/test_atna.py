"""An audit message has DICOM's form, and the codes that IHE gave each transaction."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from lxml import etree

from dmp.audit import Event, Outcome, Transaction
from dmp.audit.atna import AuditSource, Position, message
from dmp.audit.event import Action, Occasion
from dmp.audit.refusals import RefusalClass
from tests.dmp.audit.events import ANY, CALLER, DOCTOR, PATIENT, START, event

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("schema.rng")))
SOURCE = AuditSource("feuillet-test", "site", "feuillet.example", 7)
POSITION = Position(3, 14, "ab" * 32)
DOCTORS = DOCTOR, f"{CALLER.name}<{DOCTOR}@{CALLER.issuer}>"


def told(some: Event) -> etree._Element:
    """The message of an event, valid."""
    root = etree.fromstring(message(some, POSITION, SOURCE))
    SCHEMA.assertValid(root)
    return root


def codes(root: etree._Element, path: str) -> list[tuple[str, str]]:
    """Code and system of the elements at a path."""
    return [(e.get("csd-code", ""), e.get("codeSystemName", "")) for e in root.iterfind(path)]


def objects(root: etree._Element) -> list[tuple[str, str, str, str]]:
    """Type, role, kind and id of each object."""
    return [
        (
            item.get("ParticipantObjectTypeCode", ""),
            item.get("ParticipantObjectTypeCodeRole", ""),
            codes(item, "ParticipantObjectIDTypeCode")[0][0],
            item.get("ParticipantObjectID", ""),
        )
        for item in root.iterfind("ParticipantObjectIdentification")
    ]


def details(root: etree._Element) -> dict[str, str]:
    """What the objects say in detail."""
    found = root.iter("ParticipantObjectDetail")
    return {item.get("type", ""): b64decode(item.get("value", "")).decode() for item in found}


@given(ANY)
def test_any_event_is_a_message_of_the_schema(some: Event) -> None:
    told(some)


# ITI TF-2: the tables of 3.8.5.1, 3.18.5.1, 3.41.5.1, 3.42.5.1, 3.43.5.1, 3.44.5.1, 3.51.5.1, 3.61.5.1; PS3.15 A.5.3
@pytest.mark.parametrize(
    ("transaction", "event_id", "action", "type_code"),
    [
        (Transaction.PATIENT_FEED, "110110", "C", "ITI-8"),
        (Transaction.STORED_QUERY, "110112", "E", "ITI-18"),
        (Transaction.PROVIDE_AND_REGISTER, "110107", "C", "ITI-41"),
        (Transaction.REGISTER, "110107", "C", "ITI-42"),
        (Transaction.REGISTER_ELSEWHERE, "110106", "R", "ITI-42"),
        (Transaction.RETRIEVE, "110106", "R", "ITI-43"),
        (Transaction.PATIENT_FEED_V3, "110110", "C", "ITI-44"),
        (Transaction.MULTI_PATIENT_QUERY, "110112", "E", "ITI-51"),
        (Transaction.UPDATE, "110107", "U", "ITI-57"),
        (Transaction.REGISTER_ON_DEMAND, "110107", "C", "ITI-61"),
        (Transaction.RESTRICTED_UPDATE, "110107", "U", "ITI-92"),
        (Transaction.REMOVE_METADATA, "110110", "D", "ITI-62"),
        (Transaction.REMOVE_DOCUMENTS, "110110", "D", "ITI-86"),
        (Transaction.SUBSCRIBE, "110112", "C", "ITI-52"),
        (Transaction.NOTIFY, "110106", "R", "ITI-53"),
        (Transaction.ALERT, "110106", "R", "alert"),
        (Transaction.ALERT_SETTINGS, "110110", "U", "alert-settings"),
        (Transaction.TEST_EXISTENCE, "110112", "E", "TD0.2"),
        (Transaction.SET_AUTHORISATION, "110110", "U", "TD0.3"),
        (Transaction.LIST_RECORDS, "110112", "E", "TD0.4"),
        (Transaction.SEARCH_PATIENTS, "110112", "E", "TD0.5"),
        (Transaction.OPEN_RECORD, "110110", "C", "TD1.1"),
        (Transaction.REACTIVATE_RECORD, "110110", "U", "TD1.2"),
        (Transaction.READ_SHEET, "110110", "R", "TD1.3a"),
        (Transaction.AMEND_SHEET, "110110", "U", "TD1.3b"),
        (Transaction.CLOSE_RECORD, "110110", "U", "TD1.4"),
        (Transaction.OPEN_ACCOUNT, "110110", "C", "TD1.5a"),
        (Transaction.UPDATE_CHANNEL, "110110", "U", "TD1.5b"),
        (Transaction.RENEW_ACCOUNT, "110110", "U", "TD1.5d"),
        (Transaction.LIST_AUTHORISED, "110112", "E", "TD1.6"),
        (Transaction.START, "110100", "E", "110120"),
        (Transaction.STOP, "110100", "E", "110121"),
        (Transaction.SECURITY_ALERT, "110113", "E", "110126"),
        (Transaction.AUDIT_LOG_USED, "110101", "R", None),
        (Transaction.DESTROY_RECORD, "110110", "D", None),
        (Transaction.LEGAL_HOLD, "110110", "U", None),
        (Transaction.EMERGENCY_REVIEW, "110110", "R", None),
    ],
)
def test_each_transaction_has_its_codes(
    transaction: Transaction, event_id: str, action: str, type_code: str | None
) -> None:
    root = told(event(transaction))
    identification = root.find("EventIdentification")
    assert identification is not None
    assert codes(root, "EventIdentification/EventID") == [(event_id, "DCM")]
    assert identification.get("EventActionCode") == action
    assert identification.get("EventDateTime") == "2026-03-01T08:00:00.000000Z"
    assert [code for code, _ in codes(root, "EventIdentification/EventTypeCode")] == ([type_code] if type_code else [])


def test_every_transaction_is_tried_above() -> None:
    (marks,) = list(test_each_transaction_has_its_codes.pytestmark)  # type: ignore[attr-defined]
    assert [row[0] for row in marks.args[1]] == list(Transaction)


def participants(root: etree._Element) -> list[tuple[str, str, str]]:
    """Role, user and whether they asked."""
    return [
        (
            (codes(item, "RoleIDCode") or [("", "")])[0][0],
            item.get("UserID", ""),
            item.get("UserIsRequestor", ""),
        )
        for item in root.iterfind("ActiveParticipant")
    ]


def test_the_parties_of_a_submission_are_source_destination_and_person() -> None:
    root = told(event(submission_set="1.2.3", documents=("1.2.4",)))
    assert participants(root) == [
        ("110153", "http://www.w3.org/2005/08/addressing/anonymous", "true"),
        ("110152", "https://feuillet.example/registry", "false"),
        ("10", DOCTOR, "true"),
    ]
    person = root.findall("ActiveParticipant")[2]
    assert (person.get("UserID"), person.get("UserName")) == DOCTORS
    assert codes(person, "RoleIDCode") == [("10", "1.2.250.1.71.1.2.7"), ("SM26", "1.2.250.1.71.4.2.5")]
    assert codes(root, "EventIdentification/PurposeOfUse") == [("bris_de_glace", "1.2.250.1.213.1.1.4.248")]
    assert objects(root) == [
        ("1", "1", "2", PATIENT),
        ("2", "20", "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "1.2.3"),
        ("2", "13", "audit-event", POSITION.hash),
    ]


def test_what_was_found_of_a_signature_is_told_with_its_submission() -> None:
    assert details(told(event(submission_set="1.2.3", signature="invalid WRONG_DIGEST")))["signature"] == (
        "invalid WRONG_DIGEST"
    )
    assert "signature" not in details(told(event(submission_set="1.2.3")))


def test_a_retrieval_goes_out_from_the_repository_with_each_document() -> None:
    root = told(event(Transaction.RETRIEVE, documents=("1.1", "1.2"), repository="9.9"))
    assert [role for role, _, _ in participants(root)][:2] == ["110153", "110152"]
    assert participants(root)[0][1:] == ("https://feuillet.example/registry", "false")
    assert participants(root)[1][2] == "true"
    assert [item for item in objects(root) if item[1] == "3"] == [("2", "3", "9", "1.1"), ("2", "3", "9", "1.2")]
    assert details(root)["Repository Unique ID"] == "9.9"


def test_a_query_is_told_with_its_text() -> None:
    text = "<query>é</query>"
    root = told(event(Transaction.STORED_QUERY, query_id="urn:uuid:1", query=text))
    assert ("2", "24", "ITI-18", "urn:uuid:1") in objects(root)
    query = root.find(".//ParticipantObjectQuery")
    assert query is not None
    assert b64decode(query.text or "").decode() == text
    assert details(root)["QueryEncoding"] == "UTF-8"


@pytest.mark.parametrize(
    ("what", "outcome", "said"),
    [
        ({}, "0", None),
        (
            {"outcome": Outcome.MINOR_FAILURE, "refusal": RefusalClass.PATIENT, "reason": "XDSUnknownPatientId"},
            "4",
            "patient XDSUnknownPatientId",
        ),
        (
            {"outcome": Outcome.SERIOUS_FAILURE, "refusal": RefusalClass.MESSAGE, "reason": "Sender"},
            "8",
            "message Sender",
        ),
    ],
)
def test_a_refusal_says_how_bad_it_is_and_why(what: dict[str, Any], outcome: str, said: str | None) -> None:
    root = told(event(**what))
    identification = root.find("EventIdentification")
    assert identification is not None
    assert identification.get("EventOutcomeIndicator") == outcome
    assert identification.findtext("EventOutcomeDescription") == said


def test_whoever_was_turned_away_is_an_alert_that_names_what_was_asked_for() -> None:
    asked = Occasion(transaction=Transaction.SECURITY_ALERT, client_address="192.0.2.7", certificate="cd" * 32)
    alert = Event.on(
        asked,
        START,
        outcome=Outcome.SERIOUS_FAILURE,
        refusal=RefusalClass.CALLER,
        reason="WRONG_DIGEST",
        refused_transaction=Transaction.STORED_QUERY,
    )
    root = told(alert)
    assert codes(root, "EventIdentification/EventTypeCode") == [("110126", "DCM"), ("ITI-18", "IHE Transactions")]
    assert ("2", "13", "110182", "192.0.2.7") in objects(root)
    assert details(root)["Alert Description"] == "WRONG_DIGEST"
    assert details(root)["Certificate"] == "cd" * 32
    assert len(participants(root)) == 2


def test_what_was_removed_is_named_as_erased() -> None:
    metadata = told(event(Transaction.REMOVE_METADATA, objects=("urn:uuid:1", "urn:uuid:2"), documents=("1.1",)))
    assert ("2", "3", "urn:ihe:iti:2017:ObjectRef", "urn:uuid:1") in objects(metadata)
    assert ("2", "3", "urn:ihe:iti:2017:ObjectRef", "urn:uuid:2") in objects(metadata)
    documents = told(event(Transaction.REMOVE_DOCUMENTS, documents=("1.1",), repository="9.9"))
    assert ("2", "3", "9", "1.1") in objects(documents)
    assert details(documents)["Repository Unique ID"] == "9.9"
    for root, erased in ((metadata, 2), (documents, 1)):
        assert len(root.findall("ParticipantObjectIdentification[@ParticipantObjectDataLifeCycle='15']")) == erased


def test_a_merge_deletes_one_patient_and_updates_the_other() -> None:
    for action in (Action.DELETE, Action.UPDATE):
        root = told(event(Transaction.PATIENT_FEED, action=action))
        identification = root.find("EventIdentification")
        assert identification is not None
        assert identification.get("EventActionCode") == action.value
        assert ("1", "1", "2", PATIENT) in objects(root)


def test_the_message_leads_back_to_its_row() -> None:
    root = told(event(Transaction.START))
    assert details(root) == {"shard": "3", "number": "14"}
    source = root.find("AuditSourceIdentification")
    assert source is not None
    assert (source.get("AuditSourceID"), source.get("AuditEnterpriseSiteID")) == ("feuillet-test", "site")
