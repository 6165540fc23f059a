"""The content of an ITI-41 request: documents matched with their entries, and the metadata that the repository states.

Everything else in the metadata is the registry's to judge and passes on as it came (ITI TF-2: 3.41.4.1.3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r
from schemas.ebrim.submission import registry_object_list
from schemas.errors import (
    XdsError,
    XdsErrors,
    XDSMissingDocument,
    XDSMissingDocumentMetadata,
    XDSRepositoryDuplicateUniqueIdInMessage,
    XDSRepositoryMetadataError,
)
from soap.parts import BinaryRefused, Spool, SpooledPart, binary_of
from soap.vocabulary import DOCUMENT
from xds_repository.ledger import normal

_SUBMIT: Final = f"{{{v.LCM}}}SubmitObjectsRequest"
#: rim.xsd: the mimeType of an ExtrinsicObject that states none.
_UNSTATED_MIME_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ProvidedDocument:
    """One document of a request: `entry_id` is the id its entry has there, `unique_id` is in NFC."""

    entry_id: str
    unique_id: str
    mime_type: str
    content: SpooledPart


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """A request whose documents and entries match, `request` being its completed SubmitObjectsRequest.

    `digest` is the SHA-256 of what was sent, metadata and bytes, in lower-case hexadecimal: a retry has the same.
    """

    request: etree._Element
    documents: tuple[ProvidedDocument, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose binaries have been read: entries and contents by the id that matches them."""

    request: etree._Element
    entries: Mapping[str, etree._Element]
    contents: Mapping[str, SpooledPart]


def receive(body: etree._Element, parts: Mapping[str, SpooledPart], spool: Spool, held: ExitStack) -> Received:
    """Match each `xdsb:Document` with the entry of its id and read it; inline ones are released by `held`.

    Raises `XdsErrors` with everything that does not match (ITI TF-2: 3.41.4.1.2, 3.41.4.1.3).
    """
    requests = [child for child in r.children(body) if child.tag == _SUBMIT]
    if len(requests) != 1:
        raise XdsErrors((XDSRepositoryMetadataError("a request has exactly one SubmitObjectsRequest"),))
    errors: list[XdsError] = []
    entries = _entries(requests[0], errors)
    elements: dict[str, etree._Element] = {}
    for element in r.children(body):
        if element.tag != DOCUMENT:
            continue
        name = element.get("id", "")
        if name in elements:
            errors.append(XDSRepositoryMetadataError(f"two Documents have the id {name}", location=name or None))
        elif name not in entries:
            errors.append(XDSMissingDocumentMetadata(f"Document {name} has no DocumentEntry", location=name or None))
        elements[name] = element
    for name in entries.keys() - elements.keys():
        errors.append(XDSMissingDocument(f"DocumentEntry {name} has no Document", location=name or None))
    if errors:
        raise XdsErrors(tuple(errors))
    contents: dict[str, SpooledPart] = {}
    for name, element in elements.items():
        try:
            content = binary_of(element, parts, spool)
        except BinaryRefused as refused:
            errors.append(XDSMissingDocument(f"Document {name} cannot be read: {refused.reason}", location=name))
            continue
        if content.content_id is None:
            held.callback(content.release)
            # The text is not needed any more, and may be as long as a message is allowed to be.
            element.text = None
        contents[name] = content
    if errors:
        raise XdsErrors(tuple(errors))
    return Received(requests[0], entries, contents)


def complete(received: Received, repository_unique_id: str) -> DocumentSet:
    """State hash, size and repositoryUniqueId of every entry, and check those that were sent.

    Raises `XdsErrors` with everything that is wrong (ITI TF-2: 3.41.4.1.3).
    """
    digest = _digest(received)
    errors: list[XdsError] = []
    documents: dict[str, ProvidedDocument] = {}
    for name, entry in received.entries.items():
        content = received.contents[name]
        mime_type = entry.get("mimeType") or _UNSTATED_MIME_TYPE
        if len(mime_type) > r.LONG_NAME:
            errors.append(_wrong(name, "mimeType", f"has more than {r.LONG_NAME} characters"))
        if entry.get("objectType") == v.DocumentEntryType.ON_DEMAND:
            errors.append(_wrong(name, "objectType", "an on-demand entry is registered without a document (ITI-61)"))
        unique_id = _unique_id(name, entry, errors)
        if unique_id in documents:
            errors.append(XDSRepositoryDuplicateUniqueIdInMessage(unique_id, location=name))
        documents[unique_id] = ProvidedDocument(name, unique_id, mime_type, content)
        _state(entry, name, "hash", content.sha1, errors)
        _state(entry, name, "size", str(content.size), errors)
        _remove(entry, "repositoryUniqueId")
        _add(entry, "repositoryUniqueId", repository_unique_id)
    if errors:
        raise XdsErrors(tuple(errors))
    received.request.tail = None
    return DocumentSet(received.request, tuple(documents.values()), digest)


def _entries(request: etree._Element, errors: list[XdsError]) -> dict[str, etree._Element]:
    entries: dict[str, etree._Element] = {}
    holder = registry_object_list(request)
    for element in () if holder is None else r.children(holder):
        if element.tag != r.EXTRINSIC_OBJECT:
            continue
        name = element.get("id", "")
        if name in entries:
            errors.append(XDSRepositoryMetadataError(f"two DocumentEntries have the id {name}", location=name or None))
        entries[name] = element
    return entries


def _digest(received: Received) -> str:
    """Over the metadata in canonical form, so that a retry may declare its namespaces elsewhere, and over each hash."""
    metadata = etree.tostring(received.request, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    total = hashlib.sha256(metadata)
    for name, content in sorted(received.contents.items()):
        total.update(f"\0{name}\0{content.sha256}".encode())
    return total.hexdigest()


def _unique_id(name: str, entry: etree._Element, errors: list[XdsError]) -> str:
    values = [
        child.get("value", "").strip()
        for child in entry
        if child.tag == r.EXTERNAL_IDENTIFIER and child.get("identificationScheme") == v.DOCUMENT_ENTRY_UNIQUE_ID
    ]
    if len(values) != 1 or not values[0]:
        errors.append(_wrong(name, "uniqueId", "is required, once"))
        return f"\0{name}"
    unique_id = normal(values[0])
    if len(unique_id) > r.LONG_NAME:
        errors.append(_wrong(name, "uniqueId", f"has more than {r.LONG_NAME} characters"))
    return unique_id


def _state(entry: etree._Element, name: str, slot: str, actual: str, errors: list[XdsError]) -> None:
    """Compare what the sender says of its document with the bytes, or say it where the sender does not."""
    sent = [
        (value.text or "").strip()
        for child in entry
        if child.tag == r.SLOT and child.get("name") == slot
        for value in child.iter(r.VALUE)
    ]
    if not any(sent):
        _remove(entry, slot)
        _add(entry, slot, actual)
        return
    for value in sent:
        if value and not _same(slot, value, actual):
            errors.append(_wrong(name, slot, f"{value[: r.LONG_NAME]!r} is not that of the document, {actual}"))


def _same(slot: str, sent: str, actual: str) -> bool:
    if slot == "hash":
        return sent.lower() == actual
    return sent.isascii() and sent.isdigit() and len(sent) <= 18 and int(sent) == int(actual)


def _remove(entry: etree._Element, slot: str) -> None:
    for child in [c for c in entry if c.tag == r.SLOT and c.get("name") == slot]:
        entry.remove(child)


def _add(entry: etree._Element, slot: str, value: str) -> None:
    # Slots come first in an ExtrinsicObject (rim.xsd).
    element = etree.Element(r.SLOT, {"name": slot})
    etree.SubElement(etree.SubElement(element, r.VALUE_LIST), r.VALUE).text = value
    entry.insert(0, element)


def _wrong(name: str, attribute: str, reason: str) -> XdsError:
    return XDSRepositoryMetadataError(f"{name} {attribute}: {reason}", location=name or None)
