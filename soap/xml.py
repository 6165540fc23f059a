"""The one place that builds XML parsers and schemas.

`parse_untrusted` reads what comes from outside. Two ways lead through it, with the same verdict:

- the *short way*, for documents whose bytes already prove that no limit can be exceeded: too short to hold too many
  elements, no long run between two `<`, few namespace declarations. They go through libxml2 in one call and only the
  depth is looked at afterwards;
- the *counted way*, for all others: fed in small chunks to a pull parser, every element, attribute, namespace
  declaration and comment counted as it appears, and given up at the first excess.

Nothing is ever fetched: no DTD, entity, schema, stylesheet or catalogue.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from lxml import etree

from soap.screening.bounds import DEFAULT_LIMITS, XmlLimits, harmless
from soap.screening.prolog import Refusal, XmlRefused, root_position, to_utf8

__all__ = [
    "DEFAULT_LIMITS",
    "Refusal",
    "XmlLimits",
    "XmlRefused",
    "check_libraries",
    "load_schema",
    "parse_trusted",
    "parse_untrusted",
    "text_only",
]

# libxml2 must not look for catalogues of its own accord: they name files and hosts.
os.environ["XML_CATALOG_FILES"] = ""

_OPTIONS: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    # Kept, so that they can be refused rather than dropped in silence.
    "remove_comments": False,
    "remove_pis": False,
    "collect_ids": False,
    "encoding": "utf-8",
}
# What one feed finds is held until it is looked at: more of it at once sends Python's garbage collector through the
# whole process again and again, which costs more than the parsing.
_CHUNK: Final = 2048
# Within the other limits, so many bytes cost milliseconds. What a clock says of them is about the machine.
_UNTIMED: Final = 65_536
# Versions below have known holes, in the libxslt of the lxml wheel among others.
_OLDEST_LXML: Final = (6, 1, 1, 0)
_OLDEST_LIBXML: Final = (2, 14, 6)

# Names stay in libxml2's dictionary of the parsing thread for as long as the thread lives. See `_Names`.
_NAMES_BUDGET: Final = 8_000_000
_AUDIT_EVERY: Final = 64
_VOCABULARY: Final = 4096


def parse_untrusted(
    source: bytes | Iterable[bytes], limits: XmlLimits = DEFAULT_LIMITS, *, charset: str | None = None
) -> etree._Element:
    """The root element of a document from outside.

    `source` is the whole document or its pieces; `charset` is what the transport says about the encoding.
    Raises `XmlRefused` whatever is wrong with the document; nothing else escapes.
    """
    raw = _within(source, limits.document)
    data, start = to_utf8(raw, charset)
    del raw
    root = root_position(data, start, limits.processing_instructions)
    if len(data) > limits.document:
        raise XmlRefused(Refusal.TOO_LARGE)
    if _names.spent > _NAMES_BUDGET:
        return _apart(data, root, limits)
    return _parse(data, root, limits)


def parse_trusted(data: bytes) -> etree._Element:
    """The root element of XML that we wrote or an operator installed: stored fragments, WSDL, schemas, configuration.

    Still without DTD, entities and network. Raises `etree.XMLSyntaxError` when it is not well-formed.
    """
    return etree.fromstring(data, etree.XMLParser(**{**_OPTIONS, "encoding": None}))


def load_schema(path: Path) -> etree.XMLSchema:
    """The compiled schema in a local file; what it includes must be local as well.

    Raises `OSError` or `etree.XMLSchemaParseError`.
    """
    parser = etree.XMLParser(**{**_OPTIONS, "encoding": None})
    with path.open("rb") as file:
        document = etree.parse(file, parser, base_url=str(path))
    return etree.XMLSchema(document)


def text_only(element: etree._Element) -> str:
    """The text of an element that holds nothing but text; "" when it is empty.

    `element.text` alone stops at the first comment or processing instruction: `admin<!---->.evil` reads `admin`.
    Raises `XmlRefused` when there is any child node.
    """
    if len(element):
        raise XmlRefused(Refusal.NOT_WELL_FORMED)
    return element.text or ""


def check_libraries() -> None:
    """Refuse to start on an XML library with known holes. Raises `RuntimeError` that names what is needed."""
    if etree.LXML_VERSION < _OLDEST_LXML or etree.LIBXML_VERSION < _OLDEST_LIBXML:
        found = ".".join(map(str, etree.LXML_VERSION)), ".".join(map(str, etree.LIBXML_VERSION))
        raise RuntimeError(f"lxml >= 6.1.1 with libxml2 >= 2.14.6 is needed; found lxml {found[0]}, libxml2 {found[1]}")
    for document in (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b'<a xmlns:b="c">&b;</a>'):
        try:
            parse_untrusted(document)
        except XmlRefused:
            continue
        raise RuntimeError("the XML parser accepts what it must refuse")


def _within(source: bytes | Iterable[bytes], limit: int) -> bytes:
    if isinstance(source, bytes):
        if len(source) > limit:
            raise XmlRefused(Refusal.TOO_LARGE)
        return source
    pieces = []
    size = 0
    for piece in source:
        size += len(piece)
        if size > limit:
            raise XmlRefused(Refusal.TOO_LARGE)
        pieces.append(piece)
    return b"".join(pieces)


def _parse(data: bytes, root: int, limits: XmlLimits) -> etree._Element:
    if harmless(data, root, limits):
        try:
            element = etree.fromstring(data, etree.XMLParser(**_OPTIONS))
        except etree.XMLSyntaxError as error:
            raise _refusal(error) from None
        if _deeper(limits.depth)(element):
            raise XmlRefused(Refusal.TOO_DEEP)
        if random.randrange(_AUDIT_EVERY) == 0:
            _names.audit(element)
    else:
        element = _Counted(limits).parse(data, root)
    if element.getroottree().docinfo.internalDTD is not None:
        raise XmlRefused(Refusal.DOCTYPE)
    return element


# How libxml2 says that one of its own caps is passed: depth 256, one text or value 10,000,000 bytes.
_LIMIT_CODES: Final = (etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_INTERNAL_ERROR)

_depth_checks: dict[int, etree.XPath] = {}


def _deeper(depth: int) -> etree.XPath:
    """A test for elements below `depth`: libxml2 walks one level per step and stops where the tree ends."""
    check = _depth_checks.get(depth)
    if check is None:
        check = _depth_checks[depth] = etree.XPath("boolean(" + "/*" * (depth + 1) + ")")
    return check


def _refusal(error: etree.XMLSyntaxError) -> XmlRefused:
    code: int = getattr(error, "code", 0)
    if code == etree.ErrorTypes.ERR_NAME_TOO_LONG:
        return XmlRefused(Refusal.NAME_TOO_LONG)
    if code in _LIMIT_CODES and "depth" in str(error):
        return XmlRefused(Refusal.TOO_DEEP)
    if code in _LIMIT_CODES:
        return XmlRefused(Refusal.TEXT_TOO_LONG)
    return XmlRefused(Refusal.NOT_WELL_FORMED)


class _Counted:
    """The counted way: one use per document."""

    def __init__(self, limits: XmlLimits) -> None:
        self._limits = limits
        self._depth = 0
        self._elements = 0
        self._attributes = 0
        self._comments = 0
        self._instructions = 0
        self._declared = 0
        self._in_scope = 0
        self._seen: set[str] = set()

    def parse(self, data: bytes, root_position: int = 0) -> etree._Element:
        self._refuse_crowd(data, root_position)
        self._refuse_endless_tag(data)
        long_values = len(data) > min(self._limits.attribute_value, self._limits.text)
        deadline = time.thread_time() + self._limits.cpu_seconds
        parser = etree.XMLPullParser(events=("start", "end", "start-ns", "end-ns", "comment", "pi"), **_OPTIONS)
        try:
            for position in range(0, len(data), _CHUNK):
                parser.feed(data[position : position + _CHUNK])
                for event, item in parser.read_events():
                    self._count(event, item, long_values)
                if position >= _UNTIMED and time.thread_time() > deadline:
                    raise XmlRefused(Refusal.TOO_SLOW)
            root = parser.close()
            for event, item in parser.read_events():
                self._count(event, item, long_values)
        except etree.XMLSyntaxError as error:
            raise _refusal(error) from None
        finally:
            _names.add(self._seen)
        if long_values and self._limits.text < DEFAULT_LIMITS.text and _longer_text(root, limit=self._limits.text):
            raise XmlRefused(Refusal.TEXT_TOO_LONG)
        return root

    def _refuse_crowd(self, data: bytes, root: int) -> None:
        """Where nothing starts with `<!` or `<?`, every `<` opens or closes an element: count those."""
        if data.find(b"<!", root) >= 0 or data.find(b"<?", root) >= 0:
            return
        if data.count(b"<", root) - data.count(b"</", root) > self._limits.elements:
            raise XmlRefused(Refusal.TOO_MANY_ELEMENTS)

    def _refuse_endless_tag(self, data: bytes) -> None:
        """A tag reaches the pull parser whole, however long: one that holds a million attributes must not start."""
        most = self._limits.attributes_total
        if data.count(b"=") <= most:
            return
        position = 0
        while position >= 0:
            following = data.find(b"<", position + 1)
            if data.count(b"=", position, following if following >= 0 else len(data)) > most:
                raise XmlRefused(Refusal.TOO_MANY_ATTRIBUTES)
            if following < 0 or len(data) - following <= most:
                return
            position = following

    def _count(self, event: str, item: Any, long_values: bool) -> None:
        limits = self._limits
        if event == "start":
            self._start(item, long_values)
        elif event == "end":
            self._depth -= 1
        elif event == "start-ns":
            self._declared += 1
            self._in_scope += 1
            if self._declared > limits.namespaces or self._in_scope > limits.namespaces_in_scope:
                raise XmlRefused(Refusal.TOO_MANY_NAMESPACES)
            if len(item[0]) > limits.name:
                raise XmlRefused(Refusal.NAME_TOO_LONG)
            if len(item[1]) > limits.attribute_value:
                raise XmlRefused(Refusal.VALUE_TOO_LONG)
        elif event == "end-ns":
            self._in_scope -= 1
        elif event == "comment":
            self._comments += 1
            if self._comments > limits.comments:
                raise XmlRefused(Refusal.TOO_MANY_COMMENTS)
        else:
            self._instructions += 1
            if self._instructions > limits.processing_instructions:
                raise XmlRefused(Refusal.PROCESSING_INSTRUCTION)

    def _start(self, element: etree._Element, long_values: bool) -> None:
        limits = self._limits
        self._declared = 0
        self._depth += 1
        self._elements += 1
        if self._depth > limits.depth:
            raise XmlRefused(Refusal.TOO_DEEP)
        if self._elements > limits.elements:
            raise XmlRefused(Refusal.TOO_MANY_ELEMENTS)
        tag = element.tag
        if len(tag) > limits.name and len(_local(tag)) + len(element.prefix or "") > limits.name:
            raise XmlRefused(Refusal.NAME_TOO_LONG)
        self._seen.add(tag)
        attributes = len(element.attrib)
        if not attributes:
            return
        self._attributes += attributes
        if attributes > limits.attributes or self._attributes > limits.attributes_total:
            raise XmlRefused(Refusal.TOO_MANY_ATTRIBUTES)
        for name in element.attrib:
            if len(name) > limits.name and len(_local(str(name))) > limits.name:
                raise XmlRefused(Refusal.NAME_TOO_LONG)
            self._seen.add(str(name))
        if long_values and any(len(value) > limits.attribute_value for value in element.attrib.values()):
            raise XmlRefused(Refusal.VALUE_TOO_LONG)


def _local(name: str) -> str:
    """The local part of a Clark name that may be malformed still: the parser tells of that at the end only."""
    return name.rpartition("}")[2]


_longer_text: Final = etree.XPath("boolean(//text()[string-length() > $limit])")


class _Names(threading.local):
    """How many bytes of names foreign documents have left in this thread's dictionary, which libxml2 never empties.

    Exact on the counted way; on the short way one document in sixty-four is looked at and counts for as many. A thread
    that has spent its budget parses in short-lived threads, whose dictionaries go with them: slower, but for ever.
    """

    def __init__(self) -> None:
        self.spent = 0
        self.known: set[str] = set()

    def add(self, names: set[str], weight: int = 1) -> None:
        fresh = names - self.known
        if fresh:
            self.spent += weight * sum(map(len, fresh))
            if len(self.known) + len(fresh) <= _VOCABULARY:
                self.known |= fresh

    def audit(self, root: etree._Element) -> None:
        names = set()
        for element in root.iter(etree.Element):
            names.add(str(element.tag))
            names.update(map(str, element.attrib))
        self.add(names, _AUDIT_EVERY)


_names = _Names()


def _apart(data: bytes, root: int, limits: XmlLimits) -> etree._Element:
    """Parse in a thread of its own and hand the outcome over."""
    outcome: list[etree._Element | BaseException] = []

    def run() -> None:
        try:
            outcome.append(_parse(data, root, limits))
        except BaseException as error:  # handed over, not handled
            outcome.append(error)

    thread = threading.Thread(target=run, name="soap-xml")
    thread.start()
    thread.join()
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result
