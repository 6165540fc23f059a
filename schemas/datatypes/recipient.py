"""For whom a submission is meant (ITI TF-3: 4.2.3.3.7)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.organization import Xon
from schemas.datatypes.person import Xcn
from schemas.datatypes.telecom import Xtn


@dataclass(frozen=True, slots=True)
class RecipientValue:
    """An organization, a person, a telecommunication address, at least one: `XON|XCN|XTN`."""

    organization: Xon | None = None
    person: Xcn | None = None
    telecom: Xtn | None = None

    @classmethod
    def parse(cls, text: str) -> RecipientValue:
        """Raises DataTypeError, of this type or of the part that is wrong."""
        parts = [part if part.strip("^&") else "" for part in text.split("|")]
        while parts and not parts[-1]:
            parts.pop()
        if not parts:
            raise DataTypeError("intendedRecipient", text, "an organization, a person or an address is needed")
        if len(parts) > 3:
            raise DataTypeError("intendedRecipient", text, "XON|XCN|XTN is expected")
        organization, person, telecom = parts + [""] * (3 - len(parts))
        return cls(
            Xon.parse(organization) if organization else None,
            Xcn.parse(person) if person else None,
            Xtn.parse(telecom) if telecom else None,
        )

    def __str__(self) -> str:
        parts = (self.organization, self.person, self.telecom)
        return "|".join("" if part is None else str(part) for part in parts).rstrip("|")
