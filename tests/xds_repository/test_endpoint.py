"""The service as other stacks see it: its description, and a typed client that was made from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import zeep

from schemas.vocabulary import LCM, ResponseStatus
from soap.client.transport import MtomTransport
from soap.faults import SoapFault
from soap.xml import parse_trusted
from tests.xds_repository.house import Client, House, listening, succeeded
from tests.xds_repository.submissions import PROVIDE, REPOSITORY, RETRIEVE, retrieval, submission

SHARED_CDA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cda"


@pytest.fixture
def url(house: House) -> Iterator[str]:
    with listening(house.application) as address:
        yield address


def test_a_typed_client_made_from_the_description_stores_and_reads(url: str, tmp_path: Path) -> None:
    client = zeep.Client(f"{url}?wsdl", transport=MtomTransport(spool_directory=tmp_path))
    service = client.bind("DocumentRepository_Service", "DocumentRepository_Port_Soap12")
    papers = submission(b"<from zeep/>", bytes(range(256)))
    metadata = client.get_element(f"{{{LCM}}}SubmitObjectsRequest").parse(
        parse_trusted(papers.metadata().encode()), client.wsdl.types
    )
    answer = service["DocumentRepository_ProvideAndRegisterDocumentSet-b"](
        SubmitObjectsRequest=metadata,
        Document=[{"id": paper.entry_id, "_value_1": paper.content} for paper in papers.papers],
    )
    assert answer.status == ResponseStatus.SUCCESS
    asked = [{"RepositoryUniqueId": REPOSITORY, "DocumentUniqueId": paper.unique_id} for paper in papers.papers]
    got = service.DocumentRepository_RetrieveDocumentSet(DocumentRequest=asked)
    assert got.RegistryResponse.status == ResponseStatus.SUCCESS
    assert [response.Document for response in got.DocumentResponse] == [paper.content for paper in papers.papers]


def test_the_schemas_that_the_description_names_are_served(url: str) -> None:
    wsdl = requests.get(f"{url}?wsdl", timeout=60)
    assert wsdl.status_code == 200
    assert f"{url}?xsd=xdsb.xsd".encode() in wsdl.content
    assert requests.get(f"{url}?xsd=xdsb.xsd", timeout=60).status_code == 200


def test_an_action_that_disagrees_with_the_body_is_a_fault_and_stores_nothing(
    house: House, url: str, tmp_path: Path
) -> None:
    caller = Client(url, tmp_path / "client").caller
    body, parts = submission(b"a").mtom()
    with pytest.raises(SoapFault):
        caller.call(RETRIEVE, body, parts=parts, mtom=True)
    with pytest.raises(SoapFault):
        caller.call(PROVIDE, retrieval("1.2.3"), mtom=True)
    assert house.rows()["intents"] == 0
    assert house.blobs() == []


@pytest.mark.parametrize("name", sorted(path.name for path in SHARED_CDA.glob("*.xml")) or [None])
def test_real_documents_come_back_byte_for_byte(client: Client, name: str | None) -> None:
    if name is None:
        pytest.skip("no sample documents at ../shared")
    papers = submission((SHARED_CDA / name).read_bytes())
    assert succeeded(client.provide(papers))
    assert client.retrieve(papers.papers[0].unique_id).contents == [papers.papers[0].content]
