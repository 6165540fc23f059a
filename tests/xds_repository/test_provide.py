"""ITI-41: what is accepted is kept whole and once; what is refused leaves nothing visible."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.responses import RegistryOutcome
from schemas.vocabulary import DocumentEntryType
from soap.parts import Spool, include
from tests.examples import some
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.submissions import NOWHERE, REPOSITORY, Paper, new_oid, request, submission
from xds_registry import tables as registry_tables
from xds_repository import tables
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.stores import BlobKey, FilesystemConfiguration

Opens = Callable[..., tuple[House, Client]]
NOTHING = {"sets": 0, "entries": 0, "audited": 0, "documents": 0, "intents": 0, "blobs": 0}


def codes(outcome: RegistryOutcome) -> list[str]:
    assert not outcome.succeeded
    return sorted(error.code for error in outcome.errors)


def test_documents_come_back_as_they_were_sent(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"<a/>", bytes(range(256)) * 5000, b"")
    assert succeeded(client.provide(papers))
    retrieved = client.retrieve(*(paper.unique_id for paper in papers.papers))
    assert retrieved.outcome.succeeded
    assert retrieved.contents == [paper.content for paper in papers.papers]
    assert house.rows() == {"sets": 1, "entries": 3, "audited": 1, "documents": 3, "intents": 3, "blobs": 3}


@settings(max_examples=some(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=3000), max_size=4), st.booleans(), st.booleans())
def test_any_bytes_come_back_in_either_packaging(
    client: Client, contents: list[bytes], sent: bool, asked: bool
) -> None:
    papers = submission(*contents, b"at least one")
    assert succeeded(client.provide(papers, mtom=sent))
    retrieved = client.retrieve(*(paper.unique_id for paper in papers.papers), mtom=asked)
    assert retrieved.contents == [paper.content for paper in papers.papers]


def test_a_multipart_message_may_hold_inline_base64_beside_an_attachment(client: Client) -> None:
    papers = submission(b"attached", b"inline")
    _, parts = papers.mtom()
    attached, inline = papers.papers
    body = request(
        papers.metadata(), [(attached.entry_id, include(parts[0].content_id)), (inline.entry_id, b"aW5saW5l")]
    )
    assert succeeded(client.send(body, parts[:1]))
    assert client.retrieve(inline.unique_id, attached.unique_id).contents == [b"inline", b"attached"]


def test_hash_size_and_repository_are_stated_by_the_repository(house: House, client: Client) -> None:
    paper = Paper(b"some bytes").saying(repositoryUniqueId="1.2.3.4.5")
    assert succeeded(client.provide(submission(paper)))
    columns = registry_tables.document_entry.c
    with house.engine.connect() as connection:
        row = connection.execute(columns.hash.table.select()).one()
    assert (row.hash, row.size, row.repository_unique_id) == (paper.sha1, 10, REPOSITORY)
    assert b"1.2.3.4.5" not in row.fragment


def test_a_right_hash_is_accepted_in_either_case(client: Client) -> None:
    for hash_ in (Paper(b"x").sha1, Paper(b"x").sha1.upper()):
        assert succeeded(client.provide(submission(Paper(b"x").saying(hash=hash_, size="1"))))


@pytest.mark.parametrize(
    ("slot", "value"), [("hash", "0" * 40), ("hash", "none"), ("size", "2"), ("size", "one"), ("size", "-1")]
)
def test_a_wrong_hash_or_size_is_a_metadata_error_of_the_repository(
    house: House, client: Client, slot: str, value: str
) -> None:
    paper = Paper(b"x").saying(**{slot: value})
    outcome = client.provide(submission(paper))
    assert codes(outcome) == ["XDSRepositoryMetadataError"]
    assert value in outcome.errors[0].code_context
    assert outcome.errors[0].location == paper.entry_id
    assert house.rows() == NOTHING


def test_an_entry_without_document_and_a_document_without_entry_are_told_apart(house: House, client: Client) -> None:
    papers = submission(b"a", b"b")
    first, second = papers.papers
    missing = client.send(request(papers.metadata(), [(first.entry_id, b"YQ==")]))
    assert codes(missing) == ["XDSMissingDocument"]
    assert second.entry_id in missing.errors[0].code_context
    documents = [(first.entry_id, b"YQ=="), (second.entry_id, b"Yg=="), ("stranger", b"Yw==")]
    assert codes(client.send(request(papers.metadata(), documents))) == ["XDSMissingDocumentMetadata"]
    assert codes(client.send(request(papers.metadata(), [("stranger", b"Yw==")]))) == [
        "XDSMissingDocument",
        "XDSMissingDocument",
        "XDSMissingDocumentMetadata",
    ]
    assert house.rows() == NOTHING


def test_two_documents_or_two_entries_of_one_id_are_refused(house: House, client: Client) -> None:
    papers = submission(b"a")
    name = papers.papers[0].entry_id
    assert codes(client.send(request(papers.metadata(), [(name, b"YQ=="), (name, b"YQ==")]))) == [
        "XDSRepositoryMetadataError"
    ]
    twice = submission(Paper(b"a", entry_id="same"), Paper(b"b", entry_id="same"))
    assert "XDSRepositoryMetadataError" in codes(client.send(request(twice.metadata(), [("same", b"YQ==")])))
    assert house.rows() == NOTHING


def test_one_unique_id_twice_in_a_message_is_refused(house: House, client: Client) -> None:
    one = Paper(b"a")
    outcome = client.provide(submission(one, Paper(b"a", unique_id=one.unique_id)))
    assert codes(outcome) == ["XDSRepositoryDuplicateUniqueIdInMessage"]
    assert outcome.errors[0].code_context == one.unique_id
    assert house.rows() == NOTHING


def test_an_on_demand_entry_is_refused(house: House, client: Client) -> None:
    outcome = client.provide(submission(Paper(b"a", object_type=DocumentEntryType.ON_DEMAND)))
    assert codes(outcome) == ["XDSRepositoryMetadataError"]
    assert house.rows() == NOTHING


@pytest.mark.parametrize("content", [b"YQ", b"YQ=", b"Y?==", b"YR==", b"<b/>", b"<!--c-->YQ=="])
def test_what_is_no_document_is_a_missing_document(house: House, client: Client, content: bytes) -> None:
    papers = submission(b"a")
    outcome = client.send(request(papers.metadata(), [(papers.papers[0].entry_id, content)]))
    assert codes(outcome) == ["XDSMissingDocument"]
    assert house.rows() == NOTHING
    assert list(house.spool.iterdir()) == []


def test_a_request_without_metadata_is_refused(house: House, client: Client) -> None:
    assert codes(client.send(request("", []))) == ["XDSRepositoryMetadataError"]
    assert codes(client.send(request(submission(b"a").metadata() * 2, []))) == ["XDSRepositoryMetadataError"]
    assert house.rows() == NOTHING


def test_a_submission_without_documents_goes_to_the_registry(client: Client) -> None:
    # The registry finds that this one has nothing at all in it; the repository has nothing to say.
    assert set(codes(client.provide(submission()))) == {"XDSRegistryMetadataError"}


def test_errors_of_the_registry_come_back_as_they_are(house: House, client: Client) -> None:
    stranger = replace(submission(b"a"), patient="1^^^&2.9.9&ISO")
    outcome = client.provide(stranger)
    assert set(codes(outcome)) == {"XDSUnknownPatientId"}
    rows = house.rows()
    assert (rows["sets"], rows["entries"], rows["documents"]) == (0, 0, 0)


def test_nothing_is_kept_for_what_the_message_alone_shows_to_be_wrong(house: House, client: Client) -> None:
    assert not client.provide(replace(submission(b"a"), patient="1^^^&2.9.9&ISO")).succeeded
    assert house.rows() == NOTHING
    assert house.blobs() == []


def test_a_refused_submission_is_cleared_away_once_it_has_expired(house: House, client: Client) -> None:
    client.provide(replace(submission(b"a"), replaces=NOWHERE))
    assert house.repository.reap().collected == 0
    house.clock.ahead = house.configuration.intent_lifetime * 2
    assert house.repository.reap().collected == 1
    assert house.rows() == NOTHING


def test_a_retry_is_a_success_and_stores_nothing_twice(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"a", b"b")
    assert succeeded(client.provide(papers))
    before = house.rows()
    for mtom in (True, False):
        assert succeeded(client.provide(papers, mtom=mtom))
    assert house.rows() == before


def test_a_retry_with_other_bytes_is_no_retry(house: House, client: Client) -> None:
    papers = submission(b"a")
    assert succeeded(client.provide(papers))
    other = replace(papers, papers=(replace(papers.papers[0], content=b"b"),))
    outcome = client.provide(other)
    assert codes(outcome) == ["XDSNonIdenticalHash"]
    assert outcome.errors[0].code_context == papers.papers[0].unique_id
    longer = replace(papers, papers=(replace(papers.papers[0], content=b"bb"),))
    assert codes(client.provide(longer)) == ["XDSNonIdenticalHash", "XDSNonIdenticalSize"]
    assert house.rows()["blobs"] == 1


def test_the_same_document_in_another_submission_uses_the_same_blob(open_house: Opens) -> None:
    house, client = open_house()
    paper = Paper(b"once")
    assert succeeded(client.provide(submission(paper)))
    assert succeeded(client.provide(submission(paper)))
    rows = house.rows()
    assert (rows["sets"], rows["entries"], rows["documents"], rows["blobs"]) == (2, 2, 1, 1)


def test_a_document_that_was_lost_is_stored_again_when_it_comes_again(house: House, client: Client) -> None:
    paper = Paper(b"once")
    assert succeeded(client.provide(submission(paper)))
    house.store.delete(BlobKey(house.blobs()[0]))
    assert succeeded(client.provide(submission(paper)))
    assert client.retrieve(paper.unique_id).contents == [b"once"]


def test_equal_identifiers_in_different_unicode_forms_are_one(client: Client) -> None:
    composed, decomposed = "urn:x:caf\u00e9" + new_oid(), ""
    decomposed = composed.replace("\u00e9", "e\u0301")
    assert succeeded(client.provide(submission(Paper(b"a", unique_id=decomposed))))
    assert client.retrieve(composed).contents == [b"a"]
    assert codes(client.provide(submission(Paper(b"b", unique_id=composed)))) == ["XDSNonIdenticalHash"]


def test_one_request_sent_many_times_at_once_is_registered_once(open_house: Opens) -> None:
    house, client = open_house()
    papers = submission(b"a" * 1000, b"b" * 600_000)
    outcomes: list[RegistryOutcome] = []

    def send() -> None:
        outcomes.append(Client(client.caller._url, client.spool).provide(papers))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 6
    assert all(succeeded(outcome) for outcome in outcomes)
    rows = house.rows()
    assert (rows["sets"], rows["entries"], rows["audited"], rows["documents"]) == (1, 2, 1, 2)
    house.clock.ahead = house.configuration.intent_lifetime * 2
    house.repository.reap()
    assert house.rows() == {"sets": 1, "entries": 2, "audited": 1, "documents": 2, "intents": 0, "blobs": 2}
    assert client.retrieve(papers.papers[1].unique_id).contents == [papers.papers[1].content]


def test_of_two_documents_with_one_identifier_at_once_one_is_kept(open_house: Opens) -> None:
    _, client = open_house()
    unique_id = new_oid()
    contents = [b"a" * 300_000, b"b" * 300_000]
    outcomes: dict[bytes, RegistryOutcome] = {}

    def send(content: bytes) -> None:
        other = Client(client.caller._url, client.spool)
        outcomes[content] = other.provide(submission(Paper(content, unique_id=unique_id)))

    threads = [threading.Thread(target=send, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (kept,) = [content for content in contents if outcomes[content].succeeded]
    (refused,) = [content for content in contents if not outcomes[content].succeeded]
    assert set(codes(outcomes[refused])) <= {"XDSNonIdenticalHash"}
    assert client.retrieve(unique_id).contents == [kept]


def test_a_store_without_room_is_out_of_resources(tmp_path: Path, embedded: Backend) -> None:
    full = replace(embedded, store=FilesystemConfiguration(tmp_path / "full", reserve_share=0.0, reserve_bytes=2**62))
    house = House(full, tmp_path / "spool")
    with listening(house.application) as url:
        outcome = Client(url, tmp_path / "client").provide(submission(b"a"))
    assert codes(outcome) == ["XDSRepositoryOutOfResources"]
    assert house.rows() == NOTHING | {"intents": 1}


def test_a_store_that_is_away_is_a_repository_error_and_leaves_nothing_registered(
    tmp_path: Path, house: House, client: Client
) -> None:
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    assert codes(client.provide(submission(b"a" * 10))) == ["XDSRepositoryError"]
    assert house.count(tables.stored_document) == 0


def test_a_database_that_is_away_is_a_busy_repository(tmp_path: Path, house: House, client: Client) -> None:
    house.engine.dispose()
    (tmp_path / "rows.db").rename(tmp_path / "gone.db")
    (tmp_path / "rows.db").mkdir()
    assert codes(client.provide(submission(b"a"))) == ["XDSRepositoryBusy"]


def test_a_write_that_took_longer_than_its_intent_is_refused_and_collected(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, put = house.store, house.store.put

    def slow_put(key: BlobKey, source: object) -> None:
        put(key, source)  # type: ignore[arg-type]
        house.clock.ahead = house.configuration.intent_lifetime * 2
        assert house.repository.reap().collected == 1
        put(key, source)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "put", slow_put)
    assert codes(client.provide(submission(b"a"))) == ["XDSRepositoryError"]
    rows = house.rows()
    assert (rows["sets"], rows["entries"], rows["documents"]) == (0, 0, 0)


def test_a_store_that_lost_what_it_said_it_wrote_is_not_believed(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pretended in (lambda *_: None, lambda key, _: _put(house, key, b"ab")):
        with monkeypatch.context() as patch:
            patch.setattr(house.store, "put", pretended)
            assert codes(client.provide(submission(b"abc"))) == ["XDSRepositoryError"]
        rows = house.rows()
        assert (rows["sets"], rows["documents"]) == (0, 0)


def _put(house: House, key: BlobKey, content: bytes) -> None:
    writer = Spool(house.spool).writer(len(content))
    writer.write(content)
    type(house.store).put(house.store, key, writer.finish(None, ""))


def test_every_part_that_a_request_brought_is_released(house: House, client: Client) -> None:
    large = b"x" * 700_000
    assert succeeded(client.provide(submission(large)))
    assert succeeded(client.provide(submission(large), mtom=False))
    assert not client.provide(replace(submission(large), patient="bad")).succeeded
    deadline = time.monotonic() + 30
    while list(house.spool.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)  # a part is released a moment after the answer is out
    assert list(house.spool.iterdir()) == []


def test_a_repository_configuration_says_what_it_accepts() -> None:
    with pytest.raises(ValueError, match="repository_unique_id"):
        RepositoryConfiguration("not an oid")
    with pytest.raises(ValueError, match="home_community_id"):
        RepositoryConfiguration("1.2.3", home_community_id="1.2.3")
