"""ITI-86: what is removed is answered as if it had never been there, and is not taken for damage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from schemas.responses import RegistryOutcome
from schemas.vocabulary import ResponseStatus
from soap.message import IncomingMessage
from tests.services.trail import changes_of, events_of
from tests.xds_repository.house import Client, House, succeeded
from tests.xds_repository.submissions import Paper, Submission, submission
from xds_registry import tables as registry_tables
from xds_repository import tables
from xds_repository.ledger import Ledger, RemovalState
from xds_repository.stores import BlobKey, BlobStream, Digest, StoreUnavailable
from xds_repository.upkeep.scrub import ScrubFindingKind, ScrubReport

Opens = Callable[..., tuple[House, Client]]
SMALL, LARGE = b"<small/>", bytes(range(256)) * 4000
UNKNOWN = "XDSDocumentUniqueIdError"


def kept(client: Client, *contents: bytes | Paper) -> Submission:
    """A submission that was accepted."""
    papers = submission(*contents)
    assert succeeded(client.provide(papers))
    return papers


def ids(papers: Submission) -> list[str]:
    return [paper.unique_id for paper in papers.papers]


def errors(outcome: RegistryOutcome) -> list[tuple[str, str | None]]:
    return [(error.code, error.location) for error in outcome.errors]


def scrubbed(house: House) -> ScrubReport:
    steps = house.repository.scrub()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            report: ScrubReport = end.value
            return report


def states(house: House) -> list[int]:
    """How far each removal is, in the order of the removals."""
    columns = tables.removed_document.c
    with house.engine.connect() as connection:
        return list(connection.scalars(select(columns.state).order_by(columns.pk)))


def test_a_removed_document_is_answered_as_one_that_was_never_there(open_house: Opens) -> None:
    house, client = open_house()
    papers = kept(client, SMALL, LARGE)
    gone, stays = ids(papers)
    assert succeeded(client.remove(gone))
    nobody = client.retrieve("1.2.3.4")
    removed = client.retrieve(gone)
    assert removed.outcome.status is nobody.outcome.status is ResponseStatus.FAILURE
    assert removed.codes == [(UNKNOWN, gone)]
    assert nobody.codes == [(UNKNOWN, "1.2.3.4")]
    assert (removed.outcome.errors[0].code_context, nobody.outcome.errors[0].code_context) == (gone, "1.2.3.4")
    assert client.retrieve(stays).contents == [LARGE]
    assert len(house.blobs()) == 1
    assert errors(client.remove(gone)) == [(UNKNOWN, gone)]


@pytest.mark.parametrize("mtom", [False, True])
def test_several_documents_are_removed_by_one_request_in_either_packaging(client: Client, mtom: bool) -> None:
    papers = kept(client, SMALL, LARGE)
    assert succeeded(client.remove(*ids(papers), mtom=mtom))
    assert client.retrieve(*ids(papers)).codes == [(UNKNOWN, unique_id) for unique_id in ids(papers)]


def test_what_is_there_is_removed_and_what_is_not_is_named(client: Client) -> None:
    (gone,) = ids(kept(client, SMALL))
    outcome = client.remove(gone, "1.2.3.4")
    assert outcome.status is ResponseStatus.PARTIAL_SUCCESS
    assert errors(outcome) == [(UNKNOWN, "1.2.3.4")]
    assert client.retrieve(gone).codes == [(UNKNOWN, gone)]


def test_another_repository_or_community_is_not_this_one(open_house: Opens) -> None:
    house, client = open_house()
    (stays,) = ids(kept(client, SMALL))
    assert errors(client.remove(stays, repository="1.2.1.1.1")) == [("XDSUnknownRepositoryId", stays)]
    assert errors(client.remove("", repository="")) == [("XDSUnknownRepositoryId", None)]
    assert errors(client.remove()) == [(UNKNOWN, None)]
    assert client.retrieve(stays).contents == [SMALL]
    assert states(house) == []


def test_a_document_named_twice_is_removed_once(house: House, client: Client) -> None:
    (gone,) = ids(kept(client, SMALL))
    assert succeeded(client.remove(gone, gone))
    assert states(house) == [RemovalState.ERASED]


def test_the_removal_is_recorded_with_its_patient_and_a_refusal_with_what_was_asked_for(
    house: House, client: Client
) -> None:
    papers = kept(client, SMALL, LARGE)
    client.remove(*ids(papers), "1.2.3.4")
    (removed,) = [event for event in changes_of(house.engine) if event.transaction == "ITI-86"]
    assert (removed.action, removed.patient) == ("D", papers.patient)
    assert sorted(removed.documents) == sorted(ids(papers))
    (refused,) = [event for event in events_of(house.engine) if event.transaction == "ITI-86" and not event.succeeded]
    assert (refused.documents, refused.reason) == (("1.2.3.4",), UNKNOWN)


def test_what_may_not_be_read_is_not_there_and_what_may_not_be_removed_says_so(open_house: Opens) -> None:
    hidden, guarded = Paper(SMALL), Paper(LARGE)

    def readable(unique_ids: Collection[str], _message: IncomingMessage) -> set[str]:
        return set(unique_ids) - {hidden.unique_id}

    def removable(unique_ids: Collection[str], _message: IncomingMessage) -> set[str]:
        return set(unique_ids) - {hidden.unique_id, guarded.unique_id}

    house, client = open_house(options={"readable": readable, "removable": removable})
    kept(client, hidden, guarded)
    unseen, nobody = client.remove(hidden.unique_id), client.remove("1.2.3.4")
    assert errors(unseen) == [(UNKNOWN, hidden.unique_id)]
    assert (unseen.errors[0].code_context, nobody.errors[0].code_context) == (hidden.unique_id, "1.2.3.4")
    assert errors(client.remove(guarded.unique_id)) == [("XDSRemoveDocumentsError", guarded.unique_id)]
    assert house.rows()["documents"] == 2


# ---- what is remembered ----------------------------------------------------------------------------------------


def test_scrub_knows_a_removed_document_while_the_registry_has_its_entry(open_house: Opens) -> None:
    house, client = open_house()
    papers = kept(client, SMALL, LARGE)
    gone, stays = ids(papers)
    assert succeeded(client.remove(gone))
    report = scrubbed(house)
    assert (report.findings, report.removed, report.documents, report.entries) == ((), 1, 1, 2)
    assert report.as_json()["removed"] == 1
    # What nobody removed is still missed.
    with house.engine.begin() as connection:
        connection.execute(tables.stored_document.delete().where(tables.stored_document.c.unique_id == stays))
    assert ScrubFindingKind.NOT_STORED in {finding.kind for finding in scrubbed(house).findings}


def test_a_document_removed_while_scrub_reads_is_no_damage(open_house: Opens) -> None:
    house, client = open_house()
    papers = kept(client, *(bytes([n]) for n in range(5)))
    steps, found = house.repository.scrub(), None
    ledger_read = iter(Ledger(house.engine).all_documents())
    assert len(next(ledger_read)) == 5
    store_open = house.store.open

    def removing(key: BlobKey, expected: Digest) -> BlobStream:
        if house.count(tables.stored_document):
            assert succeeded(client.remove(*ids(papers)))
        return store_open(key, expected)

    house.store.open = removing  # type: ignore[method-assign]
    while found is None:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
    assert found.findings == ()


def test_a_removed_document_can_be_provided_again_with_the_same_bytes(open_house: Opens) -> None:
    house, client = open_house()
    paper = Paper(LARGE)
    kept(client, paper)
    for round_number in range(1, 3):
        assert succeeded(client.remove(paper.unique_id))
        kept(client, paper)
        assert client.retrieve(paper.unique_id).contents == [LARGE]
        assert states(house) == [RemovalState.ERASED] * round_number
    assert scrubbed(house).clean


def test_other_bytes_are_refused_while_the_entry_stands_and_taken_once_it_is_gone(house: House, client: Client) -> None:
    paper = Paper(SMALL)
    kept(client, paper)
    assert succeeded(client.remove(paper.unique_id))
    other = Paper(LARGE, unique_id=paper.unique_id)
    outcome = client.provide(submission(other))
    assert "XDSNonIdenticalSize" in [error.code for error in outcome.errors]
    with house.engine.begin() as connection:
        for table in reversed(registry_tables.metadata.sorted_tables):
            if table.name != "patient":
                connection.execute(table.delete())
    kept(client, other)
    assert client.retrieve(paper.unique_id).contents == [LARGE]


def test_a_late_copy_of_the_submission_does_not_bring_a_removed_document_back(open_house: Opens) -> None:
    house, client = open_house()
    papers = kept(client, SMALL)
    assert succeeded(client.remove(*ids(papers)))
    again = client.provide(papers)
    assert [error.code for error in again.errors] == ["XDSDuplicateUniqueIdInRegistry"]
    house.clock.ahead = house.configuration.intent_lifetime * 2
    report = house.repository.reap()
    assert (report.adopted, report.collected, report.erased) == (0, 1, 1)
    assert client.retrieve(*ids(papers)).codes == [(UNKNOWN, ids(papers)[0])]
    assert house.blobs() == []
    assert states(house) == [RemovalState.SETTLED]
    assert house.repository.reap().erased == 0


def test_an_attempt_that_was_given_up_is_not_adopted_after_the_removal(open_house: Opens) -> None:
    """Two attempts of one submission, of which one kept the document and one left its intent."""
    house, client = open_house()
    paper = Paper(SMALL)
    kept(client, paper)
    ledger = Ledger(house.engine)
    (document,) = ledger.documents([paper.unique_id]).values()
    now = house.clock()
    left = type(document)(paper.unique_id, BlobKey.new(), document.size, document.sha1, document.sha256, "text/xml")
    ledger.open_intents([left], "0" * 64, "c", now, now + timedelta(hours=24))
    assert succeeded(client.remove(paper.unique_id))
    house.clock.ahead = timedelta(hours=25)
    assert house.repository.reap().adopted == 0
    assert house.rows()["documents"] == 0


# ---- the store and the clock -----------------------------------------------------------------------------------


def test_a_blob_that_could_not_be_deleted_is_deleted_by_the_reaper(house: House, client: Client) -> None:
    (gone,) = ids(kept(client, SMALL))
    delete = house.store.delete

    def unavailable(key: BlobKey) -> None:
        raise StoreUnavailable("away")

    house.store.delete = unavailable  # type: ignore[method-assign]
    assert succeeded(client.remove(gone))
    assert client.retrieve(gone).codes == [(UNKNOWN, gone)]
    assert (len(house.blobs()), states(house)) == (1, [RemovalState.ERASING])
    assert scrubbed(house).clean
    house.store.delete = delete  # type: ignore[method-assign]
    assert house.repository.reap().erased == 1
    assert (house.blobs(), states(house)) == ([], [RemovalState.ERASED])


def test_a_write_that_brings_a_removed_blob_back_leaves_no_orphan(open_house: Opens) -> None:
    """A submission that found the document kept, and lost to its removal just before it looked at the blob."""
    house, client = open_house()
    paper = Paper(LARGE)
    kept(client, paper)
    stat, removals = house.store.stat, list[RegistryOutcome]()

    def removing(key: BlobKey) -> Any:
        if not removals:
            removals.append(client.remove(paper.unique_id))
        return stat(key)

    house.store.stat = removing  # type: ignore[method-assign]
    outcome = client.provide(submission(paper))
    assert succeeded(removals[0])
    assert [error.code for error in outcome.errors] == ["XDSRepositoryError"]
    assert len(house.blobs()) == 1  # the write's
    assert scrubbed(house).clean
    house.clock.ahead = house.configuration.intent_lifetime * 2
    house.repository.reap()
    assert (house.blobs(), states(house)) == ([], [RemovalState.SETTLED])


# ---- at the same time ------------------------------------------------------------------------------------------


def test_of_two_removals_at_once_one_succeeds(open_house: Opens) -> None:
    house, client = open_house()
    for _ in range(6):
        papers = kept(client, SMALL, LARGE)
        start, outcomes = threading.Barrier(2), list[RegistryOutcome]()

        def run(named: list[str], start: threading.Barrier = start, outcomes: Any = outcomes) -> None:
            start.wait()
            outcomes.append(client.remove(*named))

        threads = [threading.Thread(target=run, args=(order,)) for order in (ids(papers), ids(papers)[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        removed = [2 - len(outcome.errors) for outcome in outcomes]
        assert sorted(removed) == [0, 2]
    told = [event for event in changes_of(house.engine) if event.transaction == "ITI-86"]
    assert sum(len(event.documents) for event in told) == 12


def test_a_submission_that_uses_a_document_again_keeps_it_until_it_is_registered(open_house: Opens) -> None:
    house, client = open_house()
    paper = Paper(LARGE)
    kept(client, paper)
    outcomes = list[RegistryOutcome]()
    thread = threading.Thread(target=lambda: outcomes.append(client.remove(paper.unique_id)))
    append = house.registry.trail.append

    def meanwhile(connection: Connection, events: Any) -> None:
        if not thread.ident:
            thread.start()
            thread.join(0.5)
        append(connection, events)

    house.registry.trail.append = meanwhile  # type: ignore[method-assign]
    again = client.provide(submission(paper))
    thread.join()
    # The registration was first, so both are true: it was accepted, and the document was removed then.
    assert succeeded(again)
    assert succeeded(outcomes[0])
    assert client.retrieve(paper.unique_id).codes == [(UNKNOWN, paper.unique_id)]
    assert scrubbed(house).clean


class _Pausing:
    """A stream that says that it was begun and goes on when it may."""

    def __init__(self, stream: BlobStream, begun: threading.Event, proceed: threading.Event) -> None:
        self._stream, self._begun, self._proceed = stream, begun, proceed

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._stream)
        self._begun.set()
        self._proceed.wait(30)
        return chunk

    def close(self) -> None:
        self._stream.close()


def test_a_document_removed_while_it_is_read_is_delivered_whole_or_the_connection_is_cut(open_house: Opens) -> None:
    house, client = open_house()
    content = bytes(range(256)) * 20_000
    (gone,) = ids(kept(client, content))
    opened, begun, proceed = house.store.open, threading.Event(), threading.Event()
    house.store.open = lambda key, expected: _Pausing(opened(key, expected), begun, proceed)  # type: ignore[method-assign]
    got: list[Any] = []

    def retrieve() -> None:
        try:
            got.append(client.retrieve(gone).contents)
        except Exception as error:  # a connection that is cut shows as one of several
            got.append(error)

    reader = threading.Thread(target=retrieve)
    reader.start()
    assert begun.wait(30)
    assert succeeded(client.remove(gone))
    proceed.set()
    reader.join()
    assert got[0] == [content] or isinstance(got[0], Exception)


@pytest.mark.parametrize("content", [SMALL, bytes(2_000_000)], ids=["small", "large"])
def test_a_document_removed_between_the_ledger_and_the_store_is_not_called_damaged(
    open_house: Opens, content: bytes
) -> None:
    house, client = open_house()
    (gone,) = ids(kept(client, content))
    stat, opened = house.store.stat, house.store.open

    def removed_first() -> None:
        if house.count(tables.stored_document):
            assert succeeded(client.remove(gone))

    def stat_late(key: BlobKey) -> Any:
        removed_first()
        return stat(key)

    def open_late(key: BlobKey, expected: Digest) -> BlobStream:
        removed_first()
        return opened(key, expected)

    house.store.stat, house.store.open = stat_late, open_late  # type: ignore[method-assign]
    assert client.retrieve(gone).codes == [(UNKNOWN, gone)]
