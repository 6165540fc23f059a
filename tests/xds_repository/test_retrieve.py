"""ITI-43: what is there comes back; what is not there, or not right, is named; nothing damaged is delivered whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from schemas import schema_files
from schemas.vocabulary import XDSB, ResponseStatus
from soap.client.caller import NoAnswer
from soap.xml import load_schema, parse_trusted
from tests.xds_repository.house import Backend, Client, House, listening, succeeded
from tests.xds_repository.submissions import (
    REPOSITORY,
    RETRIEVE,
    Paper,
    new_oid,
    retrieval,
    submission,
)
from xds_repository.configuration import RepositoryConfiguration
from xds_repository.stores import BlobKey
from xds_repository.tables import stored_document

Opens = Callable[..., tuple[House, Client]]
LARGE = bytes(range(256)) * 8192  # 2 MiB: more than is proven before the answer starts


@pytest.fixture
def paper(client: Client) -> Paper:
    """A document that is stored."""
    stored = Paper(b"<stored/>", mime_type="text/goofy")
    assert succeeded(client.provide(submission(stored)))
    return stored


def test_a_document_comes_with_the_type_it_was_registered_with(client: Client, paper: Paper) -> None:
    retrieved = client.retrieve(paper.unique_id)
    assert retrieved.outcome.status is ResponseStatus.SUCCESS
    assert retrieved.documents == [(paper.unique_id, "text/goofy", b"<stored/>")]
    assert retrieved.homes == [None]


def test_a_document_that_is_unknown_is_named_and_the_others_come(client: Client, paper: Paper) -> None:
    unknown = new_oid()
    retrieved = client.retrieve(unknown, paper.unique_id)
    assert retrieved.outcome.status is ResponseStatus.PARTIAL_SUCCESS
    assert retrieved.codes == [("XDSDocumentUniqueIdError", unknown)]
    assert retrieved.contents == [b"<stored/>"]


def test_when_no_document_comes_the_answer_is_failure(client: Client) -> None:
    unknown = [new_oid(), new_oid()]
    retrieved = client.retrieve(*unknown)
    assert retrieved.outcome.status is ResponseStatus.FAILURE
    assert retrieved.codes == [("XDSDocumentUniqueIdError", name) for name in unknown]
    assert retrieved.documents == []


def test_another_repository_is_unknown_here(client: Client, paper: Paper) -> None:
    retrieved = client.retrieve(paper.unique_id, repository="1.2.3")
    assert retrieved.outcome.status is ResponseStatus.FAILURE
    assert retrieved.codes == [("XDSUnknownRepositoryId", paper.unique_id)]
    assert retrieved.outcome.errors[0].code_context == "1.2.3"


def test_a_document_asked_for_twice_comes_once(client: Client, paper: Paper) -> None:
    unknown = new_oid()
    retrieved = client.retrieve(paper.unique_id, unknown, paper.unique_id, unknown)
    assert retrieved.contents == [b"<stored/>"]
    assert retrieved.codes == [("XDSDocumentUniqueIdError", unknown)]


def test_the_community_is_repeated_when_it_was_asked_for(client: Client, paper: Paper) -> None:
    assert client.retrieve(paper.unique_id, home="urn:oid:1.2.3").homes == ["urn:oid:1.2.3"]


def test_a_repository_that_knows_its_community_refuses_another_one(embedded: Backend, tmp_path: Path) -> None:
    configuration = RepositoryConfiguration(REPOSITORY, home_community_id="urn:oid:1.2.3")
    house = House(embedded, tmp_path / "spool", configuration)
    with listening(house.application) as url:
        client = Client(url, tmp_path / "client")
        stored = Paper(b"a")
        assert succeeded(client.provide(submission(stored)))
        assert client.retrieve(stored.unique_id, home="urn:oid:1.2.3").contents == [b"a"]
        assert client.retrieve(stored.unique_id).contents == [b"a"]
        elsewhere = client.retrieve(stored.unique_id, home="urn:oid:1.2.4")
    assert elsewhere.codes == [("XDSUnknownCommunity", stored.unique_id)]


def test_a_document_that_may_not_be_read_is_answered_like_one_that_does_not_exist(
    embedded: Backend, tmp_path: Path
) -> None:
    shown, hidden = Paper(b"shown"), Paper(b"hidden")
    options = {"readable": lambda ids, message: {x for x in ids if x != hidden.unique_id and message.mtom}}
    house = House(embedded, tmp_path / "spool", options=options)
    with listening(house.application) as url:
        client = Client(url, tmp_path / "client")
        assert succeeded(client.provide(submission(shown, hidden)))
        retrieved = client.retrieve(shown.unique_id, hidden.unique_id)
        unknown = client.retrieve("1.2.3.4")
    assert retrieved.contents == [b"shown"]
    (refused,), (absent,) = retrieved.outcome.errors, unknown.outcome.errors
    assert (refused.code, refused.severity) == (absent.code, absent.severity)
    assert (refused.code_context, refused.location) == (hidden.unique_id, hidden.unique_id)
    assert (absent.code_context, absent.location) == ("1.2.3.4", "1.2.3.4")


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_a_blob_that_is_gone_is_an_error_of_that_document_alone(open_house: Opens, content: bytes) -> None:
    house, client = open_house()
    lost, kept = Paper(content), Paper(b"kept")
    assert succeeded(client.provide(submission(lost)))
    (key,) = house.blobs()
    assert succeeded(client.provide(submission(kept)))
    house.store.delete(BlobKey(key))
    retrieved = client.retrieve(lost.unique_id, kept.unique_id)
    assert retrieved.outcome.status is ResponseStatus.PARTIAL_SUCCESS
    assert retrieved.codes == [("XDSRepositoryError", lost.unique_id)]
    assert retrieved.contents == [b"kept"]
    assert key not in retrieved.outcome.errors[0].code_context


def damage(house: House, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Alter the one blob of a directory store behind its back."""
    (key,) = house.blobs()
    (path,) = (tmp_path / "store").rglob(key)
    path.write_bytes(change(path.read_bytes()))


def flip(content: bytes, bit: int) -> bytes:
    return content[: bit // 8] + bytes([content[bit // 8] ^ (1 << bit % 8)]) + content[bit // 8 + 1 :]


def test_any_bit_of_a_small_document_that_changed_is_seen_before_the_answer(
    house: House, client: Client, tmp_path: Path
) -> None:
    small = Paper(b"twenty-four bytes long..")
    assert succeeded(client.provide(submission(small)))
    for bit in range(0, len(small.content) * 8, 7):
        damage(house, tmp_path, lambda content, bit=bit: flip(content, bit))  # type: ignore[misc]
        assert client.retrieve(small.unique_id).codes == [("XDSRepositoryError", small.unique_id)]
        damage(house, tmp_path, lambda content, bit=bit: flip(content, bit))  # type: ignore[misc]
    assert client.retrieve(small.unique_id).contents == [small.content]


def test_a_large_document_of_another_length_is_seen_before_the_answer(
    house: House, client: Client, tmp_path: Path
) -> None:
    large = Paper(LARGE)
    assert succeeded(client.provide(submission(large)))
    damage(house, tmp_path, lambda content: content[:-1])
    assert client.retrieve(large.unique_id).codes == [("XDSRepositoryError", large.unique_id)]


@pytest.mark.parametrize("mtom", [True, False])
def test_a_large_document_that_changed_is_never_delivered_whole(
    house: House, client: Client, tmp_path: Path, mtom: bool
) -> None:
    large = Paper(LARGE)
    assert succeeded(client.provide(submission(large)))
    damage(house, tmp_path, lambda content: flip(content, len(content) * 8 - 1))
    with pytest.raises(NoAnswer):
        client.retrieve(large.unique_id, mtom=mtom)


def test_many_documents_of_many_sizes_come_in_the_order_they_were_asked_for(open_house: Opens) -> None:
    _, client = open_house()
    papers = submission(*(LARGE[: size * 100_000] for size in range(12)))
    assert succeeded(client.provide(papers))
    asked = [*papers.papers[::2], *papers.papers[1::2]]
    assert client.retrieve(*(paper.unique_id for paper in asked)).contents == [paper.content for paper in asked]


def test_more_documents_than_an_answer_may_hold_are_refused(embedded: Backend, tmp_path: Path) -> None:
    house = House(embedded, tmp_path / "spool", RepositoryConfiguration(REPOSITORY, most_documents=2))
    with listening(house.application) as url:
        client = Client(url, tmp_path / "client")
        assert client.retrieve(new_oid(), new_oid(), new_oid()).codes == [("XDSTooManyResults", None)]
        assert [code for code, _ in client.retrieve(new_oid(), new_oid()).codes] == ["XDSDocumentUniqueIdError"] * 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<x:Other/>",
        "<x:DocumentRequest/>",
        "<x:DocumentRequest><x:RepositoryUniqueId>1.2</x:RepositoryUniqueId></x:DocumentRequest>",
        "<x:DocumentRequest><x:DocumentUniqueId><x:a/></x:DocumentUniqueId></x:DocumentRequest>",
    ],
)
def test_a_request_that_names_no_document_is_a_failure(client: Client, content: str) -> None:
    body = f'<x:RetrieveDocumentSetRequest xmlns:x="{XDSB}">{content}</x:RetrieveDocumentSetRequest>'
    with client.caller.call(RETRIEVE, parse_trusted(body.encode()), mtom=True) as answer:
        retrieved = client.read(answer)
    assert retrieved.outcome.status is ResponseStatus.FAILURE
    assert retrieved.outcome.errors


@pytest.mark.parametrize(
    "mime_type", ["text/xml\r\nX-Evil: 1", "multipart/related", "a" * 200, 'text/plain; a="\u00e9"']
)
def test_a_type_that_no_header_could_hold_stays_in_the_metadata(house: House, client: Client, mime_type: str) -> None:
    stored = Paper(b"<a/>")
    assert succeeded(client.provide(submission(stored)))
    with house.engine.begin() as connection:
        connection.execute(stored_document.update().values(mime_type=mime_type))
    assert [content for _, _, content in client.retrieve(stored.unique_id).documents] == [b"<a/>"]


def test_answers_are_as_the_schema_says(client: Client, paper: Paper) -> None:
    schema = load_schema(schema_files.XDSB_XSD)
    asked = retrieval(paper.unique_id, new_oid(), home="urn:oid:1.2.3")
    for mtom in (False, True):
        with client.caller.call(RETRIEVE, asked, mtom=mtom) as answer:
            for document in answer.body.iter(f"{{{XDSB}}}Document"):
                for include in document:
                    document.remove(include)
            schema.assertValid(etree.ElementTree(parse_trusted(etree.tostring(answer.body))))
