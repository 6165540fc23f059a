"""ITI-8: what each message does, and what its sender is told."""

from __future__ import annotations

import pytest
import structlog
from sqlalchemy import select

from schemas.vocabulary import QUERY, RIM, AvailabilityStatus, ResponseStatus
from soap.xml import parse_trusted
from tests.xds_registry.feed.hospital import (
    AUTHORITY,
    FOREIGN,
    NAMESPACE,
    Ack,
    adt,
    cx,
    events,
    known,
    survivor,
)
from tests.xds_repository.submissions import Paper, Submission
from xds_registry import tables as t
from xds_registry.feed.adt import answer
from xds_registry.registry import Registry


def told(registry: Registry, message: str | bytes) -> Ack:
    data = message if isinstance(message, bytes) else message.encode()
    return Ack(answer(registry, data).decode())


@pytest.mark.parametrize("trigger", ["A01", "A04", "A05"])
def test_an_admission_makes_the_patient_known(either_registry: Registry, trigger: str) -> None:
    ack = told(either_registry, adt(trigger, cx("7")))
    assert (ack.code, ack.control_id) == ("AA", "MSG1")
    assert known(either_registry, cx("7"))
    assert events(either_registry) == [("added", cx("7"))]


def test_an_admission_of_a_known_patient_changes_nothing(registry: Registry) -> None:
    told(registry, adt("A01", cx("7")))
    assert told(registry, adt("A04", cx("7"))).code == "AA"
    assert len(events(registry)) == 1


def test_an_update_announces_nobody(registry: Registry) -> None:
    assert told(registry, adt("A08", cx("7"))).code == "AA"
    assert not known(registry, cx("7"))
    assert events(registry) == []


def test_the_identifier_of_the_domain_is_picked_among_repetitions(registry: Registry) -> None:
    assert told(registry, adt("A01", f"{cx('1', FOREIGN)}~{cx('7')}~99^^^OTHER")).code == "AA"
    assert known(registry, cx("7"))
    assert not known(registry, cx("1", FOREIGN))


@pytest.mark.parametrize("pid3", ["7", f"7^^^{NAMESPACE}", f"7^^^{NAMESPACE}&{AUTHORITY}&ISO^PI"])
def test_an_authority_is_filled_in_from_the_domain(registry: Registry, pid3: str) -> None:
    assert told(registry, adt("A01", pid3)).code == "AA"
    assert known(registry, cx("7"))


def test_a_patient_of_another_domain_is_not_acknowledged_as_known(registry: Registry) -> None:
    ack = told(registry, adt("A01", cx("7", FOREIGN)))
    assert ack.code == "AE"
    assert ack.error == ("PID^1^3", "204")
    assert events(registry) == []


@pytest.mark.parametrize(
    ("message", "code", "error"),
    [
        (adt("A01", ""), "AE", ("PID^1^3", "101")),
        (adt("A01", '""'), "AE", ("PID^1^3", "101")),
        (adt("A01", f"{cx('1')}~{cx('2')}"), "AE", ("PID^1^3", "102")),
        (adt("A01", cx("x" * 300)), "AE", ("PID^1^3", "102")),
        (adt("A01", "~" * 1000), "AE", ("PID^1^3", "102")),
        (adt("A01", cx("1")).replace("PID|", "PV2|"), "AE", ("PID^1", "100")),
        (adt("A01", cx("1")) + f"PID|||{cx('2')}\r", "AE", ("PID^1", "100")),
        (adt("A40", cx("1")), "AE", ("MRG^1", "100")),
        (adt("A40", cx("1"), ""), "AE", ("MRG^1^1", "101")),
        (adt("A40", cx("1"), cx("2")) + f"MRG|{cx('3')}\r", "AE", ("MRG^1", "100")),
        (adt("A01", cx("1"), control_id=""), "AE", ("MSH^1^10", "101")),
        (adt("A01", cx("1"), charset="KLINGON"), "AE", ("MSH^1^18", "103")),
        (adt("A03", cx("1")), "AR", ("MSH^1^9^1^2", "201")),
        (adt("A01", cx("1"), message_type="ORU^R01"), "AR", ("MSH^1^9^1^1", "200")),
        (adt("A01", cx("1"), version="2.7"), "AR", ("MSH^1^12", "203")),
        ("PID|||1\r", "AR", ("MSH^1", "100")),
        ("MSH|^^^^|\r", "AR", ("MSH^1^2", "102")),
    ],
)
def test_what_is_wrong_is_named(registry: Registry, message: str, code: str, error: tuple[str, str]) -> None:
    ack = told(registry, message)
    assert ack.code == code
    assert ack.error == error
    assert events(registry) == []


def test_an_error_is_written_for_version_2_3_1_in_its_only_field(registry: Registry) -> None:
    ack = told(registry, adt("A01", ""))
    assert ack.segments["ERR"][1] == "PID^1^3^101&Required field missing&HL70357"
    assert told(registry, adt("A01", "", version="2.5")).segments["ERR"][1] == ""


@pytest.mark.parametrize(
    ("version", "structure"), [("2.3.1", "ACK^A01"), ("2.5", "ACK^A01^ACK"), ("2.5^FRA^2.5", "ACK^A01^ACK")]
)
def test_the_answer_goes_back_in_the_senders_version(registry: Registry, version: str, structure: str) -> None:
    msh = told(registry, adt("A01", cx("7"), version=version)).segments["MSH"]
    assert msh[2:6] == ["REG", "DOMAIN", "HIS", "HOSPITAL"]
    assert msh[8] == structure
    assert 0 < len(msh[9]) <= 20
    assert msh[10:12] == ["P", version]


def test_the_answer_uses_the_senders_delimiters(registry: Registry) -> None:
    message = f"MSH!@#$%!A!B!C!D!2026!!ADT@A01!M7!P!2.5\rPID!!!7@@@%{AUTHORITY}%ISO\r"
    text = answer(registry, message.encode()).decode()
    assert text.startswith("MSH!@#$%!C!D!A!B!")
    assert "\rMSA!AA!M7\r" in text
    assert known(registry, cx("7"))


def test_identifiers_outside_ascii_need_a_declared_character_set(registry: Registry) -> None:
    assert told(registry, adt("A01", cx("É1"), charset="8859/1").encode("latin-1")).code == "AA"
    assert told(registry, adt("A01", cx("É2"), charset="UNICODE UTF-8")).code == "AA"
    assert told(registry, adt("A01", cx("É3"))).code == "AE"
    assert [known(registry, cx(f"É{n}")) for n in (1, 2, 3)] == [True, True, False]


def test_a_merge_is_recorded_for_ever(either_registry: Registry) -> None:
    for name in ("old", "new", "newest"):
        told(either_registry, adt("A01", cx(name)))
    assert told(either_registry, adt("A40", cx("new"), cx("old"), message_type="ADT^A40^ADT_A39")).code == "AA"
    assert told(either_registry, adt("A40", cx("newest"), cx("new"))).code == "AA"
    assert survivor(either_registry, cx("old")) == cx("new")
    assert survivor(either_registry, cx("new")) == cx("newest")
    merged = [patient for event, patient in events(either_registry) if event == "merged"]
    assert merged == [cx("old"), cx("new")]


@pytest.mark.parametrize(
    ("surviving", "subsumed", "reason"),
    [
        ("b", "b", "both identifiers are equal"),
        ("nobody", "b", "the surviving patient is not known"),
        ("b", "nobody", "the subsumed patient is not known"),
        ("b", "gone", "the subsumed patient was merged before"),
        ("gone", "b", "the surviving patient was itself merged"),
    ],
)
def test_a_merge_that_cannot_be_is_ignored(
    either_registry: Registry, surviving: str, subsumed: str, reason: str
) -> None:
    for name in ("a", "b", "gone"):
        told(either_registry, adt("A01", cx(name)))
    told(either_registry, adt("A40", cx("a"), cx("gone")))
    before = events(either_registry)
    ack = told(either_registry, adt("A40", cx(surviving), cx(subsumed)))
    assert (ack.code, ack.remark) == ("AA", f"ignored: {reason}")
    assert events(either_registry) == before
    assert survivor(either_registry, cx("b")) is None


@pytest.mark.parametrize(("surviving", "subsumed"), [(cx("a", FOREIGN), cx("b")), (cx("a"), cx("b", FOREIGN))])
def test_a_merge_across_domains_is_ignored(registry: Registry, surviving: str, subsumed: str) -> None:
    for name in ("a", "b"):
        told(registry, adt("A01", cx(name)))
    ack = told(registry, adt("A40", surviving, subsumed))
    assert ack.code == "AA"
    assert ack.remark.startswith("ignored")
    assert survivor(registry, cx("b")) is None


def test_a_merged_patient_stays_merged_when_announced_again(registry: Registry) -> None:
    for name in ("a", "b"):
        told(registry, adt("A01", cx(name)))
    told(registry, adt("A40", cx("a"), cx("b")))
    assert told(registry, adt("A01", cx("b"))).code == "AA"
    assert survivor(registry, cx("b")) == cx("a")


def _register(registry: Registry, patient: str) -> ResponseStatus:
    paper = Paper(b"<x/>")
    paper = paper.saying(hash=paper.sha1, size="4", repositoryUniqueId="1.2.3")
    request = parse_trusted(Submission((paper,), patient=patient).metadata().encode())
    return registry.register_document_set(request, digest=paper.unique_id).status


def _documents_of(registry: Registry, patient: str) -> bytes:
    query = (
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}">'
        '<query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>'
        '<rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">'
        f"<rim:Slot name=\"$XDSDocumentEntryPatientId\"><rim:ValueList><rim:Value>'{patient.replace('&', '&amp;')}'"
        '</rim:Value></rim:ValueList></rim:Slot><rim:Slot name="$XDSDocumentEntryStatus"><rim:ValueList>'
        f"<rim:Value>('{AvailabilityStatus.APPROVED}')</rim:Value></rim:ValueList></rim:Slot>"
        "</rim:AdhocQuery></query:AdhocQueryRequest>"
    )
    return b"".join(registry.stored_query(parse_trusted(query.encode())))


def test_documents_of_both_patients_are_found_under_the_surviving_one(either_registry: Registry) -> None:
    registry = either_registry
    assert _register(registry, cx("a")) is ResponseStatus.FAILURE
    for name in ("a", "b"):
        told(registry, adt("A01", cx(name)))
        assert _register(registry, cx(name)) is ResponseStatus.SUCCESS
    told(registry, adt("A40", cx("a"), cx("b")))
    found = _documents_of(registry, cx("a"))
    assert found.count(b"<rim:ExtrinsicObject") == 2
    assert found.count(f'value="{cx("a")}"'.replace("&", "&amp;").encode()) == 2
    assert _documents_of(registry, cx("b")).count(b"<rim:ExtrinsicObject") == 0
    assert _register(registry, cx("b")) is ResponseStatus.FAILURE
    with registry.engine.connect() as connection:
        assert len(set(connection.execute(select(t.document_entry.c.patient_pk)).scalars())) == 1


def test_a_database_that_does_not_answer_is_told_to_the_sender(registry: Registry) -> None:
    t.metadata.drop_all(registry.engine)
    ack = told(registry, adt("A01", cx("7")))
    assert (ack.code, ack.error) == ("AR", ("MSH^1", "207"))


def test_logs_and_refusals_hold_nothing_of_the_patient(registry: Registry) -> None:
    with structlog.testing.capture_logs() as logged:
        answers = [
            told(registry, adt("A01", cx("SECRET7"))).text,
            told(registry, adt("A40", cx("SECRET7"), cx("SECRET8"))).text,
            told(registry, adt("A01", cx("SECRET7", FOREIGN))).text,
            told(registry, adt("A01", f"{cx('SECRET7')}~{cx('SECRET8')}")).text,
        ]
        t.metadata.drop_all(registry.engine)
        answers.append(told(registry, adt("A01", cx("SECRET9"))).text)
    assert len(logged) == 5
    for text in (*answers, str(logged)):
        assert "SECRET" not in text
        assert "DUPONT" not in text
