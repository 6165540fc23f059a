"""zeep as a client: it loads our WSDL over mutual TLS and completes the four transactions with its own typed values."""

from __future__ import annotations

from typing import Any

import pytest
import zeep

from schemas.vocabulary import LCM, RIM, XDSB, AvailabilityStatus, ResponseStatus
from soap.client import MtomTransport
from soap.xml import parse_trusted
from tests.services.engine import PATIENT_AUTHORITY, REPOSITORY_ID, Engine
from tests.xds_repository.submissions import Paper, Submission

_FIND_DOCUMENTS = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"


@pytest.fixture
def patient(engine: Engine) -> str:
    identifier = f"ZEEP^^^&{PATIENT_AUTHORITY}&ISO"
    engine.announce(identifier)
    return identifier


def _client(url: str, engine: Engine) -> Any:
    return zeep.Client(f"{url}?wsdl", transport=MtomTransport(session=engine.session()))


def _typed(client: Any, metadata: str) -> Any:
    """Metadata as a value of zeep's own types."""
    element = client.get_element(f"{{{LCM}}}SubmitObjectsRequest")
    return element.parse(parse_trusted(metadata.encode()), client.wsdl.types)


def _found(registry: Any, patient: str) -> list[str]:
    answer = registry.service["DocumentRegistry_RegistryStoredQuery"](
        ResponseOption={"returnType": "LeafClass", "returnComposedObjects": True},
        AdhocQuery={
            "id": _FIND_DOCUMENTS,
            "Slot": [
                {"name": "$XDSDocumentEntryPatientId", "ValueList": {"Value": [f"'{patient}'"]}},
                {"name": "$XDSDocumentEntryStatus", "ValueList": {"Value": [f"('{AvailabilityStatus.APPROVED}')"]}},
            ],
        },
    )
    assert answer["status"] == ResponseStatus.SUCCESS
    entries = [item["ExtrinsicObject"] for item in answer["RegistryObjectList"]["_value_1"]]
    return [
        identifier["value"]
        for entry in entries
        for identifier in entry["ExternalIdentifier"]
        if identifier["Name"]["LocalizedString"][0]["value"] == "XDSDocumentEntry.uniqueId"
    ]


def test_zeep_registers_provides_finds_and_reads_back_with_mtom(engine: Engine, patient: str) -> None:
    registry = _client(engine.registry(), engine)
    repository = _client(engine.repository(), engine)
    content = "<ClinicalDocument>été</ClinicalDocument>".encode() + b"\x00\xff" * 200_000

    registered = Paper(b"kept elsewhere")
    registered = registered.saying(
        hash=registered.sha1, size=str(len(registered.content)), repositoryUniqueId="1.2.3.4.5"
    )
    outcome = registry.service["DocumentRegistry_RegisterDocumentSet-b"](
        **_fields(_typed(registry, Submission((registered,), patient=patient).metadata()))
    )
    assert outcome["status"] == ResponseStatus.SUCCESS

    paper = Paper(content)
    outcome = repository.service["DocumentRepository_ProvideAndRegisterDocumentSet-b"](
        SubmitObjectsRequest=_typed(repository, Submission((paper,), patient=patient).metadata()),
        Document=[{"_value_1": content, "id": paper.entry_id}],
    )
    assert outcome["status"] == ResponseStatus.SUCCESS

    assert sorted(_found(registry, patient)) == sorted([registered.unique_id, paper.unique_id])

    answer = repository.service["DocumentRepository_RetrieveDocumentSet"](
        DocumentRequest=[{"RepositoryUniqueId": REPOSITORY_ID, "DocumentUniqueId": paper.unique_id}]
    )
    assert answer["RegistryResponse"]["status"] == ResponseStatus.SUCCESS
    assert [response["Document"] for response in answer["DocumentResponse"]] == [content]


def test_zeep_gets_a_business_error_as_an_answer_and_not_as_a_fault(engine: Engine) -> None:
    repository = _client(engine.repository(), engine)
    unknown = Paper(b"text")
    outcome = repository.service["DocumentRepository_ProvideAndRegisterDocumentSet-b"](
        SubmitObjectsRequest=_typed(
            repository, Submission((unknown,), patient=f"NOBODY^^^&{PATIENT_AUTHORITY}&ISO").metadata()
        ),
        Document=[{"_value_1": b"text", "id": unknown.entry_id}],
    )
    (error,) = outcome["RegistryErrorList"]["RegistryError"]
    assert outcome["status"] == ResponseStatus.FAILURE
    assert error["errorCode"] == "XDSUnknownPatientId"


def test_zeep_finds_every_type_of_the_metadata_in_the_wsdl(engine: Engine) -> None:
    registry = _client(engine.registry(), engine)
    for name in ("ExtrinsicObject", "RegistryPackage", "Association", "Slot", "Classification"):
        assert registry.get_element(f"{{{RIM}}}{name}") is not None
    assert _client(engine.repository(), engine).get_element(f"{{{XDSB}}}RetrieveDocumentSetRequest") is not None


def _fields(value: Any) -> dict[str, Any]:
    """The members of a zeep value, as keyword arguments of an operation whose body it is."""
    return {name: value[name] for name in value}
