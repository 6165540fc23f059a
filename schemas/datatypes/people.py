"""Identifiers of patients and references, names of people and organisations, addresses (ITI TF-3: Table 4.2.3.1.7-2).

Each type keeps the text it was read from, so that what a sender wrote is what receivers get.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError, at, components, subcomponents, unescape
from schemas.datatypes.identifiers import is_oid

_INFO: Final = re.compile(r"PID-([0-9]{1,2})\|(.*)", re.DOTALL)


def _authority(component: str) -> str | None:
    """The OID of an assigning authority written `&OID&ISO`; None when it is anything else."""
    parts = subcomponents(component)
    if len(parts) == 3 and parts[2] == "ISO" and is_oid(parts[1]):
        return parts[1]
    return None


@dataclass(frozen=True, slots=True)
class Cx:
    """An identifier of a patient: `id^^^&OID&ISO`, components 1 and 4 only."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Cx:
        parts = components(text)
        if len(parts) != 4 or parts[1] or parts[2] or not parts[0].strip():
            raise DataTypeError("CX", text, "an identifier of the form id^^^&OID&ISO is expected")
        if _authority(parts[3]) is None or not parts[3].startswith("&"):
            raise DataTypeError("CX", text, "the assigning authority is written &OID&ISO")
        return cls(text)

    @classmethod
    def of(cls, identifier: str, authority: str) -> Cx:
        """The identifier that an authority (an OID) assigned."""
        return cls.parse(f"{identifier}^^^&{authority}&ISO")

    @property
    def id(self) -> str:
        return unescape(self.value.split("^", 1)[0])

    @property
    def authority(self) -> str:
        """OID of the assigning authority."""
        return self.value.split("^")[3].split("&")[1]

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Cxi:
    """A reference to something outside the registry: `id^^^authority^type`."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Cxi:
        parts = components(text)
        if not at(parts, 1) or at(parts, 2) or at(parts, 3) or not at(parts, 5) or len(parts) > 6:
            raise DataTypeError("CXi", text, "a reference of the form id^^^authority^type is expected")
        return cls(text)

    @property
    def id(self) -> str:
        return unescape(self.value.split("^", 1)[0])

    @property
    def type_code(self) -> str:
        """Identifier type code, such as `urn:ihe:iti:xds:2013:accession`."""
        return at(components(self.value), 5)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Xcn:
    """A person, by identifier or by name."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Xcn:
        parts = components(text)
        if not at(parts, 1).strip() and not at(parts, 2).strip():
            raise DataTypeError("XCN", text, "an identifier or a last name is needed")
        # Without an identifier there is nothing that an authority could have assigned.
        if at(parts, 1) and at(parts, 9) and _authority(at(parts, 9)) is None:
            raise DataTypeError("XCN", text, "the assigning authority is written &OID&ISO")
        return cls(text)

    @property
    def id(self) -> str:
        return unescape(at(components(self.value), 1))

    @property
    def family_name(self) -> str:
        return unescape(at(components(self.value), 2))

    @property
    def given_name(self) -> str:
        return unescape(at(components(self.value), 3))

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Xon:
    """An organisation: its name, and its identifier when it has one."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Xon:
        parts = components(text)
        if not at(parts, 1).strip():
            raise DataTypeError("XON", text, "the name of the organisation is needed")
        identifier = at(parts, 10)
        if identifier and not is_oid(identifier) and _authority(at(parts, 6)) is None:
            raise DataTypeError("XON", text, "an identifier that is no OID needs its authority as &OID&ISO")
        return cls(text)

    @property
    def name(self) -> str:
        return unescape(at(components(self.value), 1))

    @property
    def id(self) -> str:
        return unescape(at(components(self.value), 10))

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Xtn:
    """A telecommunication address: e-mail or telephone."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Xtn:
        parts = components(text)
        if not any(part.strip() for part in parts):
            raise DataTypeError("XTN", text, "an address is needed")
        if at(parts, 3) == "Internet" and not at(parts, 4):
            raise DataTypeError("XTN", text, "an e-mail address is written ^^Internet^address")
        return cls(text)

    @property
    def email(self) -> str | None:
        """The e-mail address, when it is one."""
        parts = components(self.value)
        return unescape(at(parts, 4)) or None

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class RecipientValue:
    """For whom a submission is meant: `XON|XCN|XTN`, at least one of them (ITI TF-3: 4.2.3.3.7)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> RecipientValue:
        parts = text.split("|")
        if len(parts) > 3 or not any(parts):
            raise DataTypeError("intendedRecipient", text, "organisation|person|address is expected")
        for part, reader in zip(parts, (Xon.parse, Xcn.parse, Xtn.parse), strict=False):
            if part:
                reader(part)
        return cls(text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SourcePatientInfoItem:
    """A demographic item as the source knew it: `PID-n|value` (ITI TF-3: 4.2.3.2.23)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> SourcePatientInfoItem:
        match = _INFO.fullmatch(text)
        if match is None or not 1 <= int(match[1]) <= 39:
            raise DataTypeError("sourcePatientInfo", text, "PID-n|value is expected")
        return cls(text)

    @property
    def field(self) -> int:
        """n of PID-n."""
        return int(self.value[4:].split("|", 1)[0])

    @property
    def content(self) -> str:
        return self.value.split("|", 1)[1]

    def __str__(self) -> str:
        return self.value
