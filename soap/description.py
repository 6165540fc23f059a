"""WSDL and schemas of a service, served from local files with every reference pointing back to the service."""

from __future__ import annotations

import posixpath
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree

from soap.xml import parse_trusted

_SOAP_ADDRESSES: Final = (
    "{http://schemas.xmlsoap.org/wsdl/soap12/}address",
    "{http://schemas.xmlsoap.org/wsdl/soap/}address",
)
_REFERENCES: Final = (
    ("{http://www.w3.org/2001/XMLSchema}import", "schemaLocation"),
    ("{http://www.w3.org/2001/XMLSchema}include", "schemaLocation"),
    ("{http://www.w3.org/2001/XMLSchema}redefine", "schemaLocation"),
)
_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")
_HOST_LENGTH: Final = 255


class Description:
    """The description of one service. Files are read once, at the start; nothing a request names reaches the disk."""

    def __init__(self, wsdl: Path, schemas: Path) -> None:
        """Raises `OSError` or `etree.XMLSyntaxError` for a file that is missing or damaged."""
        self._wsdl = wsdl.read_bytes()
        parse_trusted(self._wsdl)
        self._schemas = {path.name: path.read_bytes() for path in sorted(schemas.rglob("*.xsd")) if path.is_file()}

    def answer(self, environ: Mapping[str, Any]) -> bytes | None:
        """The document that a GET asks for, None when it asks for none that is here."""
        query = environ.get("QUERY_STRING", "")
        if query.lower() == "wsdl":
            return self._rewritten(self._wsdl, _address(environ))
        name, _, value = query.partition("=")
        if name.lower() == "xsd":
            schema = self._schemas.get(urllib.parse.unquote(value))
            return None if schema is None else self._rewritten(schema, _address(environ))
        return None

    def _rewritten(self, document: bytes, address: str) -> bytes:
        root = parse_trusted(document)
        for place in root.iter(*_SOAP_ADDRESSES):
            place.set("location", address)
        for tag, attribute in _REFERENCES:
            for reference in root.iter(tag):
                name = posixpath.basename(reference.get(attribute, ""))
                if name in self._schemas:
                    reference.set(attribute, f"{address}?xsd={urllib.parse.quote(name)}")
        return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _address(environ: Mapping[str, Any]) -> str:
    """The URL of the service as the client wrote it, without the query (PEP 3333, URL reconstruction)."""
    host: str = environ.get("HTTP_HOST", "")
    if not 0 < len(host) <= _HOST_LENGTH or not _HOST.issuperset(host):
        host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    path = urllib.parse.quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    return f"{environ['wsgi.url_scheme']}://{host}{path}"
