"""The readers as the agent shows them to a page: which slots there are, what is in them, who is on a Vitale card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Slot:
    """A reader's slot and the card in it."""

    reader: str
    card: str | None  # its kind; None: empty

    def as_json(self) -> dict[str, object]:
        """For the page."""
        return {"reader": self.reader, "card": self.card}


@dataclass(frozen=True, slots=True)
class Identity:
    """A person on a Vitale card. The page needs it to find the record; it is written nowhere here."""

    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    birth_date: str | None = field(repr=False)  # YYYY-MM-DD, or as the card has it where that is no date
    nir: str | None = field(repr=False)  # dependants may have none of their own

    def as_json(self) -> dict[str, object]:
        """For the page."""
        return {
            "family_name": self.family_name,
            "given_name": self.given_name,
            "birth_date": self.birth_date,
            "nir": self.nir,
        }


class Peripherals(Protocol):
    """What the workstation's readers can tell. Raises the errors of card_auth.errors."""

    def slots(self) -> tuple[Slot, ...]:
        """Every slot of every reader."""

    def vitale(self) -> tuple[Identity, ...]:
        """Who is on the Vitale card that is in a reader."""
