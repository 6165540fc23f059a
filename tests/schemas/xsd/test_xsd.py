"""Our schemas accept and refuse what the official ones do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from lxml import etree

from schemas import schema_files
from schemas import vocabulary as v
from soap.xml import load_schema, parse_trusted
from tests.schemas.corpus import Document, Spoiler, documents
from tests.schemas.xsd.official import Schemas, faults, official_schemas, our_schemas
from tests.schemas.xsd.samples import OBJECTS, derived, samples

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def official(shared: Path) -> Schemas:
    return official_schemas(shared)


@pytest.fixture(scope="module")
def ours() -> Schemas:
    return our_schemas()


def compare(found: Iterable[Document], official: Schemas, ours: Schemas) -> Counter[str]:
    """Count the documents that both accept and both refuse; fail with the first ones they disagree on."""
    verdicts: Counter[str] = Counter()
    disagreements: list[str] = []
    for document in found:
        if etree.QName(document.root).namespace not in official:
            continue
        theirs, own = faults(official, document.root), faults(ours, document.root)
        verdicts["refused" if theirs else "accepted"] += 1
        if bool(theirs) != bool(own):
            disagreements.append(f"{document.name}\n  official: {theirs[:1]}\n  ours: {own[:1]}")
    assert not disagreements, "\n".join(disagreements[:10])
    return verdicts


def test_the_messages_of_the_conformance_cases_get_the_same_verdict(
    shared: Path, official: Schemas, ours: Schemas, say: Callable[[str], None]
) -> None:
    verdicts = compare(documents(shared), official, ours)
    say(f"schemas compared on {verdicts.total()} messages of the conformance cases: {dict(verdicts)}")
    assert verdicts["accepted"] > 300


def test_spoiled_messages_of_the_conformance_cases_get_the_same_verdict(
    shared: Path, official: Schemas, ours: Schemas, say: Callable[[str], None]
) -> None:
    spoiler = Spoiler()
    spoiled = (changed for document in documents(shared) for changed in spoiler.spoil(document))
    verdicts = compare(spoiled, official, ours)
    say(f"schemas compared on {verdicts.total()} spoiled messages of the conformance cases: {dict(verdicts)}")
    assert min(verdicts["accepted"], verdicts["refused"]) > 1_000


def test_every_class_and_every_message_gets_the_same_verdict_whole_and_spoiled(
    official: Schemas, ours: Schemas, say: Callable[[str], None]
) -> None:
    whole = samples()
    for document in whole:
        assert faults(official, document.root) == [], document.name
    spoiler = Spoiler()
    verdicts = compare([*whole, *(changed for one in whole for changed in spoiler.spoil(one))], official, ours)
    say(f"schemas compared on {verdicts.total()} messages and objects of every class: {dict(verdicts)}")
    assert min(verdicts["accepted"], verdicts["refused"]) > 1_000


def test_children_in_any_order_get_the_same_verdict(
    official: Schemas, ours: Schemas, say: Callable[[str], None]
) -> None:
    def reordered() -> Iterable[Document]:
        for document in samples():
            for parent in [element for element in document.root.iter() if len(element) > 1]:
                for shift in range(1, len(parent)):
                    parent.append(parent[0])
                    yield Document(f"{document.name}, children rotated by {shift}", document.root)
                parent.append(parent[0])
                parent[:] = list(reversed(parent))
                yield Document(f"{document.name}, children reversed", document.root)
                parent[:] = list(reversed(parent))

    verdicts = compare(reordered(), official, ours)
    say(f"schemas compared on {verdicts.total()} messages with children in another order: {dict(verdicts)}")
    assert verdicts["refused"] > 50


def test_the_samples_hold_every_class_that_a_list_may_hold(shared: Path) -> None:
    rim = parse_trusted((shared / "data" / "xsd" / "ebRS" / "rim.xsd").read_bytes())
    heads = ("tns:Identifiable", "tns:RegistryObject")
    classes = {element.get("name") for element in rim if element.get("substitutionGroup") in heads} | {"Identifiable"}
    assert {document.name for document in samples()[-len(OBJECTS) :]} == classes


def test_the_one_known_difference_is_a_type_stated_by_the_instance(official: Schemas, ours: Schemas) -> None:
    # RegistryObjectType is spelled out instead of derived, for toolkits that cannot resolve the recursion; no
    # transaction sends an Identifiable that says it is something else, and the decoder refuses it as well.
    foreign = derived("Identifiable", "ExtrinsicObjectType")
    assert faults(official, foreign) == []
    assert faults(ours, foreign)
    for same in (derived("RegistryObject", "ExtrinsicObjectType"), derived("Identifiable", "ObjectRefType")):
        assert faults(official, same) == []
        assert faults(ours, same) == []


def test_remove_documents_has_a_schema_although_the_official_one_does_not_compile(shared: Path) -> None:
    with pytest.raises(etree.XMLSchemaParseError):
        load_schema(shared / "data" / "xsd" / "IHE" / "rmd.xsd")
    schema = load_schema(schema_files.RMD_XSD)
    request = etree.Element(f"{{{v.RMD}}}RemoveDocumentsRequest")
    assert not schema.validate(request)
    one = etree.SubElement(request, f"{{{v.XDSB}}}DocumentRequest")
    for name in ("RepositoryUniqueId", "DocumentUniqueId"):
        etree.SubElement(one, f"{{{v.XDSB}}}{name}").text = "1.2"
    assert schema.validate(request)


@pytest.mark.parametrize("path", sorted(schema_files.XSD_DIRECTORY.glob("*.xsd")), ids=lambda path: path.name)
def test_each_schema_loads_by_itself(path: Path) -> None:
    assert load_schema(path) is not None


def test_a_submission_that_breaks_the_schema_is_refused_by_both(official: Schemas, ours: Schemas) -> None:
    request = etree.Element(f"{{{v.LCM}}}SubmitObjectsRequest")
    assert faults(official, request)
    assert faults(ours, request)
    etree.SubElement(request, f"{{{v.RIM}}}RegistryObjectList")
    assert faults(official, request) == []
    assert faults(ours, request) == []
