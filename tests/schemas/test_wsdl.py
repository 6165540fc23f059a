"""zeep reads our WSDLs and finds the operations of the transactions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import zeep

from schemas import schema_files
from schemas import vocabulary as v
from soap.xml import parse_trusted

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_ADDRESSING = "http://www.w3.org/2006/05/addressing/wsdl"

#: operation: action, action of the answer, body, body of the answer (ITI TF-2: 3.18.6, 3.41.7, 3.42.7, 3.43.6, 3.44.7)
REGISTRY = {
    "DocumentRegistry_RegisterDocumentSet-b": (
        "urn:ihe:iti:2007:RegisterDocumentSet-b",
        "urn:ihe:iti:2007:RegisterDocumentSet-bResponse",
        f"{{{v.LCM}}}SubmitObjectsRequest",
        f"{{{v.RS}}}RegistryResponse",
    ),
    "DocumentRegistry_RegistryStoredQuery": (
        "urn:ihe:iti:2007:RegistryStoredQuery",
        "urn:ihe:iti:2007:RegistryStoredQueryResponse",
        f"{{{v.QUERY}}}AdhocQueryRequest",
        f"{{{v.QUERY}}}AdhocQueryResponse",
    ),
    "DocumentRegistry_MultiPatientStoredQuery": (
        "urn:ihe:iti:2009:MultiPatientStoredQuery",
        "urn:ihe:iti:2009:MultiPatientStoredQueryResponse",
        f"{{{v.QUERY}}}AdhocQueryRequest",
        f"{{{v.QUERY}}}AdhocQueryResponse",
    ),
    "DocumentRegistry_RegisterOnDemandDocumentEntry": (
        "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry",
        "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
        f"{{{v.LCM}}}SubmitObjectsRequest",
        f"{{{v.RS}}}RegistryResponse",
    ),
    "DocumentRegistry_UpdateDocumentSet": (
        "urn:ihe:iti:2010:UpdateDocumentSet",
        "urn:ihe:iti:2010:UpdateDocumentSetResponse",
        f"{{{v.LCM}}}SubmitObjectsRequest",
        f"{{{v.RS}}}RegistryResponse",
    ),
    "UpdateResponder_RestrictedUpdateDocumentSet": (
        "urn:ihe:iti:2018:RestrictedUpdateDocumentSet",
        "urn:ihe:iti:2018:RestrictedUpdateDocumentSetResponse",
        f"{{{v.LCM}}}SubmitObjectsRequest",
        f"{{{v.RS}}}RegistryResponse",
    ),
    **{
        f"DocumentRegistry_{name}": (
            f"{v.HL7V3}:{name}",
            f"{v.HL7V3}:MCCI_IN000002UV01",
            f"{{{v.HL7V3}}}{name}",
            f"{{{v.HL7V3}}}MCCI_IN000002UV01",
        )
        for name in ("PRPA_IN201301UV02", "PRPA_IN201302UV02", "PRPA_IN201304UV02")
    },
}
REPOSITORY = {
    "DocumentRepository_ProvideAndRegisterDocumentSet-b": (
        "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
        "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
        f"{{{v.XDSB}}}ProvideAndRegisterDocumentSetRequest",
        f"{{{v.RS}}}RegistryResponse",
    ),
    "DocumentRepository_RetrieveDocumentSet": (
        "urn:ihe:iti:2007:RetrieveDocumentSet",
        "urn:ihe:iti:2007:RetrieveDocumentSetResponse",
        f"{{{v.XDSB}}}RetrieveDocumentSetRequest",
        f"{{{v.XDSB}}}RetrieveDocumentSetResponse",
    ),
}
DESCRIPTIONS = [(schema_files.REGISTRY_WSDL, REGISTRY), (schema_files.REPOSITORY_WSDL, REPOSITORY)]


def bound_operations(path: Path) -> dict[str, Any]:
    client = zeep.Client(str(path))
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    operations: dict[str, Any] = dict(port.binding._operations)
    return operations


@pytest.mark.parametrize(("path", "expected"), DESCRIPTIONS, ids=["registry", "repository"])
def test_zeep_finds_each_operation_with_its_bodies(path: Path, expected: dict[str, tuple[str, ...]]) -> None:
    found = {
        name: (operation.soapaction, operation.input.body.qname.text, operation.output.body.qname.text)
        for name, operation in bound_operations(path).items()
    }
    assert found == {name: (action, body, answer) for name, (action, _, body, answer) in expected.items()}


@pytest.mark.parametrize(("path", "expected"), DESCRIPTIONS, ids=["registry", "repository"])
def test_each_operation_states_the_actions_of_its_request_and_its_answer(
    path: Path, expected: dict[str, tuple[str, ...]]
) -> None:
    root = parse_trusted(path.read_bytes())
    stated = {
        operation.get("name"): tuple(
            operation.find(f"{{{_WSDL}}}{end}").get(f"{{{_ADDRESSING}}}Action") for end in ("input", "output")
        )
        for operation in root.find(f"{{{_WSDL}}}portType").findall(f"{{{_WSDL}}}operation")
    }
    assert stated == {name: (action, answered) for name, (action, answered, _, _) in expected.items()}


def test_zeep_builds_and_reads_a_stored_query() -> None:
    client = zeep.Client(str(schema_files.REGISTRY_WSDL))
    request = client.get_element(f"{{{v.QUERY}}}AdhocQueryRequest")
    query = {
        "id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        "Slot": [{"name": "$XDSDocumentEntryStatus", "ValueList": {"Value": ["('x')"]}}],
    }
    value = request(ResponseOption={"returnType": "LeafClass"}, AdhocQuery=query)
    assert value.AdhocQuery.Slot[0].ValueList.Value == ["('x')"]


@pytest.mark.parametrize(("path", "expected"), DESCRIPTIONS, ids=["registry", "repository"])
def test_the_operations_of_the_official_description_are_offered_under_their_actions(
    path: Path, expected: dict[str, tuple[str, ...]], shared: Path
) -> None:
    official = parse_trusted((shared / "data" / "wsdl" / path.name).read_bytes())
    actions = {
        end.get(f"{{{_ADDRESSING}}}Action")
        for operation in official.iter(f"{{{_WSDL}}}operation")
        for end in operation
        if end.get(f"{{{_ADDRESSING}}}Action")
    }
    ours = {action for operation in expected.values() for action in operation[:2]}
    assert actions, "the official description states no action"
    assert actions - ours == set()
