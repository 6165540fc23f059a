"""Telecommunication addresses (ITI TF-3: Table 4.2.3.1.7-2, XTN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import Composite, escape, join_components, split_components

_INTERNET: Final = "Internet"
_PHONE: Final = frozenset({2, 3, 5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class Xtn(Composite):
    """An e-mail address, `^NET^Internet^name@example.org`, or a phone number, `^PRS^PH^^^^+33 1 23 45 67 89`."""

    @classmethod
    def parse(cls, text: str) -> Xtn:
        """Raises DataTypeError."""
        parts = split_components("XTN", text)
        if len(parts) < 3 or not parts[2]:
            raise DataTypeError("XTN", text, "component 3, the type of the address, is required")
        if parts[2] == _INTERNET:
            _check_email(text, parts)
        else:
            _check_phone(text, parts)
        return cls(parts, text)

    @classmethod
    def of_email(cls, address: str) -> Xtn:
        """An e-mail address; raises DataTypeError when it is empty."""
        _, text = join_components("", "NET", _INTERNET, escape(address))
        return cls.parse(text)

    @classmethod
    def of_phone(cls, number: str, *, use: str = "", equipment: str = "PH") -> Xtn:
        """A phone number in ITU E.123 notation; `use` and `equipment` are codes of HL7 tables 0201 and 0202."""
        _, text = join_components("", escape(use), escape(equipment), "", "", "", escape(number))
        return cls.parse(text)

    @property
    def email(self) -> str | None:
        """The e-mail address, None for a phone number."""
        return self.leaf(4) if self.raw(3) == _INTERNET else None

    @property
    def phone(self) -> str | None:
        """Country code, area code, number and extension as they are given, None for an e-mail address."""
        if self.raw(3) == _INTERNET:
            return None
        return " ".join(part for part in map(self.leaf, (5, 6, 7, 8)) if part)


def _check_email(text: str, parts: tuple[str, ...]) -> None:
    if parts[0] or len(parts) > 4:
        raise DataTypeError("XTN", text, "an e-mail address has components 2, 3 and 4 only")
    if len(parts) < 4:
        raise DataTypeError("XTN", text, "component 4, the e-mail address, is required")
    if parts[1] not in ("", "NET"):
        raise DataTypeError("XTN", text, "component 2 of an e-mail address is NET or empty")


def _check_phone(text: str, parts: tuple[str, ...]) -> None:
    for number, part in enumerate(parts, 1):
        if part and number not in _PHONE:
            raise DataTypeError("XTN", text, f"component {number} is not allowed in a phone number")
    if len(parts) < 7 or not parts[6]:
        raise DataTypeError("XTN", text, "component 7, the subscriber number, is required")
