"""Identifiers without inner structure: OID, UUID, uniqueId, URI (ITI TF-3: Table 4.2.3.1.7-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import OID, OID_LENGTH

#: What every UUID starts with; an id that does not is a symbolic id (ITI TF-3: 4.2.3.1.5).
UUID_URN: Final = "urn:uuid:"

#: rim.xsd LongName, the type of ExternalIdentifier/@value and of DocumentUniqueId in ITI-43, in characters.
UNIQUE_ID_LENGTH: Final = 256
#: ITI TF-3: 4.2.3.2.27
URI_LENGTH: Final = 256

_OID = re.compile(OID)
_OID_CHARACTERS = re.compile(r"[0-9.]*")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OPAQUE = re.compile(r"[^\x00-\x1f\x7f]+")
# The characters of RFC 3986, 2; the URI of a document in a directory is relative.
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Oid:
    """An ISO object identifier of at least two arcs and at most 64 characters."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Oid:
        """Raises DataTypeError."""
        if len(text) <= OID_LENGTH and _OID.fullmatch(text):
            return cls(text)
        raise DataTypeError("OID", text, _why_no_oid(text))

    def __str__(self) -> str:
        return self.value


def _why_no_oid(text: str) -> str:
    if len(text) > OID_LENGTH:
        return f"has {len(text)} characters, more than {OID_LENGTH}"
    if not text:
        return "is empty"
    if not _OID_CHARACTERS.fullmatch(text):
        return "only digits and dots are allowed"
    arcs = text.split(".")
    if len(arcs) < 2 or not all(arcs):
        return "at least two integers separated by single dots are needed"
    if any(len(arc) > 1 and arc.startswith("0") for arc in arcs):
        return "an arc has a leading zero"
    return "the first arc must be 0, 1 or 2"


@dataclass(frozen=True, slots=True)
class Uuid:
    """A UUID in URN form, in lower case (ITI TF-3: 4.2.3.1.5)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uuid:
        """Raises DataTypeError."""
        if _UUID.fullmatch(text):
            return cls(text)
        if not text.startswith(UUID_URN):
            reason = "must start with urn:uuid:"
        elif _UUID.fullmatch(text.lower()):
            reason = "hexadecimal digits must be in lower case"
        else:
            reason = "urn:uuid: is followed by 8-4-4-4-12 hexadecimal digits"
        raise DataTypeError("UUID", text, reason)

    def __str__(self) -> str:
        return self.value


def is_uuid_urn(text: str) -> bool:
    """Whether a text is a UUID in the form that `Uuid.parse` takes."""
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class UniqueId:
    """A globally unique identifier of any format: OID, `root^extension`, UUID, URI (ITI TF-3: 4.2.3.2.26).

    To everybody but the creator it is an opaque string, compared character by character.
    """

    value: str

    @classmethod
    def parse(cls, text: str) -> UniqueId:
        """Raises DataTypeError."""
        if len(text) <= UNIQUE_ID_LENGTH and _OPAQUE.fullmatch(text) and not text.isspace():
            return cls(text)
        if len(text) > UNIQUE_ID_LENGTH:
            reason = f"has {len(text)} characters, more than {UNIQUE_ID_LENGTH}"
        elif not text or text.isspace():
            reason = "is empty"
        else:
            reason = "control characters are not allowed"
        raise DataTypeError("Identifier", text, reason)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, absolute or relative, of at most 256 characters (ITI TF-3: 4.2.3.2.27)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Raises DataTypeError."""
        if len(text) <= URI_LENGTH and _URI.fullmatch(text):
            return cls(text)
        if len(text) > URI_LENGTH:
            reason = f"has {len(text)} characters, more than {URI_LENGTH}"
        elif not text:
            reason = "is empty"
        else:
            reason = "holds a character that RFC 3986 wants percent-encoded"
        raise DataTypeError("URI", text, reason)

    def __str__(self) -> str:
        return self.value
