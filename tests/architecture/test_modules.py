"""Rules of the house that a linter does not know: size, names, and where XML parsers come from."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
ROOMS: list[str] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
MODULES = sorted(module for room in ROOMS for module in (PROJECT / room).rglob("*.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))

MOST_LINES = 400  # a longer module is two rooms
MOST_MODULES = 12  # a package with more wants a folder
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

PARSER_HOME = PROJECT / "soap" / "xml.py"
LXML = {"lxml", "lxml.etree", "lxml.objectify", "lxml.html"}
PARSERS = {
    *("XMLParser", "ETCompatXMLParser", "HTMLParser", "XMLPullParser", "HTMLPullParser", "iterparse", "parse"),
    *("fromstring", "fromstringlist", "XML", "HTML", "XMLID", "parseid", "get_default_parser", "set_default_parser"),
    *("XMLSchema", "RelaxNG", "DTD", "Schematron", "XSLT", "XInclude"),
}
OTHER_PARSERS = ("xml", "defusedxml", "html.parser", "bs4", "xmltodict")  # every XML library but the one we bound


def _named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=_named)
def test_no_module_is_longer_than_four_hundred_lines(module: Path) -> None:
    lines = len(module.read_text().splitlines())
    assert lines <= MOST_LINES


@pytest.mark.parametrize("package", sorted({module.parent for module in MODULES}), ids=_named)
def test_no_package_holds_more_than_twelve_modules(package: Path) -> None:
    modules = [module for module in package.glob("*.py") if module.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES or package.name == "versions"  # one migration is one module


def test_every_module_is_named_after_its_purpose() -> None:
    assert [_named(module) for module in MODULES + TESTS if module.stem in NAMELESS] == []


def test_no_work_is_left_for_later() -> None:
    marks = [
        mark + mark_end for mark, mark_end in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("NotImplemented", "Error"))
    ]
    left = [(_named(module), mark) for module in MODULES + TESTS for mark in marks if mark in module.read_text()]
    assert left == []


@pytest.mark.parametrize("module", [module for module in MODULES if module != PARSER_HOME], ids=_named)
def test_only_the_hardened_module_builds_parsers(module: Path) -> None:
    assert parsers_built_in(module.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import lxml.etree\nlxml.etree.fromstring(b'')",
        "from lxml import etree\netree.XMLParser()",
        "from lxml import etree as E\nE.parse('x')",
        "from lxml.etree import XMLSchema",
        "from lxml.etree import *",
        "import xml.etree.ElementTree",
        "from xml.sax import handler",
        "def late():\n    from lxml import etree\n    return etree.iterparse",
    ],
)
def test_every_way_to_a_parser_is_seen(source: str) -> None:
    assert parsers_built_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "from lxml import etree\netree.SubElement(etree.Element('a'), 'b')",
        "from soap.xml import parse_untrusted\nparse_untrusted(b'<a/>')",
        "from lxml.etree import _Element, tostring",
        "import urllib.parse\nurllib.parse.quote('a')",
    ],
)
def test_creating_and_walking_elements_is_free(source: str) -> None:
    assert parsers_built_in(source) == []


def _below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def parsers_built_in(source: str) -> list[str]:
    """Each mention of a name that parses XML, with its line."""
    tree = ast.parse(source)
    bound = {"lxml", "lxml.etree", "lxml.objectify", "lxml.html"}  # what this module calls lxml's modules
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if _below(name.name, OTHER_PARSERS):
                    found.append((node.lineno, name.name))
                if name.name in LXML:
                    bound.add(name.asname or name.name)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if _below(node.module, OTHER_PARSERS):
                found.append((node.lineno, node.module))
            for name in node.names:
                if f"{node.module}.{name.name}" in LXML:
                    bound.add(name.asname or name.name)
                elif node.module in LXML and name.name in PARSERS | {"*"}:
                    found.append((node.lineno, f"{node.module}.{name.name}"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in PARSERS and ast.unparse(node.value) in bound:
            found.append((node.lineno, ast.unparse(node)))
    return [f"line {line}: {name}" for line, name in sorted(found)]
