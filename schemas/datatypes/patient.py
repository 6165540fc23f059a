"""Patients in metadata: their identifier, and what the source said of them (ITI TF-3: 4.2.3.2.16, 4.2.3.2.22-23)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import LEAF, OID, OID_LENGTH, REPEATED_FIELD, escape, unescape, why_not_encoded

_CX = re.compile(rf"(?=[^^])({LEAF})\^\^\^&({OID})&ISO")
_LEAF = re.compile(LEAF)
_AUTHORITY = re.compile(rf"&({OID})&ISO")

_ITEM = re.compile(rf"PID-([1-9][0-9]?)\|({REPEATED_FIELD})", re.DOTALL)
_ITEM_FORM = re.compile(r"PID-([1-9][0-9]?)\|(.*)", re.DOTALL)
#: HL7 v2.5: 3.4.2, the fields of the PID segment.
LAST_PID_FIELD: Final = 39


@dataclass(frozen=True, slots=True)
class Cx:
    """An identifier and the authority that assigned it: `id^^^&OID&ISO` (ITI TF-3: Table 4.2.3.1.7-2, CX).

    `id` is the text it means, `authority` an OID.
    """

    id: str
    authority: str

    @classmethod
    def parse(cls, text: str) -> Cx:
        """Raises DataTypeError; components 1 and 4 are required and no other is allowed."""
        match = _CX.fullmatch(text)
        if match is None or len(match[2]) > OID_LENGTH:
            raise DataTypeError("CX", text, _why_no_cx(text))
        return cls(unescape(match[1]), match[2])

    @classmethod
    def parse_leniently(cls, text: str) -> Cx:
        """The same from a CX that says more, as national profiles and HL7 v2 feeds do (`id^^^&OID&ISO^NH`).

        Components 1 and 4 are read; the namespace in component 4 and all that follows it are put aside. Raises
        DataTypeError when components 2 or 3 are filled or the authority is no OID.
        """
        components = text.split("^")
        if len(components) < 4:
            return cls.parse(text)
        authority = "&".join(["", *components[3].rstrip("&").split("&")[1:]])
        return cls.parse("^".join((*components[:3], authority)))

    def __str__(self) -> str:
        return f"{escape(self.id)}^^^&{self.authority}&ISO"


def _why_no_cx(text: str) -> str:
    components = text.split("^")
    if not components[0]:
        return "component 1, the identifier, is empty"
    if not _LEAF.fullmatch(components[0]):
        return why_not_encoded(components[0], "|~&")
    if len(components) < 4 or not components[3]:
        return "component 4, the assigning authority, is missing; id^^^&OID&ISO is expected"
    if len(components) > 4 or components[1] or components[2]:
        return "only components 1 and 4 are allowed; id^^^&OID&ISO is expected"
    return "component 4 must be an assigning authority written &OID&ISO, with an OID of at most 64 characters"


@dataclass(frozen=True, slots=True)
class SourcePatientInfoItem:
    """One field of the source's PID segment: `PID-5|Doe^John` (ITI TF-3: 4.2.3.2.23).

    `field` is its number, `value` its HL7 encoding as received, possibly empty, possibly with repetitions.
    """

    field: int
    value: str

    @classmethod
    def parse(cls, text: str) -> SourcePatientInfoItem:
        """Raises DataTypeError. The value's own data type is not looked at."""
        match = _ITEM.fullmatch(text)
        if match is not None and int(match[1]) <= LAST_PID_FIELD:
            return cls(int(match[1]), match[2])
        form = _ITEM_FORM.fullmatch(text)
        if form is None or int(form[1]) > LAST_PID_FIELD:
            reason = f"PID-n|value is expected, n from 1 to {LAST_PID_FIELD}"
        else:
            reason = why_not_encoded(form[2], "|")
        raise DataTypeError("sourcePatientInfo", text, reason)

    def __str__(self) -> str:
        return f"PID-{self.field}|{self.value}"
