"""The value sets that are shipped are those of their publisher, and a malformed file is refused where it is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from schemas.datatypes import is_oid
from schemas.value_sets import Concept, ValueSetError, load_value_set, value_set_names
from soap.xml import parse_trusted

HEADER = "# SET\t1.2.3\t20240101\n"


def published(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """The name and the (code, code system) pairs of a publisher's file."""
    root = parse_trusted(path.read_bytes())
    pairs = [
        (element.get("code", ""), element.get("codeSystem", ""))
        for element in root.iter(etree.Element)
        if element.get("code") is not None
    ]
    return path.stem, pairs


def plain(name: str) -> str:
    return name.replace("-", "_").upper()


def test_each_shipped_set_holds_the_codes_of_its_publisher(shared: Path, say: Callable[[str], None]) -> None:
    ours = {plain(name): load_value_set(name) for name in value_set_names()}
    counts = Counter[str]()
    for path in sorted((shared / "data" / "valuesets").glob("*.xml")):
        name, pairs = published(path)
        shipped = ours.pop(plain(name))
        assert shipped.codes() == set(pairs), name
        assert len(shipped.concepts) == len(set(pairs)), name
        counts[name] = len(shipped.concepts)
    assert ours == {}
    say(f"value sets compared: {dict(counts)}, {counts.total()} codes")


@pytest.mark.parametrize("name", value_set_names())
def test_a_shipped_set_is_complete(name: str) -> None:
    value_set = load_value_set(name)
    assert value_set.name == name
    assert is_oid(value_set.oid)
    assert value_set.version is None or (len(value_set.version) == 8 and value_set.version.isdigit())
    assert value_set.concepts
    for concept in value_set.concepts:
        assert concept.display_name.strip() == concept.display_name
        assert concept.valid_until is None or (len(concept.valid_until) == 8 and concept.valid_until.isdigit())
        assert value_set.display_name(concept.code, concept.scheme) == concept.display_name


def test_a_code_that_is_not_in_a_set_has_no_display_name() -> None:
    assert load_value_set("TRE_A08-HL7Confidentiality").display_name("N", "1.2.3") is None


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text(f"{HEADER}A\t1.2\tÉté\nB\t1.2\tHiver\t20231231\n", encoding="utf-8")
    value_set = load_value_set(path)
    assert (value_set.name, value_set.oid, value_set.version) == ("SET", "1.2.3", "20240101")
    assert value_set.concepts == (Concept("A", "1.2", "Été"), Concept("B", "1.2", "Hiver", "20231231"))
    assert value_set.codes() == {("A", "1.2"), ("B", "1.2")}


def test_a_set_without_a_version_says_so_with_a_dash(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("# SET\t1.2.3\t-\n", encoding="utf-8")
    assert load_value_set(path).version is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: expected '# name<TAB>OID<TAB>version'"),
        (b"SET\t1.2.3\t-\n", "line 1: expected '# name"),
        (b"# SET\t1.2.3\n", "line 1: expected '# name"),
        (b"# SET\t\t-\n", "line 1: expected '# name"),
        (HEADER.encode() + b"A\t1.2\n", "line 2: expected 'code<TAB>code system"),
        (HEADER.encode() + b"A\t1.2\tx\ty\tz\n", "line 2: expected 'code<TAB>code system"),
        (HEADER.encode() + b"A\t1.2\tx\n\nB\t1.2\tx\n", "line 3: expected 'code<TAB>code system"),
        (HEADER.encode() + b"A\t1.2\tx\nA\t1.2\ty\n", "line 3: the code is there twice"),
        (HEADER.encode() + b"A\t1.2\t\xff\n", "expected a readable UTF-8 file"),
    ],
)
def test_a_malformed_file_is_refused_with_the_line_and_what_is_expected(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "own.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueSetError) as refused:
        load_value_set(path)
    assert message in str(refused.value)


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueSetError) as refused:
        load_value_set("JDV_J99")
    assert all(name in str(refused.value) for name in value_set_names())
