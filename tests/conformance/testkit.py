"""What the conformance material says: its groups of cases, and the codes that its affinity domain agreed on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from schemas import vocabulary as v
from schemas.affinity_domain import CodedAttribute
from soap.xml import parse_trusted

#: Transactions that are not offered; a group that is about one of them says so in its title.

_ATTRIBUTES = {
    v.DOCUMENT_ENTRY_CLASS_CODE: CodedAttribute.CLASS_CODE,
    v.DOCUMENT_ENTRY_TYPE_CODE: CodedAttribute.TYPE_CODE,
    v.DOCUMENT_ENTRY_FORMAT_CODE: CodedAttribute.FORMAT_CODE,
    v.DOCUMENT_ENTRY_FACILITY_TYPE_CODE: CodedAttribute.HEALTHCARE_FACILITY_TYPE_CODE,
    v.DOCUMENT_ENTRY_PRACTICE_SETTING_CODE: CodedAttribute.PRACTICE_SETTING_CODE,
    v.DOCUMENT_ENTRY_CONFIDENTIALITY_CODE: CodedAttribute.CONFIDENTIALITY_CODE,
    v.DOCUMENT_ENTRY_EVENT_CODE: CodedAttribute.EVENT_CODE_LIST,
    v.SUBMISSION_SET_CONTENT_TYPE_CODE: CodedAttribute.CONTENT_TYPE_CODE,
    v.FOLDER_CODE_LIST: CodedAttribute.FOLDER_CODE_LIST,
    v.ASSOCIATION_DOCUMENTATION: CodedAttribute.ASSOCIATION_DOCUMENTATION,
}

Codes = dict[CodedAttribute, dict[str, set[str]]]


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of one family of rules."""

    title: str
    cases: tuple[str, ...]


def groups(listing: Path) -> list[Group]:
    """The groups of a listing that are about offered transactions: a title after `#`, then one case a line."""
    found: list[tuple[str, list[str]]] = []
    for line in listing.read_text().splitlines():
        if line.startswith("#"):
            found.append((line.lstrip("# ").strip(), []))
        elif line.strip():
            found[-1][1].append(line.split()[0])
    return [Group(title, tuple(cases)) for title, cases in found]


def affinity_domain(testkit: Path, patient_authority: str) -> str:
    """The affinity domain, as TOML, whose codes are those of every submission that the cases expect to succeed.

    Any MIME type and language will do. A code that only failing submissions carry stays out: it may be the one that
    they are to be refused for.
    """
    codes: Codes = defaultdict(lambda: defaultdict(set))
    for metadata in _accepted_metadata(testkit):
        for attribute, code, scheme in _codes(metadata):
            codes[attribute][scheme].add(code)
    lines = [f"name = {_quoted('Conformance')}", f"patient_authorities = [{_quoted(patient_authority)}]"]
    for attribute, schemes in sorted(codes.items(), key=lambda item: item[0].value):
        lines.append(f"\n[codes.{attribute.value}.schemes]")
        lines += [
            f"{_quoted(scheme)} = [{', '.join(map(_quoted, sorted(values)))}]"
            for scheme, values in sorted(schemes.items())
        ]
    return "\n".join(lines) + "\n"


def _accepted_metadata(testkit: Path) -> Iterator[etree._Element]:
    for plan in sorted(testkit.glob("tests/**/testplan.xml")):
        for step in parse_trusted(plan.read_bytes()).iter("TestStep"):
            expected = {word for status in step.findall("ExpectedStatus") for word in (status.text or "").split()}
            if expected - {"Success"}:
                continue
            for name in step.iter("MetadataFile"):
                yield parse_trusted((plan.parent / (name.text or "").strip()).read_bytes())


def _codes(metadata: etree._Element) -> Iterator[tuple[CodedAttribute, str, str]]:
    """Each coded attribute in ebRIM 3.0 or 2.1, which differ in namespace and agree in these names."""
    for classification in metadata.iter("{*}Classification"):
        attribute = _ATTRIBUTES.get(classification.get("classificationScheme", ""))
        code = classification.get("nodeRepresentation")
        scheme = next(
            (
                slot.findtext(".//{*}Value")
                for slot in classification.iter("{*}Slot")
                if slot.get("name") == "codingScheme"
            ),
            None,
        )
        if attribute and code and code.strip() and scheme and scheme.strip():
            yield attribute, code, scheme.strip()


def _quoted(text: str) -> str:
    """A TOML basic string, which JSON's escapes are valid in."""
    return json.dumps(text, ensure_ascii=False)
