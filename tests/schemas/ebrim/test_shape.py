"""What ebRIM has no place for, and URIs that the official schema takes as such."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.reading import Problems
from schemas.ebrim.shape import check_shape, is_uri
from tests.examples import some
from tests.schemas.xsd.official import Schemas, faults, official_schemas
from tests.schemas.xsd.samples import OBJECTS, parse

_URI_LIKE = st.lists(
    st.sampled_from(
        (
            "urn:",
            "oid",
            ":",
            "/",
            "//",
            "?",
            "#",
            "[",
            "]",
            "%",
            "%20",
            "%zz",
            "@",
            "1",
            "a",
            "é",
            " ",
            "http",
            ".",
            "-",
            "'",
        )
    ),
    max_size=8,
).map("".join)


@pytest.fixture(scope="module")
def official(shared: Path) -> Schemas:
    return official_schemas(shared)


def said_of(element: etree._Element) -> list[str]:
    problems = Problems()
    check_shape(element, "doc", problems)
    assert {problem.object_id for problem in problems.found} <= {"doc"}
    return [f"{problem.attribute}: {problem.reason}" for problem in problems.found]


def entry() -> etree._Element:
    element = etree.Element(r.EXTRINSIC_OBJECT, {"id": "doc"})
    slot = etree.SubElement(element, r.SLOT, {"name": "size"})
    etree.SubElement(etree.SubElement(slot, r.VALUE_LIST), r.VALUE).text = "7"
    return element


@settings(max_examples=some(1500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.one_of(_URI_LIKE, st.text(max_size=20)))
def test_what_we_take_as_a_uri_the_official_schema_does_too(text: str, official: Schemas) -> None:
    if is_uri(text):
        holder = etree.Element(f"{{{v.RIM}}}Slot", {"name": "n", "slotType": text})
        etree.SubElement(holder, r.VALUE_LIST)
        assert faults(official, holder) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "urn:oid:1.2.250.1.213.1.4.8",
        "urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf",
        "urn:ihe:iti:2007:AssociationType:RPLC",
        "http://www.example.org:8443/a/b?c=d&e=%20#f",
        "Document01",
        "a/b.xml",
        "id_2-3.4~5",
    ],
)
def test_uris_of_every_common_form_are_accepted(text: str) -> None:
    assert is_uri(text)


@pytest.mark.parametrize("text", ["a b", "%zz", "http://[", "é", "1:2", ":", "a#b#c", "<", "http://a:b/"])
def test_what_is_no_uri_is_refused(text: str) -> None:
    assert not is_uri(text)


def test_an_object_with_everything_that_it_may_hold_has_the_right_shape() -> None:
    names = ("ExtrinsicObject", "Association", "Classification", "ExternalIdentifier")
    checked = []
    for text in OBJECTS:
        element = parse(f'<rim:RegistryObjectList xmlns:rim="{v.RIM}">{text}</rim:RegistryObjectList>')[0]
        if etree.QName(element).localname in names:
            checked.append(etree.QName(element).localname)
            assert said_of(element) == []
    assert sorted(checked) == sorted(names)


def test_a_package_does_not_hold_objects_as_metadata_has_no_such_nesting() -> None:
    package = etree.Element(r.REGISTRY_PACKAGE, {"id": "set"})
    etree.SubElement(package, r.REGISTRY_OBJECT_LIST)
    assert said_of(package) == ["RegistryPackage: holds no RegistryObjectList"]


def test_each_thing_out_of_place_is_named() -> None:
    element = entry()
    element.set("colour", "blue")
    element.set("lid", "a b")
    element[0].set("slotType", "%zz")
    etree.SubElement(element[0], r.VALUE_LIST)
    etree.SubElement(element, "{urn:example:unknown}stranger")
    etree.SubElement(element, r.SLOT, {"name": "empty"})
    etree.SubElement(element, r.SLOT, {"name": "x" * 300})
    name = etree.SubElement(element, r.NAME)
    etree.SubElement(name, r.LOCALIZED_STRING, {f"{{{v.XML}}}lang": "f_r"})
    etree.SubElement(element, r.NAME)
    etree.SubElement(element, r.VERSION_INFO, {"versionName": "x" * 17})
    assert said_of(element) == [
        "ExtrinsicObject: has no attribute colour",
        "ExtrinsicObject: lid is no URI",
        "ExtrinsicObject: holds no stranger",
        "ExtrinsicObject: holds one Name only",
        "size: slotType is no URI",
        "size: holds one ValueList only",
        "empty: needs a ValueList",
        f"{'x' * 64}: name has 300 characters, more than 256",
        f"{'x' * 64}: needs a ValueList",
        "LocalizedString: lang is no language tag",
        "LocalizedString: needs the attribute value",
        "VersionInfo: versionName has 17 characters, more than 16",
    ]


def test_comments_blanks_and_schema_hints_are_no_fault() -> None:
    element = entry()
    element.insert(0, etree.Comment("note"))
    element.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:x x.xsd")
    element.text = "\n  "
    assert said_of(element) == []


@pytest.mark.parametrize(("length", "found"), [(256, []), (257, ["size: a value has 257 characters, more than 256"])])
def test_a_value_has_at_most_256_characters(length: int, found: list[str]) -> None:
    element = entry()
    element[0][0][0].text = "\U0001f469" * length
    assert said_of(element) == found
