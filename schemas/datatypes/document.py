"""What a document is: its language, its media type, its hash (ITI TF-3: Table 4.2.3.1.7-2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.error import DataTypeError

# RFC 5646, 2.1, with the grandfathered tags that do not follow the general syntax. Matched without regard to case.
_LANGUAGE: Final = re.compile(
    r"""
      (?: [a-z]{2,3} (?:-[a-z]{3}){0,3} | [a-z]{4,8} )          # language, extended language
      (?: -[a-z]{4} )?                                          # script
      (?: -(?:[a-z]{2}|[0-9]{3}) )?                             # region
      (?: -(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}) )*                # variants
      (?: -[0-9a-wyz](?:-[a-z0-9]{2,8})+ )*                     # extensions
      (?: -x(?:-[a-z0-9]{1,8})+ )?                              # private use
    | x(?:-[a-z0-9]{1,8})+
    | en-GB-oed | i-ami | i-bnn | i-default | i-enochian | i-hak | i-klingon | i-lux | i-mingo | i-navajo | i-pwn
    | i-tao | i-tay | i-tsu | sgn-BE-FR | sgn-BE-NL | sgn-CH-DE
    """,
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 2045, 5.1
_STRING: Final = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
_MIME: Final = re.compile(rf"({_NAME}/{_NAME})((?:[ \t]*;[ \t]*{_NAME}=(?:{_NAME}|{_STRING}))*)")
_MIME_LENGTH: Final = 256  # rim.xsd LongName

_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True, eq=False)
class LanguageTag:
    """A language as RFC 5646 names it; tags that differ in case only are equal (RFC 5646, 2.1.1)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> LanguageTag:
        """Raises DataTypeError. Whether the subtags are registered is not looked at."""
        if _LANGUAGE.fullmatch(text):
            return cls(text)
        raise DataTypeError("languageCode", text, "is not a language tag of RFC 5646, such as fr-FR")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LanguageTag) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class MimeType:
    """A media type with its parameters; the names of type and subtype are compared without case (RFC 2045, 5.1)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> MimeType:
        """Raises DataTypeError."""
        if len(text) > _MIME_LENGTH:
            raise DataTypeError("MIME Type", text, f"has {len(text)} characters, more than {_MIME_LENGTH}")
        if _MIME.fullmatch(text):
            return cls(text)
        raise DataTypeError("MIME Type", text, "is not a media type of RFC 2046, such as text/xml")

    @property
    def essence(self) -> str:
        """Type and subtype in lower case, without parameters."""
        return self.value.partition(";")[0].rstrip().lower()

    @property
    def parameters(self) -> str:
        """What follows the subtype, as written, from the first semicolon on."""
        _, semicolon, rest = self.value.partition(";")
        return f"{semicolon}{rest}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MimeType) and self.essence == other.essence and self.parameters == other.parameters

    def __hash__(self) -> int:
        return hash(self.essence)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Sha1Hash:
    """The SHA-1 of a document in hexadecimal; compared without regard to case (XML Schema Part 2: 3.2.15)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Sha1Hash:
        """Raises DataTypeError."""
        if _SHA1.fullmatch(text):
            return cls(text)
        raise DataTypeError("SHA1", text, "40 hexadecimal digits are expected")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sha1Hash) and self.value.lower() == other.value.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())

    def __str__(self) -> str:
        return self.value
