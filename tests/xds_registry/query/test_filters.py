"""Patterns, bounds and their limits, one by one (ITI TF-2: 3.18.4.1.2.3.3 - 3.18.4.1.2.3.6)."""

from __future__ import annotations

import pytest

from schemas.datatypes import Cxi, Dtm, Xcn
from schemas.metadata import Author
from schemas.vocabulary import DocumentEntryType
from tests.xds_registry.client import Answer, Client
from tests.xds_registry.submissions import APPROVED, DEPRECATED, Given, code, entry, on_demand_entry, patient, quoted
from xds_registry.query.catalogue import QueryId
from xds_registry.query.filters import MAX_PATTERNS

_PATIENT = {"$XDSDocumentEntryPatientId": quoted(patient()), "$XDSDocumentEntryStatus": quoted(APPROVED)}
_BOTH_TYPES = quoted(*(kind.value for kind in DocumentEntryType))


def find(client: Client, **parameters: Given) -> Answer:
    """FindDocuments of P1 by `$XDSDocumentEntry…` parameters."""
    named = {f"$XDSDocumentEntry{name}": value for name, value in parameters.items()}
    query = QueryId.FIND_DOCUMENTS_BY_REFERENCE_ID if "ReferenceIdList" in parameters else QueryId.FIND_DOCUMENTS
    return client.ask(query, {**_PATIENT, **named})


@pytest.mark.parametrize(
    ("person", "pattern", "matches"),
    [
        ("^Welby^Marcus", "^Welby^Marcus", True),
        ("^Welby^Marcus", "^welby^Marcus", False),
        ("^Welby^Marcus", "^welby%", False),
        ("^Welby^Marcus", "Welby", False),
        ("^Welby^Marcus", "%Welby%", True),
        ("^Welby^Marcus", "^W__by^Marcus", True),
        ("^Welby^Marcus", "^W_by^Marcus", False),
        ("^50%^Ann", "^50\\%^Ann", False),
        ("^50\\x^Ann", "^50\\%^Ann", True),
        ("^O'Hara", "^O'H%", True),
        ("^[ab]*?.", "^[ab]*?%", True),
        ("^Axxx", "^[A]*%", False),
        ("^e\u0301tienne", "^\u00e9t%", True),
        ("^\u00e9tienne", "^e\u0301t%", True),
        ("^\u00e9tienne", "^_tienne", True),
        ("^\U0001f600", "^_", True),
        ("^Ann' OR '1'='1", "^Ann' OR '1'='1", True),
        ("^Ann", "' OR 1=1 --", False),
    ],
)
def test_an_author_is_found_by_a_pattern_of_the_whole_value(
    client: Client, person: str, pattern: str, matches: bool
) -> None:
    client.accept(entry(authors=(Author(Xcn.parse("^Someone")), Author(Xcn.parse(person)))))
    assert len(find(client, AuthorPerson=quoted("nobody", pattern)).ids) == matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [("AC_1", True), ("AC_", False), ("ACX1", False), ("AC%", True), ("%accession", True), ("ac%", False)],
)
def test_an_underscore_in_a_reference_is_itself(client: Client, pattern: str, matches: bool) -> None:
    tail = "^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"
    client.accept(entry(reference_ids=(Cxi.parse(f"AC_1{tail}"),)))
    wanted = pattern if "%" in pattern else pattern + tail
    assert len(find(client, ReferenceIdList=quoted(wanted)).ids) == matches


@pytest.mark.parametrize("name", ["AuthorPerson", "ReferenceIdList"])
def test_more_patterns_than_are_compared_are_refused_and_plain_values_are_not(client: Client, name: str) -> None:
    client.accept(entry(authors=(Author(Xcn.parse("^Ann")),)))
    patterns = [f"%x{number}%" for number in range(MAX_PATTERNS + 1)]
    assert find(client, **{name: quoted(*patterns[1:])}).succeeded
    error, reason = find(client, **{name: quoted(*patterns)}).error
    assert error == "XDSStoredQueryParamNumber"
    assert name in reason
    assert find(client, **{name: quoted(*(f"x{number}" for number in range(9000)))}).succeeded


@pytest.mark.parametrize(
    ("edge", "time", "matches"),
    [
        ("From", "20240101120000", True),
        ("From", "20240101120001", False),
        ("To", "20240101120000", False),
        ("To", "20240101120001", True),
        ("From", "2024", True),
        ("To", "2024", False),
        ("To", "2025", True),
    ],
)
def test_a_time_is_from_its_lower_bound_on_and_before_its_upper(
    client: Client, edge: str, time: str, matches: bool
) -> None:
    client.accept(entry(creation_time=Dtm.parse("20240101120000")))
    assert len(find(client, **{f"CreationTime{edge}": time}).ids) == matches


@pytest.mark.parametrize("edge", ["From", "To"])
@pytest.mark.parametrize("name", ["ServiceStartTime", "ServiceStopTime"])
def test_an_entry_without_a_service_time_is_not_filtered_by_it(client: Client, name: str, edge: str) -> None:
    client.accept(entry())
    assert len(find(client, **{f"{name}{edge}": "2024"}).ids) == 1


def test_an_on_demand_entry_is_not_filtered_by_creation_time(client: Client) -> None:
    client.accept_on_demand(on_demand_entry())
    bounds = {"CreationTimeFrom": "2030", "CreationTimeTo": "2031"}
    assert len(find(client, Type=_BOTH_TYPES, **bounds).ids) == 1
    assert find(client, **bounds).ids == set()


def test_an_unknown_status_is_ignored_beside_a_known_one(client: Client) -> None:
    client.accept(entry())
    wrong = APPROVED.replace("StatusType", "ResponseStatusType")
    assert len(find(client, Status=quoted(wrong, APPROVED)).ids) == 1
    assert find(client, Status=quoted(wrong, DEPRECATED)).ids == set()
    assert find(client, Status=quoted(wrong)).error[0] == "XDSStoredQueryMissingParam"


def test_unknown_entry_types_find_nothing(client: Client) -> None:
    client.accept(entry())
    assert find(client, Type=quoted("urn:uuid:00000000-0000-0000-0000-000000000000")).ids == set()


def test_values_are_alternatives_and_repeated_slots_are_all_met(client: Client) -> None:
    events = {name: entry(event_codes=tuple(map(code, name))) for name in ("a", "ab", "bc", "ac")}
    client.accept(*events.values())
    asked: list[tuple[Given, set[str]]] = [
        (quoted("a^^1.2.3", "b^^1.2.3"), {"a", "ab", "bc", "ac"}),
        ([["'a^^1.2.3'"], ["'b^^1.2.3'"]], {"ab"}),
        ([[quoted("a^^1.2.3", "b^^1.2.3")], ["'c^^1.2.3'"]], {"bc", "ac"}),
        (quoted("a^^1.2.4"), set()),
    ]
    for given, expected in asked:
        assert find(client, EventCodeList=given).ids == {str(events[name].entry_uuid) for name in expected}
