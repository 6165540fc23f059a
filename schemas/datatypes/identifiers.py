"""OID, UUID, unique identifiers, URIs and hashes (ITI TF-3: 4.2.3.1.3, Table 4.2.3.1.7-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_UUID: Final = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")
_SHAPELESS: Final = re.compile(r"[\s\x00-\x1f\x7f]")

OID_LENGTH: Final = 64
UNIQUE_ID_LENGTH: Final = 256  # ebRIM LongName: what an ExternalIdentifier can hold
URI_LENGTH: Final = 256
_SHA1_LENGTH: Final = 40


def is_oid(text: str) -> bool:
    """Whether a text is an OID: arcs without leading zeros, at most 64 characters."""
    return len(text) <= OID_LENGTH and _OID.fullmatch(text) is not None


def is_uuid_urn(text: str) -> bool:
    """Whether a text is `urn:uuid:` and a UUID in lower case."""
    return _UUID.fullmatch(text) is not None


def oid_fault(text: str) -> str | None:
    """Why a text is no OID, None when it is one."""
    if is_oid(text):
        return None
    arcs = text.split(".")
    faults = (
        (not text, "an OID is expected, nothing is given"),
        (len(text) > OID_LENGTH, f"an OID has at most {OID_LENGTH} characters, {len(text)} are given"),
        (not all(arc.isascii() and (arc.isdigit() or not arc) for arc in arcs), "an OID holds digits and dots only"),
        (len(arcs) < 2, "an OID has at least two arcs, separated by dots"),
        ("" in arcs, "an arc of the OID is empty"),
        (arcs[0] not in ("0", "1", "2"), "the first arc of an OID is 0, 1 or 2"),
    )
    return next((reason for holds, reason in faults if holds), "an arc of the OID has a leading zero")


def _bounded(type_name: str, text: str, limit: int) -> None:
    """Refuse texts that are empty, too long, or hold blanks or control characters."""
    if not text:
        raise DataTypeError(type_name, text, "is empty")
    if len(text) > limit:
        raise DataTypeError(type_name, text, f"has {len(text)} characters, more than {limit}")
    if _SHAPELESS.search(text):
        raise DataTypeError(type_name, text, "holds a blank or a control character")


@dataclass(frozen=True, slots=True)
class Oid:
    """An ISO object identifier."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Oid:
        fault = oid_fault(text)
        if fault is not None:
            raise DataTypeError("OID", text, fault)
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uuid:
    """A UUID as a URN. The standard writes it in lower case; one in upper case is the same (RFC 4122, 3)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uuid:
        if not is_uuid_urn(text.lower()):
            lacking = "the hexadecimal groups 8-4-4-4-12 are expected after urn:uuid:"
            prefixed = text.lower().startswith("urn:uuid:")
            raise DataTypeError("UUID", text, lacking if prefixed else "a UUID is written urn:uuid: and the UUID")
        return cls(text)

    def __str__(self) -> str:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uuid) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())


@dataclass(frozen=True, slots=True)
class UniqueId:
    """A globally unique identifier; receivers do not look into it (ITI TF-3: 4.2.3.2.26)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> UniqueId:
        _bounded("Identifier", text, UNIQUE_ID_LENGTH)
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI of at most 256 characters (ITI TF-3: 4.2.3.2.27)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uri:
        _bounded("URI", text, URI_LENGTH)
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Sha1Hash:
    """A SHA-1 as 40 hexadecimal digits, equal whatever their case (ITI TF-3: 4.2.3.2.10)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Sha1Hash:
        if len(text) != _SHA1_LENGTH:
            reason = f"a SHA-1 has {_SHA1_LENGTH} hexadecimal digits, {len(text)} characters are given"
            raise DataTypeError("SHA1", text, reason)
        if not _SHA1.fullmatch(text):
            raise DataTypeError("SHA1", text, "a SHA-1 holds hexadecimal digits only")
        return cls(text)

    def __str__(self) -> str:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sha1Hash) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())
