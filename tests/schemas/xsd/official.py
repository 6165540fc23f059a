"""The official schemas and ours, side by side, by the namespace of a message."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from schemas import schema_files as ours
from schemas import vocabulary as v
from soap.xml import load_schema

_OURS = {
    v.RIM: ours.RIM_XSD,
    v.RS: ours.RS_XSD,
    v.LCM: ours.LCM_XSD,
    v.QUERY: ours.QUERY_XSD,
    v.XDSB: ours.XDSB_XSD,
}
_OFFICIAL = {
    v.RIM: "ebRS/rim.xsd",
    v.RS: "ebRS/rs.xsd",
    v.LCM: "ebRS/lcm.xsd",
    v.QUERY: "ebRS/query.xsd",
    v.XDSB: "IHE/XDS.b_DocumentRepository.xsd",
}

Schemas = dict[str, etree.XMLSchema]


def our_schemas() -> Schemas:
    """Our schemas by target namespace."""
    return {namespace: load_schema(path) for namespace, path in _OURS.items()}


def official_schemas(shared: Path) -> Schemas:
    """The official schemas by target namespace."""
    return {namespace: load_schema(shared / "data" / "xsd" / name) for namespace, name in _OFFICIAL.items()}


def faults(schemas: Schemas, root: etree._Element) -> list[str]:
    """What a schema has against a message, nothing when it is valid."""
    schema = schemas[etree.QName(root).namespace or ""]
    if schema.validate(root):
        return []
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log] or ["invalid"]
