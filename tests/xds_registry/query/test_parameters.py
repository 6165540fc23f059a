"""The wire form of parameters: quotes, lists, types, and what is no value at all (ITI TF-2: 3.18.4.1.2.3.3-.5)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import XdsError, XDSRegistryError, XDSStoredQueryMissingParam, XDSStoredQueryParamNumber
from schemas.vocabulary import RIM
from tests.xds_registry.submissions import Given, parsed, query, quoted
from xds_registry.query.parameters import (
    MAX_CONJUNCTS,
    MAX_LENGTH,
    MAX_VALUES,
    Arguments,
    Kind,
    Parameter,
    literals,
    read_arguments,
)

#: What an XML message can hold, without what its parser makes of line ends.
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
TEXTS = Parameter("$text", multiple=True)
CODES = Parameter("$code", Kind.CODE, multiple=True, conjunctive=True)


def read(stated: Given, parameter: Parameter = TEXTS) -> Arguments:
    """The arguments of a query that has one parameter."""
    (adhoc,) = query("urn:uuid:1", {parameter.name: stated}).iter(f"{{{RIM}}}AdhocQuery")
    return read_arguments(adhoc, (parameter,))


def values(stated: Given, parameter: Parameter = TEXTS) -> Sequence[str]:
    return read(stated, parameter).all(parameter.name)


@given(st.lists(XML_TEXT, min_size=1))
def test_quoted_values_come_back_as_they_were(texts: list[str]) -> None:
    assert literals(quoted(*texts)) == texts


@given(st.lists(XML_TEXT.filter(lambda text: len(text) < 100), min_size=1, max_size=5))
def test_a_list_may_be_split_between_values_of_the_slot(texts: list[str]) -> None:
    assert values([quoted(text) for text in texts]) == values(quoted(*texts))


@given(st.text(st.sampled_from("'\"(), a\n;\\%"), max_size=12))
def test_any_text_is_a_list_of_values_or_refused(text: str) -> None:
    try:
        found = literals(text)
    except XDSRegistryError:
        return
    assert all(isinstance(value, str) for value in found)
    if found:
        assert literals(quoted(*found)) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a'", ["a"]),
        ("('a')", ["a"]),
        ("('a','b')", ["a", "b"]),
        (" ( 'a' ,\n 'b' ) ", ["a", "b"]),
        ("'Children''s Hospital'", ["Children's Hospital"]),
        ("''''", ["'"]),
        ("''", [""]),
        ("('(a,b)')", ["(a,b)"]),
        ("123", ["123"]),
        ("(20250101,'2026')", ["20250101", "2026"]),
        ('("a","b")', ["a", "b"]),
        ("", []),
        ("  ", []),
    ],
)
def test_values_are_read_as_the_standard_and_its_samples_write_them(text: str, expected: list[str]) -> None:
    assert literals(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "'a",
        "a'",
        "'a'b'",
        "('a'",
        "'a')",
        "('a',)",
        "(,'a')",
        "()",
        "('a' 'b')",
        "('a';'b')",
        "(('a'))",
        "'a','b'",
        "a b",
        "'a' -- ",
        "'a'; DROP TABLE patient",
        "('a') OR ('1'='1')",
    ],
)
def test_what_is_no_list_of_values_is_refused(text: str) -> None:
    with pytest.raises(XDSRegistryError):
        literals(text)


def test_text_is_compared_in_its_composed_form() -> None:
    decomposed = "e\u0301te\u0301"
    assert values(quoted(decomposed)) == (unicodedata.normalize("NFC", decomposed),)


@pytest.mark.parametrize(
    "value", ["code", "code^scheme", "code^^", "^^scheme", "code^x^scheme", "a^^b^c", "", "a^^b^^c"]
)
def test_a_code_names_its_scheme_and_nothing_else(value: str) -> None:
    with pytest.raises(XDSRegistryError):
        read(quoted(value), CODES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2024", "20240101000000"), ("202402", "20240201000000"), ("20240229235959", "20240229235959")],
)
@pytest.mark.parametrize("written", ["{}", "'{}'", "('{}')"])
def test_a_time_is_its_first_second_however_it_is_written(value: str, expected: str, written: str) -> None:
    assert values(written.format(value), Parameter("$time", Kind.TIME)) == (expected,)


@pytest.mark.parametrize(
    "value", ["", "24", "20240230", "2024-01-01", "20240101T00", "202401010000.5", "20240101+0100"]
)
def test_what_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(XDSRegistryError):
        read(quoted(value), Parameter("$time", Kind.TIME))


def test_an_absent_or_empty_parameter_has_no_values() -> None:
    nothing: list[Given] = [[], [""], [[], [" "]]]
    for written in nothing:
        arguments = read(written)
        assert "$text" not in arguments
        assert (arguments.all("$text"), arguments.one("$text"), arguments.groups("$text")) == ((), None, ())


@pytest.mark.parametrize("given", [[], "", "  ", [["", ""]]])
def test_a_required_parameter_has_a_value(given: Given) -> None:
    with pytest.raises(XDSStoredQueryMissingParam) as caught:
        read(given, Parameter("$needed", required=True))
    assert caught.value.location == "$needed"


@pytest.mark.parametrize("given", ["('a','b')", ["'a'", "'b'"], [["'a'"], ["'b'"]], [["'a'"], ["'a'"]]])
def test_a_single_parameter_has_one_value(given: Given) -> None:
    with pytest.raises(XDSStoredQueryParamNumber):
        read(given, Parameter("$one"))


def test_only_a_conjunctive_parameter_is_repeated() -> None:
    slots = [["('a^^1','b^^1')"], ["('c^^1')"]]
    assert read(slots, CODES).groups("$code") == (("a^^1", "b^^1"), ("c^^1",))
    with pytest.raises(XDSStoredQueryParamNumber):
        read(slots, Parameter("$code", Kind.CODE, multiple=True))


def test_unknown_parameters_are_ignored_whatever_they_hold() -> None:
    (adhoc,) = query("urn:uuid:1", {"$text": "'a'", "$other": "no 'list", "text": "'b'"}).iter(f"{{{RIM}}}AdhocQuery")
    assert read_arguments(adhoc, (TEXTS,)).values == {"$text": (("a",),)}


@pytest.mark.parametrize("inner", ["<rim:Value>'a<x/>b'</rim:Value>", "<rim:Other>'a'</rim:Other>"])
def test_a_value_holds_text_only(inner: str) -> None:
    adhoc = parsed(
        f'<rim:AdhocQuery xmlns:rim="{RIM}" id="q"><rim:Slot name="$text"><rim:ValueList>{inner}'
        "</rim:ValueList></rim:Slot></rim:AdhocQuery>"
    )
    with pytest.raises(XDSRegistryError):
        read_arguments(adhoc, (TEXTS,))


@pytest.mark.parametrize(
    ("most", "more", "parameter"),
    [
        (quoted(*["a"] * MAX_VALUES), quoted(*["a"] * (MAX_VALUES + 1)), TEXTS),
        (quoted("a" * MAX_LENGTH), quoted("a" * (MAX_LENGTH + 1)), TEXTS),
        ([["'a^^1'"]] * MAX_CONJUNCTS, [["'a^^1'"]] * (MAX_CONJUNCTS + 1), CODES),
    ],
    ids=["values", "characters", "slots"],
)
def test_what_one_query_may_cost_is_bounded(most: Given, more: Given, parameter: Parameter) -> None:
    assert parameter.name in read(most, parameter)
    with pytest.raises(XdsError) as caught:
        read(more, parameter)
    assert caught.value.code in {"XDSStoredQueryParamNumber", "XDSRegistryError"}
