"""Organizations (ITI TF-3: Table 4.2.3.1.7-2, XON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import Composite, authority_oid, escape, is_oid, join_components, split_components

# IHE names 1, 6 and 10. 7, the type of the identifier, is HL7's own and national profiles fill it (CI-SIS: IDNST).
_ALLOWED: Final = frozenset({1, 6, 7, 10})


@dataclass(frozen=True, slots=True)
class Xon(Composite):
    """An organization: its name, its identifier, and who assigned that when it is no OID."""

    @classmethod
    def parse(cls, text: str) -> Xon:
        """Raises DataTypeError."""
        parts = split_components("XON", text)
        if not parts[0]:
            raise DataTypeError("XON", text, "component 1, the name of the organization, is required")
        if len(parts) > 1:
            for number, part in enumerate(parts, 1):
                if part and number not in _ALLOWED:
                    raise DataTypeError("XON", text, f"component {number} is not allowed")
            authority = parts[5] if len(parts) > 5 else ""
            if authority:
                authority_oid("XON", text, authority, "XON.6")
            elif len(parts) > 9 and not is_oid(parts[9]):
                raise DataTypeError("XON", text, "XON.6 is required when XON.10 is not an OID")
        return cls(parts, text)

    @classmethod
    def of(cls, name: str, *, identifier: str = "", authority: str = "", identifier_type: str = "") -> Xon:
        """An organization from plain texts and an authority that is an OID; raises DataTypeError as `parse` does."""
        hd = f"&{authority}&ISO" if authority else ""
        _, text = join_components(escape(name), "", "", "", "", hd, escape(identifier_type), "", "", escape(identifier))
        return cls.parse(text)

    @property
    def name(self) -> str:
        """XON.1"""
        return self.leaf(1)

    @property
    def assigning_authority(self) -> str | None:
        """The OID of XON.6"""
        return self.authority(6)

    @property
    def identifier_type(self) -> str:
        """XON.7"""
        return self.leaf(7)

    @property
    def identifier(self) -> str:
        """XON.10"""
        return self.leaf(10)
