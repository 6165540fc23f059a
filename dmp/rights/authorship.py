"""Whose a document is: who is named as its author, as far as a national authority gave them their identifier."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from dmp.rights.actors import STRUCTURES
from schemas.metadata import Author

_STRUCTURES: Final = f"&{STRUCTURES}&ISO"


def persons(authors: Iterable[Author]) -> tuple[str, ...]:
    """The persons among authors, `id^^^&OID&ISO`, each once; whom nobody gave an identifier is nobody."""
    named = (author.person for author in authors if author.person is not None)
    return _usable(f"{person.id}^^^{person.authority}" for person in named if person.id and person.authority)


def structures(authors: Iterable[Author]) -> tuple[str, ...]:
    """The institutions of authors that have a Struct_IdNat, each once."""
    institutions = (institution for author in authors for institution in author.institutions)
    return _usable(each.id for each in institutions if each.id and each.authority == _STRUCTURES)


def _usable(identifiers: Iterable[str]) -> tuple[str, ...]:
    """In Unicode NFC, and only what cannot stand for two lines of text."""
    return tuple(dict.fromkeys(_printable(identifiers)))


def _printable(identifiers: Iterable[str]) -> Iterator[str]:
    for identifier in identifiers:
        text = unicodedata.normalize("NFC", identifier)
        if text.isprintable():
            yield text
