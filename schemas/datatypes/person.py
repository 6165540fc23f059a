"""Persons and software agents (ITI TF-3: Table 4.2.3.1.7-2, XCN)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import Composite, authority_oid, escape, join_components, split_components

#: HL7 v2.5: 2.A.86
LAST_COMPONENT = 23


@dataclass(frozen=True, slots=True)
class Xcn(Composite):
    """A person or a software agent: identifier, names, authority that assigned the identifier.

    Delimiters at the end say nothing: `^Welby^Marcus^^^` equals `^Welby^Marcus`.
    """

    @classmethod
    def parse(cls, text: str) -> Xcn:
        """Raises DataTypeError; an identifier or a last name is needed, and XCN.9 must be `&OID&ISO` when present."""
        parts = split_components("XCN", text)
        if not parts[0] and (len(parts) < 2 or not parts[1]):
            raise DataTypeError("XCN", text, "an identifier or a last name is needed")
        if len(parts) > LAST_COMPONENT:
            raise DataTypeError("XCN", text, f"has more than {LAST_COMPONENT} components")
        if len(parts) >= 9 and parts[8]:
            authority_oid("XCN", text, parts[8], "XCN.9")
        return cls(parts, text)

    @classmethod
    def of(
        cls,
        *,
        identifier: str = "",
        last_name: str = "",
        first_name: str = "",
        further_names: str = "",
        suffix: str = "",
        prefix: str = "",
        authority: str = "",
    ) -> Xcn:
        """A person from plain texts and an authority that is an OID; raises DataTypeError as `parse` does."""
        names = map(escape, (identifier, last_name, first_name, further_names, suffix, prefix))
        _, text = join_components(*names, "", "", f"&{authority}&ISO" if authority else "")
        return cls.parse(text)

    @property
    def identifier(self) -> str:
        """XCN.1"""
        return self.leaf(1)

    @property
    def last_name(self) -> str:
        """XCN.2, or the name of a software agent"""
        return self.leaf(2)

    @property
    def first_name(self) -> str:
        """XCN.3"""
        return self.leaf(3)

    @property
    def further_names(self) -> str:
        """XCN.4"""
        return self.leaf(4)

    @property
    def suffix(self) -> str:
        """XCN.5"""
        return self.leaf(5)

    @property
    def prefix(self) -> str:
        """XCN.6"""
        return self.leaf(6)

    @property
    def assigning_authority(self) -> str | None:
        """The OID of XCN.9"""
        return self.authority(9)
