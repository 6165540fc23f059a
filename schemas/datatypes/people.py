"""Identifiers of patients and references, names of people and organisations, addresses (ITI TF-3: Table 4.2.3.1.7-2).

Each type keeps the text it was read from, so that what a sender wrote is what receivers get.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.hl7 import DataTypeError, at, components, subcomponents, unescape
from schemas.datatypes.identifiers import is_oid, oid_fault

_CX_COMPONENTS: Final = frozenset({1, 4})
_CXI_COMPONENTS: Final = frozenset({1, 4, 5, 6})
#: where senders write an address: a number in the form before HL7 V2.3, e-mail, local number, number as one text
_XTN_ADDRESSES: Final = (1, 4, 7, 12)
_PID_FIELDS: Final = 39
_INFO: Final = re.compile(r"PID-([0-9]{1,2})\|(.*)", re.DOTALL)


def _authority_fault(component: str) -> str | None:
    """Why a component is no assigning authority written `&OID&ISO`, None when it is one."""
    parts = subcomponents(component)
    if at(parts, 1):
        return "its first sub-component is left empty: &OID&ISO"
    fault = oid_fault(at(parts, 2))
    if fault is not None:
        return f"its second sub-component is no OID: {fault}"
    if at(parts, 3) != "ISO":
        return "its third sub-component is ISO: &OID&ISO"
    if len(parts) > 3:
        return "it has three sub-components: &OID&ISO"
    return None


def _allow_only(type_name: str, text: str, parts: list[str], allowed: frozenset[int]) -> None:
    """Refuse a value in a component that the standard wants empty."""
    for number, part in enumerate(parts, start=1):
        if part and number not in allowed:
            raise DataTypeError(type_name, text, f"component {number} is left empty")


@dataclass(frozen=True, slots=True)
class Cx:
    """An identifier of a patient: `id^^^&OID&ISO`, components 1 and 4 only."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Cx:
        parts = components(text)
        if not parts[0].strip():
            raise DataTypeError("CX", text, "component 1, the identifier, is missing: id^^^&OID&ISO")
        _allow_only("CX", text, parts, _CX_COMPONENTS)
        if not at(parts, 4):
            raise DataTypeError("CX", text, "component 4, the assigning authority, is missing: id^^^&OID&ISO")
        fault = _authority_fault(parts[3])
        if fault is not None:
            raise DataTypeError("CX", text, f"component 4, the assigning authority: {fault}")
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
    """A reference to something outside the registry: `id^^^authority^type`, perhaps with a home community after it."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Cxi:
        parts = components(text)
        if not parts[0].strip():
            raise DataTypeError("CXi", text, "component 1, the identifier, is missing: id^^^authority^type")
        _allow_only("CXi", text, parts, _CXI_COMPONENTS)
        if not at(parts, 5).strip():
            raise DataTypeError("CXi", text, "component 5, the type of the identifier, is missing: id^^^authority^type")
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
            reason = "component 1, an identifier, or component 2, a last name, is needed"
            raise DataTypeError("XCN", text, reason)
        # Without an identifier there is nothing that an authority could have assigned.
        fault = _authority_fault(at(parts, 9)) if at(parts, 1) and at(parts, 9) else None
        if fault is not None:
            raise DataTypeError("XCN", text, f"component 9, the assigning authority: {fault}")
        return cls(text)

    @property
    def id(self) -> str:
        return unescape(at(components(self.value), 1))

    @property
    def authority(self) -> str:
        """Who assigned the identifier, as it is written: `&OID&ISO`."""
        return at(components(self.value), 9)

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
            raise DataTypeError("XON", text, "component 1, the name of the organisation, is missing")
        identifier = at(parts, 10)
        if identifier and not is_oid(identifier):
            if not at(parts, 6):
                reason = "component 10, an identifier that is no OID, needs its authority in component 6: &OID&ISO"
                raise DataTypeError("XON", text, reason)
            fault = _authority_fault(at(parts, 6))
            if fault is not None:
                raise DataTypeError("XON", text, f"component 6, the assigning authority: {fault}")
        return cls(text)

    @property
    def name(self) -> str:
        return unescape(at(components(self.value), 1))

    @property
    def id(self) -> str:
        return unescape(at(components(self.value), 10))

    @property
    def authority(self) -> str:
        """Who assigned the identifier, as it is written: `&OID&ISO`."""
        return at(components(self.value), 6)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Xtn:
    """A telecommunication address: e-mail or telephone."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Xtn:
        parts = components(text)
        if at(parts, 3) == "Internet" and not at(parts, 4).strip():
            raise DataTypeError("XTN", text, "component 4, the e-mail address, is missing: ^^Internet^address")
        if not any(at(parts, number).strip() for number in _XTN_ADDRESSES):
            reason = "component 7, a local telephone number, or component 4, an e-mail address, is needed"
            raise DataTypeError("XTN", text, reason)
        return cls(text)

    @property
    def email(self) -> str | None:
        """The e-mail address, when it is one."""
        parts = components(self.value)
        return unescape(at(parts, 4)) or None

    def __str__(self) -> str:
        return self.value


_RECIPIENT_PARTS: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    ("the organisation (XON):", Xon.parse),
    ("the person (XCN):", Xcn.parse),
    ("the address (XTN):", Xtn.parse),
)


@dataclass(frozen=True, slots=True)
class RecipientValue:
    """For whom a submission is meant: `XON|XCN|XTN`, at least one of them (ITI TF-3: 4.2.3.3.7)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> RecipientValue:
        parts = text.split("|")
        if not any(parts):
            reason = "organisation|person|address needs at least one of the three"
            raise DataTypeError("intendedRecipient", text, reason)
        if len(parts) > 3:
            reason = f"organisation|person|address has three parts, {len(parts)} are given"
            raise DataTypeError("intendedRecipient", text, reason)
        for part, (name, reader) in zip(parts, _RECIPIENT_PARTS, strict=False):
            if part:
                try:
                    reader(part)
                except DataTypeError as error:
                    raise DataTypeError("intendedRecipient", text, f"{name} {error.reason}") from None
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
        if match is None:
            raise DataTypeError("sourcePatientInfo", text, "an item is written PID-n|value")
        if not 1 <= int(match[1]) <= _PID_FIELDS:
            raise DataTypeError("sourcePatientInfo", text, f"n of PID-n is 1 to {_PID_FIELDS}")
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
