"""The services offer what their descriptions say, each operation with its place in the audit trail."""

from __future__ import annotations

import pytest

from dmp.audit.event import BY_ACTION
from dmp.services.endpoint import BASE, record_services
from soap.xml import parse_trusted

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_ADDRESSING = "{http://www.w3.org/2006/05/addressing/wsdl}Action"
SERVICES = record_services(None)  # type: ignore[arg-type]  # nothing is asked of them


@pytest.mark.parametrize("path", SERVICES)
def test_a_service_offers_the_operations_of_its_description(path: str) -> None:
    service = SERVICES[path]
    port = parse_trusted(service.wsdl.read_bytes()).find(f"{_WSDL}portType")
    assert port is not None
    described = {
        (one.get("name"), *(end.get(_ADDRESSING) for end in one if end.get(_ADDRESSING)))
        for one in port.findall(f"{_WSDL}operation")
    }
    assert described == {(each.name, each.action, each.reply_action) for each in service.operations}


def test_every_operation_has_a_transaction_in_the_trail() -> None:
    actions = {operation.action for service in SERVICES.values() for operation in service.operations}
    assert actions <= set(BY_ACTION)


def test_each_service_has_the_dmp_s_address_and_a_bare_one() -> None:
    names = ("patients", "patientsSpecific", "patientsPDQ", "habilitations")
    assert set(SERVICES) == {f"{base}/{name}" for base in (BASE, "") for name in names}
