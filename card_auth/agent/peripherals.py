"""The readers as the agent shows them to a page: which slots there are, what is in them, who is on a Vitale card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from card_auth import readers
from card_auth.readers import Presence, kind_in, list_slots, vitale_reader


@dataclass(frozen=True, slots=True)
class Slot:
    """A reader's slot and the card in it."""

    reader: str
    card: str | None  # its kind, or `mute`, or `card` when it cannot be told now; None: empty

    def as_json(self) -> dict[str, object]:
        """For the page."""
        return {"reader": self.reader, "card": self.card}


@dataclass(frozen=True, slots=True)
class Identity:
    """A person on a Vitale card. The page needs it to find the record; it is written nowhere here."""

    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    birth_date: str = field(repr=False)  # YYYYMMDD as on the card: month and day may be 00
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


class PcscPeripherals:
    """The readers of this computer, and what it brings to read Vitale cards with."""

    def slots(self) -> tuple[Slot, ...]:
        """Every slot of every reader. Raises SupportMissing, ServiceUnavailable."""
        return tuple(Slot(slot.name, _content(slot)) for slot in list_slots())

    def vitale(self) -> tuple[Identity, ...]:
        """Who is on the Vitale card that is in a reader. Raises as VitaleReader says."""
        return tuple(
            Identity(one.family_name, one.given_name, one.birth_date, None if one.nir is None else str(one.nir))
            for one in vitale_reader().read().beneficiaries
        )


def _content(slot: readers.Slot) -> str | None:
    if slot.presence is Presence.EMPTY:
        return None
    kind = kind_in(slot)
    return slot.presence.value if kind is None else kind.value
