"""A submission set as its signature sees it: an identifier, authors, documents with their octets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes
from lxml import etree

from card_auth.dsg.vocabulary import Canonicalization

#: The hardened parser of documents: gives the root element, or raises whatever a document is refused with.
Parse = Callable[[bytes], etree._Element]

#: Octets of an XML document that is brought into canonical form: all of it is in memory then, several times over.
LARGEST_XML: Final = 12_000_000
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})


class Content(Protocol):
    """The octets of a document, wherever they are."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def sha256(self) -> str:
        """Their SHA-256, hex."""

    def chunks(self) -> Iterator[bytes]:
        """They themselves, from the start."""


class Octets:
    """Octets in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._data)

    @property
    def sha256(self) -> str:
        """Their SHA-256, hex."""
        return hashlib.sha256(self._data).hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """They themselves."""
        yield self._data


class NotCanonical(Exception):
    """A document has no canonical form here: it is too large, not XML, or holds what is not read."""


@dataclass(frozen=True, slots=True)
class SetDocument:
    """One document of a set."""

    unique_id: str
    mime_type: str
    content: Content = field(repr=False)

    @property
    def is_xml(self) -> bool:
        """Whether it may be signed in canonical form."""
        mime_type = self.mime_type.partition(";")[0].strip().lower()
        return mime_type in _XML_TYPES or mime_type.endswith("+xml")

    def digest(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """The digest of its octets."""
        if isinstance(algorithm, hashes.SHA256):
            return bytes.fromhex(self.content.sha256)
        context = hashes.Hash(algorithm)
        for piece in self.content.chunks():
            context.update(piece)
        return context.finalize()

    def canonical_digest(
        self, algorithm: hashes.HashAlgorithm, method: Canonicalization, parse: Parse, *, largest: int = LARGEST_XML
    ) -> bytes:
        """The digest of its canonical form (Canonical XML 1.0: 2.1; the whole document). Raises NotCanonical."""
        if self.content.size > largest:
            raise NotCanonical(f"{self.content.size} octets, more than {largest}")
        context = hashes.Hash(algorithm)
        try:
            root = parse(b"".join(self.content.chunks()))
            context.update(
                etree.tostring(
                    root.getroottree(), method="c14n", exclusive=method.exclusive, with_comments=method.comments
                )
            )
        except Exception as error:  # whatever the parser refuses with; its reason, never its words, which may quote
            raise NotCanonical(str(getattr(error, "reason", "")) or type(error).__name__) from None
        return context.finalize()


@dataclass(frozen=True, slots=True)
class SetAuthor:
    """An author of the set: the identifiers of authorPerson and of authorInstitution."""

    person_id: str = ""
    structure_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedSet:
    """A submission set and all its documents but the signature."""

    unique_id: str
    documents: tuple[SetDocument, ...]
    authors: tuple[SetAuthor, ...] = ()
