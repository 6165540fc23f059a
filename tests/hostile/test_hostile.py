"""Every hostile request is refused in the right words, leaves nothing behind, and costs next to nothing."""

from __future__ import annotations

import pytest

from schemas.responses import read_registry_response
from soap.vocabulary import BODY
from soap.xml import parse_untrusted
from tests.hostile import cases_base64, cases_http, cases_mtom, cases_soap, cases_xml
from tests.hostile.case import CANARY, REGISTRY, REPOSITORY, Case, Failure, Fault
from tests.hostile.conftest import Figures, Server, measured, visited
from tests.hostile.messages import content_type, document, message, one_document, package, provide, root
from tests.soap.service_under_test import fault_of

CASES = [
    *cases_xml.cases(),
    *cases_soap.cases(),
    *cases_http.cases(),
    *cases_mtom.cases(),
    *cases_base64.cases(),
]
MOST_MEMORY = 64_000_000


def _envelope(message: bytes) -> bytes:
    """The envelope in an answer, which is a package where the request was one."""
    end = b"</env:Envelope>"
    return message[message.index(b"<env:Envelope") : message.index(end) + len(end)]


def test_there_are_enough_of_them_and_no_two_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 340


@pytest.mark.parametrize(
    "case",
    [
        Case("query", "", Fault(), lambda: message().encode()),
        Case("UTF-16", "", Fault(), lambda: message().encode("utf-16"), (("Content-Type", "application/soap+xml"),)),
        Case(
            "package",
            "",
            Fault(),
            lambda: package(root(one_document()), document()),
            (("Content-Type", content_type()),),
            REPOSITORY,
        ),
        Case("inline", "", Fault(), lambda: provide(cases_base64.CORRECT), path=REPOSITORY),
    ],
    ids=lambda case: case.name,
)
def test_the_message_that_each_case_spoils_is_accepted(server: Server, case: Case) -> None:
    answer = server.exchange(case.request())
    assert (answer.status, b"Success" in answer.body) == (200, True), answer.body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_and_nothing_is_left(server: Server, figures: Figures, case: Case) -> None:
    kept = server.kept()
    server.new_log()
    answer = measured(server, figures, case)

    assert answer.status == (200 if isinstance(case.expected, Failure) else case.expected.status), answer.body
    if isinstance(case.expected, Fault):
        assert fault_of(parse_untrusted(answer.body)) == (case.expected.code, case.expected.subcode), answer.body
    elif isinstance(case.expected, Failure):
        body = parse_untrusted(_envelope(answer.body)).find(BODY)
        assert body is not None
        outcome = read_registry_response(body[0])
        assert {error.code for error in outcome.errors} == case.expected.codes, answer.body
    assert CANARY.encode() not in answer.head + answer.body
    assert CANARY.encode() not in server.new_log()
    assert server.spooled() == []
    assert server.kept() == kept
    assert not visited()
    assert figures.growth[case.name] < MOST_MEMORY


def test_the_server_still_answers(server: Server) -> None:
    answer = server.exchange(Case("query", "", Fault(), lambda: message().encode(), path=REGISTRY).request())
    assert answer.status == 200
