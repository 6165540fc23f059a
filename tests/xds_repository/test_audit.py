"""Every decision is in the trail before anything is done or given; where it cannot be, nothing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from dmp.audit.event import Action, Event, Outcome, Transaction
from dmp.audit.refusals import RefusalClass
from dmp.audit.verification import run, verify
from dmp.traces import Deed, Viewer, ViewerKind, every_document, history
from schemas.vocabulary import ResponseStatus
from soap.xml import parse_trusted
from tests.services.trail import KEY, events_of
from tests.xds_registry.submissions import query
from tests.xds_repository.house import Client, House, succeeded
from tests.xds_repository.submissions import PATIENT, REPOSITORY, Paper, submission
from xds_registry.query.catalogue import QueryId
from xds_registry.registry import Registry
from xds_repository import tables

Opens = Callable[..., tuple[House, Client]]
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
OTHER = PATIENT.replace("91827364", "11111111")


def find(registry: Registry, patient: str = PATIENT, query_id: QueryId = QueryId.FIND_DOCUMENTS) -> bytes:
    """A patient's documents."""
    parameters = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}
    return b"".join(registry.stored_query(query(query_id, parameters)))


def last(house: House, count: int = 1) -> list[Event]:
    """The newest events, in the order in which they happened."""
    return sorted(events_of(house.engine), key=lambda event: event.happened_at)[-count:]


def test_a_submission_is_told_with_its_patient_and_documents(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"one", b"two")
    assert succeeded(client.provide(papers))
    (event,) = events_of(house.engine)
    assert (event.transaction, event.action, event.outcome) == (
        Transaction.PROVIDE_AND_REGISTER,
        Action.CREATE,
        Outcome.SUCCESS,
    )
    assert (event.patient, event.submission_set) == (PATIENT, papers.unique_id)
    assert set(event.documents) == {paper.unique_id for paper in papers.papers}
    assert (event.client_address, event.results, event.unchanged) == ("127.0.0.1", 2, False)
    assert succeeded(client.provide(papers))
    assert [event.unchanged for event in last(house, 2)] == [False, True]
    assert run(verify(house.engine, (KEY.public_key(),))).intact


def test_a_refused_submission_is_told_with_the_class_of_the_reason(open_house: Opens) -> None:
    house, client = open_house()
    taken = submission(Paper(b"a"))
    assert succeeded(client.provide(taken))
    wrong = submission(Paper(b"b").saying(hash="0" * 40))
    assert not client.provide(wrong).succeeded
    assert not client.provide(submission(replace(taken.papers[0], content=b"another"))).succeeded
    assert not client.provide(replace(submission(b"c"), patient="1^^^&2.9.9&ISO")).succeeded
    mine, theirs, whose = last(house, 3)
    assert (mine.outcome, mine.refusal, mine.reason) == (
        Outcome.MINOR_FAILURE,
        RefusalClass.CONTENT,
        "XDSRepositoryMetadataError",
    )
    assert (mine.patient, mine.submission_set, mine.documents) == (
        PATIENT,
        wrong.unique_id,
        (wrong.papers[0].unique_id,),
    )
    assert theirs.refusal is RefusalClass.CONFLICT
    assert whose.refusal is RefusalClass.PATIENT
    assert house.rows()["sets"] == 1


def test_documents_that_are_given_and_those_that_are_not_are_two_events_by_patient(open_house: Opens) -> None:
    house, client = open_house()
    mine, theirs = submission(b"mine", b"too"), replace(submission(b"theirs"), patient=OTHER)
    for papers in (mine, theirs):
        assert succeeded(client.provide(papers))
    ids = [paper.unique_id for papers in (mine, theirs) for paper in papers.papers]
    assert client.retrieve(*ids, "1.2.3").outcome.status is ResponseStatus.PARTIAL_SUCCESS
    *given, missing = last(house, 3)
    assert {event.patient: set(event.documents) for event in given} == {PATIENT: set(ids[:2]), OTHER: {ids[2]}}
    assert all((e.transaction, e.action, e.succeeded) == (Transaction.RETRIEVE, Action.READ, True) for e in given)
    assert (missing.outcome, missing.refusal, missing.documents) == (
        Outcome.MINOR_FAILURE,
        RefusalClass.ABSENT,
        ("1.2.3",),
    )
    assert {event.repository for event in (*given, missing)} == {REPOSITORY}


def test_a_query_is_told_with_its_text_its_patient_and_what_it_gave(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"one", b"two")
    assert succeeded(client.provide(papers))
    find(house.registry)
    (event,) = last(house)
    assert (event.transaction, event.action, event.patient) == (Transaction.STORED_QUERY, Action.EXECUTE, PATIENT)
    assert (event.query_id, event.results) == (QueryId.FIND_DOCUMENTS.value, 2)
    assert parse_trusted(event.query.encode()).tag.endswith("AdhocQueryRequest")
    house.registry.stored_query(
        query(QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryUniqueId": [papers.papers[0].unique_id]})
    )
    (event,) = last(house)
    assert (event.patient, event.results) == (PATIENT, 1)  # whose document it is, though nobody named the patient
    house.registry.stored_query(query("urn:uuid:0", {}))
    (event,) = last(house)
    assert (event.outcome, event.refusal, event.reason) == (
        Outcome.MINOR_FAILURE,
        RefusalClass.ABSENT,
        "XDSUnknownStoredQuery",
    )


def test_a_query_about_several_patients_is_an_event_for_each(open_house: Opens) -> None:
    house, client = open_house()
    assert succeeded(client.provide(submission(b"mine", b"too")))
    assert succeeded(client.provide(replace(submission(b"theirs"), patient=OTHER)))
    parameters = {"$XDSDocumentEntryPatientId": [PATIENT, OTHER], "$XDSDocumentEntryStatus": [APPROVED]}
    house.registry.multi_patient_stored_query(query(QueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, parameters))
    told = {event.patient: event.results for event in last(house, 2)}
    assert told == {PATIENT: 2, OTHER: 1}
    assert {event.transaction for event in last(house, 2)} == {Transaction.MULTI_PATIENT_QUERY}


@pytest.mark.parametrize("trouble", ["ALTER TABLE audit_event RENAME TO gone", "DELETE FROM audit_chain"])
def test_when_the_trail_cannot_be_written_nothing_is_done_and_nothing_given(open_house: Opens, trouble: str) -> None:
    house, client = open_house()
    papers = submission(b"kept")
    assert succeeded(client.provide(papers))
    before = house.engine, house.count(tables.stored_document)
    with house.engine.begin() as connection:
        connection.execute(text(trouble))
    refused = client.provide(submission(b"new"))
    assert [error.code for error in refused.errors] == ["XDSRegistryBusy"]
    assert [error.code for error in client.provide(submission(Paper(b"x").saying(hash="0" * 40))).errors] == [
        "XDSRepositoryBusy"
    ]
    unique_id = papers.papers[0].unique_id
    retrieved = client.retrieve(unique_id)
    assert (retrieved.contents, [code for code, _ in retrieved.codes]) == ([], ["XDSRepositoryBusy"])
    answer = find(house.registry)
    assert b"XDSRegistryBusy" in answer
    assert unique_id.encode() not in answer
    assert (house.engine, house.count(tables.stored_document)) == before


def test_while_somebody_else_holds_the_database_nothing_is_given(house: House, client: Client) -> None:
    papers = submission(b"kept")
    assert succeeded(client.provide(papers))
    pooled = [house.engine.connect() for _ in range(4)]
    for connection in pooled:  # all that there are: nobody waits ten seconds
        connection.exec_driver_sql("PRAGMA busy_timeout = 100")
        connection.rollback()
    for connection in pooled[1:]:
        connection.close()
    holder = pooled[0].execution_options(writes=True)
    with holder.begin():  # a write lock that does not end
        retrieved = client.retrieve(papers.papers[0].unique_id)
        assert (retrieved.contents, [code for code, _ in retrieved.codes]) == ([], ["XDSRepositoryBusy"])
        answer = find(house.registry)
    holder.close()
    assert b"XDSRegistryBusy" in answer
    assert papers.papers[0].unique_id.encode() not in answer
    assert b"Success" in find(house.registry)


def test_a_trail_that_a_session_keeps_locked_makes_the_registry_busy_and_nothing_is_told(
    open_house: Opens,
) -> None:
    house, client = open_house()
    if house.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no lock on a row")
    assert succeeded(client.provide(submission(b"one")))
    with house.engine.connect() as session, session.begin():
        session.execute(text("SELECT * FROM audit_chain FOR UPDATE"))
        answer = find(house.registry)
        assert b"XDSRegistryBusy" in answer
        assert b"ExtrinsicObject" not in answer
        assert [error.code for error in client.provide(submission(b"two")).errors] == ["XDSRegistryBusy"]
    assert b"ExtrinsicObject" in find(house.registry)


def test_the_history_of_a_record_tells_what_was_done_over_http(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"one", b"two")
    assert succeeded(client.provide(papers))
    assert succeeded(client.provide(papers))  # again, as after a lost answer
    find(house.registry)
    read, unread = (paper.unique_id for paper in papers.papers)
    client.retrieve(read)
    find(house.registry, OTHER)
    with house.engine.connect() as connection:
        viewer = Viewer(ViewerKind.PATIENT)
        told = history(connection, [PATIENT], viewer, visible=every_document, at=house.clock())
        hidden = history(connection, [PATIENT], viewer, visible=lambda _: {unread}, at=house.clock())
    assert [(trace.deed, set(trace.documents)) for trace in told.traces] == [
        (Deed.READ, {read}),
        (Deed.SEARCHED, set()),
        (Deed.ADDED, {read, unread}),
    ]
    assert [set(trace.documents) for trace in hidden.traces] == [set(), set(), {unread}]
