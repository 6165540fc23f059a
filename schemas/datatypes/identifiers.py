"""OID, UUID, unique identifiers and URIs (ITI TF-3: 4.2.3.1.3, Table 4.2.3.1.7-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID: Final = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")
_UNIQUE_ID: Final = re.compile(r"[^\s\x00-\x1f]{1,256}")

OID_LENGTH: Final = 64
URI_LENGTH: Final = 256


def is_oid(text: str) -> bool:
    """Whether a text is an OID: arcs without leading zeros, at most 64 characters."""
    return len(text) <= OID_LENGTH and _OID.fullmatch(text) is not None


def is_uuid_urn(text: str) -> bool:
    """Whether a text is `urn:uuid:` and a UUID in lower case."""
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Oid:
    """An ISO object identifier."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Oid:
        if not is_oid(text):
            raise DataTypeError("OID", text, "an OID of at most 64 characters is expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uuid:
    """A UUID as a URN, in lower case."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uuid:
        lowered = text.lower()
        if not is_uuid_urn(lowered):
            raise DataTypeError("UUID", text, "urn:uuid: and a UUID are expected")
        return cls(lowered)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class UniqueId:
    """A globally unique identifier; receivers do not look into it (ITI TF-3: 4.2.3.2.26)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> UniqueId:
        if not _UNIQUE_ID.fullmatch(text):
            raise DataTypeError("Identifier", text, "1 to 256 characters without blanks are expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI of at most 256 characters (ITI TF-3: 4.2.3.2.27)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uri:
        if not text or len(text) > URI_LENGTH or any(c.isspace() for c in text):
            raise DataTypeError("URI", text, "1 to 256 characters without blanks are expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Sha1Hash:
    """A SHA-1 as 40 hexadecimal digits, equal whatever their case (ITI TF-3: 4.2.3.2.10)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Sha1Hash:
        if not _SHA1.fullmatch(text):
            raise DataTypeError("SHA1", text, "40 hexadecimal digits are expected")
        return cls(text)

    def __str__(self) -> str:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sha1Hash) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())
