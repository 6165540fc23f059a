"""Every answer that carries errors is valid against the official schema, and reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import vocabulary as v
from schemas.errors import BY_CODE, XdsError
from schemas.responses import RegistryOutcome, error_list, read_registry_response, registry_response
from schemas.vocabulary import ResponseStatus, Severity
from soap.xml import parse_trusted
from tests.examples import some
from tests.schemas.strategies import AWKWARD
from tests.schemas.xsd.official import Schemas, faults, official_schemas

_ANY_TEXT = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(AWKWARD), max_size=5).map("".join))
_ERRORS = st.builds(
    lambda cls, context, location: cls(context, location=location),
    st.sampled_from(sorted(BY_CODE.values(), key=lambda cls: cls.code)),
    _ANY_TEXT,
    st.one_of(st.none(), _ANY_TEXT),
)


@pytest.fixture(scope="module")
def official(shared: Path) -> Schemas:
    return official_schemas(shared)


def told(error: XdsError) -> tuple[str, str, str | None, Severity]:
    return error.code, error.code_context, error.location, error.severity


@pytest.mark.parametrize("status", ResponseStatus)
@pytest.mark.parametrize("location", [None, "1.2.3^doc", "<&>\"'\n\t"])
@pytest.mark.parametrize("cls", BY_CODE.values(), ids=lambda cls: cls.code)
def test_the_response_of_each_error_is_valid_and_reads_back(
    cls: type[XdsError], location: str | None, status: ResponseStatus, official: Schemas
) -> None:
    error = cls('the value "Été <&>" is wrong', location=location)
    response = parse_trusted(registry_response(RegistryOutcome(status, (error,))))
    assert faults(official, response) == []
    read = read_registry_response(response)
    assert read.status is status
    assert [told(one) for one in read.errors] == [told(error)]


@settings(max_examples=some(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ResponseStatus), st.lists(_ERRORS, max_size=4))
def test_any_errors_with_any_text_make_a_valid_response(
    official: Schemas, status: ResponseStatus, errors: list[XdsError]
) -> None:
    response = parse_trusted(registry_response(RegistryOutcome(status, tuple(errors))))
    assert faults(official, response) == []
    read = read_registry_response(response)
    assert [one.code for one in read.errors] == [one.code for one in errors]
    # XML cannot carry every character; what it can carry arrives unchanged.
    for sent, got in zip(errors, read.errors, strict=True):
        if "\ufffd" not in got.code_context:
            assert got.code_context == sent.code_context


@pytest.mark.parametrize("status", ResponseStatus)
def test_the_answer_to_a_query_with_errors_and_no_objects_is_valid(status: ResponseStatus, official: Schemas) -> None:
    for cls in BY_CODE.values():
        names = f'xmlns:query="{v.QUERY}" xmlns:rs="{v.RS}" xmlns:rim="{v.RIM}"'
        head = f'<query:AdhocQueryResponse {names} status="{status}">'
        body = error_list([cls("context")]) + "<rim:RegistryObjectList/></query:AdhocQueryResponse>"
        assert faults(official, parse_trusted((head + body).encode())) == []


def test_the_answer_to_a_retrieval_with_errors_is_valid(official: Schemas) -> None:
    for cls in BY_CODE.values():
        response = registry_response(RegistryOutcome.failure([cls("context", location="1.2.3")])).decode()
        head = f'<xdsb:RetrieveDocumentSetResponse xmlns:xdsb="{v.XDSB}">'
        assert faults(official, parse_trusted(f"{head}{response}</xdsb:RetrieveDocumentSetResponse>".encode())) == []


def test_the_highest_severity_is_error_as_soon_as_there_is_one() -> None:
    warning, error = BY_CODE["XDSExtraMetadataNotSaved"]("a"), BY_CODE["XDSRegistryError"]("b")
    for errors, highest in (
        ([warning], Severity.WARNING),
        ([warning, error], Severity.ERROR),
        ([error], Severity.ERROR),
    ):
        response = parse_trusted(registry_response(RegistryOutcome.failure(errors)))
        assert response[0].get("highestSeverity") == highest.value


def test_success_without_warnings_holds_no_list() -> None:
    response = parse_trusted(registry_response(RegistryOutcome.success()))
    assert len(response) == 0
    assert RegistryOutcome.success().succeeded
    assert not RegistryOutcome.failure([]).succeeded


def test_an_answer_with_an_unknown_status_is_no_success() -> None:
    response = parse_trusted(f'<rs:RegistryResponse xmlns:rs="{v.RS}" status="urn:example:Fine"/>'.encode())
    assert read_registry_response(response).status is ResponseStatus.FAILURE
